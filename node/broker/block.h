/* block: memory that messages travel in.
 *
 * A block is a run of bytes with a count of those who look into it. A shard reads from sockets into
 * blocks, writes outgoing text into blocks, and every outbox holds slices of them; a block goes back
 * to its pool when the last slice is gone. Bytes that somebody looks into are never written again.
 *
 * Owns      a pool owns its free blocks; a block in use belongs to whoever holds references.
 * Threads   all of it is one shard's: the counts are plain integers.
 * Limits    BLOCK_BYTES for pooled blocks; others are made to measure and freed at once. */
#ifndef NATTER_NODE_BLOCK_H
#define NATTER_NODE_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#define BLOCK_BYTES ((size_t)128 << 10)
#define BLOCK_SPARE_MAX 16 /* free blocks a pool keeps warm */

struct block {
    uint32_t refs;
    uint32_t capacity;
    struct block *next_free; /* in the pool's list of spare ones */
    struct block_pool *pool;
    char data[];
};

struct block_pool {
    struct block *spare;
    size_t spare_count;
    size_t bytes_in_use;   /* capacity of all blocks given out, spare ones not counted */
    size_t bytes_unfilled; /* of those: set aside for what is still to come, and not touched yet */
};

void block_pool_init(struct block_pool *pool);
void block_pool_fini(struct block_pool *pool); /* every block must have come back */

/* Frees the spare blocks: for a shard that has gone quiet. */
void block_pool_trim(struct block_pool *pool);

/* A block of BLOCK_BYTES, or of at least <capacity> when that is given, with one reference: the
 * caller's. NULL when memory is out. */
struct block *block_take(struct block_pool *pool);
struct block *block_take_sized(struct block_pool *pool, size_t capacity);

/* A block of no pool, to be handed to another shard, which adopts it into its own. NULL when memory is
 * out; free() ends one that nobody adopts. */
struct block *block_take_loose(size_t capacity);
void block_adopt(struct block *b, struct block_pool *pool);

static inline void block_ref(struct block *b)
{
    b->refs++;
}

void block_recycle(struct block *b); /* for block_unref() alone */

static inline void block_unref(struct block *b)
{
    if (--b->refs == 0)
        block_recycle(b);
}

#endif
