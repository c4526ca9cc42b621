/* timers: deadlines, and which of them comes first.
 *
 * A heap with four children a node over timers that live inside what they belong to:
 *
 *     struct client { struct timer ping; ... };
 *
 * Setting, moving and cancelling cost the heap's depth: nine steps at a hundred thousand. It reads
 * no clock and calls nobody; the caller asks what is due at a time of its choosing.
 *
 * Owns      the heap, and no memory at all while no timer is set. A timer stays its owner's, who
 *           cancels it before freeing it.
 * Threads   one: a heap and its timers are one shard's.
 * Allocates in timers_set() when an idle timer is added; moving one never does. */
#ifndef NATTER_BASE_TIMERS_H
#define NATTER_BASE_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

/* Timers in one heap, beyond which timers_set() fails. */
#define TIMERS_MAX (UINT32_C(1) << 28)

/* What timers_next_due() says when no timer is set. */
#define TIMERS_NEVER UINT64_MAX

/* A zeroed timer is idle. Only timers_...() write to it. */
struct timer {
    uint64_t due_ns; /* while it is set */
    uint32_t index;  /* its place in the heap, counted from 1; 0 while it is idle */
};

struct timers {
    struct timer **heap;
    uint32_t count;
    uint32_t capacity;
};

/* A zeroed struct is an empty heap too. */
void timers_init(struct timers *ts);

/* Cancels every timer still set; the heap is empty and usable afterwards. */
void timers_fini(struct timers *ts);

/* Sets <t> to <due_ns>, moving it if it is set already. False when memory is out; then nothing has
 * changed. A timer that is set already always succeeds. */
bool timers_set(struct timers *ts, struct timer *t, uint64_t due_ns);

/* Makes room for one more timer: if that is the next to be set, it cannot fail. False when memory is
 * out. */
bool timers_reserve(struct timers *ts);

/* Makes <t> idle; one that is idle already stays so. */
void timers_cancel(struct timers *ts, struct timer *t);

bool timer_is_set(const struct timer *t);

/* The earliest deadline, or TIMERS_NEVER. */
uint64_t timers_next_due(const struct timers *ts);

/* Takes out the earliest timer if it is due at <now_ns>, idle from then on; NULL when none is. Call
 * it until it says NULL; timers may be set and cancelled in between. */
struct timer *timers_take_due(struct timers *ts, uint64_t now_ns);

/* Asserts the whole invariant, in time that grows with the number of timers. */
void timers_check(const struct timers *ts);

#endif
