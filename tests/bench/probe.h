/* probe: what a broker costs, seen from outside by its pid.
 *
 * Threads   any. A process that is gone fails the program: nothing was measured. */
#ifndef NATTER_BENCH_PROBE_H
#define NATTER_BENCH_PROBE_H

#include <stdint.h>
#include <sys/types.h>

struct probe_memory {
    uint64_t rss_bytes;     /* all that is resident, shared libraries too */
    uint64_t pss_bytes;     /* what is shared counted by its share */
    uint64_t private_bytes; /* written by this process alone: what a connection really costs */
};

/* User and system time of all the threads <pid> ever had, to the nanosecond. */
uint64_t probe_cpu_ns(pid_t pid);

struct probe_memory probe_memory(pid_t pid);

/* The same once it has come to rest: unchanged for PROBE_REST_MS, or after PROBE_PATIENCE_MS. */
#define PROBE_REST_MS 300
#define PROBE_PATIENCE_MS 5000
struct probe_memory probe_memory_at_rest(pid_t pid);

#endif
