/* conf_lexer: the characters of a configuration, as keys and scalar values. Internal to conf.
 *
 * It knows where it stands, what may end a key or a value, and what an unquoted word is (a number,
 * a boolean, a date, a variable or a string); it knows no map, array or file. Each function that
 * can fail fills the error it was given, with the place, and returns false.
 *
 * Owns      nothing: it reads, and unescapes in place, a buffer of its caller's. What it hands out
 *           looks into that buffer and holds as long as it.
 * Threads   none of its business. Allocates nothing. */
#ifndef NATTER_BASE_CONF_LEXER_H
#define NATTER_BASE_CONF_LEXER_H

#include "lib/base/conf.h"

struct conf_lexer {
    char *at;         /* the next byte */
    char *end;        /* behind the last */
    char *line_start; /* of the line <at> is in */
    unsigned line;
    const char *file; /* for places */
    struct conf_error *error;
};

enum conf_scalar_kind {
    SCALAR_STRING,
    SCALAR_INTEGER,
    SCALAR_FLOAT,
    SCALAR_BOOL,
    SCALAR_DATE,
    SCALAR_VARIABLE /* its text is the name, without the $ */
};

struct conf_scalar {
    enum conf_scalar_kind kind;
    struct bytes text;
    int64_t integer; /* of integers and dates */
    double number;
    bool boolean;
};

void conf_lexer_init(struct conf_lexer *lx, char *text, size_t len, const char *file,
                     struct conf_error *error);

/* The next byte, or CONF_LEXER_END behind the last one. */
#define CONF_LEXER_END (-1)
int conf_lexer_peek(const struct conf_lexer *lx);

/* Steps over the next byte, which is there. */
void conf_lexer_step(struct conf_lexer *lx);

struct conf_place conf_lexer_place(const struct conf_lexer *lx);

/* Fills the error; returns false, for its caller to return. */
__attribute__((format(printf, 3, 4))) bool
conf_lexer_fail(struct conf_lexer *lx, struct conf_place place, const char *format, ...);

/* The same at the next byte, which is named at the end of the message: ", but got 'x'". */
bool conf_lexer_fail_here(struct conf_lexer *lx, const char *expected);

bool conf_is_blank(int c);   /* space and tab */
bool conf_is_newline(int c); /* LF and CR */

void conf_lexer_skip_blanks(struct conf_lexer *lx); /* not newlines */
void conf_lexer_skip_space(struct conf_lexer *lx);  /* newlines too */

/* Steps over a comment, up to its newline; false when there is none. */
bool conf_lexer_skip_comment(struct conf_lexer *lx);

/* A key, quoted or bare: *is_bare says which, for "include" is a word only when bare. */
bool conf_lexer_key(struct conf_lexer *lx, struct bytes *key, bool *is_bare);

/* The path behind "include", its quotes taken off. */
bool conf_lexer_include_path(struct conf_lexer *lx, struct bytes *path);

/* A value that is neither a map nor an array. */
bool conf_lexer_scalar(struct conf_lexer *lx, struct conf_scalar *out);

#endif
