#include "cli/args.h"

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/conf.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

/* getopt_long() tells an option by a number: ours by its place in the tables, counted from here,
 * which keeps clear of letters. */
#define FIRST_OPTION 256

/* The tables of one command as getopt_long() wants them. */
struct getopt_tables {
    const struct args_option *rows[ARGS_OPTIONS_MAX];
    struct option longs[ARGS_OPTIONS_MAX + 1];
    char letters[2 + 2 * ARGS_OPTIONS_MAX + 1];
    int count;
};

static void fill_tables(struct getopt_tables *tables, const struct args_spec *spec)
{
    char *letter = tables->letters;

    *tables = (struct getopt_tables){0};
    if (spec->stops_at_operand)
        *letter++ = '+';
    *letter++ = ':'; /* a missing value is told apart from an unknown option */
    for (const struct args_group *const *group = spec->groups; *group != NULL; group++) {
        for (size_t i = 0; i < (*group)->option_count; i++) {
            const struct args_option *row = &(*group)->options[i];

            assert(tables->count < ARGS_OPTIONS_MAX);
            tables->rows[tables->count] = row;
            tables->longs[tables->count] = (struct option){
                .name = row->name,
                .has_arg = row->kind == ARGS_FLAG ? no_argument : required_argument,
                .val = FIRST_OPTION + tables->count,
            };
            tables->count++;
            if (row->letter == '\0')
                continue;
            *letter++ = row->letter;
            if (row->kind != ARGS_FLAG)
                *letter++ = ':';
        }
    }
}

/* The row that getopt_long() means by <code>: a letter or a place. NULL when it is none of ours. */
static const struct args_option *find_row(const struct getopt_tables *tables, int code)
{
    if (code >= FIRST_OPTION)
        return tables->rows[code - FIRST_OPTION];
    for (int i = 0; i < tables->count; i++)
        if (code != '\0' && tables->rows[i]->letter == code)
            return tables->rows[i];
    return NULL;
}

bool args_parse_duration(const char *text, int64_t *out_ms)
{
    struct bytes bytes = bytes_of_str(text);
    uint64_t seconds;
    int64_t ns;
    int64_t ms;

    if (bytes_to_u64(bytes, ARGS_DURATION_MS_MAX / 1000, &seconds))
        ms = (int64_t)seconds * 1000;
    else if (conf_parse_duration(bytes, &ns))
        ms = ns / (int64_t)CLOCK_NS_A_MS;
    else
        return false;
    if (ms < 1 || ms > ARGS_DURATION_MS_MAX)
        return false;
    *out_ms = ms;
    return true;
}

static bool set_number(const struct args_option *row, const char *value, uint32_t *field,
                       struct args_error *error)
{
    uint64_t number;

    if (!bytes_to_u64(bytes_of_str(value), ARGS_NUMBER_MAX, &number) || number < row->number_min) {
        snprintf(error->text, sizeof error->text,
                 "option '--%s' takes a number from %u to %d, not '%.40s'", row->name,
                 row->number_min, ARGS_NUMBER_MAX, value);
        return false;
    }
    *field = (uint32_t)number;
    return true;
}

static bool set_duration(const struct args_option *row, const char *value, int64_t *field,
                         struct args_error *error)
{
    if (!args_parse_duration(value, field)) {
        snprintf(error->text, sizeof error->text,
                 "option '--%s' takes a duration such as 5s, 1m30s or 250ms, not '%.40s'",
                 row->name, value);
        return false;
    }
    return true;
}

static bool set_list(const struct args_option *row, const char *value, struct args_list *field,
                     struct args_error *error)
{
    if (field->count == ARGS_LIST_MAX) {
        snprintf(error->text, sizeof error->text, "option '--%s' is given more than %d times",
                 row->name, ARGS_LIST_MAX);
        return false;
    }
    field->items[field->count++] = value;
    return true;
}

static bool set_option(const struct args_option *row, const char *value, void *target,
                       struct args_error *error)
{
    void *field = (char *)target + row->offset;

    switch (row->kind) {
    case ARGS_FLAG:
        *(bool *)field = true;
        return true;
    case ARGS_TEXT:
        *(const char **)field = value;
        return true;
    case ARGS_NUMBER:
        return set_number(row, value, field, error);
    case ARGS_DURATION:
        return set_duration(row, value, field, error);
    case ARGS_LIST:
        return set_list(row, value, field, error);
    }
    return false;
}

/* Says what getopt_long() did not like: <verdict> is its '?' or ':', <word> the word it read last.
 */
static void explain_refusal(const struct getopt_tables *tables, int verdict, const char *word,
                            struct args_error *error)
{
    const struct args_option *row = find_row(tables, optopt);

    if (row != NULL) {
        snprintf(error->text, sizeof error->text, "option '--%s' %s", row->name,
                 verdict == ':' ? "needs a value" : "takes no value");
    } else if (optopt == '\0') { /* a name, not a letter */
        snprintf(error->text, sizeof error->text, "unknown option '%.60s'", word);
    } else {
        snprintf(error->text, sizeof error->text, "unknown option '-%c'", optopt);
    }
}

int args_read_options(const struct args_spec *spec, int argc, char **argv, void *target,
                      struct args_error *error)
{
    struct getopt_tables tables;
    int code;

    fill_tables(&tables, spec);
    optind = 0; /* glibc: start anew, on another argv */
    opterr = 0;
    while ((code = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
        if (code == '?' || code == ':') {
            explain_refusal(&tables, code, argv[optind - 1], error);
            return 0;
        }
        if (!set_option(find_row(&tables, code), optarg, target, error))
            return 0;
    }
    return optind;
}

bool args_read_operands(const struct args_spec *spec, int argc, char **argv, int first,
                        void *target, struct args_error *error)
{
    const struct args_operand *operand = spec->operands;

    for (; operand->name != NULL; operand++) {
        if (first < argc) {
            *(const char **)((char *)target + operand->offset) = argv[first++];
        } else if (operand->is_required) {
            snprintf(error->text, sizeof error->text, "%s is missing", operand->name);
            return false;
        }
    }
    if (first < argc) {
        snprintf(error->text, sizeof error->text,
                 "'%.60s' is one word too many; quote what belongs together", argv[first]);
        return false;
    }
    return true;
}
