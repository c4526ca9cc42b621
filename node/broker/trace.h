/* trace: what clients say and are told, in the log, for who has to find out.
 *
 * A line for each operation that came in, each protocol line that goes out and each batch of messages
 * delivered. Of CONNECT only that it came is logged, since it may carry secrets; of a message its
 * names and size, never its payload. Callers ask trace_is_on() first, which costs one look.
 *
 * Threads   any, each for its own clients. */
#ifndef NATTER_NODE_TRACE_H
#define NATTER_NODE_TRACE_H

#include "lib/base/log.h"
#include "lib/nats/parser.h"

struct client;
struct subscription;

static inline bool trace_is_on(void)
{
    return log_is_on(LOG_TRACE);
}

void trace_event(const struct client *c, const struct event *event);
void trace_text(const struct client *c, struct bytes text);
void trace_delivery(const struct subscription *sub, struct bytes subject, uint32_t count);

#endif
