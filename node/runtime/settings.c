#include "node/runtime/settings.h"

#include "lib/base/conf.h"
#include "node/broker/broker.h"
#include "node/runtime/settings_help.h"
#include "node/runtime/settings_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>

#define PROGRAM "natter-node"
#define LINE_SIZE 1024
#define PAYLOAD_ADVISED_MAX (INT64_C(8) << 20)
#define MEMORY_MIN (INT64_C(8) << 20) /* less than a node needs for itself and some clients */

/* One reading of the configuration: what comes out, where each value came from, whom to tell. */
struct reading {
    struct options *options;
    struct conf_place *places; /* by row of the table; line 0: not from the file */
    const struct settings_listener *listener;
    unsigned errors;
    unsigned warnings;
};

/* --- options as a whole --- */

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    options_free(settings->options);
    free(settings);
}

/* --- complaints --- */

__attribute__((format(printf, 4, 5))) static void
complain(struct reading *r, bool is_error, struct conf_place place, const char *format, ...)
{
    char line[LINE_SIZE];
    size_t len = 0;
    va_list args;

    if (place.file != NULL)
        len = (size_t)snprintf(line, sizeof line, "%.255s:", place.file);
    if (place.file != NULL && place.line > 0)
        len += (size_t)snprintf(line + len, sizeof line - len, "%u:%u:", place.line, place.column);
    if (place.file != NULL)
        len += (size_t)snprintf(line + len, sizeof line - len, " ");
    va_start(args, format);
    vsnprintf(line + len, sizeof line - len, format, args);
    va_end(args);
    r->listener->complaint(r->listener->arg, is_error, line);
    if (is_error)
        r->errors++;
}

/* A warning that -t takes for an error. */
static void warn(struct reading *r, struct conf_place place, const char *text)
{
    complain(r, false, place, "%s", text);
    r->warnings++;
}

static struct conf_place *place_of(struct reading *r, const struct option *option)
{
    return &r->places[option - options_table];
}

/* Where the value of the option <key> came from, to point at when it contradicts that of <other>;
 * where the other came from when the former is at its default. */
static struct conf_place place_of_either(struct reading *r, const char *key, const char *other)
{
    struct conf_place place = *place_of(r, option_by_key(key));

    return place.file != NULL ? place : *place_of(r, option_by_key(other));
}

static struct conf_place place_of_key(struct reading *r, const char *key)
{
    return place_of_either(r, key, key);
}

static void came_from(struct reading *r, const struct option *option, struct conf_place place)
{
    *place_of(r, option) = place;
    if (option->type == OPTION_LISTEN) {
        *place_of(r, option_by_key("host")) = place;
        *place_of(r, option_by_key("port")) = place;
    }
}

/* --- the configuration file --- */

static void read_foreign(struct reading *r, const struct foreign_option *foreign,
                         const struct conf_value *value)
{
    if (value->kind == CONF_BOOL && !value->boolean)
        return; /* what is not wanted is not missed */
    if (foreign->state == FOREIGN_WITHOUT_EFFECT) {
        complain(r, false, value->key_place, "%s has no effect in natter-node: %s", value->key,
                 foreign->feature);
    } else {
        complain(r, true, value->key_place, "%s: natter-node does not support %s%s", value->key,
                 foreign->feature, foreign->state == FOREIGN_NOT_YET ? " yet" : "");
    }
}

static void read_entry(struct reading *r, const struct conf_value *value)
{
    const struct option *option = option_by_key(value->key);
    const struct foreign_option *foreign = foreign_by_key(value->key);
    struct value_problem problem;

    if (option != NULL) {
        if (!option_set_from_conf(option, r->options, value, &problem))
            complain(r, true, value->place, "%s", problem.text);
        else if (problem.text[0] != '\0')
            warn(r, value->place, problem.text);
        came_from(r, option, value->place);
    } else if (value->used_as_variable) {
        return;
    } else if (foreign != NULL) {
        read_foreign(r, foreign, value);
    } else {
        complain(r, true, value->key_place, "unknown field \"%.200s\"", value->key);
    }
}

/* The tree must live as long as the places that point into it. */
static struct conf *read_file(struct reading *r, const char *path)
{
    struct conf_error error;
    struct conf *conf = conf_read_file(path, &error);

    if (conf == NULL) {
        struct conf_place none = {0};

        /* "cannot open 'x.conf'" names the file itself */
        complain(r, true, error.place.line == 0 ? none : error.place, "%s", error.message);
        return NULL;
    }
    for (const struct conf_value *v = conf_root(conf)->first; v != NULL; v = v->next)
        read_entry(r, v);
    return conf;
}

/* --- flags --- */

static void apply_flags(struct reading *r, const struct command_line *command_line)
{
    for (size_t i = 0; i < command_line->assignment_count; i++) {
        const struct assignment *a = &command_line->assignments[i];
        struct conf_place place = {.file = a->flag};
        struct value_problem problem;

        if (!option_set_from_flag(a->option, r->options, a->text, &problem))
            complain(r, true, place, "%s", problem.text);
        came_from(r, a->option, place);
    }
}

/* --- what one option says about another --- */

static void check_sizes(struct reading *r)
{
    const struct options *o = r->options;
    char a[32];
    char b[32];

    show_size(o->max_payload, a, sizeof a);
    show_size(o->max_pending, b, sizeof b);
    if (o->max_payload > o->max_pending) {
        complain(r, true, place_of_either(r, "max_payload", "max_pending"),
                 "max_payload (%s) must not be larger than max_pending (%s)", a, b);
    } else if (o->max_payload > PAYLOAD_ADVISED_MAX) {
        complain(r, false, place_of_key(r, "max_payload"),
                 "max_payload (%s) is larger than the 8mb that are advised at most", a);
    }
    show_size(o->max_memory_bytes, a, sizeof a);
    show_size(MEMORY_MIN, b, sizeof b);
    if (o->max_memory_bytes != 0 && o->max_memory_bytes < MEMORY_MIN)
        complain(r, true, place_of_key(r, "max_memory"),
                 "max_memory: expected 0 or a size of at least %s, but got %s", b, a);
}

static void check_times(struct reading *r)
{
    const struct options *o = r->options;
    char a[64];
    char b[64];

    show_duration(o->lame_duck_grace_period_ns, a, sizeof a);
    show_duration(o->lame_duck_duration_ns, b, sizeof b);
    if (o->lame_duck_grace_period_ns >= o->lame_duck_duration_ns)
        complain(r, true, place_of_either(r, "lame_duck_grace_period", "lame_duck_duration"),
                 "lame_duck_grace_period (%s) must be shorter than lame_duck_duration (%s)", a, b);
}

static void check_names(struct reading *r)
{
    const struct options *o = r->options;

    if (strpbrk(o->server_name, " \t\r\n") != NULL)
        complain(r, true, place_of_key(r, "server_name"),
                 "server_name: expected a name without blanks, but got \"%.100s\"", o->server_name);
}

static void check_together(struct reading *r)
{
    check_sizes(r);
    check_times(r);
    check_names(r);
}

/* --- reading it all --- */

/* Fills r->options from the defaults, the file and the flags. False when anything is wrong. */
static bool read_all(struct reading *r, const struct command_line *command_line)
{
    struct conf *conf = NULL;

    r->options = options_new();
    r->places = calloc(options_table_rows, sizeof *r->places);
    if (r->options == NULL || r->places == NULL) {
        complain(r, true, (struct conf_place){0}, "out of memory");
    } else {
        if (command_line->config_path != NULL)
            conf = read_file(r, command_line->config_path);
        apply_flags(r, command_line);
        r->options->trace |= r->options->trace_verbose;
        if (r->errors == 0)
            check_together(r);
    }
    conf_free(conf);
    free(r->places);
    r->places = NULL;
    if (r->errors > 0) {
        options_free(r->options);
        r->options = NULL;
    }
    return r->errors == 0;
}

/* --- at the start --- */

static void print_complaint(void *arg, bool is_error, const char *line)
{
    fprintf(arg, PROGRAM ": %s%s\n", is_error ? "" : "warning: ", line);
}

/* Says what the flags ask for that needs no options. False when it is not that. */
static bool show(enum command_action what, FILE *out)
{
    switch (what) {
    case COMMAND_HELP:
        settings_write_help(out);
        return true;
    case COMMAND_VERSION:
        fprintf(out, PROGRAM ": v%s\n", NATTER_VERSION);
        return true;
    case COMMAND_OPTIONS_MARKDOWN:
        settings_write_markdown(out);
        return true;
    case COMMAND_SET:
    case COMMAND_CONFIG:
    case COMMAND_TEST:
    case COMMAND_SIGNAL:
        break;
    }
    return false;
}

static enum settings_action read_signal(struct settings *s, FILE *err)
{
    char problem[SIGNAL_COMMAND_PROBLEM_SIZE];

    if (signal_command_read(s->command_line.signal, &s->signal, problem))
        return SETTINGS_SEND_SIGNAL;
    fprintf(err, PROGRAM ": %s\n", problem);
    return SETTINGS_EXIT_FAILURE;
}

static enum settings_action read_options(struct settings *s, FILE *err)
{
    struct settings_listener listener = {.complaint = print_complaint, .arg = err};
    struct reading r = {.listener = &listener};

    if (!read_all(&r, &s->command_line))
        return SETTINGS_EXIT_FAILURE;
    s->options = r.options;
    if (!s->command_line.is_test)
        return SETTINGS_RUN;
    if (r.warnings > 0)
        return SETTINGS_EXIT_FAILURE;
    fprintf(err, PROGRAM ": configuration file %s is valid\n", s->command_line.config_path);
    return SETTINGS_EXIT_OK;
}

static enum settings_action read_into(struct settings *s, int argc, char **argv, FILE *out,
                                      FILE *err)
{
    char problem[COMMAND_LINE_PROBLEM_SIZE];

    if (!command_line_read(argc, argv, &s->command_line, problem)) {
        fprintf(err, PROGRAM ": %s\n" PROGRAM ": --help shows all flags\n", problem);
        return SETTINGS_EXIT_FAILURE;
    }
    if (show(s->command_line.action, out))
        return SETTINGS_EXIT_OK;
    if (s->command_line.action == COMMAND_SIGNAL)
        return read_signal(s, err);
    return read_options(s, err);
}

struct settings *settings_read(int argc, char **argv, FILE *out, FILE *err,
                               enum settings_action *action)
{
    struct settings *s = calloc(1, sizeof *s);

    if (s == NULL) {
        fprintf(err, PROGRAM ": out of memory\n");
        *action = SETTINGS_EXIT_FAILURE;
        return NULL;
    }
    *action = read_into(s, argc, argv, out, err);
    if (*action == SETTINGS_RUN || *action == SETTINGS_SEND_SIGNAL)
        return s;
    settings_free(s);
    return NULL;
}

/* --- reload --- */

static void tell_changes(const struct options *running, const struct options *wanted,
                         const struct settings_listener *listener)
{
    for (size_t i = 0; i < options_table_rows; i++) {
        const struct option *option = &options_table[i];
        char from[LINE_SIZE];
        char to[LINE_SIZE];

        if (option_is_equal(option, running, wanted))
            continue;
        option_show(option, running, from, sizeof from);
        option_show(option, wanted, to, sizeof to);
        listener->change(listener->arg,
                         &(struct settings_change){.name = option->name,
                                                   .from = from,
                                                   .to = to,
                                                   .needs_restart = !option->is_reloadable});
    }
}

/* What the node would run with: <wanted> where that can be changed, else <running>. NULL when memory
 * is out. */
static struct options *merge(const struct options *running, const struct options *wanted)
{
    struct options *merged = options_new();

    for (size_t i = 0; merged != NULL && i < options_table_rows; i++) {
        const struct option *option = &options_table[i];

        if (!option_copy(option, merged, option->is_reloadable ? wanted : running)) {
            options_free(merged);
            return NULL;
        }
    }
    return merged;
}

/* The values that stay may contradict those that change, though the file as a whole is right. */
static bool check_merged(struct reading *r, struct options *merged)
{
    r->options = merged;
    if (merged->max_payload > merged->max_pending) {
        complain(r, true, (struct conf_place){0},
                 "max_payload cannot be larger than the max_pending in use, which needs a restart "
                 "to change");
    }
    return r->errors == 0;
}

struct settings *settings_reload(const struct settings *running,
                                 const struct settings_listener *listener)
{
    struct reading r = {.listener = listener};
    struct settings *s;
    struct options *wanted;

    if (running->command_line.config_path == NULL) {
        complain(&r, true, (struct conf_place){0},
                 "can only reload config when a file is provided using -c or --config");
        return NULL;
    }
    if (!read_all(&r, &running->command_line))
        return NULL;
    wanted = r.options;
    s = calloc(1, sizeof *s);
    if (s != NULL) {
        s->command_line = running->command_line;
        s->options = merge(running->options, wanted);
    }
    if (s == NULL || s->options == NULL) {
        complain(&r, true, (struct conf_place){0}, "out of memory");
    } else if (check_merged(&r, s->options)) {
        tell_changes(running->options, wanted, listener);
        options_free(wanted);
        return s;
    }
    options_free(wanted);
    settings_free(s);
    return NULL;
}
