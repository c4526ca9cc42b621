/* relay: what other shards have sent, delivered to the subscribers of this one.
 *
 * Threads   the receiving shard's. */
#ifndef NATTER_NODE_RELAY_H
#define NATTER_NODE_RELAY_H

#include "lib/base/bytes.h"

struct shard;

/* Acts on one record that came from shard <from>; it may go when this returns. */
void relay_receive(struct shard *shard, unsigned from, struct bytes record);

#endif
