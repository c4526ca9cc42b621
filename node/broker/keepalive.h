/* keepalive: what time does to a client's connection.
 *
 * PINGs go out when nothing has been heard for an interval, soon after the start and once an hour to
 * measure the round trip; after too many without PONG the connection is stale. A peer that takes
 * nothing for write_deadline is a slow consumer. The rules are those of docs/protocol.md.
 *
 * Threads   the client's shard. Costs nothing a message: clocks are compared only when the
 *           client's timer goes off. */
#ifndef NATTER_NODE_KEEPALIVE_H
#define NATTER_NODE_KEEPALIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

void keepalive_start(struct client *c, uint64_t now_ns);
void keepalive_pong(struct client *c, uint64_t now_ns);

/* Acts on what time has brought: PINGs, stale connections, blocked writes. The runtime calls it when
 * the shard's timers say so. */
void keepalive_tick(struct client *c, uint64_t now_ns);

/* What the runtime tells after it tried to write: <n> bytes went out, and whether the socket would
 * take more. */
void keepalive_written(struct client *c, size_t n, bool is_blocked, uint64_t now_ns);

#endif
