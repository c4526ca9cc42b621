/* signal_command: "natter-node --signal reload=/run/natter.pid".
 *
 *     <name>              to the only natter-node that runs, besides this one
 *     <name>=<pid>        to this process
 *     <name>=<file>       to the process whose id is in this file
 *
 *     stop SIGKILL   quit SIGINT   term SIGTERM   reopen SIGUSR1   reload SIGHUP   ldm SIGUSR2
 *
 * Threads   any. Allocates nothing. */
#ifndef NATTER_RUNTIME_SIGNAL_COMMAND_H
#define NATTER_RUNTIME_SIGNAL_COMMAND_H

#include <stdbool.h>
#include <sys/types.h>

struct signal_command {
    int signal;
    pid_t pid;
};

#define SIGNAL_COMMAND_PROBLEM_SIZE 512

/* Reads <text> and finds the process. False with <problem> filled when it says no signal or there is
 * no one such process. */
bool signal_command_read(const char *text, struct signal_command *out,
                         char problem[SIGNAL_COMMAND_PROBLEM_SIZE]);

/* Sends it; false with errno set. */
bool signal_command_send(const struct signal_command *command);

#endif
