/* pause: all workers stand still, so that something can be changed that is nobody's alone.
 *
 * Each worker comes to it between two turns of its loop. They first deliver whatever is under way
 * between shards, round by round, until a round finds nothing; then one acts, alone, and all go on.
 * So a connection can change its shard without a message being lost or overtaken. It costs what
 * waking every worker costs, some ten microseconds, and is for moments, not for messages.
 *
 * Threads   pause_all() by worker 0, one at a time. */
#ifndef NATTER_RUNTIME_PAUSE_H
#define NATTER_RUNTIME_PAUSE_H

#include <pthread.h>
#include <stdatomic.h>

struct node;

/* Where the workers meet. */
struct pause {
    pthread_barrier_t barrier;
    _Atomic unsigned busy; /* workers that had something to deliver in this round */
};

void pause_init(struct pause *pause, unsigned worker_count);
void pause_fini(struct pause *pause);

/* Runs act(node, arg) on the calling thread while every worker stands still, then lets them go on. */
void pause_all(struct node *node, void (*act)(struct node *node, void *arg), void *arg);

#endif
