/* settings_table: every option of a node, described once.
 *
 * A row says what an option is called in the configuration file and on the command line, of which
 * type it is, where it lies in struct options, what it may be and is by default, whether SIGHUP can
 * change it, and what it is for. The configuration file and the command line are read by it,
 * --help and docs/options.md are written from it, and a reload compares by it. Adding an option is
 * adding a row (and its field in node/broker/options.h).
 *
 * Beside it stand the options of nats-server that natter-node knows but does not have, so that who
 * brings a configuration along is told so, and the flags that are no options ("--help").
 *
 * Threads   constant data: any. */
#ifndef NATTER_RUNTIME_SETTINGS_TABLE_H
#define NATTER_RUNTIME_SETTINGS_TABLE_H

#include "lib/base/bytes.h"
#include "node/broker/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_section {
    SECTION_SERVER,
    SECTION_RESOURCES,
    SECTION_LOG,
    SECTION_LIMITS,
    SECTION_TIME,
    SECTION_COUNT
};

enum option_type {
    OPTION_BOOL,
    OPTION_INTEGER,
    OPTION_SIZE,     /* an integer, in bytes */
    OPTION_DURATION, /* in nanoseconds; written as a string such as "2m" */
    OPTION_TEXT,
    OPTION_LISTEN /* host and port in one; has no field of its own */
};

struct option {
    const char *name;     /* its key in the configuration file */
    const char *aliases;  /* further keys, separated by blanks; or NULL */
    const char *flags;    /* on the command line, without dashes, separated by blanks; or NULL */
    const char *argument; /* how help calls the flag's value; NULL for OPTION_BOOL */
    enum option_section section;
    enum option_type type;
    size_t offset; /* of its field in struct options */

    /* of numbers; texts are empty by default, unless <default_text> says otherwise */
    int64_t fallback; /* the default */
    int64_t min;
    int64_t max;
    bool zero_is_default; /* as in nats-server, 0 stands for the default */
    bool takes_seconds;   /* a duration that may be a bare number of seconds, with a warning */
    const char *default_text;
    const char *default_means; /* what an empty or special default amounts to, for people */

    bool is_reloadable; /* by SIGHUP; else it needs a restart */
    const char *help;   /* one sentence without its full stop */
};

extern const struct option options_table[];
extern const size_t options_table_rows;

/* An option by its key, in any case, or NULL. */
const struct option *option_by_key(const char *key);

/* An option by its flag without dashes, in exactly this case, or NULL. */
const struct option *option_by_flag(struct bytes flag);

const char *option_section_title(enum option_section section);

/* An option of nats-server that natter-node does not have. */
struct foreign_option {
    const char *names; /* keys of the configuration file, separated by blanks; or NULL */
    const char *flags; /* likewise flags */
    enum { FOREIGN_NOT_YET, FOREIGN_NEVER, FOREIGN_WITHOUT_EFFECT } state;
    const char *feature; /* what it belongs to, or why it is not needed here */
};

extern const struct foreign_option foreign_table[];
extern const size_t foreign_table_rows;

const struct foreign_option *foreign_by_key(const char *key);
const struct foreign_option *foreign_by_flag(struct bytes flag);

/* What a flag does that is not an option. */
enum command_action {
    COMMAND_SET, /* sets several options that are booleans */
    COMMAND_CONFIG,
    COMMAND_TEST,
    COMMAND_SIGNAL,
    COMMAND_HELP,
    COMMAND_VERSION,
    COMMAND_OPTIONS_MARKDOWN
};

struct command_flag {
    const char *flags;
    const char *argument; /* NULL for none */
    enum command_action action;
    const char *sets; /* COMMAND_SET: keys of options, separated by blanks */
    const char *help; /* NULL: not shown */
};

extern const struct command_flag command_table[];
extern const size_t command_table_rows;

const struct command_flag *command_by_flag(struct bytes flag);

/* Takes the next word off the front of a list separated by blanks; false at its end. The list may be
 * NULL, for an empty one. */
bool take_name(const char **list, struct bytes *name);

#endif
