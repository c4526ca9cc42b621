/* node: one natter-node, put together.
 *
 * Makes the broker and its workers, listens, and places new connections. Worker 0 runs on the calling
 * thread and does this besides its own share.
 *
 * Owns      everything a node is made of, but for its options.
 * Threads   node_run() on the main one; node_options() on any. */
#ifndef NATTER_NODE_NODE_H
#define NATTER_NODE_NODE_H

#include "lib/net/listener.h"
#include "node/broker/broker.h"
#include "node/broker/options.h"
#include "node/runtime/balance.h"
#include "node/runtime/crossing.h"
#include "node/runtime/pause.h"
#include "node/runtime/pressure.h"
#include "node/runtime/shared_lock.h"
#include "node/runtime/worker.h"

#include <ev.h>

struct node {
    struct broker broker;
    const struct options *_Atomic options; /* replaced on reload */
    struct shared_lock interest_lock;
    struct crossing crossing;
    struct pause pause;
    struct balance balance;
    struct worker *workers;
    unsigned worker_count;
    struct listener *listener;
    ev_io acceptable;
    ev_timer accept_again;
    struct pressure pressure;
};

/* False when memory or descriptors are out; node_fini() takes it all the same. <options> outlive it. */
bool node_init(struct node *node, const struct options *options);
void node_fini(struct node *node);

/* Starts the workers and listens; false after a failure, which has been logged. */
bool node_start(struct node *node);

/* Works until worker_stop() for worker 0; then node_stop() ends the rest, also after node_start() failed. */
void node_run(struct node *node);
void node_stop(struct node *node);

/* Closes the port for clients: connecting is refused from then on. */
void node_stop_listening(struct node *node);

const struct options *node_options(struct node *node);

#endif
