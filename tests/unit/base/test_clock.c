#include "lib/base/clock.h"

#include <criterion/criterion.h>
#include <time.h>

Test(clock, monotonic_time_never_goes_back)
{
    uint64_t before = clock_now_ns();

    for (int i = 0; i < 100000; i++) {
        uint64_t now = clock_now_ns();

        cr_assert_geq(now, before);
        before = now;
    }
}

Test(clock, monotonic_time_moves)
{
    uint64_t start = clock_now_ns();
    unsigned readings = 0;

    while (clock_now_ns() == start)
        cr_assert_lt(readings++, 100000000);
}

Test(clock, wall_time_is_the_systems)
{
    uint64_t before = (uint64_t)time(NULL);
    uint64_t wall = clock_wall_ns() / CLOCK_NS_A_SECOND;

    /* time() may lag by a tick of the kernel's coarse clock. */
    cr_expect_geq(wall, before);
    cr_expect_leq(wall, (uint64_t)time(NULL) + 1);
}

Test(clock, thread_time_counts_work)
{
    uint64_t start = clock_thread_cpu_ns();
    unsigned rounds = 0;

    while (clock_thread_cpu_ns() - start < CLOCK_NS_A_MS)
        cr_assert_lt(rounds++, 100000000);
}
