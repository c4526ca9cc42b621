/* histogram: how long things took, in a fixed space and with a known error.
 *
 * Each power of two is cut in HISTOGRAM_STEPS: a value read back is at most 1/HISTOGRAM_STEPS too
 * high, from nanoseconds to hours.
 *
 * Threads   one at a time. Allocates nothing. */
#ifndef NATTER_BENCH_HISTOGRAM_H
#define NATTER_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEPS 64
#define HISTOGRAM_POWERS 42 /* the last holds 2^47 ns: 39 hours */

struct histogram {
    uint64_t count;
    uint64_t buckets[HISTOGRAM_POWERS * HISTOGRAM_STEPS];
};

void histogram_add(struct histogram *h, uint64_t value_ns);

/* The smallest value that <per_mille> of a thousand values do not exceed; 0 when there are none. */
uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille);

#endif
