#include "cli/listen.h"

#include "cli/output.h"
#include "cli/report.h"
#include "lib/base/clock.h"

#include <inttypes.h>
#include <signal.h>

static volatile sig_atomic_t signal_seen;

static void on_signal(int number)
{
    signal_seen = number;
}

/* The first signal ends listening in order, the second one (SA_RESETHAND) the process. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Why it ends. The last two leave time to handle what the server had already sent. */
enum listen_end { NOT_YET, ENOUGH, FAILED, OUT_OF_TIME, INTERRUPTED };

struct listener {
    struct connection *connection;
    const struct listen_options *options;
    natsSubscription *sub;
    uint64_t deadline_ns;      /* 0: none */
    enum listen_end drain_for; /* NOT_YET: not draining */
    uint64_t message_count;
    uint64_t byte_count;
    int64_t dropped_count;
};

static natsStatus subscribe(struct listener *l)
{
    const struct listen_options *o = l->options;
    natsConnection *nats = l->connection->nats;
    natsStatus s = o->queue != NULL
                       ? natsConnection_QueueSubscribeSync(&l->sub, nats, o->subject, o->queue)
                       : natsConnection_SubscribeSync(&l->sub, nats, o->subject);

    if (s == NATS_OK)
        s = natsSubscription_SetPendingLimits(l->sub, -1, LISTEN_PENDING_BYTES_MAX);
    /* The server itself counts: of a queue group's messages we take not one too many. */
    if (s == NATS_OK && o->count > 0)
        s = natsSubscription_AutoUnsubscribe(l->sub, (int)o->count);
    return s;
}

/* Subscribed, and known to be: a server that refuses says so before it answers the flush's PING. */
static enum command_status start(struct listener *l)
{
    natsStatus s = subscribe(l);

    if (s == NATS_OK)
        s = natsConnection_FlushTimeout(l->connection->nats, CONNECTION_TIMEOUT_MS);
    if (s != NATS_OK)
        return connection_failed(l->connection, s, "subscribe");
    return connection_was_denied(l->connection) ? COMMAND_FAILED : COMMAND_DONE;
}

/* Ends the subscription at the server; when there is nobody to tell, at once. */
static enum listen_end drain(struct listener *l, enum listen_end why)
{
    l->drain_for = why;
    l->deadline_ns = clock_now_ns() + LISTEN_DRAIN_MS * CLOCK_NS_A_MS;
    return natsSubscription_DrainTimeout(l->sub, LISTEN_DRAIN_MS) == NATS_OK ? NOT_YET : why;
}

/* Has time passed, or a signal come? */
static enum listen_end look_at_limits(struct listener *l)
{
    bool is_late = l->deadline_ns != 0 && clock_now_ns() >= l->deadline_ns;

    if (l->drain_for != NOT_YET)
        return is_late ? l->drain_for : NOT_YET;
    if (signal_seen != 0)
        return drain(l, INTERRUPTED);
    return is_late ? drain(l, OUT_OF_TIME) : NOT_YET;
}

static void count_dropped(struct listener *l)
{
    int64_t dropped = 0;

    if (natsSubscription_GetDropped(l->sub, &dropped) == NATS_OK)
        l->dropped_count = dropped;
}

static enum listen_end handle(struct listener *l, natsMsg *msg, listen_fn *fn, void *arg)
{
    bool is_handled;

    l->message_count++;
    l->byte_count += (uint64_t)natsMsg_GetDataLength(msg);
    is_handled = fn(msg, l->message_count, arg);
    natsMsg_Destroy(msg);
    if (!is_handled)
        return FAILED;
    return l->message_count == l->options->count ? ENOUGH : NOT_YET;
}

/* Nothing is there to be handled: print what was collected, and see who is still there. */
static enum listen_end look_around(struct listener *l)
{
    if (!output_flush() || output_is_abandoned()) {
        output_explain_failure();
        return FAILED;
    }
    count_dropped(l);
    if (l->dropped_count > 0 && l->options->count > 0)
        return FAILED; /* the server counted those too: what is left will never be enough */
    return NOT_YET;
}

/* The subscription gives nothing any more, because of <status>. */
static enum listen_end give_up(struct listener *l, natsStatus status)
{
    if (l->drain_for != NOT_YET)
        return l->drain_for;
    connection_failed(l->connection, status, "go on listening");
    return FAILED;
}

static int64_t waiting_ms(const struct listener *l)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ms;

    if (l->deadline_ns == 0)
        return LISTEN_LOOK_UP_MS;
    if (now_ns >= l->deadline_ns)
        return 1;
    left_ms = (l->deadline_ns - now_ns) / CLOCK_NS_A_MS + 1;
    return left_ms < LISTEN_LOOK_UP_MS ? (int64_t)left_ms : LISTEN_LOOK_UP_MS;
}

static enum listen_end listen_until_the_end(struct listener *l, listen_fn *fn, void *arg)
{
    enum listen_end end = NOT_YET;
    int64_t wait_ms = 0;

    while (end == NOT_YET) {
        natsMsg *msg = NULL;
        natsStatus s = natsSubscription_NextMsg(&msg, l->sub, wait_ms);

        if (s == NATS_OK) {
            end = handle(l, msg, fn, arg);
            wait_ms = 0;
        } else if (s == NATS_TIMEOUT) {
            end = look_around(l);
            wait_ms = waiting_ms(l);
        } else {
            end = give_up(l, s);
        }
        if (end == NOT_YET)
            end = look_at_limits(l);
    }
    return end;
}

/* Prints what is left, says how it ended, and finds the status that tells the same. */
static enum command_status conclude(const struct listener *l, enum listen_end end)
{
    bool is_short = l->options->count > 0 && l->message_count < l->options->count;

    if (end != FAILED && !output_flush()) {
        output_explain_failure();
        end = FAILED;
    }
    report_notice("received %" PRIu64 " message%s, %" PRIu64 " bytes", l->message_count,
                  REPORT_PLURAL(l->message_count), l->byte_count);
    if (l->dropped_count > 0) {
        report_error("%" PRId64 " messages were dropped: they came faster than we could print",
                     l->dropped_count);
        return COMMAND_FAILED;
    }
    if (end == OUT_OF_TIME && is_short) {
        report_error("only %" PRIu64 " of %" PRIu32 " messages came in time", l->message_count,
                     l->options->count);
        return COMMAND_TIMED_OUT;
    }
    if (end == INTERRUPTED && is_short)
        return signal_seen == SIGINT ? COMMAND_INTERRUPTED : COMMAND_TERMINATED;
    return end == FAILED ? COMMAND_FAILED : COMMAND_DONE;
}

enum command_status listen_run(struct connection *c, const struct listen_options *options,
                               listen_fn *handle_fn, void *arg)
{
    struct listener l = {.connection = c, .options = options};
    enum command_status status;

    catch_signals();
    status = start(&l);
    if (status == COMMAND_DONE) {
        report_notice("listening on %s%s%s", options->subject,
                      options->queue != NULL ? " in queue group " : "",
                      options->queue != NULL ? options->queue : "");
        if (options->timeout_ms > 0)
            l.deadline_ns = clock_now_ns() + (uint64_t)options->timeout_ms * CLOCK_NS_A_MS;
        status = conclude(&l, listen_until_the_end(&l, handle_fn, arg));
    }
    natsSubscription_Destroy(l.sub);
    return status;
}
