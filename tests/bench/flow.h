/* flow: publishers that send as fast as the broker takes it, subscribers that count.
 *
 * All connections are made once; then the flow runs as often as asked, each time until a moment or
 * a number of messages, and each time every message is accounted for: a subscriber that got one
 * too few or one too many ends the program.
 *
 * Everything happens in one thread, or publishing in one and counting in another. On a machine of
 * two cores one thread is best: the broker needs the other core.
 *
 * Owns      its connections, from flow_open() to flow_close(). Threads: the caller's, plus its own
 *           within flow_run(). */
#ifndef NATTER_BENCH_FLOW_H
#define NATTER_BENCH_FLOW_H

#include <stdint.h>

#include "tests/bench/options.h"

struct flow; /* opaque: connections, places and counts that only hold together */

struct flow_result {
    uint64_t published;
    uint64_t delivered;
    uint64_t ns;            /* from the first publish to the last delivery (or to the last PONG) */
    uint64_t broker_cpu_ns; /* 0 without a pid */
    uint64_t own_cpu_ns; /* the generator's own: near <ns> it is the generator that is measured */
};

/* Connects what LOAD_PUBS, LOAD_SUBS, LOAD_SIZE, LOAD_OWN, LOAD_QUEUE and LOAD_RELAY ask for. */
struct flow *flow_open(const struct load_options *options);

/* Publishes <count> messages in all, or for <duration_ms> when it is 0; returns when all of them
 * have arrived. */
struct flow_result flow_run(struct flow *flow, uint64_t duration_ms, uint64_t count);

void flow_close(struct flow *flow);

#endif
