#include "node/runtime/crossing.h"

#include "node/broker/exchange.h"
#include "node/broker/relay.h"
#include "node/broker/shard.h"

#include <assert.h>
#include <stdlib.h>

#define RING_BYTES ((size_t)1 << 20)

static_assert(2 * EXCHANGE_RECORD_MAX < RING_BYTES, "a ring takes the longest record");

static struct ring *ring_between(const struct crossing *crossing, unsigned from, unsigned to)
{
    return crossing->rings[from * crossing->count + to];
}

static bool open_rings(struct crossing *crossing)
{
    for (unsigned from = 0; from < crossing->count; from++) {
        for (unsigned to = 0; to < crossing->count; to++) {
            struct ring **ring = &crossing->rings[from * crossing->count + to];

            if (from == to)
                continue;
            *ring = ring_open(RING_BYTES, &crossing->ends[to].bell);
            if (*ring == NULL)
                return false;
        }
    }
    return true;
}

bool crossing_init(struct crossing *crossing, unsigned count)
{
    *crossing = (struct crossing){.count = count};
    crossing->rings = calloc((size_t)count * count, sizeof(struct ring *));
    crossing->ends = aligned_alloc(RING_CACHE_LINE, count * sizeof *crossing->ends);
    if (crossing->rings == NULL || crossing->ends == NULL)
        return false;
    for (unsigned i = 0; i < count; i++) {
        memset(&crossing->ends[i], 0, sizeof crossing->ends[i]);
        ring_bell_init(&crossing->ends[i].bell);
    }
    return open_rings(crossing);
}

void crossing_fini(struct crossing *crossing)
{
    for (size_t i = 0; crossing->rings != NULL && i < (size_t)crossing->count * crossing->count;
         i++)
        ring_close(crossing->rings[i]);
    free(crossing->rings);
    free(crossing->ends);
    *crossing = (struct crossing){0};
}

static void ring_up(struct crossing *crossing, unsigned other)
{
    ev_async_send(crossing->ends[other].loop, &crossing->ends[other].rung);
}

static char *reserve(void *arg, unsigned to, size_t len)
{
    struct crossing_end *end = arg;

    return ring_reserve(ring_between(end->crossing, end->shard->index, to), len);
}

static void commit(void *arg, unsigned to, size_t len)
{
    struct crossing_end *end = arg;

    ring_commit(ring_between(end->crossing, end->shard->index, to), len);
    end->has_sent |= UINT64_C(1) << to;
}

/* The turn's end does what there is to do. */
static void on_rung(struct ev_loop *loop, ev_async *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

struct crossing_end *crossing_attach(struct crossing *crossing, struct shard *shard,
                                     struct ev_loop *loop)
{
    struct crossing_end *end = &crossing->ends[shard->index];

    end->crossing = crossing;
    end->shard = shard;
    end->loop = loop;
    if (crossing->count == 1)
        return end;
    shard->host = (struct shard_host){.arg = end, .reserve = reserve, .commit = commit};
    ev_async_init(&end->rung, on_rung);
    ev_async_start(loop, &end->rung);
    return end;
}

static bool receive_from(struct crossing_end *end, unsigned from)
{
    struct ring *ring = ring_between(end->crossing, from, end->shard->index);
    struct bytes record;
    bool any = false;

    while ((record = ring_peek(ring)).data != NULL) {
        relay_receive(end->shard, from, record);
        ring_pop(ring);
        any = true;
    }
    if (any && ring_release(ring))
        ring_up(end->crossing, from);
    return any;
}

/* Where records still wait for room, asks to be told of it; true if there is room already. */
static bool wait_for_room(struct crossing_end *end)
{
    const struct exchange *exchange = &end->shard->exchange;
    bool has_room = false;

    for (unsigned to = 0; to < exchange->count; to++) {
        struct ring *ring = ring_between(end->crossing, end->shard->index, to);

        if (exchange->first[to] != NULL && !ring_wait_for_room(ring, EXCHANGE_RECORD_MAX))
            has_room = true;
    }
    return has_room;
}

static bool send_waiting(struct crossing_end *end)
{
    struct exchange *exchange = &end->shard->exchange;
    uint32_t before = exchange->waiting;

    if (before == 0)
        return false;
    do {
        exchange_retry(end->shard);
        crossing_publish(end);
    } while (exchange_is_congested(exchange) && wait_for_room(end));
    return exchange->waiting < before;
}

bool crossing_receive(struct crossing_end *end)
{
    bool any = false;

    if (end->crossing->count == 1)
        return false;
    for (unsigned from = 0; from < end->crossing->count; from++) {
        if (from != end->shard->index)
            any = receive_from(end, from) || any;
    }
    return send_waiting(end) || any;
}

bool crossing_publish(struct crossing_end *end)
{
    uint64_t sent = end->has_sent;

    end->has_sent = 0;
    for (uint64_t left = sent; left != 0; left &= left - 1) {
        unsigned to = (unsigned)__builtin_ctzll(left);

        if (ring_publish(ring_between(end->crossing, end->shard->index, to)))
            ring_up(end->crossing, to);
    }
    return sent != 0;
}

bool crossing_may_sleep(struct crossing_end *end)
{
    const struct crossing *crossing = end->crossing;

    if (crossing->count == 1)
        return true;
    ring_bell_set(&end->bell);
    for (unsigned from = 0; from < crossing->count; from++) {
        if (from != end->shard->index &&
            ring_has_more(ring_between(crossing, from, end->shard->index))) {
            ring_bell_clear(&end->bell);
            return false;
        }
    }
    return true;
}

void crossing_wake(struct crossing_end *end)
{
    if (end->crossing->count > 1)
        ring_bell_clear(&end->bell);
}
