/* load_sample: how busy each shard's thread is, and what the machine has left.
 *
 * Reads what placement decides by, at each tick of some hundred milliseconds: the processor time of
 * a thread, the time it was ready to run and did not (then the machine has no processor to spare),
 * and how many processors stood idle.
 *
 * Owns      descriptors of the kernel's files, kept open between samples.
 * Threads   a sampler belongs to one thread, and reads about any.
 * Costs     a system call a thread and some tens of microseconds for the machine, at each sample.
 */
#ifndef NATTER_RUNTIME_LOAD_SAMPLE_H
#define NATTER_RUNTIME_LOAD_SAMPLE_H

#include "node/runtime/processors.h"
#include "node/runtime/system_file.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* One thread, watched. */
struct load_thread {
    clockid_t clock;  /* its processor time */
    int schedstat_fd; /* -1 where the kernel does not keep such statistics */
    uint64_t cpu_ns;  /* both as of the last sample */
    uint64_t wait_ns;
};

/* What it did since the last sample, as shares of the time that passed, 0 to 1. */
struct load_of_thread {
    double busy; /* it ran */
    double
        waiting; /* it was ready to run, but had no processor; 0 where the kernel does not tell */
};

/* Begins to watch <thread>, whose number in the system is <tid>; it must live as long as it is
 * watched. False when it has no clock that can be read. */
bool load_thread_open(struct load_thread *watched, pthread_t thread, pid_t tid,
                      const struct system_folders *folders);

/* What it did in the last <interval_ns>, the time since the previous sample or the opening. */
struct load_of_thread load_thread_sample(struct load_thread *watched, uint64_t interval_ns);

void load_thread_close(struct load_thread *watched);

/* The machine, watched. */
struct load_machine {
    struct processor_set processors; /* the ones that count */
    int stat_fd;                     /* -1 when it cannot be read */
    uint64_t idle_ticks;             /* both as of the last sample, of all that count together */
    uint64_t all_ticks;
};

/* Begins to watch the processors in <processors>. */
void load_machine_open(struct load_machine *machine, const struct processor_set *processors,
                       const struct system_folders *folders);

/* How many processors' worth of time was idle since the last sample: 1.5 of 4, say. 0 when the
 * system does not tell, or too little time has passed to tell. */
double load_machine_sample_idle(struct load_machine *machine);

void load_machine_close(struct load_machine *machine);

#endif
