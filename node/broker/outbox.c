#include "node/broker/outbox.h"

#include <assert.h>
#include <stdlib.h>

#define SLAB_SLICES 255
#define SMALL_SLICE_BYTES 1024 /* cheaper to copy than to hand to the kernel by itself */

struct slice_slab {
    struct slice_slab *next;
    struct slice slices[SLAB_SLICES];
};

void slice_pool_init(struct slice_pool *pool)
{
    *pool = (struct slice_pool){0};
}

void slice_pool_fini(struct slice_pool *pool)
{
    while (pool->slabs != NULL) {
        struct slice_slab *slab = pool->slabs;

        pool->slabs = slab->next;
        free(slab);
    }
    pool->spare = NULL;
}

static bool slice_pool_grow(struct slice_pool *pool)
{
    struct slice_slab *slab = malloc(sizeof *slab);

    if (slab == NULL)
        return false;
    slab->next = pool->slabs;
    pool->slabs = slab;
    for (size_t i = 0; i < SLAB_SLICES; i++) {
        slab->slices[i].next = pool->spare;
        pool->spare = &slab->slices[i];
    }
    return true;
}

static void slice_drop(struct slice_pool *pool, struct slice *s)
{
    block_unref(s->block);
    s->next = pool->spare;
    pool->spare = s;
}

void writer_init(struct writer *w, struct block_pool *pool)
{
    *w = (struct writer){.pool = pool};
}

void writer_fini(struct writer *w)
{
    if (w->block != NULL)
        block_unref(w->block);
    w->block = NULL;
}

char *writer_reserve(struct writer *w, size_t len)
{
    if (w->block != NULL && w->block->refs == 1)
        w->used = 0; /* all that was in it has been written out */
    if (w->block != NULL && w->block->capacity - w->used >= len)
        return w->block->data + w->used;

    writer_fini(w);
    w->block = len <= BLOCK_BYTES ? block_take(w->pool) : block_take_sized(w->pool, len);
    w->used = 0;
    return w->block == NULL ? NULL : w->block->data;
}

bool outbox_append(struct outbox *o, struct slice_pool *slices, struct block *block,
                   const char *data, size_t len)
{
    struct slice *s = o->last;

    if (s != NULL && s->data + s->len == data && s->block == block) {
        s->len += len;
        o->pending += len;
        return true;
    }
    if (slices->spare == NULL && !slice_pool_grow(slices))
        return false;
    s = slices->spare;
    slices->spare = s->next;
    block_ref(block);
    *s = (struct slice){.block = block, .data = data, .len = len};
    if (o->last == NULL)
        o->first = s;
    else
        o->last->next = s;
    o->last = s;
    o->pending += len;
    return true;
}

bool outbox_append_copy(struct outbox *o, struct slice_pool *slices, struct writer *w,
                        struct bytes text)
{
    char *at = writer_reserve(w, text.len);

    if (at == NULL)
        return false;
    memcpy(at, text.data, text.len);
    if (!outbox_append(o, slices, w->block, at, text.len))
        return false;
    writer_commit(w, text.len);
    return true;
}

size_t outbox_gather(const struct outbox *o, struct iovec *iov, size_t iov_max, char *scratch,
                     size_t scratch_len)
{
    const struct slice *s = o->first;
    size_t count = 0;
    size_t used = 0;

    while (s != NULL && count < iov_max) {
        bool joins = s->len <= SMALL_SLICE_BYTES && s->next != NULL &&
                     s->next->len <= SMALL_SLICE_BYTES &&
                     used + s->len + s->next->len <= scratch_len;

        if (!joins) {
            iov[count++] =
                (struct iovec){.iov_base = (void *)(uintptr_t)s->data, .iov_len = s->len};
            s = s->next;
            continue;
        }
        iov[count] = (struct iovec){.iov_base = scratch + used};
        while (s != NULL && s->len <= SMALL_SLICE_BYTES && used + s->len <= scratch_len) {
            memcpy(scratch + used, s->data, s->len);
            used += s->len;
            iov[count].iov_len += s->len;
            s = s->next;
        }
        count++;
    }
    return count;
}

void outbox_consume(struct outbox *o, struct slice_pool *slices, size_t n)
{
    assert(n <= o->pending);
    o->pending -= n;
    while (n > 0 && n >= o->first->len) {
        struct slice *s = o->first;

        n -= s->len;
        o->first = s->next;
        if (o->settled == s)
            o->settled = NULL;
        slice_drop(slices, s);
    }
    if (o->first == NULL) {
        o->last = NULL;
        return;
    }
    o->first->data += n;
    o->first->len -= n;
}

/* True when <s> holds on to a block far larger than itself. */
static bool slice_pins(const struct slice *s)
{
    return s->len * OUTBOX_PIN_FACTOR < s->block->capacity;
}

/* Adds what <s> shows to the end of <into>, if nobody else looks into that one's block and it has
 * room behind it. */
static bool slice_absorb(struct slice *into, const struct slice *s)
{
    size_t end;

    if (into == NULL || into->block->refs > 1)
        return false;
    end = (size_t)(into->data - into->block->data) + into->len;
    if (into->block->capacity - end < s->len)
        return false;
    memcpy(into->block->data + end, s->data, s->len);
    into->len += s->len;
    return true;
}

/* Copies what <s> shows to a block of its own, with room for at least <room> bytes. */
static void slice_move_out(struct slice *s, struct block_pool *blocks, size_t room)
{
    struct block *own = block_take_sized(blocks, s->len > room ? s->len : room);

    if (own == NULL)
        return;
    memcpy(own->data, s->data, s->len);
    block_unref(s->block);
    s->block = own;
    s->data = own->data;
}

void outbox_settle(struct outbox *o, struct slice_pool *slices, struct block_pool *blocks)
{
    struct slice *last = o->settled;
    struct slice *s = last == NULL ? o->first : last->next;

    if (last != NULL && slice_pins(o->first) && o->first->block->capacity > OUTBOX_OWN_BYTES)
        slice_move_out(o->first, blocks, OUTBOX_OWN_BYTES); /* what is left of it since */
    while (s != NULL) {
        struct slice *next = s->next;

        if (slice_pins(s) && slice_absorb(last, s)) {
            last->next = next;
            slice_drop(slices, s);
            s = next;
            continue;
        }
        if (slice_pins(s))
            slice_move_out(s, blocks, OUTBOX_OWN_BYTES);
        last = s;
        s = next;
    }
    o->last = last;
    o->settled = last;
}

void outbox_clear(struct outbox *o, struct slice_pool *slices)
{
    outbox_consume(o, slices, o->pending);
}

void outbox_check(const struct outbox *o)
{
    size_t pending = 0;
    const struct slice *last = NULL;

    for (const struct slice *s = o->first; s != NULL; s = s->next) {
        assert(s->len > 0);
        assert(s->block->refs > 0);
        assert(s->data >= s->block->data);
        assert(s->data + s->len <= s->block->data + s->block->capacity);
        pending += s->len;
        last = s;
    }
    assert(last == o->last);
    assert(pending == o->pending);
}
