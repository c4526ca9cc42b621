/* natter-relay: what the kernel allows one thread.
 *
 *     natter-relay -p PORT
 *
 * It parses nothing: what a publisher's socket gives is written to the socket of every subscriber,
 * frame for frame as it came. Only the greeting is answered, so that natter-load --relay can use it
 * as it uses a broker: INFO on connecting, PONG to the first PING; a connection whose next bytes
 * are "SUB" is a subscriber, any other a publisher. One thread, one buffer, no queue: a subscriber
 * that does not take its bytes holds everybody up, as nothing that is to be a limit may hide. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (1 << 18)
#define CONNECTIONS_MAX 20000 /* by descriptor */
#define EVENTS_A_TURN 256
#define INFO_TEXT                                                                                  \
    "INFO {\"server_id\":\"RELAY\",\"version\":\"2.9.0\",\"proto\":1,\"headers\":true,"            \
    "\"max_payload\":1048576} \r\n"

enum kind { NEW, GREETED, PUBLISHER, SUBSCRIBER };

static struct {
    int epoll_fd;
    int listen_fd;
    enum kind kinds[CONNECTIONS_MAX];
    int subscribers[CONNECTIONS_MAX];
    int subscriber_count;
    char buffer[BUFFER_BYTES];
} relay;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int fd)
{
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(relay.epoll_fd, EPOLL_CTL_ADD, fd, &wanted) != 0)
        die("epoll_ctl");
}

static void forget_subscriber(int fd)
{
    for (int i = 0; i < relay.subscriber_count; i++) {
        if (relay.subscribers[i] == fd) {
            relay.subscribers[i] = relay.subscribers[--relay.subscriber_count];
            break;
        }
    }
}

/* Sockets block: a write returns when all was taken, or when the peer is gone. */
static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return; /* its end is seen when it is read */
        data += n;
        len -= (size_t)n;
    }
}

static void accept_one(void)
{
    int fd = accept4(relay.listen_fd, NULL, NULL, SOCK_CLOEXEC);
    int on = 1;

    if (fd < 0)
        return;
    if (fd >= CONNECTIONS_MAX) {
        close(fd);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    relay.kinds[fd] = NEW;
    watch(fd);
    write_all(fd, INFO_TEXT, strlen(INFO_TEXT));
}

static void close_connection(int fd)
{
    if (relay.kinds[fd] == SUBSCRIBER)
        forget_subscriber(fd);
    close(fd); /* and leaves the epoll set with it */
}

static void converse(int fd, size_t len)
{
    if (relay.kinds[fd] == GREETED && len >= 3 && memcmp(relay.buffer, "SUB", 3) == 0) {
        relay.kinds[fd] = SUBSCRIBER;
        relay.subscribers[relay.subscriber_count++] = fd;
    }
    if (memmem(relay.buffer, len, "PING\r\n", 6) == NULL)
        return;
    if (relay.kinds[fd] == NEW)
        relay.kinds[fd] = GREETED;
    write_all(fd, "PONG\r\n", 6);
}

static void serve(int fd)
{
    ssize_t n = recv(fd, relay.buffer, BUFFER_BYTES, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_connection(fd);
        return;
    }
    if (relay.kinds[fd] == GREETED && (n < 3 || memcmp(relay.buffer, "SUB", 3) != 0))
        relay.kinds[fd] = PUBLISHER;
    if (relay.kinds[fd] != PUBLISHER) {
        converse(fd, (size_t)n);
        return;
    }
    for (int i = 0; i < relay.subscriber_count; i++)
        write_all(relay.subscribers[i], relay.buffer, (size_t)n);
}

static void listen_on(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    relay.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (relay.listen_fd < 0 ||
        setsockopt(relay.listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(relay.listen_fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(relay.listen_fd, SOMAXCONN) != 0)
        die("listen");
    watch(relay.listen_fd);
}

static int port_of(int argc, char **argv)
{
    char *end = NULL;
    long port = argc == 3 && strcmp(argv[1], "-p") == 0 ? strtol(argv[2], &end, 10) : 0;

    if (end == NULL || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "natter-relay -p PORT\n");
        exit(2);
    }
    return (int)port;
}

int main(int argc, char **argv)
{
    struct rlimit files = {.rlim_cur = 0};

    relay.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (relay.epoll_fd < 0)
        die("epoll_create1");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    listen_on(port_of(argc, argv));
    for (;;) {
        struct epoll_event events[EVENTS_A_TURN];
        int n = epoll_wait(relay.epoll_fd, events, EVENTS_A_TURN, -1);

        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == relay.listen_fd)
                accept_one();
            else
                serve(events[i].data.fd);
        }
    }
}
