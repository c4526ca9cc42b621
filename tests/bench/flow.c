#include "tests/bench/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"
#include "tests/bench/frame.h"
#include "tests/bench/peer.h"
#include "tests/bench/probe.h"

#define EVENTS_A_TURN 256
#define TURN_MS 50 /* how soon a thread sees that the other has finished */
/* Publishers wait while this much is on its way to subscribers: enough to keep any broker busy,
 * half of what may be pending for one consumer before it is cut, and soon drained when time is up.
 */
#define IN_FLIGHT_BYTES_MAX (UINT64_C(32) << 20)
#define PATIENCE_S 10 /* without a single event or delivery, something is lost */

struct member {
    struct peer peer;
    bool is_publisher;
    bool is_held;
    /* Of a publisher: */
    struct frame_block block;
    uint64_t sent_bytes;
    uint64_t limit_bytes; /* where to stop; UINT64_MAX until that is known */
};

struct flow {
    const struct load_options *options;
    struct member *publishers;
    struct member *subscribers;
    unsigned publisher_count;
    unsigned subscriber_count;
    unsigned copies; /* deliveries of each message */
    uint64_t deadline_ns;
    _Atomic uint64_t expected; /* deliveries; UINT64_MAX while still publishing */
};

/* One thread's part of a run. */
struct worker {
    struct flow *flow;
    int epoll_fd;
    unsigned publishing; /* publishers of this worker that are not done */
    unsigned held;       /* how many of them wait for subscribers to catch up */
    uint64_t sent_bytes; /* by all of them */
    bool counts;         /* whether the subscribers are this worker's */
    uint64_t delivered;
    uint64_t last_ns; /* when the last delivery came; without subscribers, the last PONG */
    char buffer[PEER_READ_BYTES];
};

/* Setting up */

static void name_subject(const struct flow *flow, unsigned index, char subject[FRAME_SUBJECT_MAX])
{
    unsigned number = flow->options->numbers[LOAD_OWN] ? index : 0;

    snprintf(subject, FRAME_SUBJECT_MAX, "bench.%04u", number);
}

static void open_subscriber(struct flow *flow, unsigned index)
{
    struct member *member = &flow->subscribers[index];
    struct peer *peer = &member->peer;
    char subject[FRAME_SUBJECT_MAX];

    name_subject(flow, index, subject);
    peer_open(peer, "subscriber", &flow->options->broker);
    peer->frame_len =
        frame_delivery_len(strlen(subject), 0, (size_t)flow->options->numbers[LOAD_SIZE]);
    peer_sendf(peer, "SUB %s %s" FRAME_SID "\r\n", subject,
               flow->options->numbers[LOAD_QUEUE] ? "workers " : "");
    peer_sync(peer);
}

static void open_publisher(struct flow *flow, unsigned index)
{
    struct member *member = &flow->publishers[index];
    size_t size = (size_t)flow->options->numbers[LOAD_SIZE];
    char subject[FRAME_SUBJECT_MAX];

    name_subject(flow, index, subject);
    member->is_publisher = true;
    member->block = flow->options->numbers[LOAD_RELAY] ? frame_block_delivery(subject, size)
                                                       : frame_block_publish(subject, size);
    peer_open(&member->peer, "publisher", &flow->options->broker);
    member->peer.answers_pings = false; /* a PONG within a payload would be part of it */
}

struct flow *flow_open(const struct load_options *options)
{
    struct flow *flow = must_alloc(1, sizeof *flow);

    flow->options = options;
    flow->publisher_count = (unsigned)options->numbers[LOAD_PUBS];
    flow->subscriber_count = (unsigned)options->numbers[LOAD_SUBS];
    flow->copies = flow->subscriber_count;
    if (flow->publisher_count == 0)
        fail("a flow wants a publisher at least");
    if (flow->copies > 0 && (options->numbers[LOAD_QUEUE] || options->numbers[LOAD_OWN]))
        flow->copies = 1;
    if (options->numbers[LOAD_OWN] && flow->publisher_count != flow->subscriber_count)
        fail("--own wants as many subscribers as publishers");
    flow->subscribers = must_alloc(flow->subscriber_count + 1, sizeof *flow->subscribers);
    flow->publishers = must_alloc(flow->publisher_count + 1, sizeof *flow->publishers);
    for (unsigned i = 0; i < flow->subscriber_count; i++)
        open_subscriber(flow, i);
    for (unsigned i = 0; i < flow->publisher_count; i++)
        open_publisher(flow, i);
    return flow;
}

void flow_close(struct flow *flow)
{
    for (unsigned i = 0; i < flow->subscriber_count; i++)
        peer_abort(&flow->subscribers[i].peer);
    for (unsigned i = 0; i < flow->publisher_count; i++) {
        peer_abort(&flow->publishers[i].peer);
        frame_block_fini(&flow->publishers[i].block);
    }
    free(flow->subscribers);
    free(flow->publishers);
    free(flow);
}

/* Publishing */

static uint64_t published_by(const struct member *member)
{
    return member->sent_bytes / member->block.frame_len;
}

/* Tells the subscribers what to wait for, once nobody publishes any more. */
static void end_publishing(struct flow *flow)
{
    uint64_t published = 0;

    for (unsigned i = 0; i < flow->publisher_count; i++)
        published += published_by(&flow->publishers[i]);
    atomic_store(&flow->expected, published * flow->copies);
}

static void end_publisher(struct worker *worker, struct member *member)
{
    if (worker->flow->subscriber_count == 0)
        worker->last_ns = clock_now_ns();
    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, member->peer.fd, NULL) != 0)
        fail_errno("epoll_ctl");
    worker->publishing--;
    if (worker->publishing == 0)
        end_publishing(worker->flow);
}

static void listen_for(struct worker *worker, struct member *member, uint32_t events)
{
    struct epoll_event wanted = {.events = events, .data.ptr = member};

    if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_MOD, member->peer.fd, &wanted) != 0)
        fail_errno("epoll_ctl");
}

/* What is published and not yet delivered, all copies counted. Known where one thread does both. */
static uint64_t in_flight_bytes(const struct worker *worker)
{
    const struct flow *flow = worker->flow;
    size_t frame_len = flow->publishers[0].block.frame_len;

    if (!worker->counts || flow->copies == 0)
        return 0;
    /* A MSG line is not quite as long as its PUB line: frames are counted, not bytes. */
    return worker->sent_bytes * flow->copies - worker->delivered * frame_len;
}

/* How much more may be published now; 0 or a whole frame at least. */
static size_t room_in_flight(const struct worker *worker)
{
    const struct flow *flow = worker->flow;
    uint64_t in_flight = in_flight_bytes(worker);
    size_t frame_len = flow->publishers[0].block.frame_len;
    size_t room;

    if (flow->copies == 0)
        return SIZE_MAX;
    if (in_flight >= IN_FLIGHT_BYTES_MAX)
        return 0;
    room = (size_t)(IN_FLIGHT_BYTES_MAX - in_flight) / flow->copies;
    return room < frame_len ? frame_len : room;
}

static void hold(struct worker *worker, struct member *member)
{
    member->is_held = true;
    worker->held++;
    listen_for(worker, member, EPOLLIN);
}

static void release_all(struct worker *worker)
{
    for (unsigned i = 0; i < worker->flow->publisher_count; i++) {
        struct member *member = &worker->flow->publishers[i];

        if (member->is_held)
            listen_for(worker, member, EPOLLIN | EPOLLOUT);
        member->is_held = false;
    }
    worker->held = 0;
}

/* All is written: asks the broker to say when it has read it. The relay would pass this on. */
static void ask_for_pong(struct worker *worker, struct member *member)
{
    if (worker->flow->options->numbers[LOAD_RELAY]) {
        end_publisher(worker, member);
        return;
    }
    peer_send(&member->peer, "PING\r\n", strlen("PING\r\n"));
    listen_for(worker, member, EPOLLIN);
}

/* When time is up the publisher still ends the frame it is in. */
static void see_deadline(const struct flow *flow, struct member *member)
{
    size_t cut = (size_t)(member->sent_bytes % member->block.frame_len);

    if (member->limit_bytes == UINT64_MAX && clock_now_ns() >= flow->deadline_ns)
        member->limit_bytes = member->sent_bytes + (cut == 0 ? 0 : member->block.frame_len - cut);
}

static void publish(struct worker *worker, struct member *member)
{
    const struct frame_block *block = &member->block;
    size_t at = (size_t)(member->sent_bytes % block->len);
    size_t len = block->len - at;
    size_t room = room_in_flight(worker);
    ssize_t n;

    if (room == 0) {
        hold(worker, member);
        return;
    }
    see_deadline(worker->flow, member);
    if (len > room)
        len = room;
    if (len > member->limit_bytes - member->sent_bytes)
        len = (size_t)(member->limit_bytes - member->sent_bytes);
    if (len > 0) {
        n = send(member->peer.fd, block->data + at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            fail_errno("publisher was cut by the broker after %" PRIu64 " messages",
                       published_by(member));
        if (n > 0) {
            member->sent_bytes += (uint64_t)n;
            worker->sent_bytes += (uint64_t)n;
        }
    }
    if (member->sent_bytes == member->limit_bytes)
        ask_for_pong(worker, member);
}

static void serve_publisher(struct worker *worker, struct member *member, uint32_t events)
{
    uint64_t pongs = member->peer.pongs;

    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
        peer_count(&member->peer, worker->buffer);
    if (member->peer.pongs != pongs)
        end_publisher(worker, member);
    else if ((events & EPOLLOUT) != 0)
        publish(worker, member);
}

/* Counting, and the turn of a worker */

static void serve(struct worker *worker, struct member *member, uint32_t events)
{
    uint64_t before = member->peer.frames;

    if (member->is_publisher) {
        serve_publisher(worker, member, events);
        return;
    }
    peer_count(&member->peer, worker->buffer);
    worker->delivered += member->peer.frames - before;
}

static bool has_finished(const struct worker *worker)
{
    return worker->publishing == 0 &&
           (!worker->counts || worker->delivered >= atomic_load(&worker->flow->expected));
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    uint64_t alive_ns = clock_now_ns();

    while (!has_finished(worker)) {
        struct epoll_event events[EVENTS_A_TURN];
        uint64_t before = worker->delivered;
        int n = epoll_wait(worker->epoll_fd, events, EVENTS_A_TURN, TURN_MS);
        uint64_t now_ns;

        for (int i = 0; i < n; i++)
            serve(worker, events[i].data.ptr, events[i].events);
        if (worker->held > 0 && in_flight_bytes(worker) < IN_FLIGHT_BYTES_MAX / 2)
            release_all(worker);
        now_ns = clock_now_ns();
        if (n > 0)
            alive_ns = now_ns;
        if (worker->delivered > before)
            worker->last_ns = now_ns;
        if (now_ns - alive_ns > PATIENCE_S * CLOCK_NS_A_SECOND)
            fail("nothing moves: %" PRIu64 " of %" PRIu64 " deliveries came", worker->delivered,
                 atomic_load(&worker->flow->expected));
    }
    return NULL;
}

/* A run */

static void watch(struct worker *worker, struct member *members, unsigned count, uint32_t events)
{
    for (unsigned i = 0; i < count; i++) {
        struct epoll_event wanted = {.events = events, .data.ptr = &members[i]};

        if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, members[i].peer.fd, &wanted) != 0)
            fail_errno("epoll_ctl");
    }
}

static struct worker *worker_new(struct flow *flow, bool publishes, bool counts)
{
    struct worker *worker = must_alloc(1, sizeof *worker);

    worker->flow = flow;
    worker->counts = counts;
    worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (worker->epoll_fd < 0)
        fail_errno("epoll_create1");
    if (counts)
        watch(worker, flow->subscribers, flow->subscriber_count, EPOLLIN);
    if (publishes) {
        worker->publishing = flow->publisher_count;
        watch(worker, flow->publishers, flow->publisher_count, EPOLLIN | EPOLLOUT);
    }
    return worker;
}

static void worker_free(struct worker *worker)
{
    close(worker->epoll_fd);
    free(worker);
}

static void reset(struct flow *flow, uint64_t duration_ms, uint64_t count)
{
    atomic_store(&flow->expected, UINT64_MAX);
    flow->deadline_ns = count > 0 ? UINT64_MAX : clock_now_ns() + duration_ms * CLOCK_NS_A_MS;
    for (unsigned i = 0; i < flow->subscriber_count; i++)
        flow->subscribers[i].peer.frames = 0;
    for (unsigned i = 0; i < flow->publisher_count; i++) {
        struct member *member = &flow->publishers[i];
        uint64_t share = count / flow->publisher_count;

        if (i < count % flow->publisher_count)
            share++;
        member->sent_bytes = 0;
        member->limit_bytes = count > 0 ? share * member->block.frame_len : UINT64_MAX;
    }
}

/* Each subscriber has exactly what it should: no message is missing, none came twice. A PONG comes
 * after all that was sent before it, so what is not there now will never be. */
static void check_counts(struct flow *flow, const struct flow_result *result)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < flow->subscriber_count; i++) {
        struct peer *peer = &flow->subscribers[i].peer;
        uint64_t right = flow->options->numbers[LOAD_OWN] ? published_by(&flow->publishers[i])
                                                          : result->published;

        if (!flow->options->numbers[LOAD_RELAY])
            peer_sync(peer);
        if (peer->frame_at != 0 || (!flow->options->numbers[LOAD_QUEUE] && peer->frames != right))
            fail("subscriber %u got %" PRIu64 " of %" PRIu64 " messages", i, peer->frames, right);
        sum += peer->frames;
    }
    if (sum != result->delivered)
        fail("%" PRIu64 " deliveries where %" PRIu64 " were due", sum, result->delivered);
}

static uint64_t own_cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * CLOCK_NS_A_SECOND + (uint64_t)used.tv_nsec;
}

struct flow_result flow_run(struct flow *flow, uint64_t duration_ms, uint64_t count)
{
    bool is_split = flow->options->numbers[LOAD_THREADS] == 2;
    pid_t pid = (pid_t)flow->options->numbers[LOAD_PID];
    struct flow_result result = {0};
    struct worker *counting = worker_new(flow, !is_split, true);
    struct worker *publishing = is_split ? worker_new(flow, true, false) : NULL;
    uint64_t cpu_before = pid > 0 ? probe_cpu_ns(pid) : 0;
    uint64_t own_before = own_cpu_ns();
    uint64_t begun_ns;
    pthread_t thread;

    reset(flow, duration_ms, count);
    begun_ns = clock_now_ns();
    if (is_split && pthread_create(&thread, NULL, work, publishing) != 0)
        fail("no second thread");
    work(counting);
    if (is_split)
        pthread_join(thread, NULL);
    result.ns = counting->last_ns - begun_ns;
    if (is_split && flow->subscriber_count == 0)
        result.ns = publishing->last_ns - begun_ns;
    result.broker_cpu_ns = pid > 0 ? probe_cpu_ns(pid) - cpu_before : 0;
    result.own_cpu_ns = own_cpu_ns() - own_before;
    result.delivered = atomic_load(&flow->expected);
    for (unsigned i = 0; i < flow->publisher_count; i++)
        result.published += published_by(&flow->publishers[i]);
    check_counts(flow, &result);
    worker_free(counting);
    if (is_split)
        worker_free(publishing);
    return result;
}
