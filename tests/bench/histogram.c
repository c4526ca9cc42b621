#include "tests/bench/histogram.h"

#include <assert.h>

/* Values below 2 * STEPS stand for themselves; above, the top seven bits choose the bucket. */
static unsigned index_of(uint64_t value)
{
    unsigned shift = 0;
    unsigned index;

    while (value >> shift >= 2 * HISTOGRAM_STEPS)
        shift++;
    index = shift * HISTOGRAM_STEPS + (unsigned)(value >> shift);
    return index < HISTOGRAM_POWERS * HISTOGRAM_STEPS ? index
                                                      : HISTOGRAM_POWERS * HISTOGRAM_STEPS - 1;
}

static uint64_t highest_in(unsigned index)
{
    unsigned shift = index / HISTOGRAM_STEPS;

    if (shift > 0)
        shift--; /* the first two runs of STEPS are both exact */
    return ((uint64_t)(index - shift * HISTOGRAM_STEPS + 1) << shift) - 1;
}

void histogram_add(struct histogram *h, uint64_t value_ns)
{
    h->buckets[index_of(value_ns)]++;
    h->count++;
}

uint64_t histogram_quantile(const struct histogram *h, unsigned per_mille)
{
    uint64_t seen = 0;

    assert(per_mille <= 1000);
    for (unsigned i = 0; i < HISTOGRAM_POWERS * HISTOGRAM_STEPS; i++) {
        seen += h->buckets[i];
        if (seen > 0 && seen * 1000 >= h->count * per_mille)
            return highest_in(i);
    }
    return 0;
}
