/* worker: the thread of one shard, with its loop.
 *
 * Reads sockets into the shard, and at the end of each turn of the loop writes what gathered in the
 * outboxes. Decides nothing about messages: that is node/broker.
 *
 * Owns      its loop, its shard, its connections.
 * Threads   its own, but for worker_post() and what says otherwise. */
#ifndef NATTER_NODE_WORKER_H
#define NATTER_NODE_WORKER_H

#include "node/broker/shard.h"
#include "node/runtime/crossing.h"
#include "node/runtime/pressure.h"

#include <ev.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/types.h>

struct node;
struct worker;
struct connection;

/* Something for a worker to do between two turns, asked for by another thread. */
struct command {
    struct command *next;
    void (*run)(struct worker *worker, struct command *command); /* frees <command> if need be */
};

struct worker {
    struct shard shard;
    struct node *node; /* for those above it: the worker itself needs no node */
    struct ev_loop *loop;
    pthread_t thread;
    pid_t tid; /* of the thread, once it runs */
    sem_t started;
    bool has_thread; /* worker 0 runs on the main one */

    struct block *input; /* what sockets are read into; a new one once somebody looks into it */
    struct connection *connections;
    _Atomic uint32_t connection_count; /* written by this worker, read by any */
    struct pressure_end pressure;
    struct connection *held; /* publishers whose sockets are left unread for a moment */
    ev_prepare turn_end;
    ev_check turn_begin;
    ev_idle sleepless;      /* keeps the loop from waiting while there is something to receive */
    ev_timer ticker;        /* goes off at the shard's earliest deadline, */
    uint64_t ticker_due_ns; /* which is this */
    ev_timer hold_end;

    double trim_pause_seconds; /* that has to pass first, so that it takes little of the time */
    ev_timer trimmer;          /* gives memory back some time after connections have gone */

    struct crossing_end *crossing;

    ev_async woken; /* there are commands */
    pthread_mutex_t commands_lock;
    struct command *commands; /* newest first */
};

/* What a worker is made of besides itself; all of it outlives the worker. */
struct worker_setup {
    struct node *node;
    struct broker *broker;
    const struct options *options;
    struct crossing *crossing;
    unsigned index;
    unsigned count; /* workers in all */
};

/* False when memory or descriptors are out; worker_fini() takes it all the same. */
bool worker_init(struct worker *worker, const struct worker_setup *setup);
void worker_fini(struct worker *worker); /* closes what connections are left */

/* Runs the loop until worker_stop(). worker_start() does so on a thread of its own. */
void worker_run(struct worker *worker);
bool worker_start(struct worker *worker);
void worker_join(struct worker *worker);

/* Any thread: has <command> run on the worker's, soon. */
void worker_post(struct worker *worker, struct command *command);

/* Its own thread: leaves the loop after this turn. */
void worker_stop(struct worker *worker);

/* Writes all outboxes that have something in them. */
void worker_flush(struct worker *worker);

/* A connection has gone: memory that is free now goes back to the system, when there is time. */
void worker_note_departure(struct worker *worker);

/* Leaves <connection> unread until its consumers catch up, or for WORKER_HOLD_MS. */
#define WORKER_HOLD_MS 10
void worker_hold(struct worker *worker, struct connection *connection);
void worker_release_held(struct worker *worker);

#endif
