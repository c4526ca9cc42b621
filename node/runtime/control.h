/* control: a node's life, and what its operator asks of it meanwhile, by signals.
 *
 *     SIGINT    stop                      SIGHUP    read the configuration again
 *     SIGTERM   stop, unless lame duck    SIGUSR1   open the log file again
 *     SIGUSR2   lame duck
 *
 * Threads   the main one, which is worker 0's. */
#ifndef NATTER_RUNTIME_CONTROL_H
#define NATTER_RUNTIME_CONTROL_H

#include "node/runtime/settings.h"

/* Runs a node with <settings>, which it owns from then on, until a signal ends it. The exit status;
 * what went wrong has been said in the log or, as long as there is none, on standard error. */
int control_run(struct settings *settings);

#endif
