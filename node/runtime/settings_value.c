#include "node/runtime/settings_value.h"

#include "lib/base/clock.h"
#include "lib/net/address.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define TEXT_SHOWN 100  /* bytes of an operator's text in a message */
#define NO_PORT INT_MIN /* what no address can have as its port */

/* --- the field --- */

static void *field(const struct option *option, struct options *options)
{
    return (char *)options + option->offset;
}

static bool is_text(const struct option *option)
{
    return option->type == OPTION_TEXT;
}

static bool is_number(const struct option *option)
{
    return option->type == OPTION_INTEGER || option->type == OPTION_SIZE ||
           option->type == OPTION_DURATION;
}

static int64_t number_in(const struct option *option, const struct options *options)
{
    return *(const int64_t *)(const void *)((const char *)options + option->offset);
}

static bool bool_in(const struct option *option, const struct options *options)
{
    return *(const bool *)(const void *)((const char *)options + option->offset);
}

/* Never NULL: what was never set is empty. */
static const char *text_in(const struct option *option, const struct options *options)
{
    const char *text = *(char *const *)(const void *)((const char *)options + option->offset);

    return text == NULL ? "" : text;
}

void option_free_text(const struct option *option, struct options *options)
{
    char **text = field(option, options);

    if (!is_text(option))
        return;
    free(*text);
    *text = NULL;
}

static bool put_text(char **at, const char *text)
{
    char *copy = bytes_dup(bytes_of_str(text));

    if (copy == NULL)
        return false;
    free(*at);
    *at = copy;
    return true;
}

bool option_set_default(const struct option *option, struct options *options)
{
    if (is_text(option))
        return put_text(field(option, options),
                        option->default_text == NULL ? "" : option->default_text);
    if (is_number(option))
        *(int64_t *)field(option, options) = option->fallback;
    if (option->type == OPTION_BOOL)
        *(bool *)field(option, options) = option->fallback != 0;
    return true;
}

bool option_copy(const struct option *option, struct options *to, const struct options *from)
{
    if (is_text(option))
        return put_text(field(option, to), text_in(option, from));
    if (is_number(option))
        *(int64_t *)field(option, to) = number_in(option, from);
    if (option->type == OPTION_BOOL)
        *(bool *)field(option, to) = bool_in(option, from);
    return true;
}

bool option_is_equal(const struct option *option, const struct options *a, const struct options *b)
{
    if (is_text(option))
        return strcmp(text_in(option, a), text_in(option, b)) == 0;
    if (is_number(option))
        return number_in(option, a) == number_in(option, b);
    return option->type != OPTION_BOOL || bool_in(option, a) == bool_in(option, b);
}

/* --- values as text --- */

void show_size(int64_t bytes, char *out, size_t size)
{
    static const char *const units[] = {"", "kb", "mb", "gb", "tb"};
    size_t unit = 0;

    while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    snprintf(out, size, "%" PRId64 "%s", bytes, units[unit]);
}

void show_duration(int64_t ns, char *out, size_t size)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"h", 3600 * CLOCK_NS_A_SECOND}, {"m", 60 * CLOCK_NS_A_SECOND},
                 {"s", CLOCK_NS_A_SECOND},        {"ms", CLOCK_NS_A_MS},
                 {"us", CLOCK_NS_A_US},           {"ns", 1}};
    uint64_t left = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
    size_t len = ns < 0 ? 1 : 0;

    snprintf(out, size, "%s", ns == 0 ? "0s" : "-");
    for (size_t i = 0; i < sizeof units / sizeof units[0] && len < size; i++) {
        uint64_t count = left / units[i].ns;

        left %= units[i].ns;
        if (count > 0)
            len += (size_t)snprintf(out + len, size - len, "%" PRIu64 "%s", count, units[i].name);
    }
}

static void show_number(const struct option *option, int64_t number, char *out, size_t size)
{
    if (option->type == OPTION_SIZE && number >= 0)
        show_size(number, out, size);
    else if (option->type == OPTION_DURATION)
        show_duration(number, out, size);
    else
        snprintf(out, size, "%" PRId64, number);
}

void option_show(const struct option *option, const struct options *options, char *out, size_t size)
{
    if (is_text(option))
        snprintf(out, size, "\"%s\"", text_in(option, options));
    else if (is_number(option))
        show_number(option, number_in(option, options), out, size);
    else
        snprintf(out, size, "%s",
                 option->type == OPTION_BOOL && bool_in(option, options) ? "true" : "false");
}

void option_show_expected(const struct option *option, char *out, size_t size)
{
    static const char *const what[] = {
        [OPTION_BOOL] = "true or false", [OPTION_INTEGER] = "an integer",
        [OPTION_SIZE] = "a size",        [OPTION_DURATION] = "a duration such as \"10s\"",
        [OPTION_TEXT] = "a string",      [OPTION_LISTEN] = "\"host:port\" or a port",
    };
    char min[32];
    char max[32];

    if (!is_number(option)) {
        snprintf(out, size, "%s", what[option->type]);
        return;
    }
    show_number(option, option->min, min, sizeof min);
    show_number(option, option->max, max, sizeof max);
    if (option->max == INT64_MAX || option->max == INT32_MAX)
        snprintf(out, size, "%s of at least %s", what[option->type], min);
    else
        snprintf(out, size, "%s from %s to %s", what[option->type], min, max);
}

/* --- problems --- */

__attribute__((format(printf, 2, 3))) static bool refuse(struct value_problem *problem,
                                                         const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(problem->text, sizeof problem->text, format, args);
    va_end(args);
    return false;
}

static bool refuse_for(const struct option *option, struct value_problem *problem, const char *got)
{
    char expected[128];

    option_show_expected(option, expected, sizeof expected);
    return refuse(problem, "%s: expected %s, but got %s", option->name, expected, got);
}

/* Whether the text of a quoted string would do if it had no quotes. */
static bool would_do_unquoted(const struct option *option, const struct conf_value *value)
{
    struct bytes text = bytes_of(value->text, value->text_len);
    int64_t number;
    bool boolean;

    if (option->type == OPTION_BOOL)
        return conf_parse_bool(text, &boolean);
    return (option->type == OPTION_INTEGER || option->type == OPTION_SIZE) &&
           conf_parse_integer(text, &number);
}

static bool refuse_type(const struct option *option, const struct conf_value *value,
                        struct value_problem *problem)
{
    char got[TEXT_SHOWN + 64];

    if (value->kind == CONF_STRING) {
        snprintf(got, sizeof got, "the string \"%.*s\"%s", TEXT_SHOWN, value->text,
                 would_do_unquoted(option, value) ? ": take the quotes off" : "");
    } else if (value->text != NULL) {
        snprintf(got, sizeof got, "%s, %.*s", conf_kind_name(value->kind), TEXT_SHOWN, value->text);
    } else {
        snprintf(got, sizeof got, "%s", conf_kind_name(value->kind));
    }
    return refuse_for(option, problem, got);
}

/* --- setting --- */

static bool set_number(const struct option *option, struct options *options, int64_t number,
                       struct value_problem *problem)
{
    if (number == 0 && option->zero_is_default)
        number = option->fallback;
    if (number < option->min || number > option->max) {
        char got[32];

        show_number(option, number, got, sizeof got);
        return refuse_for(option, problem, got);
    }
    *(int64_t *)field(option, options) = number;
    return true;
}

static bool set_text(const struct option *option, struct options *options, const char *text,
                     struct value_problem *problem)
{
    if (!put_text(field(option, options), text))
        return refuse(problem, "%s: out of memory", option->name);
    return true;
}

static bool set_listen(const struct option *option, struct options *options, const char *text,
                       struct value_problem *problem)
{
    struct address address;
    struct net_error error;

    if (!address_parse(bytes_of_str(text), NO_PORT, &address, &error))
        return refuse(problem, "%s: %s", option->name, error.text);
    if (address.port == NO_PORT)
        return refuse(problem, "%s: could not parse address string \"%.*s\": it has no port",
                      option->name, TEXT_SHOWN, text);
    if (address.host[0] != '\0' && !put_text(&options->host, address.host))
        return refuse(problem, "%s: out of memory", option->name);
    return set_number(option_by_key("port"), options, address.port, problem);
}

/* Sets what is written as a text, in a configuration or behind a flag. */
static bool set_from_text(const struct option *option, struct options *options, const char *text,
                          struct value_problem *problem)
{
    char got[TEXT_SHOWN + 16];
    int64_t ns;

    if (option->type == OPTION_TEXT)
        return set_text(option, options, text, problem);
    if (option->type == OPTION_LISTEN)
        return set_listen(option, options, text, problem);
    assert(option->type == OPTION_DURATION);
    snprintf(got, sizeof got, "\"%.*s\"", TEXT_SHOWN, text);
    if (!conf_parse_duration(bytes_of_str(text), &ns))
        return refuse_for(option, problem, got);
    return set_number(option, options, ns, problem);
}

/* A bare number where a duration is wanted counts seconds, where nats-server does so too. */
static bool set_seconds(const struct option *option, struct options *options, int64_t seconds,
                        struct value_problem *problem)
{
    int64_t ns;

    if (__builtin_mul_overflow(seconds, (int64_t)CLOCK_NS_A_SECOND, &ns))
        ns = INT64_MAX;
    if (!set_number(option, options, ns, problem))
        return false;
    refuse(problem,
           "%s: a number is taken as seconds, %" PRId64 " of them; write a duration in "
           "quotes, such as \"10s\" or \"2m\"",
           option->name, seconds);
    return true;
}

bool option_set_from_conf(const struct option *option, struct options *options,
                          const struct conf_value *value, struct value_problem *problem)
{
    bool is_integer = value->kind == CONF_INTEGER;

    problem->text[0] = '\0';
    if (value->kind == CONF_STRING && strlen(value->text) != value->text_len)
        return refuse(problem, "%s: expected a text without NUL bytes", option->name);
    switch (option->type) {
    case OPTION_BOOL:
        if (value->kind != CONF_BOOL)
            break;
        *(bool *)field(option, options) = value->boolean;
        return true;
    case OPTION_INTEGER:
    case OPTION_SIZE:
        if (!is_integer)
            break;
        return set_number(option, options, value->integer, problem);
    case OPTION_DURATION:
        if (is_integer && option->takes_seconds)
            return set_seconds(option, options, value->integer, problem);
        if (value->kind != CONF_STRING)
            break;
        return set_from_text(option, options, value->text, problem);
    case OPTION_TEXT:
    case OPTION_LISTEN: /* a number will do as its text: "server_name: 7" is no riddle */
        if (value->kind != CONF_STRING && !is_integer)
            break;
        return set_from_text(option, options, value->text, problem);
    }
    return refuse_type(option, value, problem);
}

/* What Go's flag package takes for a boolean, and the words of the configuration. */
static bool parse_flag_bool(const char *text, bool *out)
{
    struct bytes bytes = bytes_of_str(text);

    if (strcasecmp(text, "t") == 0 || strcmp(text, "1") == 0)
        *out = true;
    else if (strcasecmp(text, "f") == 0 || strcmp(text, "0") == 0)
        *out = false;
    else
        return conf_parse_bool(bytes, out);
    return true;
}

bool option_set_from_flag(const struct option *option, struct options *options, const char *text,
                          struct value_problem *problem)
{
    char got[TEXT_SHOWN + 16];
    int64_t number;

    problem->text[0] = '\0';
    snprintf(got, sizeof got, "\"%.*s\"", TEXT_SHOWN, text);
    if (option->type == OPTION_BOOL)
        return parse_flag_bool(text, field(option, options)) || refuse_for(option, problem, got);
    if (option->type == OPTION_INTEGER || option->type == OPTION_SIZE) {
        return conf_parse_integer(bytes_of_str(text), &number)
                   ? set_number(option, options, number, problem)
                   : refuse_for(option, problem, got);
    }
    return set_from_text(option, options, text, problem);
}

struct options *options_new(void)
{
    struct options *options = calloc(1, sizeof *options);

    for (size_t i = 0; options != NULL && i < options_table_rows; i++) {
        if (!option_set_default(&options_table[i], options)) {
            options_free(options);
            return NULL;
        }
    }
    return options;
}

void options_free(struct options *options)
{
    if (options == NULL)
        return;
    for (size_t i = 0; i < options_table_rows; i++)
        option_free_text(&options_table[i], options);
    free(options);
}
