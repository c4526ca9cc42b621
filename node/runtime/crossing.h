/* crossing: the rings between the workers, and their sleep.
 *
 * Each pair of workers has a ring each way. What a shard sends to another during a turn becomes visible
 * there at the turn's end, as one batch; the other is woken only if it sleeps. A worker looks into its
 * rings once a turn, and once more after declaring that it will sleep.
 *
 * Owns      the rings and bells.
 * Threads   crossing_turn() and crossing_wake() by each worker for itself. */
#ifndef NATTER_RUNTIME_CROSSING_H
#define NATTER_RUNTIME_CROSSING_H

#include "node/runtime/ring.h"

#include <stdbool.h>

struct worker;

struct crossing {
    unsigned count;          /* workers */
    struct ring **rings;     /* [from * count + to]; NULL where from is to */
    struct ring_bell *bells; /* one for each worker */
};

/* For <count> workers; with one there is nothing to do, ever. False when memory is out. */
bool crossing_init(struct crossing *crossing, unsigned count);
void crossing_fini(struct crossing *crossing);

/* Fills the host of the worker's shard. */
void crossing_attach(struct worker *worker);

/* Delivers what other shards have sent, and sends on what had to wait. True if there was anything. */
bool crossing_receive(struct worker *worker);

/* Makes visible what this shard has sent since the last time, and wakes who sleeps. True if there was
 * anything. */
bool crossing_publish(struct worker *worker);

/* The worker is about to wait in its loop: true if it may, false if there is something to receive. */
bool crossing_may_sleep(struct worker *worker);

/* It is awake again. */
void crossing_wake(struct worker *worker);

#endif
