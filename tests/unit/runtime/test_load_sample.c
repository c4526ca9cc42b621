#include "node/runtime/load_sample.h"

#include "lib/base/clock.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A machine of the test's making: a folder that stands for /proc. */
static char proc[64];
static struct system_folders folders;

static void make_machine(void)
{
    snprintf(proc, sizeof proc, "/tmp/natter-load-XXXXXX");
    cr_assert_not_null(mkdtemp(proc));
    folders = (struct system_folders){.proc = proc, .cgroup = proc};
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

static void remove_machine(void)
{
    nftw(proc, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(load_sample, .init = make_machine, .fini = remove_machine);

static void has_file(const char *name, const char *text)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", proc, name);
    for (char *slash = path + strlen(proc) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    fputs(text, file);
    fclose(file);
}

static struct processor_set processors_0_and_2(void)
{
    struct processor_set set = {.count = 2};

    set.bits[0] = 0x5;
    return set;
}

static bool is_about(double value, double expected)
{
    return fabs(value - expected) < 0.001;
}

Test(load_sample, the_machine_tells_how_many_of_our_processors_were_idle)
{
    struct processor_set ours = processors_0_and_2();
    struct load_machine machine;

    has_file("stat", "cpu  1 1 1 1\n"
                     "cpu0 100 0 0 1000 50 0 0 0 0 0\n"
                     "cpu1 100 0 0 1000 50 0 0 0 0 0\n"
                     "cpu2 100 0 0 1000 50 0 0 0 0 0\n"
                     "intr 5 5 5\n");
    load_machine_open(&machine, &ours, &folders);
    has_file("stat", "cpu  1 1 1 1\n"
                     "cpu0 110 0 0 1010 55 0 0 0 0 0\n" /* 15 of 25 idle */
                     "cpu1 100 0 0 1025 50 0 0 0 0 0\n" /* not ours */
                     "cpu2 110 5 5 1000 50 0 5 0 0 0\n" /* 0 of 25 */
                     "intr 5 5 5\n");
    cr_expect(is_about(load_machine_sample_idle(&machine), 2 * 15.0 / 50.0));
    cr_expect(is_about(load_machine_sample_idle(&machine), 0.0), "no time has passed");
    load_machine_close(&machine);
}

Test(load_sample, time_stolen_by_other_machines_is_not_idle)
{
    struct processor_set ours = processors_0_and_2();
    struct load_machine machine;

    has_file("stat", "cpu0 0 0 0 0 0 0 0 0 0 0\ncpu2 0 0 0 0 0 0 0 0 0 0\n");
    load_machine_open(&machine, &ours, &folders);
    has_file("stat", "cpu0 0 0 0 20 0 0 0 5 0 0\ncpu2 0 0 0 0 0 0 0 25 0 0\n");
    cr_expect(is_about(load_machine_sample_idle(&machine), 2 * 20.0 / 50.0));
    load_machine_close(&machine);
}

Test(load_sample, a_machine_that_does_not_tell_has_nothing_idle)
{
    struct processor_set ours = processors_0_and_2();
    struct load_machine machine;

    load_machine_open(&machine, &ours, &folders);
    cr_expect(is_about(load_machine_sample_idle(&machine), 0.0));
    load_machine_close(&machine);
}

Test(load_sample, the_real_machine_idles_within_its_bounds)
{
    struct processor_set ours;
    struct load_machine machine;
    double idle;

    processors_allowed(&ours);
    load_machine_open(&machine, &ours, &system_folders_usual);
    cr_expect_geq(machine.stat_fd, 0);
    cr_expect_gt(machine.all_ticks, 0);
    idle = load_machine_sample_idle(&machine);
    cr_expect(idle >= 0 && idle <= ours.count);
    load_machine_close(&machine);
}

/* The schedstat of the thread <tid> in the made machine. */
static void has_schedstat(pid_t tid, const char *text)
{
    char name[64];

    snprintf(name, sizeof name, "self/task/%d/schedstat", (int)tid);
    has_file(name, text);
}

static pid_t own_tid(void)
{
    return (pid_t)syscall(SYS_gettid);
}

Test(load_sample, a_thread_that_waits_for_a_processor_shows)
{
    struct load_thread watched;
    struct load_of_thread load;

    has_schedstat(own_tid(), "5000 1000000 12\n");
    cr_assert(load_thread_open(&watched, pthread_self(), own_tid(), &folders));
    has_schedstat(own_tid(), "6000 26000000 13\n");
    load = load_thread_sample(&watched, 100 * CLOCK_NS_A_MS);
    cr_expect(is_about(load.waiting, 0.25));
    load = load_thread_sample(&watched, 100 * CLOCK_NS_A_MS);
    cr_expect(is_about(load.waiting, 0.0));
    load_thread_close(&watched);
}

static void work_for(uint64_t cpu_ns)
{
    uint64_t until = clock_thread_cpu_ns() + cpu_ns;

    while (clock_thread_cpu_ns() < until) {
    }
}

Test(load_sample, a_thread_is_as_busy_as_the_time_it_ran)
{
    struct load_thread watched;
    struct load_of_thread load;

    cr_assert(load_thread_open(&watched, pthread_self(), own_tid(), &folders));
    work_for(20 * CLOCK_NS_A_MS);
    load = load_thread_sample(&watched, 40 * CLOCK_NS_A_MS);
    cr_expect_geq(load.busy, 0.5);
    cr_expect_lt(load.busy, 0.9);
    cr_expect(is_about(load.waiting, 0.0), "the kernel does not tell here");
    work_for(20 * CLOCK_NS_A_MS);
    load = load_thread_sample(&watched, 1 * CLOCK_NS_A_MS);
    cr_expect(is_about(load.busy, 1.0), "and never more than fully");
    load = load_thread_sample(&watched, 0);
    cr_expect(is_about(load.busy, 0.0), "of no time at all nothing is known");
    load_thread_close(&watched);
}

struct other_thread {
    pid_t tid;
    sem_t has_worked;
    sem_t must_end;
};

static void *run_other_thread(void *arg)
{
    struct other_thread *it = arg;

    work_for(20 * CLOCK_NS_A_MS);
    it->tid = own_tid();
    sem_post(&it->has_worked);
    sem_wait(&it->must_end);
    return NULL;
}

Test(load_sample, another_thread_is_watched_from_outside)
{
    struct other_thread other;
    struct load_thread watched;
    pthread_t thread;

    sem_init(&other.has_worked, 0, 0);
    sem_init(&other.must_end, 0, 0);
    cr_assert_eq(pthread_create(&thread, NULL, run_other_thread, &other), 0);
    sem_wait(&other.has_worked);
    cr_assert(load_thread_open(&watched, thread, other.tid, &system_folders_usual));
    cr_expect_geq(watched.cpu_ns, 20 * CLOCK_NS_A_MS);
    sem_post(&other.must_end);
    pthread_join(thread, NULL);
    load_thread_close(&watched);
}
