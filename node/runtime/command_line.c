#include "node/runtime/command_line.h"

#include <stdarg.h>
#include <stdio.h>

/* The arguments as they are walked through. */
struct walk {
    int left;
    char **next;
    struct command_line *out;
    char *problem;
    const char *argument;     /* the one at hand, as given */
    struct bytes name;        /* of its flag, without dashes */
    const char *inline_value; /* behind its '=', or NULL */
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct walk *w, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(w->problem, COMMAND_LINE_PROBLEM_SIZE, format, args);
    va_end(args);
    return false;
}

/* The value of a flag that needs one: behind the '=', or the next argument. */
static bool take_value(struct walk *w, const char **value)
{
    *value = w->inline_value;
    if (*value != NULL)
        return true;
    if (w->left == 0)
        return refuse(w, "flag needs an argument: %.100s", w->argument);
    *value = *w->next++;
    w->left--;
    return true;
}

static bool assign(struct walk *w, const struct option *option, const char *text)
{
    struct command_line *out = w->out;

    if (out->assignment_count == COMMAND_LINE_ASSIGNMENTS_MAX)
        return refuse(w, "there are more than %d flags", COMMAND_LINE_ASSIGNMENTS_MAX);
    out->assignments[out->assignment_count++] =
        (struct assignment){.option = option, .flag = w->argument, .text = text};
    return true;
}

static bool take_option(struct walk *w, const struct option *option)
{
    const char *text;

    if (option->type == OPTION_BOOL)
        return assign(w, option, w->inline_value == NULL ? "true" : w->inline_value);
    return take_value(w, &text) && assign(w, option, text);
}

/* Sets each of several options: -DV. */
static bool take_set(struct walk *w, const struct command_flag *command)
{
    const char *list = command->sets;
    struct bytes name;

    while (take_name(&list, &name)) {
        char key[64];

        snprintf(key, sizeof key, "%.*s", BYTES_ARG(name));
        if (!take_option(w, option_by_key(key)))
            return false;
    }
    return true;
}

static bool take_command(struct walk *w, const struct command_flag *command)
{
    switch (command->action) {
    case COMMAND_SET:
        return take_set(w, command);
    case COMMAND_CONFIG:
        return take_value(w, &w->out->config_path);
    case COMMAND_TEST:
        w->out->is_test = true;
        return true;
    case COMMAND_SIGNAL:
        w->out->action = COMMAND_SIGNAL;
        return take_value(w, &w->out->signal);
    case COMMAND_HELP:
    case COMMAND_VERSION:
    case COMMAND_OPTIONS_MARKDOWN:
        w->out->action = command->action;
        return true;
    }
    return false;
}

static bool take_foreign(struct walk *w, const struct foreign_option *foreign)
{
    const char *value;

    if (foreign->state == FOREIGN_WITHOUT_EFFECT) /* the one such flag, -profile, has a value */
        return take_value(w, &value);
    return refuse(w, "%.100s: natter-node does not support %s%s", w->argument, foreign->feature,
                  foreign->state == FOREIGN_NOT_YET ? " yet" : "");
}

/* Splits "--name=value" and looks the name up. */
static bool take_flag(struct walk *w)
{
    const char *name = w->argument + (w->argument[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    const struct option *option;
    const struct command_flag *command;
    const struct foreign_option *foreign;

    w->name = equals == NULL ? bytes_of_str(name) : bytes_of(name, (size_t)(equals - name));
    w->inline_value = equals == NULL ? NULL : equals + 1;
    if ((option = option_by_flag(w->name)) != NULL)
        return take_option(w, option);
    if ((command = command_by_flag(w->name)) != NULL)
        return take_command(w, command);
    if ((foreign = foreign_by_flag(w->name)) != NULL)
        return take_foreign(w, foreign);
    return refuse(w, "flag provided but not defined: -%.100s", name);
}

static bool take_word(struct walk *w, bool is_first)
{
    struct command_line *out = w->out;

    if (is_first && strcmp(w->argument, "help") == 0)
        out->action = COMMAND_HELP;
    else if (is_first && strcmp(w->argument, "version") == 0)
        out->action = COMMAND_VERSION;
    else
        return refuse(w, "unrecognized command: \"%.100s\"", w->argument);
    return true;
}

bool command_line_read(int argc, char **argv, struct command_line *out,
                       char problem[COMMAND_LINE_PROBLEM_SIZE])
{
    struct walk w = {.left = argc - 1, .next = argv + 1, .out = out, .problem = problem};
    bool are_words_only = false; /* behind "--" */

    *out = (struct command_line){.action = COMMAND_SET};
    while (w.left > 0) {
        bool is_first = w.left == argc - 1;
        bool ok;

        w.argument = *w.next++;
        w.left--;
        if (!are_words_only && strcmp(w.argument, "--") == 0) {
            are_words_only = true;
            continue;
        }
        if (!are_words_only && w.argument[0] == '-' && w.argument[1] != '\0')
            ok = take_flag(&w);
        else
            ok = take_word(&w, is_first);
        if (!ok)
            return false;
    }
    if (out->is_test && out->action == COMMAND_SET && out->config_path == NULL)
        return refuse(&w, "-t needs a configuration file to check: -c <file>");
    return true;
}
