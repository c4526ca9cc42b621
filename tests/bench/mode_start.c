#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/bench/fail.h"
#include "tests/bench/modes.h"
#include "tests/bench/probe.h"

#define POLL_NS 50000 /* between two attempts to connect: the error of the figure */
#define START_PATIENCE_S 30
#define STOP_PATIENCE_S 5

static bool is_listening(const struct sockaddr_in *broker)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;

    if (fd < 0)
        fail_errno("socket");
    result = connect(fd, (const struct sockaddr *)broker, sizeof *broker);
    if (result != 0 && errno != ECONNREFUSED)
        fail_errno("connect");
    close(fd);
    return result == 0;
}

/* Becomes the server; its own words go to standard error, which the caller may have redirected. */
static void exec_server(char **command, uint64_t *exec_at_ns)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    *exec_at_ns = clock_now_ns();
    execv(command[0], command);
    _exit(127);
}

static bool has_ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) == pid;
}

static void wait_for_listening(const struct load_options *options, pid_t pid)
{
    uint64_t give_up_ns = clock_now_ns() + START_PATIENCE_S * CLOCK_NS_A_SECOND;

    while (!is_listening(&options->broker)) {
        if (has_ended(pid))
            fail("%s ended instead of listening", options->command[0]);
        if (clock_now_ns() > give_up_ns) {
            kill(pid, SIGKILL);
            fail("%s does not listen", options->command[0]);
        }
        nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
    }
}

static void stop(pid_t pid)
{
    uint64_t give_up_ns = clock_now_ns() + STOP_PATIENCE_S * CLOCK_NS_A_SECOND;

    kill(pid, SIGTERM);
    while (!has_ended(pid)) {
        if (clock_now_ns() > give_up_ns)
            kill(pid, SIGKILL);
        nanosleep(&(struct timespec){.tv_nsec = (long)CLOCK_NS_A_MS}, NULL);
    }
}

void mode_start(const struct load_options *options)
{
    uint64_t *exec_at_ns =
        mmap(NULL, sizeof *exec_at_ns, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct probe_memory memory;
    uint64_t listening_at_ns;
    pid_t pid;

    if (exec_at_ns == MAP_FAILED)
        fail_errno("mmap");
    if (options->command[0] == NULL)
        fail("start wants a command after \"--\"");
    if (is_listening(&options->broker))
        fail("port %d is taken", ntohs(options->broker.sin_port));
    prctl(PR_SET_TIMERSLACK, 1UL);
    pid = fork();
    if (pid < 0)
        fail_errno("fork");
    if (pid == 0)
        exec_server(options->command, exec_at_ns);
    wait_for_listening(options, pid);
    listening_at_ns = clock_now_ns();
    memory = probe_memory_at_rest(pid);
    stop(pid);
    printf("listening_ns=%" PRIu64 " rss_bytes=%" PRIu64 " pss_bytes=%" PRIu64
           " private_bytes=%" PRIu64 "\n",
           listening_at_ns - *exec_at_ns, memory.rss_bytes, memory.pss_bytes, memory.private_bytes);
    munmap(exec_at_ns, sizeof *exec_at_ns);
}
