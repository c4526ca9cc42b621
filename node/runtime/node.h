/* node: one natter-node, put together.
 *
 * Makes the broker and its workers, listens, places new connections, and handles signals: reload, lame
 * duck, shutdown. Worker 0 runs on the calling thread and does all of this besides its own share.
 *
 * Owns      everything a node is made of, but for its settings.
 * Threads   node_run() on the main one; node_options() on any. */
#ifndef NATTER_NODE_NODE_H
#define NATTER_NODE_NODE_H

#include "lib/net/listener.h"
#include "node/broker/broker.h"
#include "node/broker/options.h"
#include "node/runtime/balance.h"
#include "node/runtime/control.h"
#include "node/runtime/crossing.h"
#include "node/runtime/lame_duck.h"
#include "node/runtime/pause.h"
#include "node/runtime/pressure.h"
#include "node/runtime/settings.h"
#include "node/runtime/shared_lock.h"
#include "node/runtime/worker.h"

#include <ev.h>

struct node {
    struct broker broker;
    struct settings *settings; /* replaced on reload, by worker 0 */
    const struct options *_Atomic options;
    struct shared_lock interest_lock;
    struct crossing crossing;
    struct pause pause;
    struct balance balance;
    struct worker *workers;
    unsigned worker_count;
    struct listener *listener;
    ev_io acceptable;
    ev_timer accept_again;
    struct control control;
    struct lame_duck lame_duck;
    struct pressure pressure;
    int exit_status;
};

/* False when memory or descriptors are out. Owns <settings> from then on, either way. */
bool node_init(struct node *node, struct settings *settings);
void node_fini(struct node *node);

/* Listens, then runs until a signal ends it. The exit status. */
int node_run(struct node *node);

/* Closes the port for clients: connecting is refused from then on. */
void node_stop_listening(struct node *node);

const struct options *node_options(struct node *node);

#endif
