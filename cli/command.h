/* command: what a command of the `natter` program is, and the list of them.
 *
 * A command is one file that defines `const struct command command_<name>`, and one row in
 * COMMANDS. Parsing, --help and dispatch all come from what the struct says.
 *
 * Threads   a command runs on the main thread; libnats has threads of its own. */
#ifndef NATTER_CLI_COMMAND_H
#define NATTER_CLI_COMMAND_H

#include "cli/args.h"

#include <stdbool.h>
#include <stddef.h>

/* Every command, in the order in which --help lists them. */
#define COMMANDS(X)                                                                                \
    X(pub)                                                                                         \
    X(sub)                                                                                         \
    X(req)                                                                                         \
    X(reply)

/* X(status, number, meaning): the exit status, the same for every command. */
#define COMMAND_STATUSES(X)                                                                        \
    X(COMMAND_DONE, 0, "what was asked happened")                                                  \
    X(COMMAND_FAILED, 1, "it did not: refused, cut off, or lost on the way")                       \
    X(COMMAND_USAGE, 2, "the command line is wrong; nothing was done")                             \
    X(COMMAND_NO_SERVER, 3, "no server answers, or it does not let us in")                         \
    X(COMMAND_NO_RESPONDERS, 4, "nobody listens to the subject of the request")                    \
    X(COMMAND_TIMED_OUT, 5, "--timeout passed before all that was asked for came")                 \
    X(COMMAND_INTERRUPTED, 130, "Ctrl-C came before all that was asked for")                       \
    X(COMMAND_TERMINATED, 143, "SIGTERM came before all that was asked for")

enum command_status {
#define COMMAND_STATUS_NAME(name, number, meaning) name = number,
    COMMAND_STATUSES(COMMAND_STATUS_NAME)
#undef COMMAND_STATUS_NAME
};

/* What all commands understand. It is the first member of every command's options. */
struct command_common {
    const char *server; /* URLs, separated by commas; NULL: from the environment, or the default */
    bool is_quiet;
    bool wants_help;
    bool wants_version; /* of the program alone */
    bool is_raw;        /* the two of the commands that print messages */
    bool is_json;
};

struct command {
    const char *name;
    const char *summary;                    /* half a line */
    const char *details;                    /* some lines, each ending in '\n' */
    const char *examples;                   /* likewise */
    const struct args_group *const *groups; /* of options; ends with NULL */
    const struct args_operand *operands;    /* ends with a row without name */
    const void *defaults;                   /* an options struct of <options_bytes> */
    size_t options_bytes;
    enum command_status (*run)(const void *options); /* says itself what goes wrong */
};

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)
#undef COMMAND_DECLARE

extern const struct args_group command_common_group;  /* --server, --quiet, --help */
extern const struct args_group command_output_group;  /* --raw, --json */
extern const struct args_group command_program_group; /* --version */

#endif
