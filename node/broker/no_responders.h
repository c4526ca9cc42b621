/* no_responders: the answer to a request that reached nobody.
 *
 *     HMSG <reply> <sid> 16 16 CRLF NATS/1.0 503 CRLF CRLF CRLF
 *
 * It goes to the requester alone, if it asked for it in CONNECT and has a plain subscription of its own
 * that matches the reply; it does not count towards that subscription's maximum.
 *
 * Threads   the client's shard. */
#ifndef NATTER_NODE_NO_RESPONDERS_H
#define NATTER_NODE_NO_RESPONDERS_H

#include "lib/base/bytes.h"

struct client;

/* Tells <c>, who published with <reply> (empty: it is no request) and reached nobody. */
void no_responders_tell(struct client *c, struct bytes reply);

#endif
