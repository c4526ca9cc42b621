#include "lib/base/random.h"

#include <criterion/criterion.h>
#include <string.h>

Test(random, the_same_seed_takes_the_same_path)
{
    struct random a, b;

    random_init(&a, 42);
    random_init(&b, 42);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(random_next(&a), random_next(&b));
}

Test(random, neighbouring_seeds_part_at_once)
{
    struct random a, b;

    random_init(&a, 0);
    random_init(&b, 1);
    cr_expect_neq(random_next(&a), random_next(&b));
}

/* With 64 000 throws each of 64 faces is expected 1000 times, give or take 31; ten times that would
 * be no accident. */
Test(random, below_favours_nobody)
{
    struct random r;
    unsigned counts[64] = {0};

    random_init(&r, 7);
    for (int i = 0; i < 64000; i++)
        counts[random_below(&r, 64)]++; /* beyond the bound the sanitizer would say so */
    for (int face = 0; face < 64; face++) {
        cr_expect_gt(counts[face], 690, "face %d came %u times", face, counts[face]);
        cr_expect_lt(counts[face], 1310, "face %d came %u times", face, counts[face]);
    }
}

Test(random, below_stays_below_any_bound)
{
    static const uint32_t bounds[] = {1, 2, 3, 5, 1000, UINT32_C(1) << 31, UINT32_MAX};
    struct random r;

    random_init(&r, 7);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (int n = 0; n < 1000; n++)
            cr_assert_lt(random_below(&r, bounds[i]), bounds[i]);
    }
}

Test(random, secure_fills_all_of_it_and_never_twice_the_same)
{
    unsigned char a[512] = {0}, b[512] = {0};
    size_t zeros_at_the_end = 0;

    cr_assert(random_secure(a, sizeof a));
    cr_assert(random_secure(b, sizeof b));
    cr_expect_neq(memcmp(a, b, sizeof a), 0);
    while (zeros_at_the_end < sizeof a && a[sizeof a - 1 - zeros_at_the_end] == 0)
        zeros_at_the_end++;
    cr_expect_lt(zeros_at_the_end, 8); /* one run in 2^64 has that many by chance */
    cr_expect(random_secure(a, 0));
}
