/* balance: which worker each connection lives on.
 *
 * Looks, a few times a second, at how busy the workers are and what the machine has left, asks
 * placement what to do, and does it: new connections go where it says, and connections move from a hot
 * worker to a cool one while all stand still (pause.h). With one worker there is nothing to do, and
 * nothing is done.
 *
 * A move takes two ticks: at the first, the work each connection has done is noted; at the next,
 * what it did since tells which ones are worth moving.
 *
 * Threads   worker 0's, while the others run. */
#ifndef NATTER_RUNTIME_BALANCE_H
#define NATTER_RUNTIME_BALANCE_H

#include "node/runtime/load_sample.h"
#include "node/runtime/placement.h"

#include <ev.h>
#include <stdbool.h>

struct node;

struct balance {
    struct node *node;
    struct placement placement;
    struct load_thread *threads; /* one for each worker */
    struct load_machine machine;
    uint64_t sampled_at_ns;
    ev_timer ticker;
    struct placement_move planned; /* to be carried out at the next tick, */
    bool is_planned;               /* if this says so */
};

/* After the workers have started. <policy> says whether to fill one after another or use all at once.
 * False when memory is out or the system does not tell how busy a thread is. */
bool balance_start(struct balance *balance, struct node *node, enum placement_policy policy);
void balance_stop(struct balance *balance);

/* The worker for a connection that has just been accepted. */
unsigned balance_choose(struct balance *balance);

#endif
