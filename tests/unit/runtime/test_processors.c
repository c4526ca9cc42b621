#include "node/runtime/processors.h"

#include "node/runtime/cgroup.h"

#include <criterion/criterion.h>
#include <sched.h>

Test(processors, are_those_the_affinity_allows)
{
    struct processor_set all;
    struct processor_set one;
    cpu_set_t only;
    uint64_t first = 0;

    processors_allowed(&all);
    cr_assert_gt(all.count, 0);
    while (!processor_set_has(&all, first))
        first++;
    CPU_ZERO(&only);
    CPU_SET(first, &only);
    cr_assert_eq(sched_setaffinity(0, sizeof only, &only), 0);
    processors_allowed(&one);
    cr_expect_eq(one.count, 1);
    cr_expect(processor_set_has(&one, first));
    cr_expect_not(processor_set_has(&one, first + 1));
    cr_expect_not(processor_set_has(&one, PROCESSORS_MAX));
    cr_expect_eq(processors_usable(&system_folders_usual), 1);
}

Test(processors, a_quota_is_rounded_up)
{
    cr_expect_eq(processors_usable_of(8, 1500), 2);
    cr_expect_eq(processors_usable_of(8, 2000), 2);
    cr_expect_eq(processors_usable_of(8, 2001), 3);
    cr_expect_eq(processors_usable_of(8, 100), 1);
    cr_expect_eq(processors_usable_of(8, 1), 1);
}

Test(processors, a_quota_above_the_affinity_changes_nothing)
{
    cr_expect_eq(processors_usable_of(2, 64000), 2);
    cr_expect_eq(processors_usable_of(2, UINT64_MAX), 2);
    cr_expect_eq(processors_usable_of(4, CGROUP_NO_LIMIT), 4);
}
