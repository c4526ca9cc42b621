/* exchange: messages from one shard to another.
 *
 * A run of messages that subscribers of another shard want goes there as records: subject, queue
 * group to serve if it is for one, and the messages' tails. The receiving shard delivers them by its
 * own plan. A message too long for a record travels in a block of its own, which changes hands.
 *
 * Where the way is full, records wait in a spill list, in order; meanwhile the shard is congested, and
 * the runtime reads from no publisher until exchange_retry() has brought all of them under way. So
 * the list never grows by more than one read of each connection.
 *
 * The other way goes word that every consumer a publisher reached there is behind, which is how a
 * publisher is paced across shards.
 *
 * Threads   each function is called by the shard it is given; records pass between threads by the
 *           host's rings. */
#ifndef NATTER_NODE_EXCHANGE_H
#define NATTER_NODE_EXCHANGE_H

#include "lib/base/bytes.h"
#include "node/broker/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct account;
struct client;
struct shard;

/* Messages of at least this many bytes travel in blocks of their own. */
#define EXCHANGE_BLOCK_BYTES ((size_t)16 << 10)

/* Messages are sent together up to this many bytes; with the longest subject and queue group, which a
 * control line bounds, no record is longer than EXCHANGE_RECORD_MAX, so a ring must hold twice that. */
#define EXCHANGE_BATCH_BYTES ((size_t)64 << 10)
#define EXCHANGE_RECORD_MAX ((size_t)160 << 10)

struct spill;

struct exchange {
    struct spill **first; /* by destination; NULL with one shard */
    struct spill **last;
    unsigned count; /* destinations */
    uint32_t waiting;
};

/* <count> shards in all; false when memory is out. */
bool exchange_init(struct exchange *exchange, unsigned count);
void exchange_fini(struct exchange *exchange);

/* Messages to one subject, for one shard: those of a chain through <next>, or all in order if it is
 * NULL. */
struct exchange_batch {
    unsigned to;
    struct account *account;
    struct bytes subject;
    struct bytes queue; /* serve this group; empty: the plain subscriptions */
    struct client *from;
    const struct message *messages;
    const uint16_t *next;
    uint32_t at;
    uint32_t count;
};

/* Sends messages; who published them is held if the way is full. When memory is out the messages are lost, as at most once
 * allows, and counted. */
void exchange_send(struct shard *shard, const struct exchange_batch *batch);

/* Tells shard <to> that all that client <cid> of its reached here is behind. */
void exchange_send_behind(struct shard *shard, unsigned to, uint64_t cid);

enum exchange_kind { EXCHANGE_MESSAGES, EXCHANGE_BEHIND };

/* A record as the receiving shard reads it; views hold as long as the record does. */
struct exchange_record {
    enum exchange_kind kind;
    uint64_t cid; /* of the publisher */
    struct account *account;
    struct bytes subject;
    struct bytes queue;
    uint32_t count;        /* messages, */
    struct bytes messages; /* which exchange_take_message() takes off the front */
};

void exchange_read(struct bytes bytes, struct exchange_record *out);

/* Takes the next message; the block it came in, if it is not NULL, is the caller's from then on. A
 * message without a tail was lost for want of memory. */
struct block *exchange_take_message(struct exchange_record *record, struct message *m);

/* Tries to send what waits; true when nothing does any more. */
bool exchange_retry(struct shard *shard);

static inline bool exchange_is_congested(const struct exchange *exchange)
{
    return exchange->waiting > 0;
}

#endif
