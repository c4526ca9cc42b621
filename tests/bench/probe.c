#include "tests/bench/probe.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"

uint64_t probe_cpu_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec used;

    /* The process's CPU clock sums what the scheduler accounts to its threads, as the files
     * task/<tid>/schedstat would, and keeps what threads that ended had used. */
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        fail("no broker with pid %d", (int)pid);
    return (uint64_t)used.tv_sec * CLOCK_NS_A_SECOND + (uint64_t)used.tv_nsec;
}

struct probe_memory probe_memory(pid_t pid)
{
    struct probe_memory memory = {0};
    char line[256];
    FILE *file;

    snprintf(line, sizeof line, "/proc/%d/smaps_rollup", (int)pid);
    file = fopen(line, "re");
    if (file == NULL)
        fail_errno("%s", line);
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t kib;

        if (sscanf(line, "Rss: %" SCNu64, &kib) == 1)
            memory.rss_bytes = kib * 1024;
        else if (sscanf(line, "Pss: %" SCNu64, &kib) == 1)
            memory.pss_bytes = kib * 1024;
        else if (sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1)
            memory.private_bytes = kib * 1024;
    }
    fclose(file);
    return memory;
}

struct probe_memory probe_memory_at_rest(pid_t pid)
{
    uint64_t give_up_ns = clock_now_ns() + PROBE_PATIENCE_MS * CLOCK_NS_A_MS;
    struct probe_memory last = probe_memory(pid);
    struct probe_memory now;

    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = PROBE_REST_MS * (long)CLOCK_NS_A_MS}, NULL);
        now = probe_memory(pid);
        if (now.private_bytes == last.private_bytes || clock_now_ns() > give_up_ns)
            return now;
        last = now;
    }
}
