#include "node/runtime/crossing.h"

#include "node/broker/exchange.h"
#include "node/runtime/node.h"
#include "node/runtime/worker.h"

#include <assert.h>
#include <stdlib.h>

#define RING_BYTES ((size_t)1 << 20)

static_assert(2 * EXCHANGE_RECORD_MAX < RING_BYTES, "a ring takes the longest record");

static struct ring *ring_between(const struct crossing *crossing, unsigned from, unsigned to)
{
    return crossing->rings[from * crossing->count + to];
}

bool crossing_init(struct crossing *crossing, unsigned count)
{
    *crossing = (struct crossing){.count = count};
    if (count == 1)
        return true;
    crossing->rings = calloc((size_t)count * count, sizeof *crossing->rings);
    crossing->bells = aligned_alloc(RING_CACHE_LINE, count * sizeof *crossing->bells);
    if (crossing->rings == NULL || crossing->bells == NULL)
        return false;
    for (unsigned i = 0; i < count; i++)
        ring_bell_init(&crossing->bells[i]);
    for (unsigned from = 0; from < count; from++) {
        for (unsigned to = 0; to < count; to++) {
            struct ring **ring = &crossing->rings[from * count + to];

            if (from == to)
                continue;
            *ring = ring_open(RING_BYTES, &crossing->bells[to]);
            if (*ring == NULL)
                return false;
        }
    }
    return true;
}

void crossing_fini(struct crossing *crossing)
{
    for (size_t i = 0; crossing->rings != NULL && i < (size_t)crossing->count * crossing->count;
         i++)
        ring_close(crossing->rings[i]);
    free(crossing->rings);
    free(crossing->bells);
    *crossing = (struct crossing){0};
}

static void ring_up(struct worker *worker, unsigned other)
{
    struct worker *sleeper = &worker->node->workers[other];

    ev_async_send(sleeper->loop, &sleeper->rung);
}

static char *reserve(void *arg, unsigned to, size_t len)
{
    struct worker *worker = arg;

    return ring_reserve(ring_between(&worker->node->crossing, worker->shard.index, to), len);
}

static void commit(void *arg, unsigned to, size_t len)
{
    struct worker *worker = arg;

    ring_commit(ring_between(&worker->node->crossing, worker->shard.index, to), len);
    worker->has_sent |= UINT64_C(1) << to;
}

void crossing_attach(struct worker *worker)
{
    if (worker->node->crossing.count > 1)
        worker->shard.host =
            (struct shard_host){.arg = worker, .reserve = reserve, .commit = commit};
}

static bool receive_from(struct worker *worker, unsigned from)
{
    struct ring *ring = ring_between(&worker->node->crossing, from, worker->shard.index);
    struct bytes record;
    bool any = false;

    while ((record = ring_peek(ring)).data != NULL) {
        exchange_receive(&worker->shard, from, record);
        ring_pop(ring);
        any = true;
    }
    if (any && ring_release(ring))
        ring_up(worker, from);
    return any;
}

/* Where records still wait for room, asks to be told of it; true if there is room already. */
static bool wait_for_room(struct worker *worker)
{
    const struct exchange *exchange = &worker->shard.exchange;
    bool has_room = false;

    for (unsigned to = 0; to < exchange->count; to++) {
        struct ring *ring = ring_between(&worker->node->crossing, worker->shard.index, to);

        if (exchange->first[to] != NULL && !ring_wait_for_room(ring, EXCHANGE_RECORD_MAX))
            has_room = true;
    }
    return has_room;
}

static bool send_waiting(struct worker *worker)
{
    struct shard *shard = &worker->shard;
    uint32_t before = shard->exchange.waiting;

    if (before == 0)
        return false;
    do {
        exchange_retry(shard);
        crossing_publish(worker);
    } while (exchange_is_congested(&shard->exchange) && wait_for_room(worker));
    if (!exchange_is_congested(&shard->exchange))
        worker_release_held(worker);
    return shard->exchange.waiting < before;
}

bool crossing_receive(struct worker *worker)
{
    bool any = false;

    if (worker->node->crossing.count == 1)
        return false;
    for (unsigned from = 0; from < worker->node->crossing.count; from++) {
        if (from != worker->shard.index)
            any = receive_from(worker, from) || any;
    }
    return send_waiting(worker) || any;
}

bool crossing_publish(struct worker *worker)
{
    uint64_t left = worker->has_sent;

    worker->has_sent = 0;
    for (uint64_t to_do = left; to_do != 0; to_do &= to_do - 1) {
        unsigned to = (unsigned)__builtin_ctzll(to_do);

        if (ring_publish(ring_between(&worker->node->crossing, worker->shard.index, to)))
            ring_up(worker, to);
    }
    return left != 0;
}

bool crossing_may_sleep(struct worker *worker)
{
    struct crossing *crossing = &worker->node->crossing;

    if (crossing->count == 1)
        return true;
    ring_bell_set(&crossing->bells[worker->shard.index]);
    for (unsigned from = 0; from < crossing->count; from++) {
        if (from != worker->shard.index &&
            ring_has_more(ring_between(crossing, from, worker->shard.index))) {
            ring_bell_clear(&crossing->bells[worker->shard.index]);
            return false;
        }
    }
    return true;
}

void crossing_wake(struct worker *worker)
{
    if (worker->node->crossing.count > 1)
        ring_bell_clear(&worker->node->crossing.bells[worker->shard.index]);
}
