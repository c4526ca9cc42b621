/* session: what each operation of the client protocol does.
 *
 * The rules and texts are those of docs/protocol.md. A handler answers what leaves the connection
 * open by itself where the text names something; what it returns instead, client_input() tells the peer.
 *
 * Threads   the client's shard. */
#ifndef NATTER_NODE_SESSION_H
#define NATTER_NODE_SESSION_H

#include "lib/nats/parser.h"
#include "node/broker/block.h"

struct client;

/* Acts on one operation; nothing is gathered for delivery. <holder> as in client_input(). */
enum status session_handle(struct client *c, const struct event *e, struct block *holder);

/* The same for EVENT_PUBLISH, while messages may be gathered already. */
enum status session_publish(struct client *c, const struct event *e, struct block *holder);

#endif
