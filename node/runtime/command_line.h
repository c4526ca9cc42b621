/* command_line: what the arguments of natter-node say.
 *
 * In the manner of Go's flag package, which nats-server uses: one or two dashes, "-flag value" or
 * "-flag=value", booleans without a value or with "=false"; the words "help" and "version" as first
 * argument. The flags are those of settings_table.h. Their values are not looked at here: they are
 * applied over those of the configuration file, again at each reload.
 *
 * Owns      nothing: texts are those of argv.
 * Threads   none of its business. Allocates nothing. */
#ifndef NATTER_RUNTIME_COMMAND_LINE_H
#define NATTER_RUNTIME_COMMAND_LINE_H

#include "node/runtime/settings_table.h"

#define COMMAND_LINE_ASSIGNMENTS_MAX 64

/* One option given on the command line. */
struct assignment {
    const struct option *option;
    const char *flag; /* as given, dashes included, '=' and value perhaps behind */
    const char *text; /* its value */
};

struct command_line {
    enum command_action action; /* COMMAND_SET: none but to run */
    const char *config_path;    /* NULL: none given */
    const char *signal;         /* COMMAND_SIGNAL: what is to be sent */
    bool is_test;
    size_t assignment_count;
    struct assignment assignments[COMMAND_LINE_ASSIGNMENTS_MAX]; /* in the order given */
};

#define COMMAND_LINE_PROBLEM_SIZE 512

/* Reads <argv>, its first element being the program. False with <problem> filled at the first
 * argument that cannot be. */
bool command_line_read(int argc, char **argv, struct command_line *out,
                       char problem[COMMAND_LINE_PROBLEM_SIZE]);

#endif
