/* pressure: the node's memory budget, kept.
 *
 * Each worker tells, at the end of each turn, how much its blocks hold; with what the process uses
 * besides, sampled by worker 0, that makes what is in use. Near the budget publishers are read from
 * rarely; nearer still the slowest consumers are closed, the largest outbox first; the process stays.
 *
 * Threads   an end is its worker's; the sums are atomics. */
#ifndef NATTER_RUNTIME_PRESSURE_H
#define NATTER_RUNTIME_PRESSURE_H

#include "node/broker/shard.h"
#include "node/runtime/memory_budget.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* While publishers are held back, each is read from this often. */
#define PRESSURE_HOLD_MS 100

struct pressure;

/* One worker's end of it. */
struct pressure_end {
    struct pressure *pressure;
    struct memory_budget budget;
};

struct pressure {
    _Atomic uint64_t budget_bytes;  /* MEMORY_BUDGET_NONE: no limit, and nothing is done */
    _Atomic uint64_t besides_bytes; /* resident, but not in blocks */
    _Atomic uint64_t block_bytes[SHARDS_MAX];
    ev_timer sampler;
};

/* Takes <max_memory_bytes>, or, if that is 0, what the control group allows; again after a reload. The
 * sampler runs on <loop>. */
void pressure_choose(struct pressure *pressure, int64_t max_memory_bytes, struct ev_loop *loop);
void pressure_stop(struct pressure *pressure, struct ev_loop *loop);

/* The end goes by the budget chosen last. */
void pressure_take_budget(struct pressure_end *end, struct pressure *pressure);

/* The end of a worker's turn: takes stock, and closes the slowest consumers if it must. */
void pressure_turn(struct pressure_end *end, struct shard *shard);

/* Whether publishers are to be held back. */
static inline bool pressure_is_on(const struct pressure_end *end)
{
    return end->budget.level != MEMORY_NORMAL;
}

#endif
