/* natter req: ask, and print the answers. */
#include "cli/connection.h"
#include "cli/outgoing.h"
#include "cli/output.h"
#include "cli/payload.h"
#include "cli/report.h"
#include "lib/base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

struct req_options {
    struct command_common common;
    const char *subject;
    const char *payload;
    struct args_list headers;
    uint32_t count;   /* requests; 0: not given, which is 1 without {{n}} */
    uint32_t replies; /* wanted of each request; 0: all that come in time */
    int64_t interval_ms;
    int64_t timeout_ms;
};
static_assert(offsetof(struct req_options, common) == 0, "common comes first");

/* How long one wait for a reply lasts before the connection is looked at. */
#define REQ_LOOK_UP_MS 100

/* One request and the inbox it has to itself: what answers an earlier one late is not taken for it.
 */
struct request {
    const struct req_options *options;
    struct connection *connection;
    natsInbox *inbox;
    natsSubscription *sub;
    uint64_t sent_ns;
    uint32_t reply_count;
};

static natsStatus send_request(struct request *r, struct bytes payload)
{
    natsConnection *nats = r->connection->nats;
    natsStatus s = natsInbox_Create(&r->inbox);
    struct outgoing out = {
        .subject = r->options->subject, .headers = &r->options->headers, .payload = payload};

    if (s == NATS_OK)
        s = natsConnection_SubscribeSync(&r->sub, nats, r->inbox);
    if (s != NATS_OK)
        return s;
    out.reply = r->inbox;
    r->sent_ns = clock_now_ns();
    return outgoing_publish(nats, &out, NULL);
}

static bool print_reply(struct request *r, natsMsg *msg, uint64_t *printed)
{
    double rtt_ms = (double)(clock_now_ns() - r->sent_ns) / (double)CLOCK_NS_A_MS;
    char origin[64];

    snprintf(origin, sizeof origin, "reply in %.2f ms", rtt_ms);
    return output_message(&(struct output_message){
               .msg = msg, .number = ++*printed, .origin = origin, .rtt_ms = rtt_ms}) &&
           output_flush();
}

/* All that could come has come, or the time is over. */
static enum command_status conclude(const struct request *r)
{
    const struct req_options *o = r->options;

    if (r->reply_count > 0 && o->replies == 0)
        return COMMAND_DONE;
    if (r->reply_count == 0)
        report_error("no reply from %s within %" PRId64 " ms", o->subject, o->timeout_ms);
    else
        report_error("only %" PRIu32 " of %" PRIu32 " replies from %s within %" PRId64 " ms",
                     r->reply_count, o->replies, o->subject, o->timeout_ms);
    return COMMAND_TIMED_OUT;
}

static enum command_status explain_silence(struct request *r, natsStatus status)
{
    if (status != NATS_NO_RESPONDERS)
        return connection_failed(r->connection, status, "wait for the reply");
    report_error("no responders: nobody is listening to %s", r->options->subject);
    return COMMAND_NO_RESPONDERS;
}

static enum command_status collect_replies(struct request *r, uint64_t *printed)
{
    const struct req_options *o = r->options;
    uint64_t deadline_ns = r->sent_ns + (uint64_t)o->timeout_ms * CLOCK_NS_A_MS;

    while (o->replies == 0 || r->reply_count < o->replies) {
        uint64_t now_ns = clock_now_ns();
        uint64_t left_ms = now_ns < deadline_ns ? (deadline_ns - now_ns) / CLOCK_NS_A_MS + 1 : 0;
        natsMsg *msg = NULL;
        natsStatus s = natsSubscription_NextMsg(
            &msg, r->sub, left_ms < REQ_LOOK_UP_MS ? (int64_t)left_ms : REQ_LOOK_UP_MS);

        if (s == NATS_OK) {
            bool is_printed = print_reply(r, msg, printed);

            natsMsg_Destroy(msg);
            if (!is_printed) {
                output_explain_failure();
                return COMMAND_FAILED;
            }
            r->reply_count++;
        } else if (s != NATS_TIMEOUT) {
            return explain_silence(r, s);
        } else if (connection_was_denied(r->connection)) {
            return COMMAND_FAILED;
        } else if (left_ms == 0) {
            return conclude(r);
        }
    }
    return COMMAND_DONE;
}

static enum command_status ask(const struct req_options *o, struct connection *connection,
                               struct bytes payload, uint64_t *printed)
{
    struct request r = {.options = o, .connection = connection};
    natsStatus s = send_request(&r, payload);
    enum command_status status = s == NATS_OK
                                     ? collect_replies(&r, printed)
                                     : connection_failed(connection, s, "send the request");

    natsSubscription_Destroy(r.sub);
    natsInbox_Destroy(r.inbox);
    return status;
}

/* With --count, {{n}} is the request's number. */
static enum command_status ask_all(const struct req_options *o, struct connection *connection,
                                   struct bytes payload)
{
    enum command_status status = COMMAND_DONE;
    uint64_t printed = 0;

    if (o->count == 0)
        return ask(o, connection, payload, &printed);
    for (uint32_t i = 1; i <= o->count && status == COMMAND_DONE; i++) {
        struct payload numbered;

        if (!payload_expand(&numbered, payload, i))
            return COMMAND_FAILED;
        if (i > 1 && o->interval_ms > 0)
            nats_Sleep(o->interval_ms);
        status = ask(o, connection, payload_bytes(&numbered), &printed);
        payload_free(&numbered);
    }
    return status;
}

static enum command_status run(const void *options)
{
    const struct req_options *o = options;
    struct connection connection;
    struct payload payload;
    enum command_status status;

    if (!output_open(&o->common) ||
        !outgoing_check_subject("subject", o->subject, OUTGOING_TO_PUBLISH) ||
        !outgoing_check_headers(&o->headers))
        return COMMAND_USAGE;
    if (!payload_take(&payload, o->payload))
        return COMMAND_FAILED;
    status = connection_open(&connection, &o->common, "natter req", CONNECTION_TO_REQUEST);
    if (status == COMMAND_DONE) {
        status = ask_all(o, &connection, payload_bytes(&payload));
        connection_close(&connection);
    }
    payload_free(&payload);
    return status;
}

#define FIELD(name) offsetof(struct req_options, name)

static const struct args_option own_options[] = {
    {'H', "header", "KEY:VALUE", ARGS_LIST, 0, FIELD(headers), "add a header; may be repeated"},
    {'t', "timeout", "DURATION", ARGS_DURATION, 0, FIELD(timeout_ms),
     "for all the replies to one request"},
    {0, "replies", "N", ARGS_NUMBER, 0, FIELD(replies),
     "wait for N replies to each request;\n0: for all that come before the timeout"},
    {'n', "count", "N", ARGS_NUMBER, 1, FIELD(count),
     "send N requests, one after another; {{n}} in the\npayload becomes the request's number, from "
     "1"},
    {'i', "interval", "DURATION", ARGS_DURATION, 0, FIELD(interval_ms), "wait between requests"},
};

static const struct args_group own_group = {"Options", own_options,
                                            sizeof own_options / sizeof own_options[0]};

const struct command command_req = {
    .name = "req",
    .summary = "send a request, and print the reply",
    .details = "Ends with 0 only when every reply asked for came. With --replies 0 one is enough.\n"
               "The first request without its replies ends it.\n",
    .examples = "  natter req time.now\n"
                "  natter req orders.total '{\"id\":7}' --timeout 500ms --raw\n"
                "  natter req '$SRV.PING' '' --replies 0 --timeout 1s --json\n"
                "  natter req health.check '' || echo 'nobody there'\n",
    .groups = (const struct args_group *const[]){&own_group, &command_output_group,
                                                 &command_common_group, NULL},
    .operands =
        (const struct args_operand[]){
            {"SUBJECT", true, FIELD(subject), "whom to ask"},
            {"PAYLOAD", false, FIELD(payload),
             "what; without it, standard input as it is,\nor nothing when that is a terminal"},
            {.name = NULL}},
    .defaults = &(const struct req_options){.timeout_ms = 5000, .replies = 1},
    .options_bytes = sizeof(struct req_options),
    .run = run,
};
