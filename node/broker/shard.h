/* shard: one thread's share of a node.
 *
 * A connection belongs to one shard; nobody else touches it. A shard owns what its clients need on a
 * message's way: blocks, slices, plans, the batch being delivered. It does no I/O: the runtime
 * reads sockets into session_input(), then takes each client that has something to write or is
 * to be closed from shard_take_dirty().
 *
 *     bytes --> session_input() --> delivery --> outboxes --> shard_take_dirty() --> socket
 *                                      |
 *                                      +--> host.reserve --> relay_receive() of another shard
 *
 * Threads   its own only, but for what the header of a field says. */
#ifndef NATTER_NODE_SHARD_H
#define NATTER_NODE_SHARD_H

#include "lib/base/random.h"
#include "lib/base/table.h"
#include "lib/base/timers.h"
#include "node/broker/account.h"
#include "node/broker/block.h"
#include "node/broker/delivery.h"
#include "node/broker/exchange.h"
#include "node/broker/options.h"
#include "node/broker/outbox.h"
#include "node/broker/plan.h"

struct broker;
struct client;

/* Counted by this shard alone, read by whoever wants a rough sum. */
struct shard_stats {
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t out_msgs;
    uint64_t out_bytes;
    uint64_t slow_consumers;
    uint64_t forwarded; /* messages handed to other shards */
};

/* How a shard reaches others; filled by the runtime, or by an array in tests. Not called with one
 * shard. */
struct shard_host {
    void *arg;
    /* Room for a record of <len> bytes, at a multiple of eight, on the way to shard <to>; NULL when
     * there is none. commit() ends it; the other shard sees it, at the latest, when this one's turn
     * is over, by relay_receive(). */
    char *(*reserve)(void *arg, unsigned to, size_t len);
    void (*commit)(void *arg, unsigned to, size_t len);
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
    struct exchange exchange;
    struct random random;
    struct timers timers; /* of clients, see keepalive_tick() */

    struct client *clients; /* all, linked by <next> */
    struct table by_cid;    /* the same */
    uint32_t client_count;
    struct client *dirty; /* linked by <next_dirty> */
    struct shard_stats stats;
    uint64_t now_ns; /* as the runtime last said */
};

/* False when memory is out. */
bool shard_init(struct shard *shard, struct broker *broker, unsigned index, unsigned shard_count,
                uint64_t seed);
void shard_fini(struct shard *shard); /* every client has been freed */

/* A client whose outbox is to be written or which is to be closed (client_is_closing()), NULL when
 * there is none left. It is not dirty any more then. */
struct client *shard_take_dirty(struct shard *shard);

/* NULL when it is not there, or not any more. */
struct client *shard_find_client(const struct shard *shard, uint64_t cid);

void shard_set_options(struct shard *shard, const struct options *options);

/* Asserts the whole invariant of the shard and its clients. */
void shard_check(const struct shard *shard);

#endif
