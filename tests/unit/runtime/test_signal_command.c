/* natter-node --signal: which process gets which signal. */
#include "node/runtime/signal_command.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];
static char problem[SIGNAL_COMMAND_PROBLEM_SIZE];
static struct signal_command command;

static void begin(void)
{
    int fd;

    snprintf(path, sizeof path, "/tmp/natter-pid-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    close(fd);
}

static void end(void)
{
    unlink(path);
}

TestSuite(signal_command, .init = begin, .fini = end);

/* Whether <signal> is read with a file that holds <pid>. */
static bool reads_file(const char *signal, const char *pid)
{
    char text[128];
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fputs(pid, file);
    fclose(file);
    snprintf(text, sizeof text, "%s=%s", signal, path);
    return signal_command_read(text, &command, problem);
}

Test(signal_command, names_a_signal_and_a_process)
{
    static const struct {
        const char *text;
        int signal;
    } cases[] = {{"stop=77", SIGKILL},   {"quit=77", SIGINT},   {"term=77", SIGTERM},
                 {"reopen=77", SIGUSR1}, {"reload=77", SIGHUP}, {"ldm=77", SIGUSR2}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert(signal_command_read(cases[i].text, &command, problem), "%s", problem);
        cr_expect_eq(command.signal, cases[i].signal);
        cr_expect_eq(command.pid, 77);
    }
}

Test(signal_command, process_may_be_told_by_its_pid_file)
{
    cr_assert(reads_file("reload", "78"), "%s", problem);
    cr_expect_eq(command.pid, 78);
    cr_assert(reads_file("reload", "79\n"), "%s", problem);
    cr_expect_eq(command.pid, 79);
    cr_expect_not(reads_file("reload", "nobody"));
    cr_expect_not(reads_file("reload", ""));
    cr_expect_not(reads_file("reload", "-1"));
}

Test(signal_command, what_names_no_signal_or_no_process_is_refused)
{
    cr_expect_not(signal_command_read("dance=77", &command, problem));
    cr_expect_not_null(strstr(problem, "unknown signal \"dance=77\""));
    cr_expect_not(signal_command_read("reload=/nowhere.pid", &command, problem));
    cr_expect_not_null(strstr(problem, "/nowhere.pid"));
    cr_expect_not(signal_command_read("reload=0", &command, problem), "all of our group");
    cr_expect_not(signal_command_read("reload=-1", &command, problem), "everybody");
    cr_expect_not(signal_command_read("", &command, problem));
}

/* A child that is called natter-node and waits to be ended. */
static pid_t start_child(void)
{
    int pipe_fds[2];
    char byte;
    pid_t child;

    cr_assert_eq(pipe(pipe_fds), 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "natter-node");
        if (write(pipe_fds[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(pipe_fds[0], &byte, 1), 1);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return child;
}

Test(signal_command, without_a_process_the_one_of_our_name_is_looked_for)
{
    pid_t child = start_child();
    bool is_found = signal_command_read("ldm", &command, problem);
    char pid[32];
    int status;

    /* Others of this name may run on the machine: then ours is among those that are listed. */
    snprintf(pid, sizeof pid, " %d", (int)child);
    if (is_found)
        cr_expect_eq(command.pid, child);
    else
        cr_expect(strstr(problem, "multiple") != NULL && strstr(problem, pid) != NULL, "%s",
                  problem);
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
}

Test(signal_command, is_sent)
{
    pid_t child = start_child();
    int status;

    command = (struct signal_command){.signal = SIGKILL, .pid = child};
    cr_expect(signal_command_send(&command));
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(WTERMSIG(status), SIGKILL);
    cr_expect_not(signal_command_send(&command), "it is no more");
}
