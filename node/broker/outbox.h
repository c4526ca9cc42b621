/* outbox: what waits to be written to one connection.
 *
 * A list of slices of blocks. Text is rendered once into the shard's writer and then appended, as a
 * slice, to the outbox of everybody it is for: a message to a thousand subscribers of the same sid is
 * rendered once. Slices that touch in memory become one, so a batch of messages is one slice.
 *
 * Owns      its slices, and through them a reference to each block.
 * Threads   one shard's.
 * Limits    none of its own: <pending> is there for the client to compare with max_pending. */
#ifndef NATTER_NODE_OUTBOX_H
#define NATTER_NODE_OUTBOX_H

#include "lib/base/bytes.h"
#include "node/broker/block.h"

#include <stdbool.h>
#include <sys/uio.h> /* struct iovec: a description of memory, no I/O */

struct slice {
    struct slice *next;
    struct block *block;
    const char *data;
    size_t len;
};

/* Spare slices of a shard, so that appending one does not allocate. */
struct slice_pool {
    struct slice *spare;
    struct slice_slab *slabs;
};

void slice_pool_init(struct slice_pool *pool);
void slice_pool_fini(struct slice_pool *pool); /* every slice must have come back */

/* Where a shard renders outgoing text: the unused rest of one block. */
struct writer {
    struct block_pool *pool;
    struct block *block; /* NULL until something is written */
    size_t used;
};

void writer_init(struct writer *w, struct block_pool *pool);
void writer_fini(struct writer *w);

/* Room for <len> bytes in one piece; NULL when memory is out. Holds until the next reserve. A block
 * that nobody looks into any more is begun anew. */
char *writer_reserve(struct writer *w, size_t len);

static inline void writer_commit(struct writer *w, size_t len)
{
    w->used += len;
}

struct outbox {
    struct slice *first;
    struct slice *last;
    struct slice *settled; /* the last one outbox_settle() has seen; NULL for none */
    size_t pending;        /* bytes in all slices */
};

/* Appends <len> bytes at <data>, which lie in <block>, taking a reference to it. False when memory is
 * out; the outbox is then as it was. */
bool outbox_append(struct outbox *o, struct slice_pool *slices, struct block *block,
                   const char *data, size_t len);

/* Renders <text> into <w> and appends it. False as above. */
bool outbox_append_copy(struct outbox *o, struct slice_pool *slices, struct writer *w,
                        struct bytes text);

/* Describes the front of the outbox for one writev(2): up to <iov_max> pieces. Neighbouring small
 * slices are copied together into <scratch>, for which the kernel charges less than for each one
 * alone. Returns the number of pieces; they hold until the outbox changes. */
size_t outbox_gather(const struct outbox *o, struct iovec *iov, size_t iov_max, char *scratch,
                     size_t scratch_len);

/* Drops the first <n> bytes, which are at most <pending>. */
void outbox_consume(struct outbox *o, struct slice_pool *slices, size_t n);

/* For an outbox that could not be written out: copies small slices out of large blocks, which they
 * would otherwise keep in use. Memory held is then at most OUTBOX_PIN_FACTOR times <pending> and
 * OUTBOX_OWN_BYTES. Costs nothing for what it has seen before; does nothing when memory is out. */
#define OUTBOX_PIN_FACTOR 8
#define OUTBOX_OWN_BYTES ((size_t)4 << 10)
void outbox_settle(struct outbox *o, struct slice_pool *slices, struct block_pool *blocks);

void outbox_clear(struct outbox *o, struct slice_pool *slices);

void outbox_check(const struct outbox *o);

#endif
