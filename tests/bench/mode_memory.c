#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/fail.h"
#include "tests/bench/many.h"
#include "tests/bench/modes.h"
#include "tests/bench/peer.h"
#include "tests/bench/probe.h"

static struct peer *open_connections(const struct load_options *options)
{
    unsigned count = (unsigned)options->numbers[LOAD_CONNECTIONS];
    struct peer *peers = must_alloc(count, sizeof *peers);

    for (unsigned i = 0; i < count; i++)
        peer_open(&peers[i], "idle connection", &options->broker);
    return peers;
}

/* None of them was cut meanwhile: what was measured was there. */
static void check_and_close(struct peer *peers, const struct load_options *options)
{
    for (unsigned i = 0; i < options->numbers[LOAD_CONNECTIONS]; i++)
        peer_sync(&peers[i]);
    for (unsigned i = 0; i < options->numbers[LOAD_CONNECTIONS]; i++)
        peer_abort(&peers[i]);
    free(peers);
}

/* What <count> things added to the broker's own memory, each. Memory may also have shrunk. */
static double grown_bytes(struct probe_memory before, struct probe_memory after, uint64_t count)
{
    return ((double)after.private_bytes - (double)before.private_bytes) / (double)count;
}

static pid_t pid_of(const struct load_options *options)
{
    if (options->numbers[LOAD_PID] == 0)
        fail("memory is measured by --pid");
    return (pid_t)options->numbers[LOAD_PID];
}

void mode_idle(const struct load_options *options)
{
    pid_t pid = pid_of(options);
    uint64_t count = options->numbers[LOAD_CONNECTIONS];
    struct probe_memory before, after;
    struct peer first, *peers;

    if (count == 0)
        fail("idle wants a connection at least");
    peer_open(&first, "first connection", &options->broker); /* what only the first costs */
    before = probe_memory_at_rest(pid);
    peers = open_connections(options);
    after = probe_memory_at_rest(pid);
    check_and_close(peers, options);
    peer_close(&first);
    printf("connections=%" PRIu64 " connection_bytes=%.0f\n", count,
           grown_bytes(before, after, count));
}

void mode_subscriptions(const struct load_options *options)
{
    pid_t pid = pid_of(options);
    uint64_t count = options->numbers[LOAD_SUBSCRIPTIONS];
    struct probe_memory before, after;
    struct peer *peers;

    if (count == 0 || options->numbers[LOAD_CONNECTIONS] == 0)
        fail("subscriptions wants one, and a connection for it");
    peers = open_connections(options);
    before = probe_memory_at_rest(pid);
    many_subscribe(peers, (unsigned)options->numbers[LOAD_CONNECTIONS], count);
    after = probe_memory_at_rest(pid);
    check_and_close(peers, options);
    printf("subscriptions=%" PRIu64 " subscription_bytes=%.0f\n", count,
           grown_bytes(before, after, count));
}
