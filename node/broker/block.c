#include "node/broker/block.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096 /* at least; larger ones are multiples */

void block_pool_init(struct block_pool *pool)
{
    *pool = (struct block_pool){0};
}

void block_pool_trim(struct block_pool *pool)
{
    while (pool->spare != NULL) {
        struct block *b = pool->spare;

        pool->spare = b->next_free;
        free(b);
    }
    pool->spare_count = 0;
}

void block_pool_fini(struct block_pool *pool)
{
    assert(pool->bytes_in_use == 0);
    assert(pool->bytes_unfilled == 0);
    block_pool_trim(pool);
}

/* Has the system provide all of a new block's memory at once: page by page, as it is first written to, takes
 * longer. Where the system cannot, that is how it comes. */
static void provide(struct block *b)
{
#ifdef MADV_POPULATE_WRITE
    uintptr_t page = PAGE_BYTES;
    uintptr_t begin = ((uintptr_t)b->data + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)b->data + b->capacity) & ~(page - 1);

    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)b;
#endif
}

struct block *block_take(struct block_pool *pool)
{
    struct block *b = pool->spare;

    if (b == NULL) {
        b = block_take_sized(pool, BLOCK_BYTES);
        if (b != NULL)
            provide(b);
        return b;
    }
    pool->spare = b->next_free;
    pool->spare_count--;
    pool->bytes_in_use += b->capacity;
    b->refs = 1;
    return b;
}

struct block *block_take_loose(size_t capacity)
{
    struct block *b;

    assert(capacity <= UINT32_MAX);
    b = malloc(sizeof *b + capacity);
    if (b != NULL)
        *b = (struct block){.refs = 1, .capacity = (uint32_t)capacity};
    return b;
}

void block_adopt(struct block *b, struct block_pool *pool)
{
    b->pool = pool;
    pool->bytes_in_use += b->capacity;
}

struct block *block_take_sized(struct block_pool *pool, size_t capacity)
{
    struct block *b = block_take_loose(capacity);

    if (b != NULL)
        block_adopt(b, pool);
    return b;
}

void block_recycle(struct block *b)
{
    struct block_pool *pool = b->pool;

    pool->bytes_in_use -= b->capacity;
    if (b->capacity != BLOCK_BYTES || pool->spare_count == BLOCK_SPARE_MAX) {
        free(b);
        return;
    }
    b->next_free = pool->spare;
    pool->spare = b;
    pool->spare_count++;
}
