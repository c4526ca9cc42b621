#include "tests/bench/peer.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"

#define RETRY_NS 2000000 /* between two attempts to reach a broker that is starting */

/* What clients send, but for their names. */
#define CONNECT_TEXT                                                                               \
    "CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false,\"name\":\"bench\","     \
    "\"lang\":\"c\",\"version\":\"1.0.0\",\"protocol\":1,\"echo\":true,\"headers\":true,"          \
    "\"no_responders\":true}\r\n"

/* Opening */

static int try_connect(const struct sockaddr_in *broker)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail_errno("socket");
    if (connect(fd, (const struct sockaddr *)broker, sizeof *broker) == 0)
        return fd;
    if (errno != ECONNREFUSED && errno != EINTR)
        fail_errno("connect to port %d", ntohs(broker->sin_port));
    close(fd);
    return -1;
}

static int connect_patiently(const struct sockaddr_in *broker)
{
    uint64_t give_up_ns = clock_now_ns() + PEER_WAIT_S * CLOCK_NS_A_SECOND;
    int fd;

    while ((fd = try_connect(broker)) < 0) {
        if (clock_now_ns() > give_up_ns)
            fail("nobody listens on port %d", ntohs(broker->sin_port));
        nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    return fd;
}

/* A broker that stops answering ends the program rather than hang it. */
static void set_socket_options(int fd)
{
    struct timeval patience = {.tv_sec = PEER_WAIT_S};
    int on = 1;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
        fail_errno("setsockopt");
}

void peer_open(struct peer *peer, const char *name, const struct sockaddr_in *broker)
{
    *peer = (struct peer){.fd = connect_patiently(broker), .name = name, .answers_pings = true};
    set_socket_options(peer->fd);
    /* INFO is passed over like any other line while the PONG is awaited. */
    peer_send(peer, CONNECT_TEXT, strlen(CONNECT_TEXT));
    peer_sync(peer);
}

void peer_close(struct peer *peer)
{
    if (close(peer->fd) != 0)
        fail_errno("close");
    peer->fd = -1;
}

void peer_abort(struct peer *peer)
{
    struct linger none = {.l_onoff = 1, .l_linger = 0};

    if (setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) != 0)
        fail_errno("setsockopt");
    peer_close(peer);
}

/* Reading */

static void take_line(struct peer *peer)
{
    if (memcmp(peer->line, "PONG", 4) == 0)
        peer->pongs++;
    else if (memcmp(peer->line, "PING", 4) == 0 && peer->answers_pings)
        peer_send(peer, "PONG\r\n", strlen("PONG\r\n"));
    else if (memcmp(peer->line, "PING", 4) != 0 && memcmp(peer->line, "INFO", 4) != 0)
        fail("%s: unexpected \"%.*s\"", peer->name, (int)strcspn(peer->line, "\r\n"), peer->line);
}

/* Takes a line, or the part that has come, from the <len> bytes at <data>; returns how many. */
static size_t feed_line(struct peer *peer, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    size_t taken = end == NULL ? len : (size_t)(end - data) + 1;
    size_t room = PEER_LINE_MAX - 1 - peer->line_len;
    size_t kept = taken < room ? taken : room;

    memcpy(peer->line + peer->line_len, data, kept);
    peer->line_len += kept;
    if (end != NULL) {
        memset(peer->line + peer->line_len, 0, PEER_LINE_MAX - peer->line_len);
        peer->line_len = 0;
        take_line(peer);
    }
    return taken;
}

/* Whether the <len> bytes at <data> continue the current frame and hold nothing but frames. Any
 * line among them moves what follows, so it is enough to look where the last frame must begin. */
static bool is_frames_only(const struct peer *peer, const char *data, size_t len)
{
    size_t first = peer->frame_at == 0 ? 0 : peer->frame_len - peer->frame_at;
    size_t last;

    if (peer->frame_len == 0 || peer->line_len > 0)
        return false;
    if (first >= len)
        return true;
    last = first + (len - 1 - first) / peer->frame_len * peer->frame_len;
    if (last + peer->frame_len == len && memcmp(data + len - 2, "\r\n", 2) != 0)
        return false;
    /* No subject, sid or payload of this program holds an 'M'. */
    return data[first] == 'M' && data[last] == 'M';
}

static void feed_frames_only(struct peer *peer, size_t len)
{
    size_t total = peer->frame_at + len;

    peer->frames += total / peer->frame_len;
    peer->frame_at = total % peer->frame_len;
}

static void feed(struct peer *peer, const char *data, size_t len)
{
    size_t at = 0;

    if (is_frames_only(peer, data, len)) {
        feed_frames_only(peer, len);
        return;
    }
    while (at < len) {
        if (peer->frame_at == 0 && (peer->line_len > 0 || data[at] != 'M')) {
            at += feed_line(peer, data + at, len - at);
            continue;
        }
        if (peer->frame_len == 0)
            fail("%s: a message that nobody asked for", peer->name);
        size_t rest = peer->frame_len - peer->frame_at;
        size_t taken = rest < len - at ? rest : len - at;

        feed_frames_only(peer, taken);
        at += taken;
    }
}

static size_t read_some(struct peer *peer, char *buffer, size_t room, int flags)
{
    ssize_t n = recv(peer->fd, buffer, room, flags);

    if (n > 0)
        return (size_t)n;
    if (n == 0 || errno == ECONNRESET || errno == EPIPE)
        fail("%s was cut by the broker after %llu messages", peer->name,
             (unsigned long long)peer->frames);
    if (errno != EAGAIN && errno != EINTR)
        fail_errno("%s: recv", peer->name);
    if ((flags & MSG_DONTWAIT) == 0 && errno == EAGAIN)
        fail("%s: the broker does not answer", peer->name);
    return 0;
}

bool peer_count(struct peer *peer, char *buffer)
{
    size_t n = read_some(peer, buffer, PEER_READ_BYTES, MSG_DONTWAIT);

    feed(peer, buffer, n);
    return n > 0;
}

bool peer_read_frames(struct peer *peer, char *buffer, peer_frame_fn *each, void *arg)
{
    size_t len = peer->carry_len;
    size_t at = 0;
    size_t n;

    assert(peer->frame_len > 0 && peer->frame_len <= PEER_CARRY_MAX);
    n = read_some(peer, buffer + len, PEER_READ_BYTES - len, MSG_DONTWAIT);
    if (n == 0)
        return false;
    memcpy(buffer, peer->carry, len);
    len += n;
    while (at < len) {
        if (peer->line_len > 0 || buffer[at] != 'M') {
            at += feed_line(peer, buffer + at, len - at);
            continue;
        }
        if (len - at < peer->frame_len)
            break;
        peer->frames++;
        each(peer, buffer + at, arg);
        at += peer->frame_len;
    }
    peer->carry_len = len - at;
    memcpy(peer->carry, buffer + at, peer->carry_len);
    return true;
}

/* Sending */

void peer_send(struct peer *peer, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(peer->fd, text, len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            fail_errno("%s: send", peer->name);
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
}

void peer_sendf(struct peer *peer, const char *format, ...)
{
    char text[256];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(len > 0 && (size_t)len < sizeof text);
    peer_send(peer, text, (size_t)len);
}

void peer_sync(struct peer *peer)
{
    char buffer[4096];
    uint64_t before = peer->pongs;

    peer_send(peer, "PING\r\n", strlen("PING\r\n"));
    while (peer->pongs == before)
        feed(peer, buffer, read_some(peer, buffer, sizeof buffer, 0));
}
