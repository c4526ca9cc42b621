#include "lib/base/timers.h"

#include "lib/base/random.h"

#include <criterion/criterion.h>

Test(timers, empty_ones_are_never_due_and_hold_no_memory)
{
    struct timers ts;

    timers_init(&ts);
    timers_check(&ts);
    cr_expect_eq(timers_next_due(&ts), TIMERS_NEVER);
    cr_expect_null(timers_take_due(&ts, UINT64_MAX));
    cr_expect_null(ts.heap);
    timers_fini(&ts);
}

Test(timers, come_in_the_order_of_their_deadlines)
{
    struct timer late = {0}, early = {0}, middle = {0};
    struct timers ts = {0};

    cr_assert(timers_set(&ts, &late, 300));
    cr_assert(timers_set(&ts, &early, 100));
    cr_assert(timers_set(&ts, &middle, 200));
    cr_expect_eq(timers_next_due(&ts), 100);
    cr_expect_eq(timers_take_due(&ts, 250), &early);
    cr_expect_eq(timers_take_due(&ts, 250), &middle);
    cr_expect_null(timers_take_due(&ts, 250));
    cr_expect_eq(timers_take_due(&ts, 300), &late, "at the deadline it is due");
    cr_expect_null(ts.heap);
}

Test(timers, a_taken_one_is_idle_and_can_be_set_again)
{
    struct timer ping = {0};
    struct timers ts = {0};

    for (uint64_t now = 1; now < 10; now++) {
        cr_assert(timers_set(&ts, &ping, now));
        cr_expect(timer_is_set(&ping));
        cr_expect_eq(timers_take_due(&ts, now), &ping);
        cr_expect_not(timer_is_set(&ping));
    }
}

Test(timers, setting_one_again_moves_it)
{
    struct timer a = {0}, b = {0};
    struct timers ts = {0};

    cr_assert(timers_set(&ts, &a, 100));
    cr_assert(timers_set(&ts, &b, 200));
    cr_assert(timers_set(&ts, &a, 300));
    cr_expect_eq(timers_next_due(&ts), 200);
    cr_assert(timers_set(&ts, &a, 150));
    cr_expect_eq(timers_next_due(&ts), 150);
    cr_expect_eq(ts.count, 2);
    timers_fini(&ts);
    cr_expect_not(timer_is_set(&a));
    cr_expect_not(timer_is_set(&b));
}

Test(timers, a_cancelled_one_does_not_come)
{
    struct timer a = {0}, b = {0};
    struct timers ts = {0};

    cr_assert(timers_set(&ts, &a, 100));
    cr_assert(timers_set(&ts, &b, 200));
    timers_cancel(&ts, &a);
    timers_cancel(&ts, &a); /* idle already: nothing happens */
    cr_expect_not(timer_is_set(&a));
    cr_expect_eq(timers_take_due(&ts, 1000), &b);
    cr_expect_null(timers_take_due(&ts, 1000));
}

enum { ALARMS = 500 };

/* The model: the deadlines in a plain array, TIMERS_NEVER for an idle one. */
struct alarms {
    struct timer timers[ALARMS];
    uint64_t due_ns[ALARMS];
};

static uint64_t earliest(const struct alarms *a)
{
    uint64_t first = TIMERS_NEVER;

    for (int i = 0; i < ALARMS; i++)
        first = a->due_ns[i] < first ? a->due_ns[i] : first;
    return first;
}

static void take_all_due(struct timers *ts, struct alarms *a, uint64_t now)
{
    struct timer *t;

    while ((t = timers_take_due(ts, now)) != NULL) {
        size_t i = (size_t)(t - a->timers);

        cr_assert_eq(a->due_ns[i], earliest(a));
        cr_assert_leq(a->due_ns[i], now);
        a->due_ns[i] = TIMERS_NEVER;
    }
    cr_assert(earliest(a) > now);
}

Test(timers, agree_with_a_naive_model)
{
    static struct alarms a;
    struct timers ts = {0};
    struct random r;
    uint64_t now = 0;

    random_init(&r, 42);
    for (int i = 0; i < ALARMS; i++)
        a.due_ns[i] = TIMERS_NEVER;
    for (int step = 0; step < 20000; step++) {
        uint32_t i = random_below(&r, ALARMS);
        uint32_t what = random_below(&r, 100);

        if (what < 60) {
            a.due_ns[i] = now + random_below(&r, 1000);
            cr_assert(timers_set(&ts, &a.timers[i], a.due_ns[i]));
        } else if (what < 80) {
            a.due_ns[i] = TIMERS_NEVER;
            timers_cancel(&ts, &a.timers[i]);
        } else {
            /* Now and then a long leap, so that the heap empties and shrinks. */
            now += random_below(&r, what == 99 ? 2000 : 4);
            take_all_due(&ts, &a, now);
        }
        cr_assert_eq(timers_next_due(&ts), earliest(&a), "step %d", step);
        timers_check(&ts);
    }
    timers_fini(&ts);
}
