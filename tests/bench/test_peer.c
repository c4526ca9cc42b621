#include "tests/bench/peer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/histogram.h"

#define FRAME "MSG bench.0000 1 5\r\nxxxxx\r\n"
#define INFO_LINE "INFO {\"server_id\":\"MSG\"}\r\n"

static int broker; /* the far end of <peer> */
static struct peer peer;
static char buffer[PEER_READ_BYTES];

static void connect_peer(void)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    broker = ends[0];
    peer = (struct peer){
        .fd = ends[1], .name = "peer", .frame_len = strlen(FRAME), .answers_pings = true};
}

static void disconnect_peer(void)
{
    close(broker);
    close(peer.fd);
}

TestSuite(peer, .init = connect_peer, .fini = disconnect_peer);

static void arrives(const char *data, size_t len)
{
    cr_assert_eq(write(broker, data, len), (ssize_t)len);
    peer_count(&peer, buffer);
}

static void ignore_frame(struct peer *p, const char *frame, void *arg)
{
    (void)p;
    (void)arg;
    cr_assert_eq(memcmp(frame, FRAME, strlen(FRAME)), 0);
}

static const char stream[] = FRAME FRAME "PING\r\n" FRAME INFO_LINE "PONG\r\n" FRAME FRAME FRAME;

Test(peer, counts_a_stream_cut_at_every_byte)
{
    size_t len = strlen(stream);

    for (size_t cut = 1; cut < len; cut++) {
        peer.frames = peer.pongs = 0;
        arrives(stream, cut);
        arrives(stream + cut, len - cut);
        cr_assert_eq(peer.frames, 6, "cut at %zu: %d frames", cut, (int)peer.frames);
        cr_assert_eq(peer.pongs, 1, "cut at %zu", cut);
        cr_assert_eq(peer.frame_at, 0, "cut at %zu", cut);
    }
}

Test(peer, hands_over_each_frame_of_a_stream_cut_at_every_byte)
{
    size_t len = strlen(stream);

    for (size_t cut = 1; cut < len; cut++) {
        peer.frames = 0;
        cr_assert_eq(write(broker, stream, cut), (ssize_t)cut);
        peer_read_frames(&peer, buffer, ignore_frame, NULL);
        cr_assert_eq(write(broker, stream + cut, len - cut), (ssize_t)(len - cut));
        peer_read_frames(&peer, buffer, ignore_frame, NULL);
        cr_assert_eq(peer.frames, 6, "cut at %zu: %d frames", cut, (int)peer.frames);
    }
}

Test(peer, finds_a_line_among_many_frames)
{
    char data[100 * sizeof FRAME];
    size_t len = 0;

    for (int i = 0; i < 60; i++)
        len += (size_t)snprintf(data + len, sizeof data - len, "%s", i == 31 ? "PING\r\n" : FRAME);
    arrives(data, len);
    cr_expect_eq(peer.frames, 59);
    cr_expect_eq(read(broker, data, sizeof data), 6, "the PING was answered");
}

Test(peer, knows_an_unfinished_frame)
{
    arrives(FRAME FRAME, 2 * strlen(FRAME) - 1);
    cr_expect_eq(peer.frames, 1);
    cr_expect_neq(peer.frame_at, 0);
}

Test(peer, an_error_line_voids_the_measurement, .exit_code = 1)
{
    arrives(FRAME "-ERR 'Stale Connection'\r\n", strlen(FRAME "-ERR 'Stale Connection'\r\n"));
}

Test(peer, being_cut_voids_the_measurement, .exit_code = 1)
{
    shutdown(broker, SHUT_RDWR);
    peer_count(&peer, buffer);
}

Test(peer, a_message_nobody_asked_for_voids_the_measurement, .exit_code = 1)
{
    peer.frame_len = 0;
    arrives(FRAME, strlen(FRAME));
}

Test(histogram, is_exact_below_and_within_a_step_above)
{
    struct histogram *h = calloc(1, sizeof *h);

    for (uint64_t value = 1; value <= 1000000; value++)
        histogram_add(h, value);
    for (unsigned per_mille = 100; per_mille <= 1000; per_mille += 100) {
        uint64_t exact = per_mille * UINT64_C(1000);
        uint64_t shown = histogram_quantile(h, per_mille);

        cr_expect(shown >= exact && shown <= exact + exact / HISTOGRAM_STEPS, "%u: %d", per_mille,
                  (int)shown);
    }
    free(h);
}
