/* pressure: the node's memory budget, kept.
 *
 * Each worker tells, at the end of each turn, how much its blocks hold; with what the process uses
 * besides, sampled by worker 0, that makes what is in use. Near the budget publishers are read from
 * rarely; nearer still the slowest consumers are closed, the largest outbox first; the process stays.
 *
 * Threads   pressure_turn() each worker's own; the sums are atomics. */
#ifndef NATTER_RUNTIME_PRESSURE_H
#define NATTER_RUNTIME_PRESSURE_H

#include "node/runtime/memory_budget.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct node;
struct worker;

/* While publishers are held back, each is read from this often. */
#define PRESSURE_HOLD_MS 100

struct pressure {
    struct node *node;
    _Atomic uint64_t budget_bytes;  /* MEMORY_BUDGET_NONE: no limit, and nothing is done */
    _Atomic uint64_t besides_bytes; /* resident, but not in blocks */
    ev_timer sampler;
};

/* Takes max_memory, or what the control group allows; again after a reload. */
void pressure_choose(struct pressure *pressure, struct node *node);

/* The worker goes by the budget chosen last. */
void pressure_take_budget(struct worker *worker);

void pressure_stop(struct pressure *pressure);

/* The end of a worker's turn: takes stock, and closes the slowest consumers if it must. */
void pressure_turn(struct worker *worker);

/* Whether publishers are to be held back. */
bool pressure_is_on(const struct worker *worker);

#endif
