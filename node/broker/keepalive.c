#include "node/broker/keepalive.h"

#include "lib/base/clock.h"
#include "node/broker/client.h"
#include "node/broker/shard.h"

#define FIRST_PING_NS (2 * CLOCK_NS_A_SECOND)
#define RTT_REFRESH_NS (3600 * CLOCK_NS_A_SECOND)

static uint64_t interval_ns(const struct client *c)
{
    return (uint64_t)c->shard->options->ping_interval_ns;
}

/* Sets the timer to whatever comes first; when memory is out, the connection does without. */
static void rearm(struct client *c)
{
    uint64_t due = c->ping_due_ns;

    if (c->blocked_ns != 0) {
        uint64_t deadline = c->blocked_ns + (uint64_t)c->shard->options->write_deadline_ns;

        due = deadline < due ? deadline : due;
    }
    timers_set(&c->shard->timers, &c->timer, due);
}

void keepalive_start(struct client *c, uint64_t now_ns)
{
    uint64_t first = interval_ns(c) < FIRST_PING_NS ? interval_ns(c) : FIRST_PING_NS;
    uint64_t spread = first / 5;

    c->started_ns = now_ns;
    c->heard_ns = now_ns;
    c->ping_due_ns = now_ns + first;
    if (spread > 0)
        c->ping_due_ns += random_next(&c->shard->random) % spread;
    c->rtt_due_ns = c->ping_due_ns;
    rearm(c);
}

void keepalive_pong(struct client *c, uint64_t now_ns)
{
    if (c->ping_sent_ns != 0)
        c->rtt_ns = now_ns - c->ping_sent_ns;
    c->ping_sent_ns = 0;
    c->pings_out = 0;
}

static void ping(struct client *c, uint64_t now_ns)
{
    bool is_quiet = now_ns - c->heard_ns >= interval_ns(c);

    c->ping_due_ns = now_ns + interval_ns(c);
    if (!is_quiet && now_ns < c->rtt_due_ns)
        return;
    if (!c->has_ponged && now_ns < c->started_ns + FIRST_PING_NS) {
        c->ping_due_ns = c->started_ns + FIRST_PING_NS; /* clients expect PONG before any PING */
        return;
    }
    if ((int64_t)c->pings_out + 1 > c->shard->options->ping_max) {
        client_close(c, STATUS_STALE);
        return;
    }
    c->rtt_due_ns = now_ns + RTT_REFRESH_NS;
    c->ping_sent_ns = now_ns;
    c->pings_out++;
    client_send(c, bytes_of_str("PING\r\n"));
}

void keepalive_tick(struct client *c, uint64_t now_ns)
{
    c->shard->now_ns = now_ns;
    if (c->is_closing)
        return;
    if (c->blocked_ns != 0 &&
        now_ns - c->blocked_ns >= (uint64_t)c->shard->options->write_deadline_ns) {
        client_close(c, STATUS_SLOW_DEADLINE);
        return;
    }
    if (now_ns >= c->ping_due_ns)
        ping(c, now_ns);
    rearm(c);
}

void keepalive_written(struct client *c, size_t n, bool is_blocked, uint64_t now_ns)
{
    bool was_blocked = c->blocked_ns != 0;

    outbox_consume(&c->outbox, &c->shard->slices, n);
    if (!is_blocked) {
        c->blocked_ns = 0;
        return;
    }
    outbox_settle(&c->outbox, &c->shard->slices, &c->shard->blocks);
    if (n > 0 || !was_blocked)
        c->blocked_ns = now_ns;
    if (!was_blocked)
        rearm(c);
}
