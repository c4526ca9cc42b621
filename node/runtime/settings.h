/* settings: what the operator wants of this node, read from its arguments and configuration file.
 *
 *     built-in defaults  <-  configuration file  <-  flags        the right one wins
 *
 * The options themselves are described in settings_table.h. Everything wrong with a configuration is
 * told at once, a line for each error with file, line and column, and nothing of it is used. A reload
 * reads the same file again under the same flags; what cannot change while the node runs keeps its
 * value and is told.
 *
 * Owns      struct settings its options and their texts; argv stays the caller's, and outlives them.
 * Threads   one at a time; the result is constant afterwards and any thread's to read. */
#ifndef NATTER_RUNTIME_SETTINGS_H
#define NATTER_RUNTIME_SETTINGS_H

#include "node/broker/options.h"
#include "node/runtime/command_line.h"
#include "node/runtime/signal_command.h"

#include <stdbool.h>
#include <stdio.h>

/* What main() is to do. */
enum settings_action {
    SETTINGS_RUN,         /* a node, with the options */
    SETTINGS_SEND_SIGNAL, /* <signal>, by signal_command_send(), and exit */
    SETTINGS_EXIT_OK,     /* all is done: help, version, a file found valid */
    SETTINGS_EXIT_FAILURE /* the errors have been written */
};

struct settings {
    struct options *options;
    struct command_line command_line;
    struct signal_command signal; /* SETTINGS_SEND_SIGNAL */
};

/* Reads the arguments and the configuration they name. What was asked for goes to <out>, errors and
 * warnings to <err>. NULL when there is nothing more to do than to exit, as *action says. */
struct settings *settings_read(int argc, char **argv, FILE *out, FILE *err,
                               enum settings_action *action);

void settings_free(struct settings *settings);

/* One option that a reload found changed. The texts hold during the call. */
struct settings_change {
    const char *name;
    const char *from; /* the running value, as one would write it */
    const char *to;   /* the one in the configuration */
    bool needs_restart;
};

/* Who is told about a reload. */
struct settings_listener {
    /* A line about what is wrong: "node.conf:3:7: port: expected ...". After an error nothing is
     * changed; a warning is no more than that. */
    void (*complaint)(void *arg, bool is_error, const char *line);
    /* Called for each option that differs from the running one, once it is sure that the reload
     * works. */
    void (*change)(void *arg, const struct settings_change *change);
    void *arg;
};

/* Reads the configuration again. The result holds the new values of what can be changed and the
 * running ones of what cannot, and replaces <running>, which the caller frees when nobody uses it any
 * more. NULL after an error, or without a configuration file. */
struct settings *settings_reload(const struct settings *running,
                                 const struct settings_listener *listener);

#endif
