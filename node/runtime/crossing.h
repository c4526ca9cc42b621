/* crossing: the rings between the workers, and their sleep.
 *
 * Each pair of workers has a ring each way. What a shard sends to another during a turn becomes visible
 * there at the turn's end, as one batch; the other is woken only if it sleeps. A worker looks into its
 * rings once a turn, and once more after declaring that it will sleep.
 *
 * Owns      the rings and bells.
 * Threads   an end is its worker's; the rings are what passes between them. */
#ifndef NATTER_RUNTIME_CROSSING_H
#define NATTER_RUNTIME_CROSSING_H

#include "node/runtime/ring.h"

#include <ev.h>
#include <stdbool.h>

struct shard;

/* One worker's end of it. */
struct crossing_end {
    struct crossing *crossing;
    struct shard *shard;
    struct ev_loop *loop;
    struct ring_bell bell;
    ev_async rung;     /* another worker has sent something, or has made room */
    uint64_t has_sent; /* to which workers since the last turn, a bit each */
};

struct crossing {
    unsigned count;            /* workers */
    struct ring **rings;       /* [from * count + to]; NULL where from is to */
    struct crossing_end *ends; /* one for each worker */
};

/* For <count> workers; with one there is nothing to do, ever. False when memory is out. */
bool crossing_init(struct crossing *crossing, unsigned count);
void crossing_fini(struct crossing *crossing);

/* Joins a shard and its loop, and fills the shard's host. Before any worker runs. */
struct crossing_end *crossing_attach(struct crossing *crossing, struct shard *shard,
                                     struct ev_loop *loop);

/* Delivers what other shards have sent, and sends on what had to wait. True if there was anything. */
bool crossing_receive(struct crossing_end *end);

/* Makes visible what this shard has sent since the last time, and wakes who sleeps. True if there was
 * anything. */
bool crossing_publish(struct crossing_end *end);

/* The worker is about to wait in its loop: true if it may, false if there is something to receive. */
bool crossing_may_sleep(struct crossing_end *end);

/* It is awake again. */
void crossing_wake(struct crossing_end *end);

#endif
