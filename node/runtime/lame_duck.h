/* lame_duck: how a node leaves while clients are still connected.
 *
 * It stops accepting, tells its clients (INFO with "ldm"), gives them a grace period to go elsewhere,
 * then closes those that stayed one by one, spread over the rest of the time so that they do not all
 * arrive at another node at once, and exits. Without clients it exits at once. docs/protocol.md has
 * the rules.
 *
 * Threads   worker 0's. */
#ifndef NATTER_RUNTIME_LAME_DUCK_H
#define NATTER_RUNTIME_LAME_DUCK_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct node;

struct lame_duck {
    struct node *node;
    bool is_on;
    ev_timer timer;
    double step_seconds; /* between two closings at most */
    uint32_t batch;      /* connections closed at each */
};

/* Begins; once begun it is not begun again. */
void lame_duck_begin(struct lame_duck *duck, struct node *node);

void lame_duck_stop(struct lame_duck *duck);

#endif
