#include "lib/base/timers.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define CHILDREN 4
#define CAPACITY_MIN 4

static uint32_t parent_of(uint32_t i)
{
    return (i - 1) / CHILDREN;
}

static void place(struct timers *ts, uint32_t i, struct timer *t)
{
    ts->heap[i] = t;
    t->index = i + 1;
}

/* Moves <t> up from the free place <i> to where it belongs. */
static void sift_up(struct timers *ts, uint32_t i, struct timer *t)
{
    while (i > 0 && t->due_ns < ts->heap[parent_of(i)]->due_ns) {
        place(ts, i, ts->heap[parent_of(i)]);
        i = parent_of(i);
    }
    place(ts, i, t);
}

/* The child of <i> that is due first; <i> itself when it has none. */
static uint32_t first_child(const struct timers *ts, uint32_t i)
{
    uint32_t begin = i * CHILDREN + 1;
    uint32_t end = begin + CHILDREN < ts->count ? begin + CHILDREN : ts->count;
    uint32_t first = begin;

    if (begin >= ts->count)
        return i;
    for (uint32_t child = begin + 1; child < end; child++) {
        if (ts->heap[child]->due_ns < ts->heap[first]->due_ns)
            first = child;
    }
    return first;
}

/* Moves <t> down from the free place <i> to where it belongs. */
static void sift_down(struct timers *ts, uint32_t i, struct timer *t)
{
    uint32_t child = first_child(ts, i);

    while (child != i && ts->heap[child]->due_ns < t->due_ns) {
        place(ts, i, ts->heap[child]);
        i = child;
        child = first_child(ts, i);
    }
    place(ts, i, t);
}

/* Puts <t> at the free place <i>, or above or below it, as its deadline asks. */
static void settle(struct timers *ts, uint32_t i, struct timer *t)
{
    if (i > 0 && t->due_ns < ts->heap[parent_of(i)]->due_ns)
        sift_up(ts, i, t);
    else
        sift_down(ts, i, t);
}

static bool resize(struct timers *ts, uint32_t capacity)
{
    struct timer **heap = realloc(ts->heap, (size_t)capacity * sizeof(struct timer *));

    if (heap == NULL)
        return false;
    ts->heap = heap;
    ts->capacity = capacity;
    return true;
}

static void shrink_if_far_emptier(struct timers *ts)
{
    if (ts->count == 0)
        timers_fini(ts);
    else if (ts->capacity > CAPACITY_MIN && ts->count < ts->capacity / 4)
        (void)resize(ts, ts->capacity / 2); /* without memory it stays large: only a pity */
}

void timers_init(struct timers *ts)
{
    *ts = (struct timers){0};
}

void timers_fini(struct timers *ts)
{
    for (uint32_t i = 0; i < ts->count; i++)
        ts->heap[i]->index = 0;
    free(ts->heap);
    timers_init(ts);
}

bool timers_reserve(struct timers *ts)
{
    if (ts->count < ts->capacity)
        return true;
    return ts->count < TIMERS_MAX &&
           resize(ts, ts->capacity == 0 ? CAPACITY_MIN : ts->capacity * 2);
}

bool timers_set(struct timers *ts, struct timer *t, uint64_t due_ns)
{
    if (timer_is_set(t)) {
        assert(t->index <= ts->count && ts->heap[t->index - 1] == t);
        t->due_ns = due_ns;
        settle(ts, t->index - 1, t);
        return true;
    }
    if (!timers_reserve(ts))
        return false;
    t->due_ns = due_ns;
    sift_up(ts, ts->count++, t);
    return true;
}

void timers_cancel(struct timers *ts, struct timer *t)
{
    uint32_t hole;
    struct timer *last;

    if (!timer_is_set(t))
        return;
    assert(t->index <= ts->count && ts->heap[t->index - 1] == t);
    hole = t->index - 1;
    last = ts->heap[--ts->count];
    t->index = 0;
    if (last != t)
        settle(ts, hole, last);
    shrink_if_far_emptier(ts);
}

bool timer_is_set(const struct timer *t)
{
    return t->index != 0;
}

uint64_t timers_next_due(const struct timers *ts)
{
    return ts->count == 0 ? TIMERS_NEVER : ts->heap[0]->due_ns;
}

struct timer *timers_take_due(struct timers *ts, uint64_t now_ns)
{
    struct timer *first;

    if (ts->count == 0 || ts->heap[0]->due_ns > now_ns)
        return NULL;
    first = ts->heap[0];
    timers_cancel(ts, first);
    return first;
}

void timers_check(const struct timers *ts)
{
    assert(ts->count <= ts->capacity);
    assert((ts->capacity == 0) == (ts->heap == NULL));
    for (uint32_t i = 0; i < ts->count; i++) {
        assert(ts->heap[i]->index == i + 1);
        assert(i == 0 || ts->heap[parent_of(i)]->due_ns <= ts->heap[i]->due_ns);
    }
}
