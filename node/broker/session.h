/* session: a client's side of the protocol, from its first byte to its last.
 *
 * Bytes go in by session_input(), and what each operation does is decided here, by the rules and with
 * the texts of docs/protocol.md. What gathers for the peer stands in the client's outbox; a session that
 * must end says so by client_is_closing(), and ends only when the runtime, at the end of its turn, has
 * written what it could and calls client_free(): nothing is freed under anybody's feet.
 *
 * Threads   the client's shard. */
#ifndef NATTER_NODE_SESSION_H
#define NATTER_NODE_SESSION_H

#include "lib/base/bytes.h"
#include "node/broker/block.h"

#include <stdint.h>

struct client;
struct shard;

/* A client on <shard>, with INFO in its outbox and its timers set. <ip> is the peer's address without
 * port. NULL when memory is out. */
struct client *session_open(struct shard *shard, uint64_t cid, const char *ip, uint16_t port,
                            uint64_t now_ns);

/* Acts on every whole operation in <in> and returns how many bytes that took; the caller presents the
 * rest again, with what follows it. <holder> is the block <in> lies in, whose bytes stay unchanged while
 * anybody refers to it, or NULL when there is none. Nothing is consumed once it is closing. */
size_t session_input(struct client *c, struct bytes in, struct block *holder, uint64_t now_ns);

/* After session_input() has left <rest>: how long the operation that <rest> begins is, at least. */
size_t session_need(const struct client *c, struct bytes rest);

#endif
