/* soak: a long mixed load on a node, whose memory has to be flat at the end.
 *
 *     soak [--minutes N | --seconds N] [--seed N]
 *
 * Time goes in rounds. In each, crowds of clients come, subscribe, publish, stop reading, break off
 * and leave, while a well-behaved pair goes on talking; at its end all have gone, and the node's
 * memory is looked at. After a warm-up it may not grow any more. Exit status 0 if it did not, the
 * pair was never disturbed, the node ended well and no sanitizer had anything to report. */
#include "tests/system/node.h"
#include "tests/system/pair.h"
#include "tests/system/wire.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CROWDS = 4,      /* threads */
    CROWD_SIZE = 40, /* connections of each */
    ROUNDS_MIN = 12,
    ROUND_MS_MAX = 10000,
    SETTLE_DEADLINE_MS = 20000,
    PATIENCE_MS = 20000, /* a publisher may be held back while others are slow */
    FILES_SLACK = 8,
    BODY_MAX = 65536,
    PAIR_LATENCY_MAX_MS = 3000,
#ifdef NATTER_SANITIZED
    GROWTH_KIB_MAX = 16 * 1024, /* a sanitizer's own memory comes and goes */
#else
    GROWTH_KIB_MAX = 1024,
#endif
    GROWTH_PERCENT_MAX = 5
};

struct totals {
    atomic_long connections;
    atomic_long messages;
    atomic_long subscriptions;
    atomic_long received_bytes;
    atomic_long ended_by_node;
    atomic_long late; /* waited in vain for a PONG */
};

struct member {
    struct wire wire;
    bool here;
    bool is_lazy; /* reads nothing, and wants ever more: a slow consumer to be */
    unsigned next_sid;
};

struct crowd {
    pthread_t thread;
    uint16_t port;
    uint64_t seed;
    int64_t end_ms;
    struct totals *totals;
    struct member members[CROWD_SIZE];
    char body[BODY_MAX + 2];
};

static uint32_t chance(struct crowd *crowd, uint32_t below)
{
    crowd->seed ^= crowd->seed << 13;
    crowd->seed ^= crowd->seed >> 7;
    crowd->seed ^= crowd->seed << 17;
    return (uint32_t)(crowd->seed >> 16) % below;
}

static void subject(struct crowd *crowd, bool is_pattern, char *text, size_t size)
{
    static const char *const patterns[] = {"soak.%u.*", "soak.%u.>", "soak.*.%u", "soak.%u.1"};

    if (is_pattern)
        snprintf(text, size, patterns[chance(crowd, 4)], chance(crowd, 50));
    else
        snprintf(text, size, "soak.%u.%u", chance(crowd, 50), chance(crowd, 50));
}

static void come(struct crowd *crowd, struct member *member)
{
    static const char *const connects[] = {
        "CONNECT {\"verbose\":false}\r\n",
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,\"protocol\":1}\r\n",
        "CONNECT {\"verbose\":false,\"echo\":false}\r\n",
        "CONNECT {}\r\n",
    };

    member->is_lazy = chance(crowd, 20) == 0;
    member->here = wire_open(&member->wire, crowd->port, member->is_lazy ? 4096 : 0);
    if (!member->here)
        return;
    crowd->totals->connections++;
    wire_send_text(&member->wire, connects[chance(crowd, 4)]);
    wire_send_text(&member->wire, member->is_lazy ? "SUB soak.> 1000000\r\n" : "SUB inbox.* 0\r\n");
}

static void leave(struct crowd *crowd, struct member *member)
{
    if (chance(crowd, 2) == 0)
        wire_reset(&member->wire);
    else
        wire_close(&member->wire);
    member->here = false;
}

/* The node has ended the connection. */
static void be_gone(struct crowd *crowd, struct member *member)
{
    crowd->totals->ended_by_node++;
    leave(crowd, member);
}

static void want(struct crowd *crowd, struct member *member)
{
    char pattern[64], line[128];

    subject(crowd, true, pattern, sizeof pattern);
    snprintf(line, sizeof line, "SUB %s %s %u\r\n", pattern, chance(crowd, 3) == 0 ? "workers" : "",
             ++member->next_sid);
    wire_send_text(&member->wire, line);
    if (chance(crowd, 3) == 0) {
        snprintf(line, sizeof line, "UNSUB %u %s\r\n", member->next_sid,
                 chance(crowd, 2) == 0 ? "5" : "");
        wire_send_text(&member->wire, line);
    }
    crowd->totals->subscriptions++;
}

/* Asks for a PONG, and reads and forgets everything up to it. False when the node has ended the
 * connection instead. */
static bool catch_up(struct crowd *crowd, struct wire *wire)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    wire_send_text(wire, "PING\r\n");
    for (;;) {
        size_t known = wire->len;
        enum wire_state state = wire_more(wire, deadline);
        crowd->totals->received_bytes += (long)(wire->len - known);
        if (state == WIRE_LATE)
            crowd->totals->late++;
        if (state != WIRE_OPEN)
            return false;
        if (memmem(wire->data, wire->len, "PING\r\n", 6) != NULL)
            wire_send_text(wire, "PONG\r\n");
        bool answered = memmem(wire->data, wire->len, "PONG\r\n", 6) != NULL;
        wire_take(wire, answered || wire->len < 5 ? wire->len : wire->len - 5);
        if (answered)
            return true;
    }
}

static void speak(struct crowd *crowd, struct member *member)
{
    uint32_t count = 1 + chance(crowd, 30);

    for (uint32_t i = 0; i < count && !member->wire.broken; i++) {
        size_t len = chance(crowd, 50) == 0 ? chance(crowd, BODY_MAX) : chance(crowd, 200);
        char name[64], line[128];
        subject(crowd, false, name, sizeof name);
        snprintf(line, sizeof line, "PUB %s %s %zu\r\n", name,
                 chance(crowd, 4) == 0 ? "inbox.1" : "", len);
        wire_send_text(&member->wire, line);
        wire_send(&member->wire, crowd->body, len);
        wire_send_text(&member->wire, "\r\n");
        crowd->totals->messages++;
    }
    if (!catch_up(crowd, &member->wire))
        be_gone(crowd, member);
}

static void misbehave(struct crowd *crowd, struct member *member)
{
    static const char *const ends[] = {"PUB half 100\r\nabc", "NONSENSE\r\n", "SUB a",
                                       "PUB a -1\r\n", "PUB a 99999999\r\n"};

    wire_send_text(&member->wire, ends[chance(crowd, 5)]);
    leave(crowd, member);
}

static void act(struct crowd *crowd, struct member *member)
{
    uint32_t what = chance(crowd, 200);

    if (!member->here)
        come(crowd, member);
    else if (member->wire.broken)
        be_gone(crowd, member);
    else if (member->is_lazy)
        want(crowd, member);
    else if (what < 40)
        want(crowd, member);
    else if (what < 197)
        speak(crowd, member);
    else if (what == 197)
        misbehave(crowd, member);
    else
        leave(crowd, member);
}

static void *crowd_run(void *arg)
{
    struct crowd *crowd = arg;

    for (unsigned turn = 0; now_ms() < crowd->end_ms; turn++) {
        act(crowd, &crowd->members[chance(crowd, CROWD_SIZE)]);
        if (turn % 32 == 0)
            sleep_ms(1); /* the machine is not ours alone */
    }
    for (int i = 0; i < CROWD_SIZE; i++) {
        if (crowd->members[i].here)
            leave(crowd, &crowd->members[i]);
    }
    return NULL;
}

static void play_round(struct node *node, struct totals *totals, uint64_t seed, int64_t round_ms)
{
    static struct crowd crowds[CROWDS];

    for (int i = 0; i < CROWDS; i++) {
        struct crowd *crowd = &crowds[i];
        memset(crowd->members, 0, sizeof crowd->members);
        memset(crowd->body, 'x', sizeof crowd->body);
        crowd->port = node_port(node);
        crowd->seed = (seed + (uint64_t)i) * 0x9e3779b97f4a7c15u | 1;
        crowd->end_ms = now_ms() + round_ms;
        crowd->totals = totals;
        int status = pthread_create(&crowd->thread, NULL, crowd_run, crowd);
        assert(status == 0);
        (void)status;
    }
    for (int i = 0; i < CROWDS; i++)
        pthread_join(crowds[i].thread, NULL);
}

/* Waits until the node has let all connections of the round go. */
static bool settles(const struct node *node, int files)
{
    for (int64_t end = now_ms() + SETTLE_DEADLINE_MS;
         node_open_files(node) > files + FILES_SLACK;) {
        if (now_ms() > end) {
            fprintf(stderr, "soak: the node has %d files open, %d before the load\n",
                    node_open_files(node), files);
            return false;
        }
        sleep_ms(5);
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static int64_t median(const int64_t *samples, size_t count)
{
    int64_t sorted[64];

    count = count < 64 ? count : 64;
    memcpy(sorted, samples, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_size);
    return sorted[count / 2];
}

/* Compares the last quarter of the samples with the second: the first is the warm-up. */
static bool is_flat(const int64_t *kib, size_t count)
{
    size_t quarter = count / 4;
    int64_t early = median(kib + quarter, quarter);
    int64_t late = median(kib + count - quarter, quarter);
    int64_t limit = early + GROWTH_KIB_MAX + early * GROWTH_PERCENT_MAX / 100;

    printf("memory: %" PRId64 " KiB after the warm-up, %" PRId64 " KiB at the end, %" PRId64
           " KiB allowed\n",
           early, late, limit);
    return late <= limit || node_is_reference(); /* which collects its garbage when it likes */
}

static void report_round(size_t round, size_t rounds, const struct totals *totals, int64_t kib)
{
    printf("round %zu of %zu: %ld connections, %ld subscriptions, %ld messages, %ld MiB received, "
           "%ld ended by the node; %" PRId64 " KiB\n",
           round, rounds, totals->connections, totals->subscriptions, totals->messages,
           totals->received_bytes >> 20, totals->ended_by_node, kib);
    fflush(stdout);
}

/* AddressSanitizer holds back freed memory, by default up to 256 MiB of it: that is no growth of the
 * node's, and would hide one for a long time. */
static void limit_quarantine(void)
{
    const char *old = getenv("ASAN_OPTIONS");
    char text[1024];

    snprintf(text, sizeof text, "%s:quarantine_size_mb=4:thread_local_quarantine_size_kb=64",
             old == NULL ? "" : old);
    setenv("ASAN_OPTIONS", text, 1);
}

static bool soak(int64_t total_ms, uint64_t seed)
{
    struct node *node =
        node_start("max_pending: 256kb\nmax_payload: 65536\nping_interval: \"1s\"\n");
    int64_t round_ms = total_ms / ROUNDS_MIN < ROUND_MS_MAX ? total_ms / ROUNDS_MIN : ROUND_MS_MAX;
    size_t rounds = (size_t)(total_ms / round_ms);
    int64_t *kib = calloc(rounds, sizeof *kib);
    struct totals totals = {0};
    struct pair *pair = pair_start(node);
    int files = node_open_files(node);
    bool good = kib != NULL;

    for (size_t i = 0; good && i < rounds; i++) {
        play_round(node, &totals, seed + i * CROWDS, round_ms);
        good = settles(node, files);
        kib[i] = node_resident_kib(node);
        report_round(i + 1, rounds, &totals, kib[i]);
    }
    struct pair_report report = pair_stop(pair);
    printf("the pair exchanged %d messages, the slowest in %" PRId64 " ms\n", report.exchanged,
           report.slowest_ms);
    good = report.undisturbed && report.slowest_ms < PAIR_LATENCY_MAX_MS && good;
    if (totals.late > 0)
        printf("%ld waited in vain for a PONG\n", totals.late);
    good = good && totals.late == 0 && is_flat(kib, rounds);
    good = node_stop(node) && good;
    free(kib);
    printf("%s\n", good ? "soaked" : "SOAK FAILED");
    return good;
}

int main(int argc, char *argv[])
{
    static const struct option options[] = {{"minutes", required_argument, NULL, 'm'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {0}};
    uint64_t seed = (uint64_t)now_ms();
    int64_t total_ms = 10 * 60 * 1000;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'm')
            total_ms = strtoll(optarg, NULL, 10) * 60 * 1000;
        else if (option == 's')
            total_ms = strtoll(optarg, NULL, 10) * 1000;
        else if (option == 'r')
            seed = strtoull(optarg, NULL, 10);
        else
            return EXIT_FAILURE;
    }
    if (total_ms < 1000) {
        fprintf(stderr, "soak: a second is the least\n");
        return EXIT_FAILURE;
    }
    limit_quarantine();
    printf("seed %" PRIu64 "\n", seed);
    return soak(total_ms, seed) ? EXIT_SUCCESS : EXIT_FAILURE;
}
