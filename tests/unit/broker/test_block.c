#include "node/broker/block.h"

#include "tests/unit/broker/scarcity.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct block_pool pool;

static void begin(void)
{
    block_pool_init(&pool);
}

static void end(void)
{
    block_pool_fini(&pool);
}

TestSuite(block, .init = begin, .fini = end);

Test(block, is_given_with_one_reference)
{
    struct block *b = block_take(&pool);

    cr_assert_not_null(b);
    cr_expect_eq(b->refs, 1);
    cr_expect_eq(b->capacity, BLOCK_BYTES);
    cr_expect_eq(pool.bytes_in_use, BLOCK_BYTES);
    block_unref(b);
    cr_expect_eq(pool.bytes_in_use, 0);
}

Test(block, goes_back_with_its_last_reference_and_is_given_again)
{
    struct block *b = block_take(&pool);
    struct block *again;

    block_ref(b);
    block_unref(b);
    cr_expect_eq(pool.spare_count, 0, "somebody still looks into it");
    block_unref(b);
    cr_expect_eq(pool.spare_count, 1);
    again = block_take(&pool);
    cr_expect_eq(again, b);
    cr_expect_eq(again->refs, 1);
    block_unref(again);
}

Test(block, made_to_measure_is_as_large_as_asked_and_not_kept)
{
    struct block *b = block_take_sized(&pool, 100);

    cr_expect_eq(b->capacity, 100);
    cr_expect_eq(pool.bytes_in_use, 100);
    block_unref(b);
    cr_expect_eq(pool.bytes_in_use, 0);
    cr_expect_eq(pool.spare_count, 0);
}

Test(block, of_no_pool_counts_where_it_is_adopted)
{
    struct block *b = block_take_loose(5000);

    cr_expect_eq(b->refs, 1);
    cr_expect_eq(pool.bytes_in_use, 0);
    block_adopt(b, &pool);
    cr_expect_eq(pool.bytes_in_use, 5000);
    block_unref(b);
    cr_expect_eq(pool.bytes_in_use, 0);
}

Test(block, of_no_pool_may_end_unadopted)
{
    free(block_take_loose(5000));
}

Test(block, of_the_usual_size_is_kept_by_whoever_adopts_it)
{
    struct block *b = block_take_loose(BLOCK_BYTES);

    block_adopt(b, &pool);
    block_unref(b);
    cr_expect_eq(pool.spare_count, 1);
}

Test(block, spare_ones_are_bounded)
{
    struct block *taken[BLOCK_SPARE_MAX + 5];
    size_t count = sizeof taken / sizeof taken[0];

    for (size_t i = 0; i < count; i++)
        taken[i] = block_take(&pool);
    cr_expect_eq(pool.bytes_in_use, count * BLOCK_BYTES);
    for (size_t i = 0; i < count; i++)
        block_unref(taken[i]);
    cr_expect_eq(pool.spare_count, BLOCK_SPARE_MAX);
    cr_expect_eq(pool.bytes_in_use, 0, "spare ones are not in use");
}

Test(block, trimming_lets_spare_ones_go)
{
    struct block *used = block_take(&pool);

    block_unref(block_take(&pool));
    block_pool_trim(&pool);
    cr_expect_eq(pool.spare_count, 0);
    cr_expect_null(pool.spare);
    block_unref(used);
}

Test(block, is_not_given_when_memory_is_out)
{
    scarcity_begin(1, true);
    cr_expect_null(block_take(&pool));
    cr_expect_null(block_take_sized(&pool, 1));
    cr_expect_null(block_take_loose(1));
    scarcity_end();
    cr_expect_eq(pool.bytes_in_use, 0);
}

Test(block, that_is_spare_needs_no_memory)
{
    struct block *b;

    block_unref(block_take(&pool));
    scarcity_begin(1, true);
    b = block_take(&pool);
    scarcity_end();
    cr_assert_not_null(b);
    block_unref(b);
}
