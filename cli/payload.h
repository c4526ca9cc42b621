/* payload: what a message carries, from the command line or from standard input.
 *
 * Owns      its bytes, until payload_free(); those of an argument are copied too. */
#ifndef NATTER_CLI_PAYLOAD_H
#define NATTER_CLI_PAYLOAD_H

#include "lib/base/bytes.h"

#include <stdbool.h>

/* The most that any server can be configured to take. */
#define PAYLOAD_BYTES_MAX (64u << 20)

/* What payload_expand() replaces. */
#define PAYLOAD_NUMBER_MARK "{{n}}"

struct payload {
    char *data; /* NULL when empty */
    size_t len;
};

/* Takes <argument>; without one, standard input to its end; when that is a terminal, nothing.
 * False when it cannot be read or is too large; the reason has been said. */
bool payload_take(struct payload *p, const char *argument);
void payload_free(struct payload *p);

static inline struct bytes payload_bytes(const struct payload *p)
{
    return bytes_of(p->data, p->len);
}

/* A copy of <text> in which <number> stands for each {{n}}. False when memory is out or the result
 * is too large; the reason has been said. */
bool payload_expand(struct payload *out, struct bytes text, uint64_t number);

#endif
