/* delivery: from a publish to the outboxes.
 *
 * Consecutive messages with the same subject form a run: they go by the same plan, so they are
 * rendered together, once for each group of subscribers, and reach each outbox as one slice. A run
 * ends with the first thing that is not a publish on its subject, and with the bytes that were read:
 * what can be observed is exactly what delivering each message at once would give.
 *
 * Threads   one shard's.
 * Limits    a run is at most BATCH_MAX messages. */
#ifndef NATTER_NODE_DELIVERY_H
#define NATTER_NODE_DELIVERY_H

#include "lib/nats/parser.h"
#include "node/broker/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct plan;
struct shard;

/* What a run is for: messages of clients go to everybody, what comes from another shard only
 * to the plain subscriptions or to one queue group of this one. */
enum delivery_scope { DELIVER_TO_ALL, DELIVER_TO_PLAIN, DELIVER_TO_QUEUE };

struct delivery {
    struct plan *plan; /* of the run; NULL when there is none */
    struct account *account;
    enum delivery_scope scope;
    struct bytes queue;   /* DELIVER_TO_QUEUE: its name */
    struct client *from;  /* who publishes; NULL for what came from another shard */
    struct batch batch;   /* its messages */
    size_t least_pending; /* what the last run found waiting in the shortest of the outboxes it
                           * reached; SIZE_MAX if it reached none */
    uint64_t reach;       /* the other shards it was sent to, a bit each */
    uint16_t *next;       /* scratch: chains of messages by queue group member */
    uint16_t *first;      /* scratch: by member, BATCH_END between runs */
    uint32_t first_cap;
    uint32_t *touched; /* scratch: members that got something */
};

bool delivery_init(struct delivery *d);
void delivery_fini(struct delivery *d);

/* Takes one publish of <from>. Views in <event> hold until the run is flushed, at the latest before
 * session_input() returns; <holder> is the block they lie in, or NULL. False when memory is out. */
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
