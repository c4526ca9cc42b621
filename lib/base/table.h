/* table: a hash table of pointers, found by a hash and a comparison the caller gives.
 *
 * Two parallel arrays in one allocation: the hashes, which a search runs through, and the items, of
 * which it looks at hardly more than the one it wants. Collisions go to the next free slot;
 * removing moves the followers back, so there are no tombstones and a table that has seen a million
 * items come and go searches as fast as a new one.
 *
 *     hashes   | 0 | 7 | 7'| 0 | c | ...     0: the slot is free
 *     items    | - | A | B | - | C | ...     12 bytes a slot; grows at 3/4 by half (large ones at 7/8 by a quarter)
 *
 * Owns      its two arrays, and none at all while it is empty. Items stay their owner's, who
 * removes them before freeing them. Threads   none of its business. Allocates in table_add(), when
 * it grows, and in table_remove(), when it shrinks; only the former can fail. */
#ifndef NATTER_BASE_TABLE_H
#define NATTER_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Items in one table, beyond which table_add() fails: 12 GiB of slots. */
#define TABLE_ITEMS_MAX (UINT32_C(3) << 28)

struct table {
    uint32_t *hashes; /* never 0 where there is an item */
    void **items;
    uint32_t capacity; /* slots */
    uint32_t count;    /* items */
};

/* Whether <item> is the one that <key> names. Called only for items whose hash is the one sought.
 */
typedef bool table_equal_fn(const void *item, const void *key);

/* A zeroed struct is an empty table too. */
void table_init(struct table *t);

/* Forgets every item; the table is empty and usable afterwards. */
void table_fini(struct table *t);

uint32_t table_count(const struct table *t);

/* The item with this <hash> for which <equal> says yes, or NULL. */
void *table_find(const struct table *t, uint32_t hash, table_equal_fn *equal, const void *key);

/* Adds <item>, not NULL. That it is not there yet is the caller's to know. False when memory is out
 * or the table is full; then it is as it was. */
bool table_add(struct table *t, uint32_t hash, void *item);

/* Removes this very <item>, added under <hash>; false when it is not there. */
bool table_remove(struct table *t, uint32_t hash, const void *item);

/* Puts <item> in the place of <old>, added under the same <hash>; false when that is not there. Never
 * allocates. */
bool table_replace(struct table *t, uint32_t hash, const void *old, void *item);

/* Walks the table in no promised order: *at is 0 to begin with, NULL says the end. The table must
 * not change meanwhile, but the items may: who frees them all does so in a walk, then calls
 * table_fini().
 *
 *     for (uint32_t at = 0; (item = table_next(t, &at)) != NULL;) */
void *table_next(const struct table *t, uint32_t *at);

/* What its arrays take. */
size_t table_memory_bytes(const struct table *t);

/* Asserts the whole invariant, in time that grows with the capacity. */
void table_check(const struct table *t);

#endif
