#include "lib/base/table.h"

#include "lib/base/random.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct city {
    uint32_t number;
    uint32_t hash;
    bool is_in; /* the model: what the table ought to say */
};

static bool is_number(const void *item, const void *key)
{
    return ((const struct city *)item)->number == *(const uint32_t *)key;
}

static struct city *find(const struct table *t, uint32_t hash, uint32_t number)
{
    return table_find(t, hash, is_number, &number);
}

Test(table, empty_holds_no_memory_and_finds_nothing)
{
    struct table t;

    table_init(&t);
    table_check(&t);
    cr_expect_null(find(&t, 0, 0));
    cr_expect_not(table_remove(&t, 0, &t));
    cr_expect_eq(table_count(&t), 0);
    cr_expect_eq(table_memory_bytes(&t), 0);
    table_fini(&t);
}

Test(table, finds_what_was_added_until_it_is_removed)
{
    struct city rome = {.number = 1};
    struct table t = {0};

    cr_assert(table_add(&t, 99, &rome));
    cr_expect_eq(find(&t, 99, 1), &rome);
    cr_expect_null(find(&t, 99, 2), "the hash alone is not enough");
    cr_expect_null(find(&t, 98, 1), "nor is the key");
    cr_expect(table_remove(&t, 99, &rome));
    cr_expect_null(find(&t, 99, 1));
    cr_expect_not(table_remove(&t, 99, &rome));
    cr_expect_eq(table_memory_bytes(&t), 0);
}

Test(table, an_item_takes_the_place_of_another)
{
    struct city rome = {.number = 1};
    struct city roma = {.number = 2};
    struct table t = {0};

    cr_expect_not(table_replace(&t, 99, &rome, &roma));
    cr_assert(table_add(&t, 99, &rome));
    cr_expect(table_replace(&t, 99, &rome, &roma));
    cr_expect_null(find(&t, 99, 1));
    cr_expect_eq(find(&t, 99, 2), &roma);
    cr_expect_eq(table_count(&t), 1);
    cr_expect_not(table_replace(&t, 99, &rome, &roma), "it is not there any more");
    table_check(&t);
    table_fini(&t);
}

Test(table, keeps_items_of_one_hash_apart)
{
    struct city cities[100];
    struct table t = {0};

    for (uint32_t i = 0; i < 100; i++) {
        cities[i] = (struct city){.number = i};
        cr_assert(table_add(&t, 0, &cities[i]));
    }
    table_check(&t);
    for (uint32_t i = 0; i < 100; i += 2)
        cr_assert(table_remove(&t, 0, &cities[i]));
    table_check(&t);
    for (uint32_t i = 0; i < 100; i++)
        cr_expect_eq(find(&t, 0, i), i % 2 == 0 ? NULL : &cities[i]);
    table_fini(&t);
}

Test(table, a_walk_meets_each_item_once)
{
    struct city cities[1000] = {0};
    struct city *city;
    struct table t = {0};
    uint32_t met = 0;

    for (uint32_t i = 0; i < 1000; i++)
        cr_assert(table_add(&t, i, &cities[i]));
    for (uint32_t at = 0; (city = table_next(&t, &at)) != NULL; met++) {
        cr_assert_not(city->is_in);
        city->is_in = true;
    }
    cr_expect_eq(met, 1000);
    table_fini(&t);
    table_check(&t);
}

Test(table, takes_memory_in_proportion_and_gives_it_back)
{
    enum { ITEMS = 10000 };
    struct city *cities = calloc(ITEMS, sizeof *cities);
    struct table t = {0};

    for (uint32_t i = 0; i < ITEMS; i++) {
        cr_assert(table_add(&t, i, &cities[i]));
        cr_assert_leq(table_memory_bytes(&t), 12 * (4 + 8 * (size_t)i / 3));
    }
    for (uint32_t left = ITEMS; left-- > 0;) {
        cr_assert(table_remove(&t, left, &cities[left]));
        cr_assert_leq(table_memory_bytes(&t), 12 * 8 * ((size_t)left + 1));
    }
    cr_expect_eq(table_memory_bytes(&t), 0);
    free(cities);
}

/* Adds, removes and searches at random, beside an array that plainly says what is in. <hashes>
 * bounds how many different hashes there are: few of them make long runs of collisions. */
static void live_beside_the_model(uint64_t seed, uint32_t hashes)
{
    enum { CITIES = 600, STEPS = 30000 };
    struct city cities[CITIES];
    struct table t = {0};
    struct random r;
    uint32_t count = 0;

    random_init(&r, seed);
    for (uint32_t i = 0; i < CITIES; i++)
        cities[i] = (struct city){.number = i, .hash = random_below(&r, hashes) * 0x10001};
    for (int step = 0; step < STEPS; step++) {
        /* The share of adding swings, so that the table fills up and empties over and over. */
        bool adding = random_below(&r, 100) < (step / 3000 % 2 == 0 ? 80u : 20u);
        struct city *city = &cities[random_below(&r, CITIES)];

        if (adding && !city->is_in) {
            cr_assert(table_add(&t, city->hash, city));
            city->is_in = true;
            count++;
        } else if (!adding) {
            cr_assert_eq(table_remove(&t, city->hash, city), city->is_in);
            count -= city->is_in;
            city->is_in = false;
        }
        city = &cities[random_below(&r, CITIES)];
        cr_assert_eq(find(&t, city->hash, city->number), city->is_in ? city : NULL,
                     "seed %lu, step %d", (unsigned long)seed, step);
        cr_assert_eq(table_count(&t), count);
        if (step % 16 == 0)
            table_check(&t);
    }
    table_fini(&t);
}

Test(table, agrees_with_a_naive_model)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        live_beside_the_model(seed, UINT32_MAX);
        live_beside_the_model(seed, 40);
        live_beside_the_model(seed, 2);
    }
}
