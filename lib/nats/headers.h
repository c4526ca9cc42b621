/* headers: the few header blocks the broker writes itself; all others pass through unread.
 *
 * A block is "NATS/1.0", perhaps a status, CR LF, lines "key:value" CR LF, and an empty line. */
#ifndef NATTER_NATS_HEADERS_H
#define NATTER_NATS_HEADERS_H

/* Answers a request that nobody is there to receive; it has no payload behind it. */
#define HEADERS_NO_RESPONDERS "NATS/1.0 503\r\n\r\n"
#define HEADERS_NO_RESPONDERS_LEN (sizeof HEADERS_NO_RESPONDERS - 1)

#endif
