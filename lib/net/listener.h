/* listener: a port that is listened on.
 *
 * Opens the listening socket and takes connections from it, ready for use: non-blocking, closed on
 * exec, without Nagle's delay. Running out of descriptors is not the end of it: a reserve
 * descriptor is given up for a moment to take the waiting connection and close it, so that its peer
 * learns at once that there is no room here, and the loop does not spin over a backlog it cannot
 * empty.
 *
 * Owns      its socket and its reserve; an accepted descriptor is the caller's to close.
 * Threads   a listener belongs to one thread.
 * Waits     in listener_open() alone, for a host's name to be resolved. */
#ifndef NATTER_NET_LISTENER_H
#define NATTER_NET_LISTENER_H

#include "lib/net/address.h"
#include "lib/net/net_error.h"

/* Connections the kernel holds ready until they are accepted; it cuts this to net.core.somaxconn.
 */
#define LISTENER_BACKLOG 4096

struct listener; /* opaque: a socket and its reserve go together */

/* Listens on <host>: an address, a name (its first address that can be listened on), "::" (every
 * address, IPv4 too), "0.0.0.0" (every IPv4 address), or empty (every address of whatever families
 * the machine has). <port> 0 or ADDRESS_PORT_ANY takes a free one. NULL after a failure; *error
 * then says what to do. */
struct listener *listener_open(const char *host, int port, struct net_error *error);

int listener_fd(const struct listener *listener);        /* to wait on for reading */
unsigned listener_port(const struct listener *listener); /* the port it is bound to */

/* The address it is bound to: "0.0.0.0" and "::" as they are. */
const struct address_ip *listener_address(const struct listener *listener);

struct listener_accepted {
    int fd;
    struct address_ip peer;
};

enum listener_result {
    LISTENER_ACCEPTED,  /* *out is a new connection */
    LISTENER_AGAIN,     /* nobody is waiting */
    LISTENER_SHED,      /* no descriptor was free: one connection was taken and closed. Go on */
    LISTENER_EXHAUSTED, /* not even the reserve could be used: leave it alone for a while */
    LISTENER_FAILED     /* the socket itself is unusable; errno says why */
};

/* Takes one waiting connection. Peers that gave up while they waited are passed over in silence. */
enum listener_result listener_accept(struct listener *listener, struct listener_accepted *out);

/* Stops listening: who still waits in the backlog is reset by the kernel. NULL is no work. */
void listener_close(struct listener *listener);

#endif
