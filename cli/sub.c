/* natter sub: subscribe, and print what comes. */
#include "cli/connection.h"
#include "cli/listen.h"
#include "cli/outgoing.h"
#include "cli/output.h"

#include <assert.h>

struct sub_options {
    struct command_common common;
    const char *subject;
    const char *queue;
    uint32_t count;
    int64_t timeout_ms;
};
static_assert(offsetof(struct sub_options, common) == 0, "common comes first");

static bool print(natsMsg *msg, uint64_t number, void *arg)
{
    struct output_message shown = {.msg = msg, .number = number, .rtt_ms = -1};

    (void)arg;
    if (output_message(&shown))
        return true;
    output_explain_failure();
    return false;
}

static enum command_status run(const void *options)
{
    const struct sub_options *o = options;
    struct connection connection;
    enum command_status status;

    if (!output_open(&o->common) ||
        !outgoing_check_subject("subject", o->subject, OUTGOING_TO_SUBSCRIBE) ||
        (o->queue != NULL && !outgoing_check_queue(o->queue)))
        return COMMAND_USAGE;
    status = connection_open(&connection, &o->common, "natter sub", CONNECTION_TO_LISTEN);
    if (status != COMMAND_DONE)
        return status;
    status = listen_run(&connection,
                        &(struct listen_options){.subject = o->subject,
                                                 .queue = o->queue,
                                                 .count = o->count,
                                                 .timeout_ms = o->timeout_ms},
                        print, NULL);
    connection_close(&connection);
    return status;
}

static const struct sub_options defaults; /* nothing is asked for */

#define FIELD(name) offsetof(struct sub_options, name)

static const struct args_option own_options[] = {
    {'q', "queue", "NAME", ARGS_TEXT, 0, FIELD(queue),
     "join a queue group: each message goes to one member"},
    {'n', "count", "N", ARGS_NUMBER, 1, FIELD(count), "end after N messages"},
    {'t', "timeout", "DURATION", ARGS_DURATION, 0, FIELD(timeout_ms), "end after this time"},
};

static const struct args_group own_group = {"Options", own_options,
                                            sizeof own_options / sizeof own_options[0]};

const struct command command_sub = {
    .name = "sub",
    .summary = "subscribe, and print what comes",
    .details =
        "Prints messages until Ctrl-C, --count or --timeout. Says \"listening on SUBJECT\" on\n"
        "standard error once the server has confirmed: from then on nothing is missed.\n"
        "A server that goes is looked for until it is back.\n"
        "\n"
        "Ctrl-C (or SIGTERM) and --timeout end it with status 0, unless --count messages were\n"
        "asked for and have not come. What the server had already sent is printed first.\n",
    .examples = "  natter sub 'orders.*'\n"
                "  natter sub '>' --json | jq -r .subject\n"
                "  natter sub jobs --queue workers --count 10 --raw\n"
                "  natter sub orders.paid --count 1 --timeout 30s || echo nobody paid\n",
    .groups = (const struct args_group *const[]){&own_group, &command_output_group,
                                                 &command_common_group, NULL},
    .operands =
        (const struct args_operand[]){{"SUBJECT", true, FIELD(subject),
                                       "what to listen to: * is one part, > all that follow"},
                                      {.name = NULL}},
    .defaults = &defaults,
    .options_bytes = sizeof(struct sub_options),
    .run = run,
};
