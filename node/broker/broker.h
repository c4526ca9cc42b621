/* broker: what all shards of a node have in common.
 *
 * Who the node is, its accounts and their interest, how many connections there are. The runtime makes
 * one, then one struct shard for each thread.
 *
 * Threads   fields before <shards> are set before the shards run and only read after; atomics are
 *           anybody's; accounts are locked as account.h says. */
#ifndef NATTER_NODE_BROKER_H
#define NATTER_NODE_BROKER_H

#include "lib/nats/nkey.h"
#include "lib/nats/server_info.h"
#include "node/broker/account.h"
#include "node/broker/options.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NATTER_VERSION                                                                             \
    "2.10.0-natter.0.1.0" /* clients read it as a version of the protocol's reference */

struct client;

struct broker {
    char server_id[NKEY_TEXT_LEN + 1];
    const char *server_name;
    uint16_t port; /* where clients connect, once it is known */
    struct account global;

    _Atomic uint64_t last_cid;
    _Atomic uint32_t connections;
    _Atomic bool is_lame_duck;
};

/* False when memory or chance is out. <options> outlives the broker; <lock> may be NULL. */
bool broker_init(struct broker *broker, const struct options *options, struct account_lock *lock);
void broker_fini(struct broker *broker);

/* Whether there are more connections than max_connections allows. Any thread. */
bool broker_is_full(const struct broker *broker, const struct options *options);

/* Renders "INFO {...} CRLF" for one client; 0 when it does not fit or memory is out. */
size_t broker_write_info(const struct broker *broker, const struct client *client, char *out,
                         size_t cap);

#endif
