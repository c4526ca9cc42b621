#include "lib/base/conf_lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

bool conf_is_blank(int c)
{
    return c == ' ' || c == '\t';
}

bool conf_is_newline(int c)
{
    return c == '\n' || c == '\r';
}

static bool is_space(int c)
{
    return conf_is_blank(c) || conf_is_newline(c) || c == '\v' || c == '\f';
}

/* What ends an unquoted value. A comment sign does not: "a#b" is one word. */
static bool is_value_end(int c)
{
    return conf_is_blank(c) || conf_is_newline(c) || c == ',' || c == ';' || c == ']' || c == '}' ||
           c == CONF_LEXER_END;
}

/* --- where it stands --- */

void conf_lexer_init(struct conf_lexer *lx, char *text, size_t len, const char *file,
                     struct conf_error *error)
{
    *lx = (struct conf_lexer){
        .at = text, .end = text + len, .line_start = text, .line = 1, .file = file, .error = error};
}

int conf_lexer_peek(const struct conf_lexer *lx)
{
    return lx->at < lx->end ? (unsigned char)*lx->at : CONF_LEXER_END;
}

static int peek_second(const struct conf_lexer *lx)
{
    return lx->end - lx->at > 1 ? (unsigned char)lx->at[1] : CONF_LEXER_END;
}

void conf_lexer_step(struct conf_lexer *lx)
{
    if (*lx->at++ == '\n') {
        lx->line++;
        lx->line_start = lx->at;
    }
}

struct conf_place conf_lexer_place(const struct conf_lexer *lx)
{
    return (struct conf_place){
        .file = lx->file, .line = lx->line, .column = (unsigned)(lx->at - lx->line_start) + 1};
}

/* --- errors --- */

bool conf_lexer_fail(struct conf_lexer *lx, struct conf_place place, const char *format, ...)
{
    struct conf_error *error = lx->error;
    va_list args;

    va_start(args, format);
    vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    for (char *c = error->message; *c != '\0'; c++) { /* it may quote what is in the file */
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    snprintf(error->file_name, sizeof error->file_name, "%s", place.file);
    error->place = place;
    error->place.file = error->file_name;
    return false;
}

bool conf_lexer_fail_here(struct conf_lexer *lx, const char *expected)
{
    int c = conf_lexer_peek(lx);
    char got[24];

    if (c == CONF_LEXER_END)
        snprintf(got, sizeof got, "the end of the file");
    else if (conf_is_newline(c))
        snprintf(got, sizeof got, "a new line");
    else if (c > ' ' && c < 0x7f)
        snprintf(got, sizeof got, "'%c'", c);
    else
        snprintf(got, sizeof got, "the byte 0x%02x", (unsigned)c);
    return conf_lexer_fail(lx, conf_lexer_place(lx), "%s, but got %s", expected, got);
}

/* --- blanks and comments --- */

void conf_lexer_skip_blanks(struct conf_lexer *lx)
{
    while (conf_is_blank(conf_lexer_peek(lx)))
        conf_lexer_step(lx);
}

void conf_lexer_skip_space(struct conf_lexer *lx)
{
    while (is_space(conf_lexer_peek(lx)))
        conf_lexer_step(lx);
}

bool conf_lexer_skip_comment(struct conf_lexer *lx)
{
    int c = conf_lexer_peek(lx);

    if (c != '#' && !(c == '/' && peek_second(lx) == '/'))
        return false;
    while (c != CONF_LEXER_END && !conf_is_newline(c)) {
        conf_lexer_step(lx);
        c = conf_lexer_peek(lx);
    }
    return true;
}

/* --- keys and include paths --- */

/* Takes what stands between two quotes of one kind, nothing in it meaning anything. */
static bool take_raw_quoted(struct conf_lexer *lx, const char *what, struct bytes *out)
{
    struct conf_place opened = conf_lexer_place(lx);
    int quote = conf_lexer_peek(lx);
    char *from;

    conf_lexer_step(lx);
    from = lx->at;
    while (conf_lexer_peek(lx) != quote) {
        if (conf_lexer_peek(lx) == CONF_LEXER_END)
            return conf_lexer_fail(lx, opened, "the quotes of this %s are never closed", what);
        conf_lexer_step(lx);
    }
    *out = bytes_of(from, (size_t)(lx->at - from));
    conf_lexer_step(lx);
    return true;
}

bool conf_lexer_key(struct conf_lexer *lx, struct bytes *key, bool *is_bare)
{
    int c = conf_lexer_peek(lx);
    char *from = lx->at;

    *is_bare = c != '"' && c != '\'';
    if (!*is_bare)
        return take_raw_quoted(lx, "key", key);
    if (c == '=' || c == ':' || c == ',' || c == ';' || c == ']' || c == CONF_LEXER_END)
        return conf_lexer_fail_here(lx, "expected a key");
    while (c != CONF_LEXER_END && c != '=' && c != ':' && !is_space(c)) {
        conf_lexer_step(lx);
        c = conf_lexer_peek(lx);
    }
    *key = bytes_of(from, (size_t)(lx->at - from));
    return true;
}

bool conf_lexer_include_path(struct conf_lexer *lx, struct bytes *path)
{
    int c;
    char *from;

    conf_lexer_skip_blanks(lx);
    c = conf_lexer_peek(lx);
    if (c == '"' || c == '\'')
        return take_raw_quoted(lx, "path", path);
    if (is_digit(c) || is_value_end(c) || (c != CONF_LEXER_END && strchr("[{(-\\", c) != NULL))
        return conf_lexer_fail_here(lx, "expected the path of a file to include");
    from = lx->at;
    while (c != CONF_LEXER_END && !is_space(c) && c != ';' && c != '}') {
        conf_lexer_step(lx);
        c = conf_lexer_peek(lx);
    }
    *path = bytes_of(from, (size_t)(lx->at - from));
    return true;
}

/* --- strings --- */

static int hex_digit(int c)
{
    if (is_digit(c))
        return c - '0';
    if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* Takes the escape at the next byte, a backslash, and puts the byte it stands for at *to. */
static bool take_escape(struct conf_lexer *lx, char *to)
{
    static const char names[] = "tnr\"\\";
    static const char bytes[] = "\t\n\r\"\\";
    struct conf_place place = conf_lexer_place(lx);
    const char *name;
    int c;

    conf_lexer_step(lx);
    c = conf_lexer_peek(lx);
    if (c == 'x') {
        int high = hex_digit(peek_second(lx));
        int low = lx->end - lx->at > 2 ? hex_digit((unsigned char)lx->at[2]) : -1;

        if (high < 0 || low < 0)
            return conf_lexer_fail(lx, place, "expected two hexadecimal digits after \\x");
        *to = (char)(high << 4 | low);
        lx->at += 3; /* none of them a newline */
        return true;
    }
    name = c == CONF_LEXER_END ? NULL : memchr(names, c, sizeof names - 1);
    if (name == NULL)
        return conf_lexer_fail(lx, place,
                               "invalid escape; \\xHH, \\t, \\n, \\r, \\\" and \\\\ are allowed");
    *to = bytes[name - names];
    conf_lexer_step(lx);
    return true;
}

static bool take_double_quoted(struct conf_lexer *lx, struct conf_scalar *out)
{
    struct conf_place opened = conf_lexer_place(lx);
    char *from;
    char *to;
    int c;

    conf_lexer_step(lx);
    from = to = lx->at;
    while ((c = conf_lexer_peek(lx)) != '"') {
        if (c == CONF_LEXER_END)
            return conf_lexer_fail(lx, opened, "the quotes of this string are never closed");
        if (c == '\\') {
            if (!take_escape(lx, to))
                return false;
            to++;
        } else {
            conf_lexer_step(lx);
            *to++ = (char)c; /* never ahead of what is still to be read */
        }
    }
    conf_lexer_step(lx);
    *out = (struct conf_scalar){.kind = SCALAR_STRING, .text = bytes_of(from, (size_t)(to - from))};
    return true;
}

/* ( text ) as it stands, up to a ')' that has a line to itself. */
static bool take_block(struct conf_lexer *lx, struct conf_scalar *out)
{
    struct conf_place opened = conf_lexer_place(lx);
    char *from;

    conf_lexer_step(lx);
    from = lx->at;
    for (;;) {
        int c = conf_lexer_peek(lx);

        if (c == CONF_LEXER_END)
            return conf_lexer_fail(lx, opened,
                                   "this block never ends; a ')' on a line by itself ends it");
        if (c == ')' && lx->at == lx->line_start &&
            (peek_second(lx) == CONF_LEXER_END || conf_is_newline(peek_second(lx))))
            break;
        conf_lexer_step(lx);
    }
    *out = (struct conf_scalar){.kind = SCALAR_STRING,
                                .text = bytes_of(from, (size_t)(lx->at - from))};
    conf_lexer_step(lx);
    return true;
}

/* What an unquoted word without escapes is. */
static void classify_word(struct conf_scalar *word)
{
    struct bytes text = word->text;

    word->kind = SCALAR_STRING;
    if (conf_parse_bool(text, &word->boolean)) {
        word->kind = SCALAR_BOOL;
    } else if (text.data[0] == '$' && !bytes_start_with(text, bytes_of_str("$2a$"))) {
        word->kind = SCALAR_VARIABLE; /* "$2a$..." is a bcrypt hash, and stays a string */
        word->text = bytes_after(text, 1);
    }
}

static bool take_word(struct conf_lexer *lx, struct conf_scalar *out)
{
    char *from = lx->at;
    char *to = from;
    bool has_escapes = false;
    int c;

    while (!is_value_end(c = conf_lexer_peek(lx)) && c != '\'') {
        if (c == '\\') {
            if (!take_escape(lx, to))
                return false;
            to++;
            has_escapes = true;
        } else {
            conf_lexer_step(lx);
            *to++ = (char)c;
        }
    }
    *out = (struct conf_scalar){.kind = SCALAR_STRING, .text = bytes_of(from, (size_t)(to - from))};
    if (c == '\'') /* ends the word and is not part of it */
        conf_lexer_step(lx);
    else if (!has_escapes)
        classify_word(out);
    return true;
}

/* --- numbers and dates --- */

static char *after_digits(const struct conf_lexer *lx, char *p)
{
    while (p < lx->end && is_digit((unsigned char)*p))
        p++;
    return p;
}

static int byte_at(const struct conf_lexer *lx, const char *p)
{
    return p < lx->end ? (unsigned char)*p : CONF_LEXER_END;
}

/* Takes the bytes up to <end>, none of them a newline. */
static struct bytes take_until(struct conf_lexer *lx, char *end)
{
    struct bytes text = bytes_of(lx->at, (size_t)(end - lx->at));

    lx->at = end;
    return text;
}

/* YYYY-MM-DDTHH:MM:SSZ, and no other form. */
static bool take_date(struct conf_lexer *lx, struct conf_scalar *out)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    size_t len = sizeof form - 1;
    struct conf_place place = conf_lexer_place(lx);
    bool is_date = (size_t)(lx->end - lx->at) >= len;
    char text[sizeof form];
    struct tm tm = {0};
    struct tm given;
    const char *end;

    for (size_t i = 0; is_date && i < len; i++)
        is_date = form[i] == 'd' ? is_digit((unsigned char)lx->at[i]) : lx->at[i] == form[i];
    if (is_date) {
        memcpy(text, lx->at, len);
        text[len] = '\0';
        end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
        is_date = end != NULL && *end == '\0';
    }
    if (!is_date)
        return conf_lexer_fail(lx, place,
                               "expected a date such as 2006-01-02T15:04:05Z, or a quoted string");
    given = tm;
    out->kind = SCALAR_DATE;
    out->integer = timegm(&tm);
    if (given.tm_mday != tm.tm_mday || given.tm_sec != tm.tm_sec) /* it moved February the 30th */
        return conf_lexer_fail(lx, place, "there is no such day or time");
    out->text = take_until(lx, lx->at + len);
    return true;
}

/* Takes [-]digits.digits; two dots make it an address or a version, and so a word. */
static bool take_float(struct conf_lexer *lx, char *dot, struct conf_scalar *out)
{
    char *end = after_digits(lx, dot + 1);
    char text[64];

    if (end == dot + 1) {
        lx->at = end;
        return conf_lexer_fail_here(lx, "expected a digit after the '.' of a number");
    }
    if (byte_at(lx, end) == '.')
        return take_word(lx, out);
    if (!is_value_end(byte_at(lx, end))) {
        lx->at = end;
        return conf_lexer_fail_here(lx, "expected the number to end (or the value to be quoted)");
    }
    if ((size_t)(end - lx->at) >= sizeof text)
        return conf_lexer_fail(lx, conf_lexer_place(lx), "this number has too many digits");
    out->kind = SCALAR_FLOAT;
    out->text = take_until(lx, end);
    memcpy(text, out->text.data, out->text.len);
    text[out->text.len] = '\0';
    /* Digits and one dot, which strtod() reads whatever the locale: no program here sets one. */
    out->number = strtod(text, NULL);
    return true;
}

/* The end of a size suffix that begins at <p>, or <p> when there is none. */
static char *after_suffix(const struct conf_lexer *lx, char *p)
{
    int c = byte_at(lx, p);

    if (c == CONF_LEXER_END || strchr("kmgtpe", c | 0x20) == NULL)
        return p;
    p++;
    if ((byte_at(lx, p) | 0x20) == 'i' && byte_at(lx, p) != CONF_LEXER_END)
        p++;
    if ((byte_at(lx, p) | 0x20) == 'b' && byte_at(lx, p) != CONF_LEXER_END)
        p++;
    return p;
}

static bool take_integer(struct conf_lexer *lx, char *end, struct conf_scalar *out)
{
    struct conf_place place = conf_lexer_place(lx);

    out->kind = SCALAR_INTEGER;
    out->text = take_until(lx, end);
    if (!conf_parse_integer(out->text, &out->integer))
        return conf_lexer_fail(lx, place, "the integer '%.*s' is out of range",
                               out->text.len > 40 ? 40 : (int)out->text.len, out->text.data);
    return true;
}

/* What begins with a digit or a minus. A word may begin with digits too ("127.0.0.1:4222", "30s"),
 * but not with a minus, and not with digits, a suffix and digits ("1m30s"): those are to be quoted.
 */
static bool take_number(struct conf_lexer *lx, struct conf_scalar *out)
{
    bool is_negative = *lx->at == '-';
    char *digits = lx->at + (is_negative ? 1 : 0);
    char *end = after_digits(lx, digits);
    char *behind_suffix;

    *out = (struct conf_scalar){.kind = SCALAR_INTEGER};
    if (end == digits) {
        lx->at = end;
        return conf_lexer_fail_here(lx, "expected a digit (or the value to be quoted)");
    }
    if (byte_at(lx, end) == '.')
        return take_float(lx, end, out);
    if (byte_at(lx, end) == '-' && !is_negative)
        return take_date(lx, out);
    behind_suffix = after_suffix(lx, end);
    if (is_value_end(byte_at(lx, behind_suffix)))
        return take_integer(lx, behind_suffix, out);
    if (is_negative || is_digit(byte_at(lx, behind_suffix))) {
        lx->at = behind_suffix;
        return conf_lexer_fail_here(lx, "expected the number to end (or the value to be quoted)");
    }
    return take_word(lx, out);
}

bool conf_lexer_scalar(struct conf_lexer *lx, struct conf_scalar *out)
{
    int c = conf_lexer_peek(lx);

    if (c == '"')
        return take_double_quoted(lx, out);
    if (c == '\'') {
        *out = (struct conf_scalar){.kind = SCALAR_STRING};
        return take_raw_quoted(lx, "string", &out->text);
    }
    if (c == '(')
        return take_block(lx, out);
    if (is_digit(c) || c == '-')
        return take_number(lx, out);
    if (c == '.')
        return conf_lexer_fail_here(lx, "expected a value, and a number to begin with a digit");
    if (is_value_end(c))
        return conf_lexer_fail_here(lx, "expected a value");
    return take_word(lx, out);
}
