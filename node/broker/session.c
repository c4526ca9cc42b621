#include "node/broker/session.h"

#include "lib/base/log.h"
#include "lib/nats/subject.h"
#include "node/broker/client.h"
#include "node/broker/keepalive.h"
#include "node/broker/shard.h"
#include "node/broker/subscription.h"
#include "node/broker/trace.h"

#define SYSTEM_QUEUE "_sys_" /* belongs to servers */

static void send_ok(struct client *c)
{
    if (c->verbose)
        client_send(c, bytes_of_str("+OK\r\n"));
}

/* Tells of what is not permitted: "Permissions Violation for <what> "<name>"<detail>". */
static void deny(struct client *c, const char *what, struct bytes name, const char *detail)
{
    client_log_refusal(c, STATUS_DENIED);
    client_send(c, bytes_of_str("-ERR 'Permissions Violation for "));
    client_send(c, bytes_of_str(what));
    client_send(c, bytes_of_str(" \""));
    client_send(c, name);
    client_send(c, bytes_of_str("\""));
    client_send(c, bytes_of_str(detail));
    client_send(c, bytes_of_str("'\r\n"));
}

/* --- subscribing ----------------------------------------------------------------------------- */

static enum status on_subscribe(struct client *c, const struct event *e, struct block *holder)
{
    const struct options *options = c->shard->options;
    struct subscription_request request = {.pattern = e->subject, .sid = e->sid, .queue = e->queue};
    enum status st;

    (void)holder;
    if (bytes_equal_str(e->queue, SYSTEM_QUEUE)) {
        deny(c, "Subscription to", e->subject, " using queue \"" SYSTEM_QUEUE "\"");
        return STATUS_OK;
    }
    if (client_find_subscription(c, e->sid) != NULL) {
        send_ok(c); /* the old one is kept */
        return STATUS_OK;
    }
    if (options->max_sub_tokens > 0 &&
        (int64_t)subject_token_count(e->subject) > options->max_sub_tokens) {
        deny(c, "Subscription to", e->subject, ", too many tokens");
        return STATUS_OK;
    }
    if (options->max_subscriptions > 0 &&
        (int64_t)client_subscription_count(c) >= options->max_subscriptions)
        return STATUS_TOO_MANY_SUBSCRIPTIONS;
    st = client_add_subscription(c, &request);
    if (st == STATUS_OK)
        send_ok(c);
    return st;
}

static enum status on_unsubscribe(struct client *c, const struct event *e, struct block *holder)
{
    struct subscription *sub = client_find_subscription(c, e->sid);
    uint64_t max = 0;

    (void)holder;
    bytes_to_u64(e->args, UINT64_MAX, &max); /* what is no number counts as none */
    if (sub != NULL)
        client_limit_subscription(c, sub, max < UINT32_MAX ? (uint32_t)max : UINT32_MAX);
    send_ok(c);
    return STATUS_OK;
}

/* --- publishing ------------------------------------------------------------------------------ */

static bool is_reserved_subject(struct bytes subject)
{
    return bytes_start_with(subject, bytes_of("_GR_.", 5)) ||
           bytes_start_with(subject, bytes_of("$GR.", 4));
}

static bool is_reserved_reply(struct bytes reply)
{
    return bytes_start_with(reply, bytes_of("_R_", 3)) || is_reserved_subject(reply) ||
           bytes_start_with(reply, bytes_of("$JS.ACK.", 8));
}

static bool may_be_reserved(struct bytes subject)
{
    return subject.len > 0 && (subject.data[0] == '_' || subject.data[0] == '$');
}

static enum status on_publish(struct client *c, const struct event *e, struct block *holder)
{
    c->in_msgs++;
    c->in_bytes += e->payload.len;
    if (may_be_reserved(e->subject) && is_reserved_subject(e->subject)) {
        delivery_flush(c->shard);
        deny(c, "Publish to", e->subject, "");
        return STATUS_OK;
    }
    if (may_be_reserved(e->reply) && is_reserved_reply(e->reply)) {
        delivery_flush(c->shard);
        deny(c, "Publish with Reply of", e->reply, "");
        return STATUS_OK;
    }
    if (c->pedantic && subject_check_publish(e->subject) != STATUS_OK) {
        delivery_flush(c->shard);
        client_error(c, STATUS_BAD_PUBLISH_SUBJECT); /* told, and delivered all the same */
    }
    if (c->verbose)
        send_ok(c);
    return delivery_publish(c->shard, c, e, holder) ? STATUS_OK : STATUS_OUT_OF_MEMORY;
}

/* --- the rest of the protocol ---------------------------------------------------------------- */

static enum status on_connect(struct client *c, const struct event *e, struct block *holder)
{
    bool had_headers = c->headers;
    enum status st = connect_read(e->args, &c->connect);

    (void)holder;
    connect_forget_secrets(&c->connect); /* nothing here asks for them */
    if (st != STATUS_OK)
        return st;
    if (c->connect.new_account || (c->connect.account != NULL && c->connect.account[0] != '\0'))
        return STATUS_NOT_AUTHORIZED; /* obsolete */
    if (c->connect.protocol < 0 || c->connect.protocol > 1)
        return STATUS_BAD_PROTOCOL_VERSION;
    client_apply_options(c);
    c->echo = c->connect.echo;
    c->verbose = c->connect.verbose;
    c->pedantic = c->connect.pedantic;
    c->no_responders = c->connect.no_responders;
    if (c->no_responders && !c->headers)
        return STATUS_NO_RESPONDERS_NEEDS_HEADERS;
    if (c->headers != had_headers)
        client_regroup(c);
    send_ok(c);
    return STATUS_OK;
}

static enum status on_ping(struct client *c, const struct event *e, struct block *holder)
{
    (void)e;
    (void)holder;
    client_send(c, bytes_of_str("PONG\r\n"));
    if (!c->has_ponged) {
        c->has_ponged = true;
        if (c->info_is_due)
            client_send_info(c);
        c->info_is_due = false;
    }
    return STATUS_OK;
}

static enum status on_pong(struct client *c, const struct event *e, struct block *holder)
{
    (void)e;
    (void)holder;
    keepalive_pong(c, c->shard->now_ns);
    return STATUS_OK;
}

static enum status on_ignored(struct client *c, const struct event *e, struct block *holder)
{
    (void)c;
    (void)e;
    (void)holder;
    return STATUS_OK;
}

typedef enum status handler(struct client *c, const struct event *e, struct block *holder);

static handler *const handlers[] = {
    [EVENT_CONNECT] = on_connect,     [EVENT_PUBLISH] = on_publish,
    [EVENT_SUBSCRIBE] = on_subscribe, [EVENT_UNSUBSCRIBE] = on_unsubscribe,
    [EVENT_PING] = on_ping,           [EVENT_PONG] = on_pong,
    [EVENT_IGNORED] = on_ignored,
};

/* --- the session ----------------------------------------------------------------------------- */

struct client *session_open(struct shard *shard, uint64_t cid, const char *ip, uint16_t port,
                            uint64_t now_ns)
{
    struct client *c = client_new(shard, cid, ip, port);

    if (c == NULL)
        return NULL;
    keepalive_start(c, now_ns);
    client_send_info(c);
    log_event(LOG_DEBUG, "client.connected", "cid=%llu ip=%s port=%u shard=%u",
              (unsigned long long)cid, ip, port, shard->index);
    return c;
}

static void refuse(struct client *c, enum status st)
{
    if (status_fate(st) == CLOSES)
        client_close(c, st);
    else
        client_error(c, st);
}

size_t session_input(struct client *c, struct bytes in, struct block *holder, uint64_t now_ns)
{
    size_t given = in.len;
    bool traces = trace_is_on();
    uint64_t msgs_before = c->in_msgs;
    uint64_t bytes_before = c->in_bytes;
    struct event event;
    enum status st;

    c->shard->now_ns = now_ns;
    c->heard_ns = now_ns;
    while (!c->is_closing && (st = parser_next(&c->limits, &in, &event)) != STATUS_MORE) {
        if (st == STATUS_OK && traces)
            trace_event(c, &event);
        if (st == STATUS_OK && event.kind == EVENT_PUBLISH) {
            st = on_publish(c, &event, holder);
        } else {
            delivery_flush(c->shard);
            if (st == STATUS_OK)
                st = handlers[event.kind](c, &event, holder);
        }
        if (st != STATUS_OK) {
            delivery_flush(c->shard);
            refuse(c, st);
        }
    }
    delivery_flush(c->shard);
    c->shard->stats.in_msgs += c->in_msgs - msgs_before;
    c->shard->stats.in_bytes += c->in_bytes - bytes_before;
    return given - in.len;
}

size_t session_need(const struct client *c, struct bytes rest)
{
    return parser_need(&c->limits, rest);
}
