#include "node/runtime/memory_budget.h"

#include "node/runtime/cgroup.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct memory_budget budget;

static void a_budget_of_a_thousand(void)
{
    memory_budget_init(&budget, 1000);
}

TestSuite(memory_budget, .init = a_budget_of_a_thousand);

Test(memory_budget, is_three_quarters_of_the_cgroup_or_none)
{
    cr_expect_eq(memory_budget_default(1 << 30), 3 << 28);
    cr_expect_eq(memory_budget_default(CGROUP_NO_LIMIT), MEMORY_BUDGET_NONE);
}

Test(memory_budget, without_one_anything_goes)
{
    memory_budget_init(&budget, MEMORY_BUDGET_NONE);
    cr_expect_eq(memory_budget_update(&budget, UINT64_MAX), MEMORY_NORMAL);
}

Test(memory_budget, publishers_are_held_back_near_it_and_consumers_cut_nearer_still)
{
    cr_expect_eq(memory_budget_update(&budget, 849), MEMORY_NORMAL);
    cr_expect_eq(memory_budget_update(&budget, 850), MEMORY_HOLD_BACK);
    cr_expect_eq(memory_budget_update(&budget, 949), MEMORY_HOLD_BACK);
    cr_expect_eq(memory_budget_update(&budget, 950), MEMORY_CUT);
    cr_expect_eq(memory_budget_update(&budget, 2000), MEMORY_CUT);
}

Test(memory_budget, a_level_is_left_below_where_it_was_entered)
{
    memory_budget_update(&budget, 960);
    cr_expect_eq(memory_budget_update(&budget, 940), MEMORY_CUT);
    cr_expect_eq(memory_budget_update(&budget, 900), MEMORY_CUT);
    cr_expect_eq(memory_budget_update(&budget, 899), MEMORY_HOLD_BACK);
    cr_expect_eq(memory_budget_update(&budget, 940), MEMORY_HOLD_BACK);
    cr_expect_eq(memory_budget_update(&budget, 800), MEMORY_HOLD_BACK);
    cr_expect_eq(memory_budget_update(&budget, 799), MEMORY_NORMAL);
    cr_expect_eq(memory_budget_update(&budget, 840), MEMORY_NORMAL);
}

Test(memory_budget, levels_may_be_skipped)
{
    cr_expect_eq(memory_budget_update(&budget, 990), MEMORY_CUT);
    cr_expect_eq(memory_budget_update(&budget, 10), MEMORY_NORMAL);
}

Test(memory_budget, holds_for_the_largest_numbers)
{
    memory_budget_init(&budget, UINT64_MAX);
    cr_expect_eq(memory_budget_update(&budget, UINT64_MAX / 2), MEMORY_NORMAL);
    cr_expect_eq(memory_budget_update(&budget, UINT64_MAX), MEMORY_CUT);
}

/* No upper bound: a sanitizer keeps notes on what is touched. */
Test(memory_budget, what_the_process_uses_grows_with_what_it_touches)
{
    enum { SIZE = 32 << 20 };
    uint64_t before;
    uint64_t after;
    char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert(memory != MAP_FAILED);
    cr_assert(memory_used_bytes(&system_folders_usual, &before));
    memset(memory, 1, SIZE);
    cr_assert(memory_used_bytes(&system_folders_usual, &after));
    cr_expect_geq(after - before, SIZE - (1 << 20));
    munmap(memory, SIZE);
}

Test(memory_budget, what_is_resident_counts_and_not_what_is_mapped)
{
    char proc[] = "/tmp/natter-memory-XXXXXX";
    struct system_folders folders = {.proc = proc, .cgroup = proc};
    char path[64];
    uint64_t used;
    FILE *file;

    cr_assert_not_null(mkdtemp(proc));
    snprintf(path, sizeof path, "%s/self", proc);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/self/statm", proc);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs("5000 250 100 20 0 300 0\n", file);
    fclose(file);
    cr_assert(memory_used_bytes(&folders, &used));
    cr_expect_eq(used, 250 * (uint64_t)sysconf(_SC_PAGESIZE));
    remove(path);
    snprintf(path, sizeof path, "%s/self", proc);
    remove(path);
    remove(proc);
}

Test(memory_budget, a_system_that_does_not_tell_is_no_harm)
{
    struct system_folders nowhere = {.proc = "/no/such/folder", .cgroup = "/no/such/folder"};
    uint64_t used = 7;

    cr_expect_not(memory_used_bytes(&nowhere, &used));
    cr_expect_eq(used, 7);
}
