/* args: a command line, described once by tables.
 *
 * A row says an option's letter, name, kind, what it is for, and where its value goes: an offset
 * into the command's own options struct. Parsing, the messages about mistakes and --help read the
 * same rows. Options may stand before and after operands; "--" ends them.
 *
 * Owns      nothing: texts point into argv.
 * Threads   one: it stands on getopt_long(). */
#ifndef NATTER_CLI_ARGS_H
#define NATTER_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an option's value is, and the type of the field it goes to. */
enum args_kind {
    ARGS_FLAG,     /* bool; takes no value */
    ARGS_TEXT,     /* const char * */
    ARGS_NUMBER,   /* uint32_t, up to ARGS_NUMBER_MAX */
    ARGS_DURATION, /* int64_t in milliseconds: "5s", "1m30s", "250ms"; a bare number is seconds */
    ARGS_LIST      /* struct args_list: the option may be repeated */
};

#define ARGS_NUMBER_MAX INT32_MAX                              /* what libnats counts with */
#define ARGS_DURATION_MS_MAX (INT64_C(366) * 24 * 3600 * 1000) /* a year is for ever */
#define ARGS_LIST_MAX 64                                       /* headers of one message */
#define ARGS_OPTIONS_MAX 64                                    /* of one command */

struct args_list {
    const char *items[ARGS_LIST_MAX];
    size_t count;
};

struct args_option {
    char letter;       /* '\0': it has only its name */
    const char *name;  /* without the dashes */
    const char *value; /* what --help calls its value; NULL for a flag */
    enum args_kind kind;
    uint32_t number_min; /* ARGS_NUMBER: the smallest that makes sense */
    size_t offset;       /* of its field */
    const char *help;    /* '\n' breaks the line */
};

struct args_group {
    const char *title;
    const struct args_option *options;
    size_t option_count;
};

struct args_operand {
    const char *name; /* NULL ends a table */
    bool is_required;
    size_t offset; /* of its const char * */
    const char *help;
};

/* The tables of one command line; both end as said. */
struct args_spec {
    const struct args_group *const *groups; /* ends with NULL */
    const struct args_operand *operands;    /* ends with a row without name */
    bool stops_at_operand; /* what follows the first operand is another's to read */
};

/* What is wrong, for people: "option '--count' needs a value". */
struct args_error {
    char text[256];
};

/* Reads the options of argv[1 ..] into <target> and returns the index of the first operand, to
 * which argv is sorted; 0 and *error filled when an option is unknown or its value does not fit. */
int args_read_options(const struct args_spec *spec, int argc, char **argv, void *target,
                      struct args_error *error);

/* Reads the operands from argv[first] on. False when one is missing or there are too many. */
bool args_read_operands(const struct args_spec *spec, int argc, char **argv, int first,
                        void *target, struct args_error *error);

/* Reads "5s", "1m30s", "250ms" or a bare number of seconds; more than nothing and at most
 * ARGS_DURATION_MS_MAX. False leaves *out_ms be. */
bool args_parse_duration(const char *text, int64_t *out_ms);

#endif
