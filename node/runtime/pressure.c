#include "node/runtime/pressure.h"

#include "lib/base/log.h"
#include "node/broker/client.h"
#include "node/runtime/cgroup.h"

#define SAMPLE_SECONDS 0.1

/* A consumer with less than this waiting is not slow, whatever the node is short of. */
#define SLOW_BYTES ((size_t)64 << 10)

static uint64_t bytes_in_blocks(struct pressure *pressure)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SHARDS_MAX; i++)
        sum += atomic_load_explicit(&pressure->block_bytes[i], memory_order_relaxed);
    return sum;
}

static void on_sample(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct pressure *pressure = timer->data;
    uint64_t blocks = bytes_in_blocks(pressure);
    uint64_t used;

    (void)loop;
    (void)events;
    if (memory_used_bytes(&system_folders_usual, &used))
        atomic_store(&pressure->besides_bytes, used > blocks ? used - blocks : 0);
}

void pressure_choose(struct pressure *pressure, int64_t max_memory_bytes, struct ev_loop *loop)
{
    uint64_t bytes = (uint64_t)max_memory_bytes;

    pressure_stop(pressure, loop);
    if (bytes == 0)
        bytes = memory_budget_default(cgroup_memory_limit_bytes(&system_folders_usual));
    atomic_store(&pressure->budget_bytes, bytes);
    ev_timer_init(&pressure->sampler, on_sample, 0, SAMPLE_SECONDS);
    pressure->sampler.data = pressure;
    if (bytes != MEMORY_BUDGET_NONE)
        ev_timer_start(loop, &pressure->sampler);
}

void pressure_stop(struct pressure *pressure, struct ev_loop *loop)
{
    ev_timer_stop(loop, &pressure->sampler);
}

void pressure_take_budget(struct pressure_end *end, struct pressure *pressure)
{
    end->pressure = pressure;
    memory_budget_init(&end->budget, atomic_load(&pressure->budget_bytes));
}

static struct client *slowest_client(struct shard *shard)
{
    struct client *slowest = NULL;

    for (struct client *c = shard->clients; c != NULL; c = c->next) {
        if (c->outbox.pending >= SLOW_BYTES &&
            (slowest == NULL || c->outbox.pending > slowest->outbox.pending))
            slowest = c;
    }
    return slowest;
}

static uint64_t take_stock(struct pressure *pressure, struct shard *shard)
{
    atomic_store_explicit(&pressure->block_bytes[shard->index],
                          shard->blocks.bytes_in_use - shard->blocks.bytes_unfilled,
                          memory_order_relaxed);
    return atomic_load(&pressure->besides_bytes) + bytes_in_blocks(pressure);
}

void pressure_turn(struct pressure_end *end, struct shard *shard)
{
    enum memory_level before = end->budget.level;
    struct client *slowest;
    uint64_t used;

    if (end->budget.bytes == MEMORY_BUDGET_NONE)
        return;
    used = take_stock(end->pressure, shard);
    while (memory_budget_update(&end->budget, used) == MEMORY_CUT &&
           (slowest = slowest_client(shard)) != NULL) {
        client_close(slowest, STATUS_SLOW_PENDING);
        used = take_stock(end->pressure, shard);
    }
    if (end->budget.level != before) {
        log_event(end->budget.level > before ? LOG_WARN : LOG_INFO, "memory.pressure",
                  "level=%d used=%llu budget=%llu shard=%u", (int)end->budget.level,
                  (unsigned long long)used, (unsigned long long)end->budget.bytes, shard->index);
    }
}
