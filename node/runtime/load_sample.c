#include "node/runtime/load_sample.h"

#include "lib/base/clock.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The lines of the processors come first in /proc/stat, each under 256 bytes; what follows is cut.
 */
#define STAT_SIZE_MAX (64 * 1024)

static uint64_t read_cpu_ns(clockid_t clock)
{
    struct timespec t;

    if (clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * CLOCK_NS_A_SECOND + (uint64_t)t.tv_nsec;
}

/* The second number of schedstat is the time spent ready to run, in nanoseconds. */
static uint64_t read_wait_ns(int schedstat_fd)
{
    char room[128];
    struct bytes text;
    uint64_t run_ns;
    uint64_t wait_ns;

    if (schedstat_fd < 0 || !system_file_read_fd(schedstat_fd, room, sizeof room, &text) ||
        !system_file_take_number(&text, &run_ns) || !system_file_take_number(&text, &wait_ns))
        return 0;
    return wait_ns;
}

bool load_thread_open(struct load_thread *watched, pthread_t thread, pid_t tid,
                      const struct system_folders *folders)
{
    char path[SYSTEM_FILE_PATH_MAX];
    clockid_t clock;
    int len;

    if (pthread_getcpuclockid(thread, &clock) != 0)
        return false;
    len = snprintf(path, sizeof path, "%s/self/task/%d/schedstat", folders->proc, (int)tid);
    assert(len > 0 && (size_t)len < sizeof path);
    *watched = (struct load_thread){
        .clock = clock,
        .schedstat_fd = open(path, O_RDONLY | O_CLOEXEC),
        .cpu_ns = read_cpu_ns(clock),
    };
    watched->wait_ns = read_wait_ns(watched->schedstat_fd);
    return true;
}

/* A share of the interval. The clocks are not read at one moment, so it may come out a little
 * above. */
static double share_of(uint64_t after, uint64_t before, uint64_t interval_ns)
{
    double share;

    if (after <= before || interval_ns == 0)
        return 0.0;
    share = (double)(after - before) / (double)interval_ns;
    return share < 1.0 ? share : 1.0;
}

struct load_of_thread load_thread_sample(struct load_thread *watched, uint64_t interval_ns)
{
    uint64_t cpu_ns = read_cpu_ns(watched->clock);
    uint64_t wait_ns = read_wait_ns(watched->schedstat_fd);
    struct load_of_thread load = {
        .busy = share_of(cpu_ns, watched->cpu_ns, interval_ns),
        .waiting = share_of(wait_ns, watched->wait_ns, interval_ns),
    };

    watched->cpu_ns = cpu_ns;
    watched->wait_ns = wait_ns;
    return load;
}

void load_thread_close(struct load_thread *watched)
{
    if (watched->schedstat_fd >= 0)
        close(watched->schedstat_fd);
    watched->schedstat_fd = -1;
}

/* Adds the ticks of one line to the sums: user nice system idle iowait irq softirq steal. Time as a
 * guest is in user already. Waiting for a disk is idle: a thread could run meanwhile. */
static void add_ticks(struct bytes numbers, uint64_t *idle, uint64_t *all)
{
    uint64_t ticks;

    for (int column = 0; column < 8 && system_file_take_number(&numbers, &ticks); column++) {
        *all += ticks;
        if (column == 3 || column == 4)
            *idle += ticks;
    }
}

/* Whether a line tells of a processor that counts: "cpu7 ...", not the sum "cpu ...". */
static bool is_counted(const struct load_machine *machine, struct bytes word)
{
    struct bytes prefix = bytes_of_str("cpu");
    uint64_t number;

    return bytes_start_with(word, prefix) &&
           bytes_to_u64(bytes_after(word, prefix.len), PROCESSORS_MAX - 1, &number) &&
           processor_set_has(&machine->processors, number);
}

static bool read_ticks(const struct load_machine *machine, uint64_t *idle, uint64_t *all)
{
    char room[STAT_SIZE_MAX];
    struct bytes text;
    struct bytes line;
    struct bytes word;

    *idle = 0;
    *all = 0;
    if (machine->stat_fd < 0 || !system_file_read_fd(machine->stat_fd, room, sizeof room, &text))
        return false;
    while (system_file_take_line(&text, &line) && system_file_take_word(&line, &word) &&
           bytes_start_with(word, bytes_of_str("cpu"))) {
        if (is_counted(machine, word))
            add_ticks(line, idle, all);
    }
    return true;
}

void load_machine_open(struct load_machine *machine, const struct processor_set *processors,
                       const struct system_folders *folders)
{
    char path[SYSTEM_FILE_PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/stat", folders->proc);

    assert(len > 0 && (size_t)len < sizeof path);
    *machine = (struct load_machine){
        .processors = *processors,
        .stat_fd = open(path, O_RDONLY | O_CLOEXEC),
    };
    (void)read_ticks(machine, &machine->idle_ticks, &machine->all_ticks);
}

double load_machine_sample_idle(struct load_machine *machine)
{
    uint64_t idle_before = machine->idle_ticks;
    uint64_t all_before = machine->all_ticks;

    if (!read_ticks(machine, &machine->idle_ticks, &machine->all_ticks))
        return 0.0;
    if (machine->all_ticks <= all_before || machine->idle_ticks <= idle_before)
        return 0.0;
    return share_of(machine->idle_ticks, idle_before, machine->all_ticks - all_before) *
           machine->processors.count;
}

void load_machine_close(struct load_machine *machine)
{
    if (machine->stat_fd >= 0)
        close(machine->stat_fd);
    machine->stat_fd = -1;
}
