#include "lib/net/listener.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEADLINE_MS 10000

static struct listener *listen_on(const char *host, int port)
{
    struct net_error error = {.text = ""};
    struct listener *listener = listener_open(host, port, &error);

    cr_assert_not_null(listener, "%s", error.text);
    return listener;
}

/* A blocking connection to <port> by IPv4, or by IPv6; -1 when it was not accepted by the kernel.
 */
static int dial(int family, unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(family, SOCK_STREAM, 0);
    int result;

    if (fd < 0)
        return -1;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in6.sin6_addr = in6addr_loopback;
    result = family == AF_INET ? connect(fd, (struct sockaddr *)&in, sizeof in)
                               : connect(fd, (struct sockaddr *)&in6, sizeof in6);
    if (result == 0)
        return fd;
    close(fd);
    return -1;
}

/* Connecting returns when the kernel has the connection, which may be a moment before accept has.
 */
static enum listener_result accept_soon(struct listener *listener, struct listener_accepted *out)
{
    struct pollfd waiting = {.fd = listener_fd(listener), .events = POLLIN};

    cr_assert_eq(poll(&waiting, 1, DEADLINE_MS), 1, "nobody connected");
    return listener_accept(listener, out);
}

Test(listener, takes_a_free_port_and_tells_which)
{
    struct listener *listener = listen_on("127.0.0.1", ADDRESS_PORT_ANY);
    struct listener *other = listen_on("127.0.0.1", 0);

    cr_expect_gt(listener_port(listener), 0);
    cr_expect_gt(listener_port(other), 0);
    cr_expect_neq(listener_port(listener), listener_port(other));
    cr_expect_str_eq(listener_address(listener)->ip, "127.0.0.1");
    listener_close(listener);
    listener_close(other);
}

Test(listener, says_that_nobody_waits)
{
    struct listener *listener = listen_on("127.0.0.1", 0);
    struct listener_accepted accepted;

    cr_expect_eq(listener_accept(listener, &accepted), LISTENER_AGAIN);
    listener_close(listener);
}

Test(listener, an_accepted_connection_is_ready_for_use)
{
    struct listener *listener = listen_on("127.0.0.1", 0);
    struct listener_accepted accepted;
    struct sockaddr_in self;
    socklen_t len = sizeof self;
    int no_delay = 0;
    socklen_t no_delay_len = sizeof no_delay;
    int client = dial(AF_INET, listener_port(listener));

    cr_assert_geq(client, 0);
    cr_assert_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED);
    cr_expect(fcntl(accepted.fd, F_GETFL) & O_NONBLOCK);
    cr_expect(fcntl(accepted.fd, F_GETFD) & FD_CLOEXEC);
    getsockopt(accepted.fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &no_delay_len);
    cr_expect_neq(no_delay, 0);
    cr_assert_eq(getsockname(client, (struct sockaddr *)&self, &len), 0);
    cr_expect_str_eq(accepted.peer.ip, "127.0.0.1");
    cr_expect_eq(accepted.peer.port, ntohs(self.sin_port));
    close(client);
    close(accepted.fd);
    listener_close(listener);
}

Test(listener, is_itself_non_blocking_and_closed_on_exec)
{
    struct listener *listener = listen_on("127.0.0.1", 0);

    cr_expect(fcntl(listener_fd(listener), F_GETFL) & O_NONBLOCK);
    cr_expect(fcntl(listener_fd(listener), F_GETFD) & FD_CLOEXEC);
    listener_close(listener);
}

Test(listener, on_every_ipv6_address_hears_ipv4_too)
{
    static const char *const hosts[] = {"::", ""};
    int probe = socket(AF_INET6, SOCK_STREAM, 0);

    if (probe < 0)
        cr_skip_test("this machine has no IPv6");
    close(probe);
    for (size_t i = 0; i < 2; i++) {
        struct listener *listener = listen_on(hosts[i], 0);
        struct listener_accepted accepted;
        int by_ipv4 = dial(AF_INET, listener_port(listener));
        int by_ipv6;

        cr_assert_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED);
        cr_expect_str_eq(accepted.peer.ip, "127.0.0.1");
        close(accepted.fd);
        by_ipv6 = dial(AF_INET6, listener_port(listener));
        cr_assert_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED);
        cr_expect_str_eq(accepted.peer.ip, "::1");
        close(accepted.fd);
        close(by_ipv4);
        close(by_ipv6);
        listener_close(listener);
    }
}

Test(listener, on_every_ipv4_address_hears_no_ipv6)
{
    struct listener *listener = listen_on("0.0.0.0", 0);
    int by_ipv4 = dial(AF_INET, listener_port(listener));

    cr_expect_geq(by_ipv4, 0);
    cr_expect_lt(dial(AF_INET6, listener_port(listener)), 0);
    cr_expect_str_eq(listener_address(listener)->ip, "0.0.0.0");
    close(by_ipv4);
    listener_close(listener);
}

Test(listener, finds_the_address_of_a_name)
{
    struct listener *listener = listen_on("localhost", 0);

    cr_expect_gt(listener_port(listener), 0);
    listener_close(listener);
}

static const char *refusal_of(const char *host, int port)
{
    static struct net_error error;
    struct listener *listener = listener_open(host, port, &error);

    cr_assert_null(listener);
    return error.text;
}

Test(listener, a_port_in_use_is_refused_with_advice)
{
    struct listener *listener = listen_on("127.0.0.1", 0);
    const char *refusal = refusal_of("127.0.0.1", (int)listener_port(listener));
    char expected[128];

    snprintf(expected, sizeof expected,
             "port %u is in use: stop what listens on it, or choose another port",
             listener_port(listener));
    cr_expect_str_eq(refusal, expected);
    cr_expect_str_eq(refusal_of("", (int)listener_port(listener)), expected);
    listener_close(listener);
}

Test(listener, an_address_of_another_machine_is_refused_with_advice)
{
    cr_expect_str_eq(refusal_of("192.0.2.1", 0),
                     "192.0.2.1 is not an address of this machine: choose one it has, or 0.0.0.0 "
                     "for all");
}

Test(listener, a_name_nobody_has_is_refused)
{
    cr_expect_not_null(strstr(refusal_of("no-such-host.invalid", 0),
                              "cannot find the address of \"no-such-host.invalid\": "));
}

Test(listener, can_listen_on_a_port_again_at_once)
{
    struct listener *listener = listen_on("127.0.0.1", 0);
    unsigned port = listener_port(listener);
    struct listener_accepted accepted;
    int client = dial(AF_INET, port);
    char byte;

    cr_assert_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED);
    close(accepted.fd); /* the first to close lingers in TIME_WAIT, on the port */
    cr_expect_eq(read(client, &byte, 1), 0);
    close(client);
    listener_close(listener);
    listener = listen_on("127.0.0.1", (int)port);
    cr_expect_eq(listener_port(listener), port);
    listener_close(listener);
}

/* Takes every descriptor the process may have; the last one taken, and how many, for giving back.
 */
static size_t take_all_descriptors(int *fds, size_t max)
{
    size_t count = 0;

    while (count < max && (fds[count] = dup(STDERR_FILENO)) >= 0)
        count++;
    cr_assert_lt(count, max);
    cr_assert_eq(errno, EMFILE);
    return count;
}

Test(listener, without_a_free_descriptor_the_waiting_are_turned_away)
{
    struct rlimit limit = {.rlim_cur = 128, .rlim_max = 128};
    struct listener_accepted accepted;
    struct listener *listener;
    int clients[3];
    int fds[128];
    size_t count;
    char byte;

    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    listener = listen_on("127.0.0.1", 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert_geq(clients[i] = dial(AF_INET, listener_port(listener)), 0);
    count = take_all_descriptors(fds, 128);

    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(accept_soon(listener, &accepted), LISTENER_SHED);
        cr_expect_eq(read(clients[i], &byte, 1), 0, "its peer sees the end at once");
    }
    close(fds[--count]);
    cr_expect_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED, "one place is free again");
    cr_expect_eq(listener_accept(listener, &accepted), LISTENER_AGAIN, "nobody waits: no trouble");
    while (count > 0)
        close(fds[--count]);
    for (size_t i = 0; i < 3; i++)
        close(clients[i]);
    listener_close(listener);
}

Test(listener, a_peer_that_gave_up_in_the_backlog_harms_nobody)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct listener *listener = listen_on("127.0.0.1", 0);
    struct listener_accepted accepted;
    int impatient = dial(AF_INET, listener_port(listener));
    int patient;

    setsockopt(impatient, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(impatient);
    patient = dial(AF_INET, listener_port(listener));
    cr_expect_eq(accept_soon(listener, &accepted), LISTENER_ACCEPTED);
    listener_close(listener);
    close(patient);
}

Test(listener, closing_none_is_no_work)
{
    listener_close(NULL);
}
