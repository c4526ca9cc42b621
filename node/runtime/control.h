/* control: what an operator asks of a running node, by signals.
 *
 *     SIGINT    stop                      SIGHUP    read the configuration again
 *     SIGTERM   stop, unless lame duck    SIGUSR1   open the log file again
 *     SIGUSR2   lame duck
 *
 * Threads   worker 0's. */
#ifndef NATTER_RUNTIME_CONTROL_H
#define NATTER_RUNTIME_CONTROL_H

#include "node/runtime/settings.h"

#include <ev.h>

struct node;

#define CONTROL_SIGNALS 5

struct control {
    struct node *node;
    ev_signal signals[CONTROL_SIGNALS];
    struct retired_settings *retired; /* replaced, but perhaps still looked at */
};

void control_start(struct control *control, struct node *node);
void control_stop(struct control *control);

/* Opens the log as the options say; false, having said why on standard error, if it cannot be. */
bool control_open_log(const struct options *options);

#endif
