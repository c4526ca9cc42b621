/* conf: the NATS configuration language, read into a tree.
 *
 *     listen: "0.0.0.0:4222"          # comments run to the end of the line
 *     max_payload = 2mb
 *     cluster { name: east, routes: ["nats://a:6222", "nats://b:6222"] }
 *     include "users.conf"
 *
 * The language is described in docs/configuration.md. Reading checks the language only; what the
 * keys mean is the caller's business, and each value carries the place it came from so that the
 * caller can point at it.
 *
 * Owns      its whole tree, names and texts included, until conf_free().
 * Threads   a tree is plain data. Reading looks at the environment, so nobody may change that.
 * Allocates while it reads, within the limits below; finding never does. */
#ifndef NATTER_BASE_CONF_H
#define NATTER_BASE_CONF_H

#include "lib/base/bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_kind {
    CONF_MAP,
    CONF_ARRAY,
    CONF_STRING,
    CONF_INTEGER, /* size suffixes already applied: 2k is 2000, 2kb is 2048 */
    CONF_FLOAT,
    CONF_BOOL,
    CONF_DATE /* seconds since 1970 in <integer> */
};

/* Limits on what one configuration may be; each refused with its place. */
#define CONF_DEPTH_MAX 64               /* nested maps, arrays, includes and variables */
#define CONF_FILE_BYTES_MAX (16u << 20) /* of one file */
#define CONF_FILES_MAX 1000             /* read for one configuration, its includes counted */
#define CONF_VALUES_MAX 1000000         /* in the tree, each use of a variable counted in full */

/* Where a value or an error stands. <file> is a name for people, owned by the tree. */
struct conf_place {
    const char *file;
    unsigned line;   /* from 1 */
    unsigned column; /* from 1, in bytes */
};

struct conf_value {
    enum conf_kind kind;
    struct conf_place place; /* of the value's first byte */
    bool used_as_variable; /* its key is referred to somewhere: an unknown name is then no error */
    char *key;             /* in a map: as written; NULL in an array and at the root */
    struct conf_place key_place;
    struct conf_value *next;  /* the following member of the same map or array, in file order */
    struct conf_value *first; /* CONF_MAP, CONF_ARRAY: the first member; values that one variable
                                 gave share their members */
    char *text; /* CONF_STRING: NUL-terminated, though "\x00" may put more NULs in; numbers, dates
                   and booleans: as written; else NULL */
    size_t text_len;
    int64_t integer; /* CONF_INTEGER, CONF_DATE */
    double number;   /* CONF_FLOAT */
    bool boolean;
};

struct conf_error {
    struct conf_place place; /* its <file> is <file_name>; line 0: the file as a whole */
    char file_name[256];
    char message[512]; /* what was expected, for people; no place, no newline */
};

struct conf; /* opaque: the tree and all the memory it stands in */

/* Reads the file at <path> and what it includes. NULL with *error filled when it cannot be read or
 * is not in the language. A later duplicate of a key replaces the earlier one. */
struct conf *conf_read_file(const char *path, struct conf_error *error);

/* The same from memory, which may go afterwards; <name> is used in places, and includes are
 * relative to the directory of <name>. With no name (NULL) an include is an error, so that bytes
 * from anywhere may be read without a file being touched. */
struct conf *conf_read_text(struct bytes text, const char *name, struct conf_error *error);

/* The root map. */
const struct conf_value *conf_root(const struct conf *conf);

/* A member of <map> by name, upper and lower case being the same; of several that differ in case
 * the last. NULL when there is none. */
const struct conf_value *conf_find(const struct conf_value *map, const char *key);

void conf_free(struct conf *conf);

/* A kind with its article, for messages: "a string". */
const char *conf_kind_name(enum conf_kind kind);

/* Reads an integer as the language has it: "-1", "64", "2k" (2000), "2kb" (2048), up to "e", "eb".
 */
bool conf_parse_integer(struct bytes text, int64_t *out);

/* Reads true, yes, on, false, no, off, in any case. */
bool conf_parse_bool(struct bytes text, bool *out);

/* Reads a duration as Go writes it ("300ms", "1.5h", "1h15m", "-3s"), in nanoseconds. */
bool conf_parse_duration(struct bytes text, int64_t *out_ns);

#endif
