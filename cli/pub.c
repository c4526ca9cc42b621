/* natter pub: publish. Ends with 0 only when the server has taken every message. */
#include "cli/connection.h"
#include "cli/outgoing.h"
#include "cli/payload.h"
#include "cli/report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct pub_options {
    struct command_common common;
    const char *subject;
    const char *payload;
    const char *reply;
    struct args_list headers;
    uint32_t count; /* 0: not given, which is 1 without {{n}} */
    int64_t interval_ms;
    int64_t timeout_ms;
    bool by_lines;
};
static_assert(offsetof(struct pub_options, common) == 0, "common comes first");

struct publisher {
    const struct pub_options *options;
    struct connection connection;
    uint64_t message_count;
    uint64_t byte_count;
};

static enum command_status send_one(struct publisher *p, struct bytes payload)
{
    const struct pub_options *o = p->options;
    struct outgoing out = {
        .subject = o->subject, .reply = o->reply, .headers = &o->headers, .payload = payload};
    natsStatus s = outgoing_publish(p->connection.nats, &out, NULL);

    if (s != NATS_OK)
        return connection_failed(&p->connection, s, "publish");
    p->byte_count += payload.len;
    return COMMAND_DONE;
}

/* With --count, {{n}} is the message's number; without, a payload is nobody's template. */
static enum command_status send_numbered(struct publisher *p, struct bytes payload)
{
    struct payload numbered;
    enum command_status status;

    if (p->message_count > 0 && p->options->interval_ms > 0)
        nats_Sleep(p->options->interval_ms);
    p->message_count++;
    if (p->options->count == 0)
        return send_one(p, payload);
    if (!payload_expand(&numbered, payload, p->message_count))
        return COMMAND_FAILED;
    status = send_one(p, payload_bytes(&numbered));
    payload_free(&numbered);
    return status;
}

static enum command_status send_copies(struct publisher *p, struct bytes payload)
{
    uint32_t copies = p->options->count > 0 ? p->options->count : 1;
    enum command_status status = COMMAND_DONE;

    for (uint32_t i = 0; i < copies && status == COMMAND_DONE; i++)
        status = send_numbered(p, payload);
    return status;
}

/* Each line as it comes, without its line break. */
static enum command_status send_lines(struct publisher *p)
{
    enum command_status status = COMMAND_DONE;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    while (status == COMMAND_DONE && (len = getline(&line, &size, stdin)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            len--;
        if ((size_t)len > PAYLOAD_BYTES_MAX) {
            report_error("a payload is at most %u bytes", PAYLOAD_BYTES_MAX);
            status = COMMAND_FAILED;
        } else {
            status = send_copies(p, bytes_of(line, (size_t)len));
        }
    }
    if (ferror(stdin)) {
        report_error("cannot read standard input");
        status = COMMAND_FAILED;
    }
    free(line);
    return status;
}

/* Publishes <payload>, or lines when it is NULL, and waits for the server's word. */
static enum command_status publish(struct publisher *p, const struct payload *payload)
{
    const struct pub_options *o = p->options;
    enum command_status status =
        connection_open(&p->connection, &o->common, "natter pub", CONNECTION_TO_PUBLISH);

    if (status != COMMAND_DONE)
        return status;
    status = payload != NULL ? send_copies(p, payload_bytes(payload)) : send_lines(p);
    if (status == COMMAND_DONE)
        status = connection_confirm(&p->connection, o->timeout_ms);
    if (status == COMMAND_DONE)
        report_notice("published %" PRIu64 " message%s, %" PRIu64 " bytes, to %s", p->message_count,
                      REPORT_PLURAL(p->message_count), p->byte_count, o->subject);
    connection_close(&p->connection);
    return status;
}

static enum command_status run(const void *options)
{
    const struct pub_options *o = options;
    struct publisher p = {.options = o};
    struct payload payload;
    enum command_status status;

    if (!outgoing_check_subject("subject", o->subject, OUTGOING_TO_PUBLISH) ||
        (o->reply != NULL && !outgoing_check_subject("--reply", o->reply, OUTGOING_TO_PUBLISH)) ||
        !outgoing_check_headers(&o->headers))
        return COMMAND_USAGE;
    if (o->by_lines && o->payload != NULL) {
        report_error("--lines reads standard input: a PAYLOAD cannot be given with it");
        return COMMAND_USAGE;
    }
    if (o->by_lines)
        return publish(&p, NULL);
    if (!payload_take(&payload, o->payload))
        return COMMAND_FAILED;
    status = publish(&p, &payload);
    payload_free(&payload);
    return status;
}

#define FIELD(name) offsetof(struct pub_options, name)

static const struct args_option own_options[] = {
    {'H', "header", "KEY:VALUE", ARGS_LIST, 0, FIELD(headers), "add a header; may be repeated"},
    {0, "reply", "SUBJECT", ARGS_TEXT, 0, FIELD(reply), "the subject that answers are asked to"},
    {'n', "count", "N", ARGS_NUMBER, 1, FIELD(count),
     "publish N copies; {{n}} in the payload becomes\nthe copy's number, from 1"},
    {'i', "interval", "DURATION", ARGS_DURATION, 0, FIELD(interval_ms), "wait between messages"},
    {'l', "lines", NULL, ARGS_FLAG, 0, FIELD(by_lines),
     "publish each line of standard input, as it comes"},
    {'t', "timeout", "DURATION", ARGS_DURATION, 0, FIELD(timeout_ms),
     "for the server to confirm at the end"},
};

static const struct args_group own_group = {"Options", own_options,
                                            sizeof own_options / sizeof own_options[0]};

const struct command command_pub = {
    .name = "pub",
    .summary = "publish a message",
    .details = "Ends when the server has confirmed that it took every message.\n",
    .examples = "  natter pub orders.paid '{\"id\":7}'\n"
                "  natter pub orders.paid -H Trace:a1 < order.json\n"
                "  natter pub load.test 'message {{n}}' --count 1000\n"
                "  tail -f access.log | natter pub logs.web --lines\n",
    .groups = (const struct args_group *const[]){&own_group, &command_common_group, NULL},
    .operands =
        (const struct args_operand[]){
            {"SUBJECT", true, FIELD(subject), "where to publish"},
            {"PAYLOAD", false, FIELD(payload),
             "what; without it, standard input as it is,\nor nothing when that is a terminal"},
            {.name = NULL}},
    .defaults = &(const struct pub_options){.timeout_ms = 5000},
    .options_bytes = sizeof(struct pub_options),
    .run = run,
};
