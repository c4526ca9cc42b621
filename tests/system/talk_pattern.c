#include "tests/system/talk_pattern.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { REPEAT_MAX = 64 * 1024 * 1024 };

static void text_add(struct text *text, const char *data, size_t len)
{
    text->data = realloc(text->data, text->len + len + 1);
    assert(text->data != NULL);
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

/* The text that the pattern ends in, to be continued; NULL when there are too many pieces. */
static struct text *last_text(struct pattern *pattern)
{
    size_t count = pattern->piece_count;

    if (count == 0 || pattern->pieces[count - 1].choice_count > 1) {
        if (count == PATTERN_PIECES_MAX)
            return NULL;
        pattern->pieces[count].choice_count = 1;
        pattern->piece_count++;
    }
    return &pattern->pieces[pattern->piece_count - 1].choices[0];
}

/* Reads one possibly escaped byte; returns what follows, or NULL for an unknown escape. */
static const char *take_byte(const char *at, char *byte)
{
    static const char names[] = "rnt0\\";
    static const char values[] = "\r\n\t\0\\";
    char hex[3] = {0};

    *byte = *at;
    if (*at != '\\')
        return at + 1;
    if (at[1] == 'x' && at[2] != '\0' && at[3] != '\0') {
        char *end;
        memcpy(hex, at + 2, 2);
        *byte = (char)strtoul(hex, &end, 16);
        return *end == '\0' ? at + 4 : NULL;
    }
    const char *name = at[1] == '\0' ? NULL : strchr(names, at[1]);
    if (name == NULL)
        return NULL;
    *byte = values[name - names];
    return at + 2;
}

/* Adds the bytes of [at, end), which holds no brace with a meaning. */
static const char *add_text(struct text *text, const char *at, const char *end)
{
    while (at < end) {
        char byte;
        at = take_byte(at, &byte);
        if (at == NULL)
            return "unknown escape";
        text_add(text, &byte, 1);
    }
    return NULL;
}

static const char *add_repetition(struct text *text, size_t times, const char *at, const char *end)
{
    struct text once = {0};
    const char *wrong = add_text(&once, at, end);

    if (wrong == NULL && times * once.len > REPEAT_MAX)
        wrong = "too long a repetition";
    if (wrong == NULL) {
        text->data = realloc(text->data, text->len + times * once.len + 1);
        assert(text->data != NULL);
        for (size_t i = 0; i < times; i++)
            memcpy(text->data + text->len + i * once.len, once.data, once.len);
        text->len += times * once.len;
    }
    free(once.data);
    return wrong;
}

static const char *add_choices(struct pattern *pattern, const char *at, const char *end)
{
    const char *wrong = NULL;

    if (pattern->piece_count == PATTERN_PIECES_MAX)
        return "too many pieces";
    struct piece *piece = &pattern->pieces[pattern->piece_count++];
    while (wrong == NULL && at <= end) {
        const char *bar = memchr(at, '|', (size_t)(end - at));
        const char *stop = bar == NULL ? end : bar;
        if (piece->choice_count == PATTERN_CHOICES_MAX)
            return "too many choices";
        text_add(&piece->choices[piece->choice_count], "", 0);
        wrong = add_text(&piece->choices[piece->choice_count++], at, stop);
        at = stop + 1;
    }
    return wrong;
}

/* Adds what the brace at <at> begins; <next> is behind it, or stays when it is only a brace. */
static const char *add_braces(struct pattern *pattern, const char *at, const char **next)
{
    const char *end = strchr(at, '}');
    char *star;

    if (end == NULL || memchr(at, '"', (size_t)(end - at)) != NULL)
        return NULL;
    size_t times = strtoul(at + 1, &star, 10);
    if (star > at + 1 && *star == '*') {
        struct text *text = last_text(pattern);
        *next = end + 1;
        return text == NULL ? "too many pieces" : add_repetition(text, times, star + 1, end);
    }
    if (memchr(at, '|', (size_t)(end - at)) == NULL)
        return NULL;
    *next = end + 1;
    return add_choices(pattern, at + 1, end);
}

static const char *add_line(struct pattern *pattern, const char *at, const char *end)
{
    const char *wrong = NULL;

    while (wrong == NULL && at < end) {
        const char *next = at;
        char byte;
        if (*at == '{')
            wrong = add_braces(pattern, at, &next);
        if (wrong == NULL && next == at) {
            struct text *text = last_text(pattern);
            next = take_byte(at, &byte);
            if (text == NULL || next == NULL)
                return text == NULL ? "too many pieces" : "unknown escape";
            text_add(text, &byte, 1);
        }
        at = next;
    }
    return wrong;
}

const char *pattern_init(struct pattern *pattern, const char *line)
{
    size_t len = strlen(line);
    size_t backslashes = 0;

    *pattern = (struct pattern){0};
    while (backslashes < len && line[len - 1 - backslashes] == '\\')
        backslashes++;
    bool continues = backslashes % 2 == 1;
    const char *wrong = add_line(pattern, line, line + len - (continues ? 1 : 0));
    if (wrong != NULL || continues)
        return wrong;
    struct text *text = last_text(pattern);
    if (text == NULL)
        return "too many pieces";
    text_add(text, "\r\n", 2);
    return NULL;
}

void pattern_fini(struct pattern *pattern)
{
    for (size_t i = 0; i < pattern->piece_count; i++) {
        for (size_t j = 0; j < pattern->pieces[i].choice_count; j++)
            free(pattern->pieces[i].choices[j].data);
    }
}

static enum match match_from(const struct pattern *pattern, size_t piece, const char *data,
                             size_t len, size_t *used)
{
    enum match result = DIFFERS;

    if (piece == pattern->piece_count)
        return MATCHES;
    for (size_t i = 0; i < pattern->pieces[piece].choice_count; i++) {
        const struct text *text = &pattern->pieces[piece].choices[i];
        size_t common = text->len < len ? text->len : len;
        size_t rest = 0;
        enum match found = NEEDS_MORE;
        if (common > 0 && memcmp(text->data, data, common) != 0)
            continue;
        if (common == text->len)
            found = match_from(pattern, piece + 1, data + common, len - common, &rest);
        if (found == MATCHES) {
            *used = common + rest;
            return MATCHES;
        }
        if (found == NEEDS_MORE)
            result = NEEDS_MORE;
    }
    return result;
}

enum match pattern_match(const struct pattern *pattern, const char *data, size_t len, size_t *used)
{
    *used = 0;
    return match_from(pattern, 0, data, len, used);
}

struct text pattern_bytes(const struct pattern *pattern)
{
    struct text all = {0};

    text_add(&all, "", 0);
    for (size_t i = 0; i < pattern->piece_count; i++) {
        assert(pattern->pieces[i].choice_count == 1);
        text_add(&all, pattern->pieces[i].choices[0].data, pattern->pieces[i].choices[0].len);
    }
    return all;
}
