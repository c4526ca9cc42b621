/* pair: two well-behaved clients that talk to each other while something else goes on.
 *
 * One publishes numbered messages, the other has to get each of them, in order, before the next is
 * sent. So a pair that was not disturbed has lost nothing, and its slowest exchange tells how long
 * the node let it wait.
 *
 * Threads   the pair runs in one of its own, from pair_start() to pair_stop(). */
#ifndef NATTER_SYSTEM_PAIR_H
#define NATTER_SYSTEM_PAIR_H

#include <stdbool.h>
#include <stdint.h>

struct node;
struct pair; /* opaque: a thread and its connections */

/* What a pair has been through. */
struct pair_report {
    bool undisturbed; /* every message came, and nothing else */
    int exchanged;    /* messages */
    int64_t slowest_ms;
};

/* Begins to talk, and returns when the first message has been exchanged, or failed to be. */
struct pair *pair_start(struct node *node);

/* Lets the pair exchange some more messages, ends and frees it. */
struct pair_report pair_stop(struct pair *pair);

#endif
