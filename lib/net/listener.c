#include "lib/net/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listener {
    int fd;
    int reserve_fd; /* -1 while somebody else has taken its place */
    struct address_ip bound;
};

static int open_reserve(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Says of a failed bind() or listen() what the operator can do. */
static void explain(struct net_error *error, const char *host, int port, int error_number)
{
    const char *where = host[0] != '\0' ? host : "any address";

    switch (error_number) {
    case EADDRINUSE:
        net_error_set(error, "port %d is in use: stop what listens on it, or choose another port",
                      port);
        break;
    case EACCES:
    case EPERM:
        net_error_set(error,
                      "no permission for port %d: choose one above 1023, or grant "
                      "CAP_NET_BIND_SERVICE",
                      port);
        break;
    case EADDRNOTAVAIL:
        net_error_set(error,
                      "%s is not an address of this machine: choose one it has, or 0.0.0.0 for all",
                      where);
        break;
    case EMFILE:
    case ENFILE:
        net_error_set(error,
                      "no descriptor is free to listen on port %d: raise the limit of open "
                      "files (ulimit -n)",
                      port);
        break;
    default:
        net_error_set(error, "cannot listen on %s, port %d: %s", where, port,
                      strerror(error_number));
    }
}

/* A listening socket on one address, or -1 with errno set. */
static int listen_on(const struct addrinfo *address)
{
    int type = address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(address->ai_family, type, address->ai_protocol);
    int on = 1;
    int off = 0;
    int error_number;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
        goto close_fd;
    if (address->ai_family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)
        goto close_fd;
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0)
        goto close_fd;
    if (listen(fd, LISTENER_BACKLOG) != 0)
        goto close_fd;
    return fd;

close_fd:
    error_number = errno;
    close(fd);
    errno = error_number;
    return -1;
}

/* The first of the host's addresses that can be listened on; or -1 with *error filled, and errno
 * set when it was the system that refused. */
static int listen_on_host(const char *host, int port, struct net_error *error)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    };
    struct addrinfo *addresses;
    char service[sizeof "65535"];
    int error_number = 0;
    int fd = -1;
    int result;

    snprintf(service, sizeof service, "%u", (unsigned)(uint16_t)port);
    result = getaddrinfo(host, service, &hints, &addresses);
    if (result != 0) {
        net_error_set(error, "cannot find the address of \"%s\": %s", host,
                      result == EAI_SYSTEM ? strerror(errno) : gai_strerror(result));
        errno = 0;
        return -1;
    }
    for (const struct addrinfo *at = addresses; at != NULL && fd < 0; at = at->ai_next) {
        fd = listen_on(at);
        if (fd < 0 && error_number == 0)
            error_number = errno; /* the first address is the one that was meant */
    }
    freeaddrinfo(addresses);
    if (fd < 0) {
        explain(error, host, port, error_number);
        errno = error_number;
    }
    return fd;
}

/* Every address of every family: one dual-stack socket, or IPv4 alone where the machine has no
 * IPv6. */
static int listen_everywhere(int port, struct net_error *error)
{
    int fd = listen_on_host("::", port, error);

    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = listen_on_host("0.0.0.0", port, error);
    return fd;
}

static void read_bound_address(struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int result = getsockname(listener->fd, (struct sockaddr *)&address, &len);

    assert(result == 0);
    address_of_socket((struct sockaddr *)&address, &listener->bound);
}

struct listener *listener_open(const char *host, int port, struct net_error *error)
{
    struct listener *listener;

    assert(port >= ADDRESS_PORT_ANY && port <= ADDRESS_PORT_MAX);
    listener = calloc(1, sizeof *listener);
    if (listener == NULL) {
        net_error_set(error, "out of memory");
        return NULL;
    }
    port = port == ADDRESS_PORT_ANY ? 0 : port;
    listener->fd =
        host[0] == '\0' ? listen_everywhere(port, error) : listen_on_host(host, port, error);
    if (listener->fd < 0) {
        free(listener);
        return NULL;
    }
    listener->reserve_fd = open_reserve();
    read_bound_address(listener);
    return listener;
}

int listener_fd(const struct listener *listener)
{
    return listener->fd;
}

unsigned listener_port(const struct listener *listener)
{
    return listener->bound.port;
}

const struct address_ip *listener_address(const struct listener *listener)
{
    return &listener->bound;
}

/* Whether accept() reported an error that belongs to the connection, not to the listener: accept(2)
 * lists the network errors that Linux passes on and that mean "try the next one". */
static bool is_of_the_peer(int error_number)
{
    switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
        return true;
    default:
        return false;
    }
}

/* With no descriptor left, takes the waiting connection by the reserve's and closes it. The kernel
 * wants a descriptor before it looks whether anybody waits, so there may be nobody. The place of
 * the reserve may go to another thread in between; then a later call tries to have one again. */
static enum listener_result shed(struct listener *listener)
{
    int error_number;
    int fd;

    if (listener->reserve_fd >= 0)
        close(listener->reserve_fd);
    fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    error_number = errno;
    if (fd >= 0)
        close(fd);
    listener->reserve_fd = open_reserve();
    if (fd >= 0 || is_of_the_peer(error_number))
        return LISTENER_SHED;
    return error_number == EAGAIN ? LISTENER_AGAIN : LISTENER_EXHAUSTED;
}

/* Fails only for sockets that are not TCP, which no listener opens. */
static void disable_delay(int fd)
{
    int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

enum listener_result listener_accept(struct listener *listener, struct listener_accepted *out)
{
    struct sockaddr_storage peer;
    socklen_t len;
    int fd;

    do {
        len = sizeof peer;
        fd = accept4(listener->fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && is_of_the_peer(errno));
    if (fd >= 0) {
        disable_delay(fd);
        address_of_socket((struct sockaddr *)&peer, &out->peer);
        out->fd = fd;
        return LISTENER_ACCEPTED;
    }
    switch (errno) {
    case EAGAIN:
        return LISTENER_AGAIN;
    case EMFILE:
    case ENFILE:
        return shed(listener);
    case ENOBUFS:
    case ENOMEM:
        return LISTENER_EXHAUSTED;
    default:
        return LISTENER_FAILED;
    }
}

void listener_close(struct listener *listener)
{
    if (listener == NULL)
        return;
    close(listener->fd);
    if (listener->reserve_fd >= 0)
        close(listener->reserve_fd);
    free(listener);
}
