/* natter reply: answer requests. */
#include "cli/connection.h"
#include "cli/listen.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/payload.h"
#include "cli/report.h"

#include <assert.h>
#include <inttypes.h>

struct reply_options {
    struct command_common common;
    const char *subject;
    const char *payload;
    const char *queue;
    struct args_list headers;
    uint32_t count;
    int64_t timeout_ms;
    bool is_echo;
};
static_assert(offsetof(struct reply_options, common) == 0, "common comes first");

/* One connection takes requests and answers them: a server that lets a client answer only what it
 * was asked (allow_responses) knows it by its connection. */
struct responder {
    const struct reply_options *options;
    struct connection connection;
    struct payload payload;
    uint64_t answered_count;
    uint64_t unanswerable_count; /* messages that were no requests */
};

static bool answer(natsMsg *request, uint64_t number, void *arg)
{
    struct responder *r = arg;
    struct outgoing out = {.subject = natsMsg_GetReply(request),
                           .headers = &r->options->headers,
                           .payload = payload_bytes(&r->payload)};
    natsStatus s;

    if (!output_message(&(struct output_message){.msg = request, .number = number, .rtt_ms = -1})) {
        output_explain_failure();
        return false;
    }
    if (out.subject == NULL || *out.subject == '\0') {
        r->unanswerable_count++;
        return true;
    }
    if (r->options->is_echo)
        out.payload = bytes_of(natsMsg_GetData(request), (size_t)natsMsg_GetDataLength(request));
    s = outgoing_publish(r->connection.nats, &out, r->options->is_echo ? request : NULL);
    if (s != NATS_OK) {
        connection_failed(&r->connection, s, "reply");
        return false;
    }
    r->answered_count++;
    return true;
}

static enum command_status respond(struct responder *r)
{
    const struct reply_options *o = r->options;
    enum command_status status =
        connection_open(&r->connection, &o->common, "natter reply", CONNECTION_TO_LISTEN);

    if (status != COMMAND_DONE)
        return status;
    status = listen_run(&r->connection,
                        &(struct listen_options){.subject = o->subject,
                                                 .queue = o->queue,
                                                 .count = o->count,
                                                 .timeout_ms = o->timeout_ms},
                        answer, r);
    if (status == COMMAND_DONE && r->answered_count > 0)
        status = connection_confirm(&r->connection, CONNECTION_TIMEOUT_MS);
    if (r->unanswerable_count > 0) {
        report_error("%" PRIu64 " message%s asked for no reply", r->unanswerable_count,
                     REPORT_PLURAL(r->unanswerable_count));
        if (o->count > 0)
            status = COMMAND_FAILED;
    }
    connection_close(&r->connection);
    return status;
}

static enum command_status run(const void *options)
{
    const struct reply_options *o = options;
    struct responder r = {.options = o};
    enum command_status status;

    if (!output_open(&o->common) ||
        !outgoing_check_subject("subject", o->subject, OUTGOING_TO_SUBSCRIBE) ||
        (o->queue != NULL && !outgoing_check_queue(o->queue)) ||
        !outgoing_check_headers(&o->headers))
        return COMMAND_USAGE;
    if (o->is_echo && o->payload != NULL) {
        report_error("--echo answers with the request: a PAYLOAD cannot be given with it");
        return COMMAND_USAGE;
    }
    if (!o->is_echo && !payload_take(&r.payload, o->payload))
        return COMMAND_FAILED;
    status = respond(&r);
    payload_free(&r.payload);
    return status;
}

static const struct reply_options defaults; /* nothing is asked for */

#define FIELD(name) offsetof(struct reply_options, name)

static const struct args_option own_options[] = {
    {'e', "echo", NULL, ARGS_FLAG, 0, FIELD(is_echo),
     "answer with the request's own payload and headers"},
    {'H', "header", "KEY:VALUE", ARGS_LIST, 0, FIELD(headers),
     "add a header to each reply; may be repeated"},
    {'q', "queue", "NAME", ARGS_TEXT, 0, FIELD(queue),
     "join a queue group: each request goes to one member"},
    {'n', "count", "N", ARGS_NUMBER, 1, FIELD(count), "end after N requests"},
    {'t', "timeout", "DURATION", ARGS_DURATION, 0, FIELD(timeout_ms), "end after this time"},
};

static const struct args_group own_group = {"Options", own_options,
                                            sizeof own_options / sizeof own_options[0]};

const struct command command_reply = {
    .name = "reply",
    .summary = "answer requests",
    .details =
        "Prints each request, and answers it, until Ctrl-C, --count or --timeout. Says "
        "\"listening\n"
        "on SUBJECT\" on standard error once the server has confirmed.\n"
        "\n"
        "Ctrl-C (or SIGTERM) and --timeout end it with status 0, unless --count requests were\n"
        "asked for and have not come. What the server had already sent is answered first. A\n"
        "message that asks for no reply counts, is printed, and makes --count end with status 1.\n",
    .examples = "  natter reply help.me 'coming'\n"
                "  natter reply 'echo.>' --echo --queue echoes\n"
                "  natter reply config.get --count 1 < config.json\n",
    .groups = (const struct args_group *const[]){&own_group, &command_output_group,
                                                 &command_common_group, NULL},
    .operands = (const struct args_operand[]){{"SUBJECT", true, FIELD(subject),
                                               "what to answer: * is one part, > all that follow"},
                                              {"PAYLOAD", false, FIELD(payload),
                                               "the answer; without it, standard input as it "
                                               "is,\nor nothing when that is a terminal"},
                                              {.name = NULL}},
    .defaults = &defaults,
    .options_bytes = sizeof(struct reply_options),
    .run = run,
};
