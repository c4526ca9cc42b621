#include "node/runtime/pressure.h"

#include "lib/base/log.h"
#include "node/broker/client.h"
#include "node/runtime/cgroup.h"
#include "node/runtime/node.h"
#include "node/runtime/worker.h"

#define SAMPLE_SECONDS 0.1

/* A consumer with less than this waiting is not slow, whatever the node is short of. */
#define SLOW_BYTES ((size_t)64 << 10)

static uint64_t bytes_in_blocks(struct node *node)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < node->worker_count; i++)
        sum += atomic_load_explicit(&node->workers[i].block_bytes, memory_order_relaxed);
    return sum;
}

static void on_sample(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct pressure *pressure = timer->data;
    uint64_t blocks = bytes_in_blocks(pressure->node);
    uint64_t used;

    (void)loop;
    (void)events;
    if (memory_used_bytes(&system_folders_usual, &used))
        atomic_store(&pressure->besides_bytes, used > blocks ? used - blocks : 0);
}

void pressure_choose(struct pressure *pressure, struct node *node)
{
    uint64_t bytes = (uint64_t)node_options(node)->max_memory_bytes;

    pressure_stop(pressure);
    if (bytes == 0)
        bytes = memory_budget_default(cgroup_memory_limit_bytes(&system_folders_usual));
    pressure->node = node;
    atomic_store(&pressure->budget_bytes, bytes);
    ev_timer_init(&pressure->sampler, on_sample, 0, SAMPLE_SECONDS);
    pressure->sampler.data = pressure;
    if (bytes != MEMORY_BUDGET_NONE)
        ev_timer_start(node->workers[0].loop, &pressure->sampler);
}

void pressure_take_budget(struct worker *worker)
{
    memory_budget_init(&worker->budget, atomic_load(&worker->node->pressure.budget_bytes));
}

void pressure_stop(struct pressure *pressure)
{
    if (pressure->node != NULL)
        ev_timer_stop(pressure->node->workers[0].loop, &pressure->sampler);
}

bool pressure_is_on(const struct worker *worker)
{
    return worker->budget.level != MEMORY_NORMAL;
}

static struct client *slowest_client(struct worker *worker)
{
    struct client *slowest = NULL;

    for (struct client *c = worker->shard.clients; c != NULL; c = c->next) {
        if (c->outbox.pending >= SLOW_BYTES &&
            (slowest == NULL || c->outbox.pending > slowest->outbox.pending))
            slowest = c;
    }
    return slowest;
}

static uint64_t take_stock(struct worker *worker)
{
    struct node *node = worker->node;

    atomic_store_explicit(&worker->block_bytes, worker->shard.blocks.bytes_in_use,
                          memory_order_relaxed);
    return atomic_load(&node->pressure.besides_bytes) + bytes_in_blocks(node);
}

void pressure_turn(struct worker *worker)
{
    enum memory_level before = worker->budget.level;
    struct client *slowest;
    uint64_t used;

    if (worker->budget.bytes == MEMORY_BUDGET_NONE)
        return;
    used = take_stock(worker);
    while (memory_budget_update(&worker->budget, used) == MEMORY_CUT &&
           (slowest = slowest_client(worker)) != NULL) {
        client_close(slowest, STATUS_SLOW_PENDING);
        used = take_stock(worker);
    }
    if (worker->budget.level != before) {
        log_event(worker->budget.level > before ? LOG_WARN : LOG_INFO, "memory.pressure",
                  "level=%d used=%llu budget=%llu shard=%u", (int)worker->budget.level,
                  (unsigned long long)used, (unsigned long long)worker->budget.bytes,
                  worker->shard.index);
    }
}
