/* random: a small, fast, seedable source of chance, for picking and jitter; never for secrets.
 *
 * xoshiro256**, one state each shard, so that a run with the same seed takes the same path.
 *
 * Threads   a state belongs to one thread. */
#ifndef NATTER_BASE_RANDOM_H
#define NATTER_BASE_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

void random_init(struct random *r, uint64_t seed);

uint64_t random_next(struct random *r);

/* Uniform in 0 .. bound-1; <bound> is at least 1. */
uint32_t random_below(struct random *r, uint32_t bound);

/* Fills <out> from the kernel's secure source; false when there is none. */
bool random_secure(void *out, size_t len);

#endif
