/* batch: messages to one subject, gathered to be delivered together, and rendered.
 *
 * A message is kept as its tail, "[reply ]<sizes>CRLF<payload>CRLF", which every subscriber receives
 * byte for byte behind a prefix of its own, "MSG <subject> <sid> ". Rendering a batch for subscribers
 * of the same prefix gives pieces: text in the writer's block, in as few stretches as it takes, and
 * tails of BATCH_SHARE_BYTES and more where they were read, not copied.
 *
 * Owns      its arrays; a piece holds a reference to its block until batch_drop_pieces().
 * Threads   one shard's.
 * Limits    BATCH_MAX messages. */
#ifndef NATTER_NODE_BATCH_H
#define NATTER_NODE_BATCH_H

#include "lib/base/bytes.h"
#include "lib/nats/parser.h"
#include "node/broker/block.h"
#include "node/broker/outbox.h"

#include <stdbool.h>
#include <stdint.h>

#define BATCH_MAX 1024
#define BATCH_SHARE_BYTES 4096
#define BATCH_END UINT16_MAX /* ends a chain of messages */

struct message {
    const char *tail;
    uint32_t tail_len;
    uint32_t size;       /* header block and payload */
    uint32_t header_len; /* 0 for none */
    uint16_t reply_len;  /* the reply begins the tail */
    bool has_headers;
};

struct piece {
    struct block *block;
    const char *data;
    size_t len;
};

struct batch {
    struct message *messages; /* BATCH_MAX of them */
    uint32_t count;
    size_t tail_bytes;      /* of all tails */
    uint64_t payload_bytes; /* header blocks included */
    uint64_t header_bytes;
    struct block *holder; /* where the tails lie; NULL when they cannot be shared */
    struct piece *pieces; /* what batch_render() gave */
    uint32_t piece_count;
};

/* How messages begin, and whether they may carry headers. */
struct form {
    struct bytes
        prefix; /* "HMSG subject sid ": without its first byte for messages without headers */
    bool headers;
};

/* Which messages of a batch: all in order, or a chain of them. Its sums are worked out for one form. */
struct selection {
    const uint16_t *next; /* NULL: all of them */
    uint32_t at;          /* the first */
    uint32_t count;
    uint64_t payload_bytes; /* as that form receives them */
    size_t tail_bytes;
};

bool batch_init(struct batch *batch);
void batch_fini(struct batch *batch);

static inline bool batch_is_full(const struct batch *batch)
{
    return batch->count == BATCH_MAX;
}

/* Adds a message; the batch is not full. Its tail holds until batch_clear(). */
static inline void batch_add(struct batch *batch, const struct message *m)
{
    batch->messages[batch->count++] = *m;
    batch->tail_bytes += m->tail_len;
    batch->payload_bytes += m->size;
    batch->header_bytes += m->header_len;
}

/* Writes the tail of a publish as the protocol would have it, for one that was written otherwise, and
 * returns its length; <out> has room for batch_tail_room() bytes. */
size_t batch_tail_room(const struct event *e);
size_t batch_write_tail(const struct event *e, char *out);

/* Forgets the messages. */
void batch_clear(struct batch *batch);

struct selection batch_select_all(const struct batch *batch, const struct form *form);

/* The chain that begins with <first>. */
struct selection batch_select_chain(const struct batch *batch, const struct form *form,
                                    const uint16_t *next, uint16_t first);

/* Renders the selection into pieces. False when memory is out; then there are none. */
bool batch_render(struct batch *batch, struct writer *writer, const struct form *form,
                  const struct selection *selection);
void batch_drop_pieces(struct batch *batch);

#endif
