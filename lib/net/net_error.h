/* net_error: what went wrong at the edge, and what a person can do about it.
 *
 * Opening a port or reading an address fails for reasons that lie outside the program: the text
 * says what happened and what to change. It goes to an operator, never to a peer.
 *
 * Threads   a value of the caller's; none of its business. */
#ifndef NATTER_NET_NET_ERROR_H
#define NATTER_NET_NET_ERROR_H

#define NET_ERROR_TEXT_SIZE 512

struct net_error {
    char text[NET_ERROR_TEXT_SIZE]; /* one line, no full stop, cut when too long */
};

/* Writes the text by printf's rules. */
__attribute__((format(printf, 2, 3))) void net_error_set(struct net_error *error,
                                                         const char *format, ...);

#endif
