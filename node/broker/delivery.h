/* delivery: from a publish to the outboxes.
 *
 * Consecutive messages with the same subject form a run: they go by the same plan, so they are
 * rendered together, once for each group of subscribers, and reach each outbox as one slice. A run
 * ends with the first thing that is not a publish on its subject, and with the bytes that were read:
 * what can be observed is exactly what delivering each message at once would give.
 *
 * Text from DELIVERY_SHARE_BYTES upward is not copied: outboxes hold slices of what was read.
 *
 * Threads   one shard's.
 * Limits    a run is at most DELIVERY_RUN_MAX messages. */
#ifndef NATTER_NODE_DELIVERY_H
#define NATTER_NODE_DELIVERY_H

#include "lib/nats/parser.h"
#include "node/broker/block.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct plan;
struct shard;

#define DELIVERY_RUN_MAX 1024
#define DELIVERY_SHARE_BYTES 4096

/* A message as it waits in a run. <tail> is as struct event has it: "[reply ]<sizes>CRLF<payload>CRLF". */
struct message {
    const char *tail;
    uint32_t tail_len;
    uint32_t size;       /* header block and payload */
    uint32_t header_len; /* 0 for none */
    uint16_t reply_len;  /* the reply begins the tail */
    bool has_headers;
};

/* A piece of rendered text, to be appended to outboxes; it holds a reference to its block. */
struct piece {
    struct block *block;
    const char *data;
    size_t len;
};

/* What a run is for: messages of clients go to everybody, what comes from another shard only
 * to the plain subscriptions or to one queue group of this one. */
enum delivery_scope { DELIVER_TO_ALL, DELIVER_TO_PLAIN, DELIVER_TO_QUEUE };

struct delivery {
    struct plan *plan; /* of the run; NULL when there is none */
    struct account *account;
    enum delivery_scope scope;
    struct bytes queue;   /* DELIVER_TO_QUEUE: its name */
    struct client *from;  /* who publishes; NULL for what came from another shard */
    struct block *holder; /* where the tails lie; NULL when they cannot be shared */
    uint32_t count;
    size_t tail_bytes;      /* of the run, as are the next two */
    uint64_t payload_bytes; /* header blocks included */
    uint64_t header_bytes;
    size_t least_pending;     /* of the outboxes the last run reached; SIZE_MAX for none */
    uint64_t reach;           /* the other shards it was sent to, a bit each */
    struct message *messages; /* DELIVERY_RUN_MAX of them */
    struct piece *pieces;     /* scratch for one group's text */
    uint32_t piece_count;
    uint16_t *next;  /* scratch: chains of messages by queue group member */
    uint16_t *first; /* scratch: by member, DELIVERY_NONE between runs */
    uint32_t first_cap;
    uint32_t *touched; /* scratch: members that got something */
};

bool delivery_init(struct delivery *d);
void delivery_fini(struct delivery *d);

/* Takes one publish of <from>. Views in <event> hold until the run is flushed, at the latest before
 * client_input() returns; <holder> is the block they lie in, or NULL. False when memory is out. */
bool delivery_publish(struct shard *shard, struct client *from, const struct event *event,
                      struct block *holder);

/* Delivers the run that is gathered, if any. To be called before anything else touches an outbox,
 * a subscription or a client. */
void delivery_flush(struct shard *shard);

/* Messages from another shard: for the plain subscriptions to <subject>, or for one queue group. */
struct delivery_request {
    struct account *account;
    struct bytes subject;
    struct bytes queue;
};

/* Takes one message that another shard sent; <block> holds its tail, or is NULL if it lies where it stays
 * until delivery_relay_end(). Both say whether all consumers that a run reached are behind. */
bool delivery_relay(struct shard *shard, const struct delivery_request *request,
                    const struct message *message, struct block *block);
bool delivery_relay_end(struct shard *shard);

static inline bool delivery_is_pending(const struct delivery *d)
{
    return d->plan != NULL;
}

#endif
