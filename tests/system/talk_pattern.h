/* talk_pattern: the bytes that a line of a conversation stands for.
 *
 * Text stands for itself, but for
 *   \r \n \t \0 \\ \xHH   one byte
 *   {4096*a}              a repetition (of a text without braces)
 *   {1|2}                 one of several texts (only where bytes are expected)
 * Any other brace is a brace, so that JSON can be written as it is.
 *
 * Owns      its texts.
 * Allocates when made; matching only reads. */
#ifndef NATTER_SYSTEM_TALK_PATTERN_H
#define NATTER_SYSTEM_TALK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum { PATTERN_PIECES_MAX = 16, PATTERN_CHOICES_MAX = 8 };

struct text {
    char *data;
    size_t len;
};

struct piece {
    struct text choices[PATTERN_CHOICES_MAX];
    size_t choice_count; /* 1 for plain text */
};

struct pattern {
    struct piece pieces[PATTERN_PIECES_MAX];
    size_t piece_count;
};

enum match { MATCHES, DIFFERS, NEEDS_MORE };

/* Makes a pattern of a line, with CRLF at its end. A line that ends in a backslash stands for its
 * bytes alone. NULL if all is well, else what is wrong with the line. */
const char *pattern_init(struct pattern *pattern, const char *line);
void pattern_fini(struct pattern *pattern);

/* Whether <data> begins as the pattern says; if so, <used> is how long that is. */
enum match pattern_match(const struct pattern *pattern, const char *data, size_t len, size_t *used);

/* The bytes of a pattern without choices; the caller frees them. */
struct text pattern_bytes(const struct pattern *pattern);

#endif
