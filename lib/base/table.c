#include "lib/base/table.h"

#include <assert.h>
#include <stdlib.h>

#define CAPACITY_MIN 4
#define LARGE_CAPACITY (UINT32_C(64) << 10)

/* 0 marks a free slot, so an item hashed to 0 is kept as if hashed to 1. */
static uint32_t stored_hash(uint32_t hash)
{
    return hash == 0 ? 1 : hash;
}

/* Items that so many slots hold at most: three quarters, so that a free one is never far; of large
 * tables seven eighths, where it is some slots further in the same cache lines. */
static uint32_t most_items(uint32_t capacity)
{
    return (uint32_t)((uint64_t)capacity * (capacity < LARGE_CAPACITY ? 6 : 7) / 8);
}

/* Large tables grow by less: what they leave unused is what counts, not how often they move. */
static uint32_t next_capacity(uint32_t capacity)
{
    if (capacity == 0)
        return CAPACITY_MIN;
    return capacity + (capacity < LARGE_CAPACITY ? capacity / 2 : capacity / 4);
}

/* The slot where a search for <hash> begins. The multiplication (by 2^32 over the golden ratio)
 * spreads hashes that are hardly any, such as a connection's number. */
static uint32_t home_slot(uint32_t hash, uint32_t capacity)
{
    return (uint32_t)(((uint64_t)(uint32_t)(hash * UINT32_C(0x9e3779b1)) * capacity) >> 32);
}

static uint32_t slot_after(const struct table *t, uint32_t slot)
{
    return slot + 1 == t->capacity ? 0 : slot + 1;
}

/* How many steps a search takes from <from> to <to>. */
static uint32_t steps(const struct table *t, uint32_t from, uint32_t to)
{
    return to >= from ? to - from : to + t->capacity - from;
}

void table_init(struct table *t)
{
    *t = (struct table){0};
}

void table_fini(struct table *t)
{
    free(t->items);
    table_init(t);
}

uint32_t table_count(const struct table *t)
{
    return t->count;
}

void *table_find(const struct table *t, uint32_t hash, table_equal_fn *equal, const void *key)
{
    uint32_t wanted = stored_hash(hash);

    if (t->count == 0)
        return NULL;
    for (uint32_t i = home_slot(wanted, t->capacity); t->hashes[i] != 0; i = slot_after(t, i)) {
        if (t->hashes[i] == wanted && equal(t->items[i], key))
            return t->items[i];
    }
    return NULL;
}

/* Puts an item into the first free slot from its home on; there is one. */
static void put(struct table *t, uint32_t hash, void *item)
{
    uint32_t i = home_slot(hash, t->capacity);

    while (t->hashes[i] != 0)
        i = slot_after(t, i);
    t->hashes[i] = hash;
    t->items[i] = item;
    t->count++;
}

/* Moves everything to arrays of <capacity> slots. False, and nothing changed, when memory is out.
 */
static bool resize(struct table *t, uint32_t capacity)
{
    struct table moved = {.capacity = capacity};

    moved.items = calloc(capacity, sizeof *moved.items + sizeof *moved.hashes);
    if (moved.items == NULL)
        return false;
    moved.hashes = (uint32_t *)(void *)(moved.items + capacity);
    for (uint32_t i = 0; i < t->capacity; i++) {
        if (t->hashes[i] != 0)
            put(&moved, t->hashes[i], t->items[i]);
    }
    free(t->items);
    *t = moved;
    return true;
}

bool table_add(struct table *t, uint32_t hash, void *item)
{
    assert(item != NULL);
    if (t->count == TABLE_ITEMS_MAX)
        return false;
    if (t->count >= most_items(t->capacity)) {
        if (!resize(t, next_capacity(t->capacity)))
            return false;
    }
    put(t, stored_hash(hash), item);
    return true;
}

/* Frees <hole>, moving back into it whatever a search would no longer find behind it. */
static void close_hole(struct table *t, uint32_t hole)
{
    for (uint32_t i = slot_after(t, hole); t->hashes[i] != 0; i = slot_after(t, i)) {
        uint32_t home = home_slot(t->hashes[i], t->capacity);

        if (steps(t, home, i) < steps(t, hole, i))
            continue; /* its home lies behind the hole: it stays */
        t->hashes[hole] = t->hashes[i];
        t->items[hole] = t->items[i];
        hole = i;
    }
    t->hashes[hole] = 0;
    t->items[hole] = NULL;
}

static void shrink_if_far_emptier(struct table *t)
{
    if (t->count == 0)
        table_fini(t);
    else if (t->capacity > CAPACITY_MIN && t->count < t->capacity / 8)
        (void)resize(t, t->capacity / 2); /* without memory it stays large, which is only a pity */
}

bool table_remove(struct table *t, uint32_t hash, const void *item)
{
    if (t->count == 0)
        return false;
    for (uint32_t i = home_slot(stored_hash(hash), t->capacity); t->hashes[i] != 0;
         i = slot_after(t, i)) {
        if (t->items[i] == item) {
            close_hole(t, i);
            t->count--;
            shrink_if_far_emptier(t);
            return true;
        }
    }
    return false;
}

bool table_replace(struct table *t, uint32_t hash, const void *old, void *item)
{
    assert(item != NULL);
    if (t->count == 0)
        return false;
    for (uint32_t i = home_slot(stored_hash(hash), t->capacity); t->hashes[i] != 0;
         i = slot_after(t, i)) {
        if (t->items[i] == old) {
            t->items[i] = item;
            return true;
        }
    }
    return false;
}

void *table_next(const struct table *t, uint32_t *at)
{
    while (*at < t->capacity) {
        uint32_t i = (*at)++;

        if (t->hashes[i] != 0)
            return t->items[i];
    }
    return NULL;
}

size_t table_memory_bytes(const struct table *t)
{
    return (size_t)t->capacity * (sizeof *t->items + sizeof *t->hashes);
}

void table_check(const struct table *t)
{
    uint32_t count = 0;

    assert((t->capacity == 0) == (t->count == 0));
    assert((t->capacity == 0) == (t->items == NULL));
    assert(t->count <= most_items(t->capacity));
    for (uint32_t i = 0; i < t->capacity; i++) {
        assert((t->hashes[i] == 0) == (t->items[i] == NULL));
        if (t->hashes[i] == 0)
            continue;
        count++;
        for (uint32_t j = home_slot(t->hashes[i], t->capacity); j != i; j = slot_after(t, j))
            assert(t->hashes[j] != 0);
    }
    assert(count == t->count);
}
