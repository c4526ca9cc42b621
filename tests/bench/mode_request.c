#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"
#include "tests/bench/frame.h"
#include "tests/bench/histogram.h"
#include "tests/bench/modes.h"
#include "tests/bench/peer.h"
#include "tests/bench/probe.h"

#define INBOX_LEN 29 /* "_INBOX." and 22 characters, as clients choose them */
#define TOKEN_LEN 8  /* after it and a dot: which request is answered, anew for each */
#define REPLY_LEN (INBOX_LEN + 1 + TOKEN_LEN)
#define SIZE_MAX_HERE 256
#define OUT_BYTES (64 * (REPLY_LEN + SIZE_MAX_HERE + FRAME_SUBJECT_MAX))
#define EVENTS_A_TURN 256
#define PATIENCE_MS 10000

/* Requests carry the time they were sent at in their payload; responders send it back. */
struct end {
    struct peer peer;
    bool is_responder;
    char subject[FRAME_SUBJECT_MAX]; /* of a requester: where its requests go */
    char inbox[INBOX_LEN + 1];       /* and where answers are awaited */
    uint64_t sequence;
    size_t out_len; /* what one read led to is written at once */
    char out[OUT_BYTES];
};

struct exchange {
    const struct load_options *options;
    size_t size;
    uint64_t deadline_ns;
    uint64_t under_way;
    uint64_t now_ns; /* of this turn */
    struct histogram *latency;
    char buffer[PEER_READ_BYTES];
};

static void put_publish(struct exchange *x, struct end *end, const char *subject, const char *reply,
                        const char *payload)
{
    int n = snprintf(end->out + end->out_len, OUT_BYTES - end->out_len, "PUB %s %s%s%zu\r\n",
                     subject, reply, reply[0] != '\0' ? " " : "", x->size);

    end->out_len += (size_t)n;
    if (end->out_len + x->size + 2 > OUT_BYTES)
        fail("more messages in one read than were under way");
    memcpy(end->out + end->out_len, payload, x->size);
    memcpy(end->out + end->out_len + x->size, "\r\n", 2);
    end->out_len += x->size + 2;
}

static void flush(struct end *end)
{
    peer_send(&end->peer, end->out, end->out_len);
    end->out_len = 0;
}

static void put_request(struct exchange *x, struct end *end)
{
    char payload[SIZE_MAX_HERE] = {0};
    char reply[REPLY_LEN + 1];
    uint64_t sent_ns = clock_now_ns();

    snprintf(reply, sizeof reply, "%.29s.%08" PRIu64, end->inbox, end->sequence++ % 100000000);
    memcpy(payload, &sent_ns, sizeof sent_ns);
    put_publish(x, end, end->subject, reply, payload);
    x->under_way++;
}

/* "MSG <subject> 1 <reply> <size>": all of known length, so the reply is where it always is. */
static void answer(struct peer *peer, const char *frame, void *arg)
{
    struct exchange *x = arg;
    struct end *end = (struct end *)peer; /* its first member */
    const char *payload = frame + peer->frame_len - 2 - x->size;
    char reply[REPLY_LEN + 1];

    memcpy(reply, frame + strlen("MSG ") + strlen(end->subject) + strlen(" " FRAME_SID " "),
           REPLY_LEN);
    reply[REPLY_LEN] = '\0';
    put_publish(x, end, reply, "", payload);
}

static void take_answer(struct peer *peer, const char *frame, void *arg)
{
    struct exchange *x = arg;
    struct end *end = (struct end *)peer;
    uint64_t now_ns = clock_now_ns();
    uint64_t sent_ns;

    memcpy(&sent_ns, frame + peer->frame_len - 2 - x->size, sizeof sent_ns);
    if (sent_ns > now_ns || x->under_way == 0)
        fail("an answer to no request");
    histogram_add(x->latency, now_ns - sent_ns);
    x->under_way--;
    if (now_ns < x->deadline_ns)
        put_request(x, end);
}

static void open_pair(struct exchange *x, struct end *requester, struct end *responder, unsigned i)
{
    snprintf(requester->subject, sizeof requester->subject, "service.%04u", i);
    snprintf(responder->subject, sizeof responder->subject, "service.%04u", i);
    snprintf(requester->inbox, sizeof requester->inbox, "_INBOX.natterbench%011u", i);

    responder->is_responder = true;
    peer_open(&responder->peer, "responder", &x->options->broker);
    responder->peer.frame_len = frame_delivery_len(strlen(responder->subject), REPLY_LEN, x->size);
    peer_sendf(&responder->peer, "SUB %s " FRAME_SID "\r\n", responder->subject);
    peer_sync(&responder->peer);

    peer_open(&requester->peer, "requester", &x->options->broker);
    requester->peer.frame_len = frame_delivery_len(REPLY_LEN, 0, x->size);
    peer_sendf(&requester->peer, "SUB %s.* " FRAME_SID "\r\n", requester->inbox);
    peer_sync(&requester->peer);
}

static void serve(struct exchange *x, struct end *end)
{
    peer_read_frames(&end->peer, x->buffer, end->is_responder ? answer : take_answer, x);
    if (end->out_len > 0)
        flush(end);
}

/* Keeps requests under way for <duration_ms>, then waits for the last answers. */
static void exchange_run(struct exchange *x, struct end *ends, int epoll_fd, uint64_t duration_ms)
{
    uint64_t pairs = x->options->numbers[LOAD_PAIRS];

    x->deadline_ns = clock_now_ns() + duration_ms * CLOCK_NS_A_MS;
    for (uint64_t i = 0; i < pairs; i++) {
        for (uint64_t k = 0; k < x->options->numbers[LOAD_OUTSTANDING]; k++)
            put_request(x, &ends[2 * i]);
        flush(&ends[2 * i]);
    }
    while (x->under_way > 0) {
        struct epoll_event events[EVENTS_A_TURN];
        int n = epoll_wait(epoll_fd, events, EVENTS_A_TURN, PATIENCE_MS);

        if (n == 0)
            fail("%" PRIu64 " requests are never answered", x->under_way);
        for (int i = 0; i < n; i++)
            serve(x, events[i].data.ptr);
    }
}

static struct end *open_all(struct exchange *x, int epoll_fd)
{
    uint64_t pairs = x->options->numbers[LOAD_PAIRS];
    struct end *ends = must_alloc(2 * pairs, sizeof *ends);

    for (uint64_t i = 0; i < pairs; i++)
        open_pair(x, &ends[2 * i], &ends[2 * i + 1], (unsigned)i);
    for (uint64_t i = 0; i < 2 * pairs; i++) {
        struct epoll_event wanted = {.events = EPOLLIN, .data.ptr = &ends[i]};

        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends[i].peer.fd, &wanted) != 0)
            fail_errno("epoll_ctl");
    }
    return ends;
}

void mode_request(const struct load_options *options)
{
    struct exchange *x = must_alloc(1, sizeof *x);
    pid_t pid = (pid_t)options->numbers[LOAD_PID];
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    uint64_t cpu_before, begun_ns, ns, cpu_ns;
    struct end *ends;

    x->options = options;
    x->size = (size_t)options->numbers[LOAD_SIZE];
    x->latency = must_alloc(1, sizeof *x->latency);
    if (epoll_fd < 0 || x->size < sizeof(uint64_t) || x->size > SIZE_MAX_HERE)
        fail("request wants a payload of 8 to %d bytes", SIZE_MAX_HERE);
    if (options->numbers[LOAD_PAIRS] == 0 || options->numbers[LOAD_OUTSTANDING] == 0)
        fail("request wants a pair and a request at least");
    ends = open_all(x, epoll_fd);

    exchange_run(x, ends, epoll_fd, options->numbers[LOAD_WARMUP_MS]);
    memset(x->latency, 0, sizeof *x->latency);
    cpu_before = pid > 0 ? probe_cpu_ns(pid) : 0;
    begun_ns = clock_now_ns();
    exchange_run(x, ends, epoll_fd, options->numbers[LOAD_DURATION_MS]);
    ns = clock_now_ns() - begun_ns;
    cpu_ns = pid > 0 ? probe_cpu_ns(pid) - cpu_before : 0;

    printf("requests=%" PRIu64 " rate=%.0f cpu_ns=%.0f p50_ns=%" PRIu64 " p90_ns=%" PRIu64
           " p99_ns=%" PRIu64 "\n",
           x->latency->count, (double)x->latency->count * 1e9 / (double)ns,
           (double)cpu_ns / (double)x->latency->count, histogram_quantile(x->latency, 500),
           histogram_quantile(x->latency, 900), histogram_quantile(x->latency, 990));
    for (uint64_t i = 0; i < 2 * options->numbers[LOAD_PAIRS]; i++)
        peer_abort(&ends[i].peer);
    close(epoll_fd);
    free(ends);
    free(x->latency);
    free(x);
}
