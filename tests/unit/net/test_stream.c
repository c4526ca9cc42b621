#include "lib/net/stream.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct stream stream;
static int peer; /* the other end: a blocking socket, in the test's hands */

static void connect_both(void)
{
    int fds[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    stream_init(&stream, fds[0]);
    peer = fds[1];
}

static void close_both(void)
{
    stream_close(&stream);
    if (peer >= 0)
        close(peer);
}

TestSuite(stream, .init = connect_both, .fini = close_both);

static void peer_says(const char *text)
{
    cr_assert_eq(send(peer, text, strlen(text), 0), (ssize_t)strlen(text));
}

static ssize_t read_into(void *room, size_t size)
{
    struct iovec piece = {.iov_base = room, .iov_len = size};

    return stream_read(&stream, &piece, 1);
}

static ssize_t write_text(const char *text)
{
    struct iovec piece = {.iov_base = (void *)text, .iov_len = strlen(text)};

    return stream_write(&stream, &piece, 1);
}

static void reset_by_peer(void)
{
    close(peer); /* with unread bytes in it, which resets the connection */
    peer = -1;
}

Test(stream, reads_what_is_there_and_no_more)
{
    char room[16];

    cr_expect_eq(read_into(room, sizeof room), STREAM_AGAIN);
    peer_says("hello");
    cr_expect_eq(read_into(room, sizeof room), 5);
    cr_expect_arr_eq(room, "hello", 5);
    cr_expect_eq(read_into(room, sizeof room), STREAM_AGAIN);
}

Test(stream, reads_into_several_pieces_in_order)
{
    char first[3];
    char second[16];
    struct iovec pieces[] = {{first, sizeof first}, {second, sizeof second}};

    peer_says("hello");
    cr_expect_eq(stream_read(&stream, pieces, 2), 5);
    cr_expect_arr_eq(first, "hel", 3);
    cr_expect_arr_eq(second, "lo", 2);
}

Test(stream, writes_several_pieces_in_order)
{
    char hello[] = "hello ";
    char world[] = "world";
    char room[32];
    struct iovec pieces[] = {{hello, 6}, {world, 5}};

    cr_expect_eq(stream_write(&stream, pieces, 2), 11);
    cr_expect_eq(recv(peer, room, sizeof room, 0), 11);
    cr_expect_arr_eq(room, "hello world", 11);
}

Test(stream, the_end_of_the_peer_comes_after_its_last_byte)
{
    char room[16];

    peer_says("bye");
    shutdown(peer, SHUT_WR);
    cr_expect_eq(read_into(room, sizeof room), 3);
    cr_expect_eq(read_into(room, sizeof room), STREAM_CLOSED);
    cr_expect_eq(read_into(room, sizeof room), STREAM_CLOSED);
}

Test(stream, writing_to_a_peer_that_is_gone_raises_no_signal)
{
    signal(SIGPIPE, SIG_DFL);
    close(peer);
    peer = -1;
    cr_expect_eq(write_text("hello"), STREAM_CLOSED);
}

Test(stream, several_pieces_raise_no_signal_either)
{
    char text[] = "hello";
    struct iovec pieces[] = {{text, 2}, {text, 3}};

    signal(SIGPIPE, SIG_DFL);
    close(peer);
    peer = -1;
    cr_expect_eq(stream_write(&stream, pieces, 2), STREAM_CLOSED);
}

Test(stream, a_reset_is_a_failure_and_tells_its_errno)
{
    char room[16];

    cr_expect_eq(write_text("never read"), 10);
    reset_by_peer();
    cr_expect_eq(read_into(room, sizeof room), STREAM_FAILED);
    cr_expect_eq(stream.error, ECONNRESET);
}

Test(stream, a_peer_that_takes_nothing_makes_writing_wait)
{
    static char block[64 * 1024];
    struct iovec pieces[] = {{block, sizeof block}, {block, sizeof block}};
    size_t written = 0;
    size_t received = 0;
    ssize_t n;

    while ((n = stream_write(&stream, pieces, 2)) > 0)
        written += (size_t)n;
    cr_expect_eq(n, STREAM_AGAIN);
    cr_expect_gt(written, 0);
    while (received < written && (n = recv(peer, block, sizeof block, 0)) > 0)
        received += (size_t)n;
    cr_expect_eq(received, written);
    cr_expect_eq(write_text("hello"), 5);
}

Test(stream, more_pieces_than_the_kernel_takes_are_a_short_write)
{
    static char text[] = "x";
    static struct iovec pieces[STREAM_PIECES_MAX + 10];
    static char room[2 * STREAM_PIECES_MAX];

    for (size_t i = 0; i < STREAM_PIECES_MAX + 10; i++)
        pieces[i] = (struct iovec){text, 1};
    cr_expect_eq(stream_write(&stream, pieces, STREAM_PIECES_MAX + 10), STREAM_PIECES_MAX);
    cr_expect_eq(recv(peer, room, sizeof room, 0), STREAM_PIECES_MAX);
}

Test(stream, after_shutting_down_the_peer_sees_the_end_and_can_still_speak)
{
    char room[16];

    cr_expect_eq(write_text("last"), 4);
    stream_shutdown_write(&stream);
    cr_expect_eq(recv(peer, room, sizeof room, 0), 4);
    cr_expect_eq(recv(peer, room, sizeof room, 0), 0);
    peer_says("more");
    cr_expect_eq(read_into(room, sizeof room), 4);
    cr_expect_eq(write_text("hello"), STREAM_CLOSED);
}

Test(stream, closing_twice_is_no_work)
{
    char byte;

    stream_close(&stream);
    cr_expect_eq(stream.fd, -1);
    stream_close(&stream);
    cr_expect_eq(recv(peer, &byte, 1, 0), 0);
}

Test(stream, plain_tcp_holds_nothing_back)
{
    peer_says("hello");
    cr_expect_not(stream_has_buffered(&stream));
}

/* A transport as TLS will be one: it changes what passes, holds back what it has received and not
 * yet handed out, and has a state of its own to free. */
struct scrambler {
    char held[64];
    size_t held_len;
    bool *was_released;
};

static ssize_t scrambler_read(struct stream *s, const struct iovec *pieces, size_t count)
{
    struct scrambler *it = s->state;
    struct iovec own = {it->held, sizeof it->held};
    size_t take = pieces[0].iov_len;

    cr_assert_gt(count, 0);
    if (it->held_len == 0) {
        ssize_t n = stream_plain_read(s, &own, 1);

        if (n < 0)
            return n;
        it->held_len = (size_t)n;
    }
    take = take < it->held_len ? take : it->held_len;
    for (size_t i = 0; i < take; i++)
        ((char *)pieces[0].iov_base)[i] = (char)(it->held[i] ^ 0x20);
    it->held_len -= take;
    memmove(it->held, it->held + take, it->held_len);
    return (ssize_t)take;
}

static ssize_t scrambler_write(struct stream *s, const struct iovec *pieces, size_t count)
{
    char scrambled[64];
    struct iovec own = {scrambled, pieces[0].iov_len};

    cr_assert(count > 0 && pieces[0].iov_len <= sizeof scrambled);
    for (size_t i = 0; i < pieces[0].iov_len; i++)
        scrambled[i] = (char)(((char *)pieces[0].iov_base)[i] ^ 0x20);
    return stream_plain_write(s, &own, 1);
}

static bool scrambler_has_buffered(const struct stream *s)
{
    const struct scrambler *it = s->state;

    return it->held_len > 0;
}

static void scrambler_shutdown_write(struct stream *s)
{
    struct iovec goodbye = {(char[]){'.'}, 1};

    stream_plain_write(s, &goodbye, 1);
    shutdown(s->fd, SHUT_WR);
}

static void scrambler_release(struct stream *s)
{
    struct scrambler *it = s->state;

    *it->was_released = true;
    free(it);
}

static const struct stream_transport scrambler_transport = {
    .read = scrambler_read,
    .write = scrambler_write,
    .has_buffered = scrambler_has_buffered,
    .shutdown_write = scrambler_shutdown_write,
    .release = scrambler_release,
};

Test(stream, runs_over_another_transport_with_the_same_face)
{
    struct scrambler *scrambler = calloc(1, sizeof *scrambler);
    bool was_released = false;
    char room[16];

    cr_assert_not_null(scrambler);
    scrambler->was_released = &was_released;
    stream_init_over(&stream, stream.fd, &scrambler_transport, scrambler);

    peer_says("HELLO");
    cr_expect_eq(read_into(room, 2), 2);
    cr_expect(stream_has_buffered(&stream), "the descriptor will not say so");
    cr_expect_eq(read_into(room + 2, 14), 3);
    cr_expect_arr_eq(room, "hello", 5);
    cr_expect_not(stream_has_buffered(&stream));
    cr_expect_eq(read_into(room, sizeof room), STREAM_AGAIN);

    cr_expect_eq(write_text("bye"), 3);
    stream_shutdown_write(&stream);
    cr_expect_eq(recv(peer, room, sizeof room, MSG_WAITALL), 4);
    cr_expect_arr_eq(room, "BYE.", 4);

    stream_close(&stream);
    cr_expect(was_released);
    cr_expect_null(stream.transport);
}
