#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"
#include "tests/bench/frame.h"
#include "tests/bench/histogram.h"
#include "tests/bench/modes.h"
#include "tests/bench/peer.h"
#include "tests/bench/probe.h"

#define SUBJECT "bench.paced"
#define PATIENCE_S 10

/* A message is due every 1/rate seconds, and its latency counts from when it was due, whether or
 * not the generator could send it then: a broker that holds the publisher up does not hide it. */
struct pace {
    struct peer publisher;
    struct peer subscriber;
    struct frame_block block;
    struct histogram *latency;
    uint64_t begun_ns;
    uint64_t rate;
    uint64_t sent;
    uint64_t warmup; /* messages that are not counted */
    char buffer[PEER_READ_BYTES];
};

static uint64_t due_ns(const struct pace *pace)
{
    return pace->begun_ns + pace->sent * CLOCK_NS_A_SECOND / pace->rate;
}

static void send_one(struct pace *pace)
{
    uint64_t due = due_ns(pace);
    char *frame = pace->block.data;

    memcpy(frame + pace->block.payload_at, &due, sizeof due);
    peer_send(&pace->publisher, frame, pace->block.frame_len);
    pace->sent++;
}

static void take_one(struct peer *peer, const char *frame, void *arg)
{
    struct pace *pace = arg;
    uint64_t now_ns = clock_now_ns();
    uint64_t due;

    memcpy(&due, frame + peer->frame_len - 2 - pace->block.payload_len, sizeof due);
    if (due > now_ns)
        fail("a message came before it was sent");
    if (peer->frames > pace->warmup)
        histogram_add(pace->latency, now_ns - due);
}

/* Sleeps until a message arrives or <until_ns>, and takes what came. */
static void wait_and_take(struct pace *pace, uint64_t until_ns)
{
    struct pollfd readable = {.fd = pace->subscriber.fd, .events = POLLIN};
    uint64_t now_ns = clock_now_ns();
    uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec left = {.tv_sec = (time_t)(left_ns / CLOCK_NS_A_SECOND),
                            .tv_nsec = (long)(left_ns % CLOCK_NS_A_SECOND)};

    if (ppoll(&readable, 1, &left, NULL) > 0)
        peer_read_frames(&pace->subscriber, pace->buffer, take_one, pace);
}

static void run(struct pace *pace, uint64_t messages)
{
    uint64_t give_up_ns;

    pace->begun_ns = clock_now_ns();
    while (pace->sent < messages) {
        if (clock_now_ns() >= due_ns(pace))
            send_one(pace);
        else
            wait_and_take(pace, due_ns(pace));
    }
    give_up_ns = clock_now_ns() + PATIENCE_S * CLOCK_NS_A_SECOND;
    while (pace->subscriber.frames < messages) {
        wait_and_take(pace, give_up_ns);
        if (clock_now_ns() >= give_up_ns)
            fail("%" PRIu64 " of %" PRIu64 " messages came", pace->subscriber.frames, messages);
    }
}

static void open_peers(struct pace *pace, const struct load_options *options)
{
    size_t size = (size_t)options->numbers[LOAD_SIZE];

    if (size < sizeof(uint64_t) || size > PEER_CARRY_MAX / 2 || pace->rate == 0)
        fail("paced wants a rate, and a payload of 8 to %d bytes", PEER_CARRY_MAX / 2);
    pace->block = options->numbers[LOAD_RELAY] ? frame_block_delivery(SUBJECT, size)
                                               : frame_block_publish(SUBJECT, size);
    peer_open(&pace->subscriber, "subscriber", &options->broker);
    pace->subscriber.frame_len = frame_delivery_len(strlen(SUBJECT), 0, size);
    peer_sendf(&pace->subscriber, "SUB " SUBJECT " " FRAME_SID "\r\n");
    peer_sync(&pace->subscriber);
    peer_open(&pace->publisher, "publisher", &options->broker);
}

void mode_paced(const struct load_options *options)
{
    struct pace *pace = must_alloc(1, sizeof *pace);
    pid_t pid = (pid_t)options->numbers[LOAD_PID];
    uint64_t messages, cpu_ns;

    pace->rate = options->numbers[LOAD_RATE];
    pace->latency = must_alloc(1, sizeof *pace->latency);
    pace->warmup = pace->rate * options->numbers[LOAD_WARMUP_MS] / 1000;
    messages = pace->warmup + pace->rate * options->numbers[LOAD_DURATION_MS] / 1000;
    open_peers(pace, options);
    prctl(PR_SET_TIMERSLACK, 1UL); /* the kernel may otherwise oversleep by 50 us */

    cpu_ns = pid > 0 ? probe_cpu_ns(pid) : 0;
    run(pace, messages);
    cpu_ns = pid > 0 ? probe_cpu_ns(pid) - cpu_ns : 0;
    printf("messages=%" PRIu64 " p50_ns=%" PRIu64 " p90_ns=%" PRIu64 " p99_ns=%" PRIu64
           " p999_ns=%" PRIu64 " cpu_ns=%.0f\n",
           pace->latency->count, histogram_quantile(pace->latency, 500),
           histogram_quantile(pace->latency, 900), histogram_quantile(pace->latency, 990),
           histogram_quantile(pace->latency, 999), (double)cpu_ns / (double)messages);
    peer_abort(&pace->publisher);
    peer_abort(&pace->subscriber);
    frame_block_fini(&pace->block);
    free(pace->latency);
    free(pace);
}
