#include "cli/payload.h"

#include "cli/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES_FIRST 65536

/* Makes room for <more> bytes behind the first <len>. */
static bool reserve(struct payload *p, size_t *capacity, size_t more)
{
    size_t wanted = *capacity > 0 ? *capacity : READ_BYTES_FIRST;
    char *grown;

    if (p->len + more > PAYLOAD_BYTES_MAX) {
        report_error("a payload is at most %u bytes", PAYLOAD_BYTES_MAX);
        return false;
    }
    if (p->len + more <= *capacity)
        return true;
    while (wanted < p->len + more)
        wanted *= 2;
    grown = realloc(p->data, wanted);
    if (grown == NULL) {
        report_error("out of memory");
        return false;
    }
    p->data = grown;
    *capacity = wanted;
    return true;
}

static bool append(struct payload *p, size_t *capacity, struct bytes piece)
{
    if (piece.len == 0)
        return true;
    if (!reserve(p, capacity, piece.len))
        return false;
    memcpy(p->data + p->len, piece.data, piece.len);
    p->len += piece.len;
    return true;
}

static bool read_all(struct payload *p, int fd)
{
    char chunk[READ_BYTES_FIRST];
    size_t capacity = 0;
    ssize_t n;

    while ((n = read(fd, chunk, sizeof chunk)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            report_error("cannot read standard input: %s", strerror(errno));
            return false;
        }
        if (!append(p, &capacity, bytes_of(chunk, (size_t)n)))
            return false;
    }
    return true;
}

bool payload_take(struct payload *p, const char *argument)
{
    size_t capacity = 0;
    bool is_read = true;

    *p = (struct payload){0};
    if (argument != NULL)
        is_read = append(p, &capacity, bytes_of_str(argument));
    else if (!isatty(STDIN_FILENO))
        is_read = read_all(p, STDIN_FILENO);
    if (!is_read)
        payload_free(p);
    return is_read;
}

void payload_free(struct payload *p)
{
    free(p->data);
    *p = (struct payload){0};
}

bool payload_expand(struct payload *out, struct bytes text, uint64_t number)
{
    struct bytes mark = bytes_of_str(PAYLOAD_NUMBER_MARK);
    char digits[BYTES_U64_MAX];
    struct bytes shown = bytes_of(digits, bytes_put_u64(digits, number));
    size_t capacity = 0;

    *out = (struct payload){0};
    while (text.len > 0) {
        const char *found = memmem(text.data, text.len, mark.data, mark.len);
        size_t before = found != NULL ? (size_t)(found - text.data) : text.len;

        if (!append(out, &capacity, bytes_of(text.data, before)) ||
            (found != NULL && !append(out, &capacity, shown))) {
            payload_free(out);
            return false;
        }
        text = bytes_after(text, before + (found != NULL ? mark.len : 0));
    }
    return true;
}
