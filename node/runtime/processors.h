/* processors: how many processors this process may use.
 *
 * The machine's, less those its affinity keeps it from, and no more than its control groups give it
 * time for: a quota of one and a half is worth two threads, the second of which is throttled at
 * times.
 *
 * Threads   any; asks the system, so once at start. */
#ifndef NATTER_RUNTIME_PROCESSORS_H
#define NATTER_RUNTIME_PROCESSORS_H

#include "node/runtime/system_file.h"

#include <stdbool.h>

/* The processors a machine may number: what this program knows of, and more than Linux is built
 * for. */
#define PROCESSORS_MAX 8192

/* Processors by their number in the system. */
struct processor_set {
    uint64_t bits[PROCESSORS_MAX / 64];
    unsigned count;
};

bool processor_set_has(const struct processor_set *set, uint64_t number);

/* The processors that the affinity of the calling thread allows; at least one. */
void processors_allowed(struct processor_set *out);

/* How many threads are worth running: at least 1. */
unsigned processors_usable(const struct system_folders *folders);

/* The same of <allowed> processors and a quota in thousandths of one, or CGROUP_NO_LIMIT. */
unsigned processors_usable_of(unsigned allowed, uint64_t quota_milli);

#endif
