#include "node/runtime/signal_command.h"

#include "node/runtime/system_file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define PROGRAM "natter-node"

__attribute__((format(printf, 2, 3))) static bool refuse(char *problem, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(problem, SIGNAL_COMMAND_PROBLEM_SIZE, format, args);
    va_end(args);
    return false;
}

static bool read_signal(struct bytes name, int *out)
{
    static const struct {
        const char *name;
        int signal;
    } signals[] = {{"stop", SIGKILL},   {"quit", SIGINT},   {"term", SIGTERM},
                   {"reopen", SIGUSR1}, {"reload", SIGHUP}, {"ldm", SIGUSR2}};

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (bytes_equal_str(name, signals[i].name)) {
            *out = signals[i].signal;
            return true;
        }
    }
    return false;
}

/* Reads a process id with no blanks around it. 0 would be our whole process group. */
static bool read_pid(struct bytes text, pid_t *out)
{
    uint64_t pid;

    if (!bytes_to_u64(text, INT_MAX, &pid) || pid < 1)
        return false;
    *out = (pid_t)pid;
    return true;
}

static bool find_by_file(const char *path, pid_t *pid, char *problem)
{
    char room[32];
    struct bytes text;

    if (!system_file_read(path, room, sizeof room, &text))
        return refuse(problem, "invalid pid: cannot read the file '%.200s'", path);
    if (!read_pid(text, pid))
        return refuse(problem, "invalid pid: there is none in '%.200s'", path);
    return true;
}

/* Looks for the one process of our name that is not this one. */
static bool find_only(pid_t *pid, char *problem)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    char pids[256] = "";
    size_t len = 0;
    int count = 0;

    if (proc == NULL)
        return refuse(problem, "cannot read /proc: %s", strerror(errno));
    while ((entry = readdir(proc)) != NULL) {
        char path[64];
        char room[32];
        struct bytes name;
        pid_t candidate;

        if (!read_pid(bytes_of_str(entry->d_name), &candidate) || candidate == getpid())
            continue;
        snprintf(path, sizeof path, "/proc/%d/comm", (int)candidate);
        if (!system_file_read(path, room, sizeof room, &name) || !bytes_equal_str(name, PROGRAM))
            continue;
        count++;
        *pid = candidate;
        if (len < sizeof pids)
            len += (size_t)snprintf(pids + len, sizeof pids - len, " %d", (int)candidate);
    }
    closedir(proc);
    if (count == 0)
        return refuse(problem, "no %s processes running", PROGRAM);
    if (count > 1)
        return refuse(problem, "multiple %s processes running:%s", PROGRAM, pids);
    return true;
}

bool signal_command_read(const char *text, struct signal_command *out,
                         char problem[SIGNAL_COMMAND_PROBLEM_SIZE])
{
    const char *equals = strchr(text, '=');
    struct bytes name =
        equals == NULL ? bytes_of_str(text) : bytes_of(text, (size_t)(equals - text));

    if (!read_signal(name, &out->signal))
        return refuse(problem, "unknown signal \"%.100s\": stop, quit, term, reopen, reload or ldm",
                      text);
    if (equals == NULL)
        return find_only(&out->pid, problem);
    if (read_pid(bytes_of_str(equals + 1), &out->pid))
        return true;
    return find_by_file(equals + 1, &out->pid, problem);
}

bool signal_command_send(const struct signal_command *command)
{
    return kill(command->pid, command->signal) == 0;
}
