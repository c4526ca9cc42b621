#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/fail.h"
#include "tests/bench/flow.h"
#include "tests/bench/modes.h"
#include "tests/bench/peer.h"

/* The one that will be stopped: a process that subscribes to what the flow publishes, says so by a
 * byte, and reads until it is killed. The broker may cut it: that is what happens to the slow. */
static void be_the_one(const struct load_options *options, int ready_fd)
{
    char buffer[1 << 16];
    struct peer peer;
    ssize_t n;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    peer_open(&peer, "the one", &options->broker);
    peer_sendf(&peer, "SUB bench.0000 1\r\nPING\r\n");
    /* Its PONG comes first, then messages: nothing needs to be understood. */
    if (recv(peer.fd, buffer, sizeof buffer, 0) <= 0 || write(ready_fd, "!", 1) != 1)
        _exit(1);
    do
        n = recv(peer.fd, buffer, sizeof buffer, MSG_TRUNC);
    while (n > 0 || (n < 0 && errno == EAGAIN));
    _exit(0);
}

static pid_t start_the_one(const struct load_options *options)
{
    int ready[2];
    char byte;
    pid_t pid;

    if (pipe(ready) != 0 || (pid = fork()) < 0)
        fail_errno("fork");
    if (pid == 0)
        be_the_one(options, ready[1]);
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        fail("the subscriber to be stopped did not start");
    close(ready[0]);
    return pid;
}

static void wait_until(pid_t pid, int what)
{
    int status;

    if (waitpid(pid, &status, what) != pid)
        fail_errno("waitpid");
}

/* Deliveries a second to the others, while the one reads or is stopped. */
static double measure(struct flow *flow, const struct load_options *options, bool is_stopped)
{
    pid_t one = start_the_one(options);
    struct flow_result result;

    if (is_stopped) {
        kill(one, SIGSTOP);
        wait_until(one, WUNTRACED);
    }
    result = flow_run(flow, options->numbers[LOAD_DURATION_MS], 0);
    kill(one, SIGKILL);
    wait_until(one, 0);
    if (result.delivered == 0)
        fail("nothing was measured");
    return (double)result.delivered * 1e9 / (double)result.ns;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, uint64_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void mode_stall(const struct load_options *options)
{
    struct load_options others = *options;
    uint64_t rounds = options->numbers[LOAD_ROUNDS];
    double *running = must_alloc(rounds, sizeof *running);
    double *stopped = must_alloc(rounds, sizeof *stopped);
    struct flow *flow;

    if (options->numbers[LOAD_SUBS] < 2 || rounds == 0)
        fail("stall wants two subscribers and a round at least");
    others.numbers[LOAD_SUBS]--;
    flow = flow_open(&others);
    if (options->numbers[LOAD_WARMUP_MS] > 0)
        flow_run(flow, options->numbers[LOAD_WARMUP_MS], 0);
    for (uint64_t i = 0; i < rounds; i++) {
        /* Each first in every other round, so that a drift does not favour one. */
        bool is_stopped_first = i % 2 == 1;
        double first = measure(flow, options, is_stopped_first);
        double second = measure(flow, options, !is_stopped_first);

        running[i] = is_stopped_first ? second : first;
        stopped[i] = is_stopped_first ? first : second;
    }
    flow_close(flow);
    printf("running_rate=%.0f stopped_rate=%.0f kept=%.4f\n", median(running, rounds),
           median(stopped, rounds), median(stopped, rounds) / median(running, rounds));
    free(running);
    free(stopped);
}
