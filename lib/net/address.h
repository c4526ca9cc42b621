/* address: where a program listens or a peer is, as text.
 *
 * People write "host:port" in many ways; they are read here into a host and a port, and written
 * back in the one way that URLs want. A host is a name, an IPv4 or an IPv6 address, kept without
 * brackets; nothing here looks a name up.
 *
 * Owns      nothing: values with their text inside.
 * Threads   any. Allocates nothing. */
#ifndef NATTER_NET_ADDRESS_H
#define NATTER_NET_ADDRESS_H

#include "lib/base/bytes.h"
#include "lib/net/net_error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_HOST_MAX 255  /* bytes of a host's name, as in the DNS */
#define ADDRESS_PORT_ANY (-1) /* the system chooses; 0 says the same */
#define ADDRESS_PORT_MAX 65535
#define ADDRESS_URL_SIZE (ADDRESS_HOST_MAX + sizeof "[]:65535")

/* An address as it is written in a configuration, on a command line or in a URL. */
struct address {
    char host[ADDRESS_HOST_MAX + 1]; /* without brackets; empty when none was given */
    int port;                        /* ADDRESS_PORT_ANY, or 0 to ADDRESS_PORT_MAX */
};

/* Room for an IPv6 address, its scope and a NUL. */
#define ADDRESS_IP_SIZE (INET6_ADDRSTRLEN + 1 + 16)

/* An address as the kernel knows it. */
struct address_ip {
    char ip[ADDRESS_IP_SIZE]; /* "10.0.0.7", "::1", "fe80::1%eth0": no brackets */
    uint16_t port;
};

/* Reads "host:port", "host", ":port", "port", "[v6]:port", "[v6]" or a bare IPv6 address; what has
 * no port gets <default_port>. Refuses an empty text, a port beyond ADDRESS_PORT_MAX, a colon with
 * no port behind it, brackets around anything but an IPv6 address, and bytes that no host name has.
 * After a failure *error says why and *out is as it was. */
bool address_parse(struct bytes text, int default_port, struct address *out,
                   struct net_error *error);

/* The ip and port of an IPv4 or IPv6 socket address; of an IPv4 peer on a dual-stack socket, its
 * IPv4 form. Any other family is the caller's bug. */
void address_of_socket(const struct sockaddr *socket_address, struct address_ip *out);

/* Writes "host:port", an IPv6 host in brackets, NUL-terminated, and returns the length. <host> is
 * at most ADDRESS_HOST_MAX bytes. */
size_t address_to_url(const char *host, unsigned port, char out[ADDRESS_URL_SIZE]);

#endif
