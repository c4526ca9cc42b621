#include "tests/system/wire.h"

#include "tests/system/node.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    SEND_DEADLINE_MS = 60000, /* a node may hold a publisher back, but not for ever */
    CUT_OFF_DEADLINE_MS = 15000,
    SPLIT_HEAD_PIECES = 8192, /* of a long text, only the first and the last pieces are small */
    SPLIT_TAIL_PIECES = 64,
    PRINT_BYTES = 400
};

bool wire_open(struct wire *wire, uint16_t port, int receive_bytes)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *wire = (struct wire){.opened_ms = now_ms(), .heard_ms = now_ms(), .heard_before_ms = now_ms()};
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return false;
    if (receive_bytes > 0)
        setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(wire->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        wire_close(wire);
        return false;
    }
    return true;
}

void wire_close(struct wire *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    free(wire->data);
    *wire = (struct wire){.fd = -1};
}

void wire_reset(struct wire *wire)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(wire->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    wire_close(wire);
}

static void send_piece(struct wire *wire, const char *data, size_t len)
{
    while (len > 0 && !wire->broken) {
        ssize_t sent = send(wire->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            data += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {.fd = wire->fd, .events = POLLOUT};
            if (poll(&writable, 1, SEND_DEADLINE_MS) == 0)
                wire->broken = true;
        } else if (errno != EINTR) {
            wire->broken = true;
        }
    }
}

void wire_send(struct wire *wire, const char *data, size_t len)
{
    size_t head = wire->split == 0 ? 0 : wire->split * SPLIT_HEAD_PIECES;
    size_t tail = wire->split * SPLIT_TAIL_PIECES;
    size_t at = 0;

    while (at < len && !wire->broken) {
        size_t piece = len - at;
        if (wire->split > 0 && (at < head || len - at <= tail))
            piece = piece < wire->split ? piece : wire->split;
        else if (wire->split > 0)
            piece -= tail;
        send_piece(wire, data + at, piece);
        at += piece;
    }
}

void wire_send_text(struct wire *wire, const char *text)
{
    wire_send(wire, text, strlen(text));
}

static void make_room(struct wire *wire)
{
    if (wire->size - wire->len >= READ_BYTES)
        return;
    wire->size = wire->size * 2 + READ_BYTES;
    wire->data = realloc(wire->data, wire->size);
    assert(wire->data != NULL);
}

enum wire_state wire_more(struct wire *wire, int64_t deadline)
{
    for (;;) {
        struct pollfd readable = {.fd = wire->fd, .events = POLLIN};
        int64_t left = deadline - now_ms();
        int ready = poll(&readable, 1, left > 0 ? (int)left : 0);
        if (ready == 0)
            return WIRE_LATE;
        if (ready < 0)
            continue;
        make_room(wire);
        ssize_t got = recv(wire->fd, wire->data + wire->len, wire->size - wire->len, MSG_DONTWAIT);
        if (got > 0) {
            wire->len += (size_t)got;
            wire->heard_before_ms = wire->heard_ms;
            wire->heard_ms = now_ms();
            return WIRE_OPEN;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return WIRE_CLOSED;
    }
}

void wire_take(struct wire *wire, size_t len)
{
    assert(len <= wire->len);
    memmove(wire->data, wire->data + len, wire->len - len);
    wire->len -= len;
}

bool wire_answer_ping(struct wire *wire)
{
    static const char ping[] = "PING\r\n";

    if (wire->len < strlen(ping) || memcmp(wire->data, ping, strlen(ping)) != 0)
        return false;
    wire_take(wire, strlen(ping));
    wire_send_text(wire, "PONG\r\n");
    return true;
}

void wire_print(const char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (i == PRINT_BYTES) {
            fprintf(stderr, "... (%zu bytes)", len);
            break;
        }
        if (byte == '\r')
            fputs("\\r", stderr);
        else if (byte == '\n')
            fputs("\\n", stderr);
        else if (byte < ' ' || byte > '~')
            fprintf(stderr, "\\x%02x", byte);
        else
            fputc(byte, stderr);
    }
}

static bool complain(const struct wire *wire, const char *expected, enum wire_state state)
{
    fprintf(stderr, "expected: ");
    wire_print(expected, strlen(expected));
    fprintf(stderr, "\nreceived: ");
    wire_print(wire->data, wire->len);
    fprintf(stderr, "%s\n", state == WIRE_CLOSED ? " and the end" : "");
    return false;
}

bool wire_expect(struct wire *wire, const char *text)
{
    int64_t deadline = now_ms() + NODE_DEADLINE_MS;
    size_t len = strlen(text);

    for (;;) {
        size_t common = len < wire->len ? len : wire->len;
        bool differs = common > 0 && memcmp(wire->data, text, common) != 0;
        if (differs && wire_answer_ping(wire))
            continue;
        if (differs)
            return complain(wire, text, WIRE_OPEN);
        if (wire->len >= len) {
            wire_take(wire, len);
            return true;
        }
        enum wire_state state = wire_more(wire, deadline);
        if (state != WIRE_OPEN)
            return complain(wire, text, state);
    }
}

bool wire_expect_info(struct wire *wire)
{
    int64_t deadline = now_ms() + NODE_DEADLINE_MS;

    for (;;) {
        char *end = wire->len == 0 ? NULL : memchr(wire->data, '\n', wire->len);
        if (end != NULL) {
            bool is_info = wire->len > 6 && memcmp(wire->data, "INFO {", 6) == 0;
            if (is_info)
                wire_take(wire, (size_t)(end + 1 - wire->data));
            return is_info || complain(wire, "INFO {...}", WIRE_OPEN);
        }
        enum wire_state state = wire_more(wire, deadline);
        if (state != WIRE_OPEN)
            return complain(wire, "INFO {...}", state);
    }
}

bool wire_expect_closed(struct wire *wire)
{
    enum wire_state state =
        wire->len > 0 ? WIRE_OPEN : wire_more(wire, now_ms() + NODE_DEADLINE_MS);

    return state == WIRE_CLOSED || complain(wire, "the end", state);
}

bool wire_cut_off(struct wire *wire)
{
    int64_t deadline = now_ms() + CUT_OFF_DEADLINE_MS;
    enum wire_state state = WIRE_OPEN;

    while (state == WIRE_OPEN) {
        if (wire->len >= 4 && memmem(wire->data, wire->len, "-ERR", 4) != NULL)
            return complain(wire, "the end without a word", state);
        if (wire->len > 3)
            wire_take(wire, wire->len - 3);
        state = wire_more(wire, deadline);
    }
    return state == WIRE_CLOSED || complain(wire, "the end", state);
}

bool wire_join(struct wire *wire, uint16_t port, const char *connect)
{
    if (!wire_open(wire, port, 0) || !wire_expect_info(wire))
        return false;
    wire_send_text(wire, connect);
    wire_send_text(wire, "PING\r\n");
    return wire_expect(wire, "PONG\r\n");
}
