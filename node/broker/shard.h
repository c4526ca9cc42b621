/* shard: one thread's share of a node.
 *
 * A connection belongs to one shard; nobody else touches it. A shard owns what its clients need on a
 * message's way: blocks, slices, plans, the batch being delivered. It does no I/O: the runtime
 * reads sockets into client_input(), then takes each client that has something to write or is
 * to be closed from shard_take_dirty().
 *
 *     bytes --> client_input() --> delivery --> outboxes --> shard_take_dirty() --> socket
 *                                      |
 *                                      +--> host.forward --> shard_receive() of another shard
 *
 * Threads   its own only, but for what the header of a field says. */
#ifndef NATTER_NODE_SHARD_H
#define NATTER_NODE_SHARD_H

#include "lib/base/random.h"
#include "lib/base/timers.h"
#include "node/broker/account.h"
#include "node/broker/block.h"
#include "node/broker/delivery.h"
#include "node/broker/options.h"
#include "node/broker/outbox.h"
#include "node/broker/plan.h"

struct broker;
struct client;
struct envelope;

/* Counted by this shard alone, read by whoever wants a rough sum. */
struct shard_stats {
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    uint64_t slow_consumers;
    uint64_t forwarded; /* messages handed to other shards */
};

/* How a shard reaches outward; filled by the runtime, or by an array in tests. */
struct shard_host {
    void *arg;
    /* Hands a batch of messages to shard <to>. False when there is no room: the shard then holds
     * back the clients that publish and tries again from shard_retry(). NULL with one shard. */
    bool (*forward)(void *arg, unsigned to, const struct envelope *envelope);
};

struct shard {
    unsigned index;
    struct broker *broker;
    const struct options *options; /* replaced on reload, by shard_set_options() */
    struct shard_host host;

    struct block_pool blocks;
    struct slice_pool slices;
    struct writer writer;
    struct plan_cache plans;
    struct delivery delivery;
    struct random random;
    struct timers timers; /* of clients, see client_tick() */

    struct client *clients; /* all, linked by <next> */
    uint32_t client_count;
    struct client *dirty; /* linked by <next_dirty> */
    struct shard_stats stats;
    uint64_t now_ns; /* as the runtime last said */
};

/* False when memory is out. */
bool shard_init(struct shard *shard, struct broker *broker, unsigned index, uint64_t seed);
void shard_fini(struct shard *shard); /* every client has been freed */

/* A client whose outbox is to be written or which is to be closed (client_is_closing()), NULL when
 * there is none left. It is not dirty any more then. */
struct client *shard_take_dirty(struct shard *shard);

void shard_set_options(struct shard *shard, const struct options *options);

/* Asserts the whole invariant of the shard and its clients. */
void shard_check(const struct shard *shard);

#endif
