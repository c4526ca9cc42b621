/* many: a crowd of subscriptions that nobody publishes to. Threads: one at a time. */
#ifndef NATTER_BENCH_MANY_H
#define NATTER_BENCH_MANY_H

#include <stdint.h>

#include "tests/bench/peer.h"

/* Makes <count> subscriptions to distinct literal subjects of four tokens, such as
 * "shop.0042.order.0004217", spread over <peer_count> peers, and returns when the broker knows all
 * of them. */
void many_subscribe(struct peer *peers, unsigned peer_count, uint64_t count);

#endif
