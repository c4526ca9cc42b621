#include "node/runtime/settings_help.h"

#include "node/runtime/settings_table.h"
#include "node/runtime/settings_value.h"

#include <stdlib.h>

#define FLAGS_WIDTH 34 /* of the column of flags in --help */
#define TEXT_WIDTH 62  /* of the sentences beside it */

/* One dash before a short flag ("-p", "-sl", "-DVV"), two before a word. */
static const char *dashes(struct bytes flag)
{
    bool is_upper = flag.data[0] >= 'A' && flag.data[0] <= 'Z';

    return is_upper || flag.len <= 2 ? "-" : "--";
}

/* What the default of <option> is, for people. */
static void show_default(const struct option *option, char *out, size_t size)
{
    struct options *defaults = options_new();

    out[0] = '\0';
    if (option->default_means != NULL)
        snprintf(out, size, "%s", option->default_means);
    else if (option->type != OPTION_LISTEN && defaults != NULL)
        option_show(option, defaults, out, size);
    options_free(defaults);
}

/* --- --help --- */

/* Writes <text> beside a column of flags that is <column> wide so far, broken between words. */
static void write_beside(FILE *out, size_t column, const char *text)
{
    struct bytes word;
    size_t used = 0;

    if (column >= FLAGS_WIDTH) {
        fputc('\n', out);
        column = 0;
    }
    fprintf(out, "%*s", (int)(FLAGS_WIDTH - column), "");
    while (take_name(&text, &word)) {
        if (used > 0 && used + 1 + word.len > TEXT_WIDTH) {
            fprintf(out, "\n%*s", FLAGS_WIDTH, "");
            used = 0;
        }
        used += (size_t)fprintf(out, "%s%.*s", used > 0 ? " " : "", BYTES_ARG(word));
    }
    fputc('\n', out);
}

static void write_flags(FILE *out, const char *flags, const char *argument, const char *text)
{
    size_t column = (size_t)fprintf(out, "    ");
    const char *separator = "";
    struct bytes flag;

    while (take_name(&flags, &flag)) {
        column += (size_t)fprintf(out, "%s%s%.*s", separator, dashes(flag), BYTES_ARG(flag));
        separator = ", ";
    }
    if (argument != NULL)
        column += (size_t)fprintf(out, " %s", argument);
    write_beside(out, column, text);
}

static void write_option_flags(FILE *out, const struct option *option)
{
    char by_default[128];
    char text[512];

    show_default(option, by_default, sizeof by_default);
    snprintf(text, sizeof text, "%s (default: %s)", option->help, by_default);
    write_flags(out, option->flags, option->argument, text);
}

void settings_write_help(FILE *out)
{
    fputs("Usage: natter-node [flags]\n\n"
          "Carries messages between NATS clients. Flags override the configuration file.\n",
          out);
    for (int section = 0; section < SECTION_COUNT; section++) {
        bool has_title = false;

        for (size_t i = 0; i < options_table_rows; i++) {
            const struct option *option = &options_table[i];

            if ((int)option->section != section || option->flags == NULL)
                continue;
            if (!has_title)
                fprintf(out, "\n%s:\n", option_section_title(option->section));
            has_title = true;
            write_option_flags(out, option);
        }
    }
    fputs("\nCommon:\n", out);
    for (size_t i = 0; i < command_table_rows; i++) {
        const struct command_flag *command = &command_table[i];

        if (command->help != NULL)
            write_flags(out, command->flags, command->argument, command->help);
    }
    fputs("\nThe options of the configuration file: docs/options.md\n", out);
}

/* --- docs/options.md --- */

/* Writes the names in <list>, each as code, with <prefix> or the dashes of a flag. */
static void write_names(FILE *out, const char *list, bool are_flags)
{
    const char *separator = "";
    struct bytes name;

    while (take_name(&list, &name)) {
        fprintf(out, "%s`%s%.*s`", separator, are_flags ? dashes(name) : "", BYTES_ARG(name));
        separator = ", ";
    }
}

static void write_option_row(FILE *out, const struct option *option)
{
    char by_default[128];
    char expected[128];

    show_default(option, by_default, sizeof by_default);
    option_show_expected(option, expected, sizeof expected);
    fprintf(out, "| `%s`", option->name);
    if (option->aliases != NULL)
        fputs(", ", out);
    write_names(out, option->aliases, false);
    fputs(" | ", out);
    write_names(out, option->flags, true);
    fprintf(out, " | %s | %s | %s | %s.%s |\n", expected, by_default,
            option->is_reloadable ? "yes" : "restart", option->help,
            option->zero_is_default ? " 0 means the default." : "");
}

static void write_sections(FILE *out)
{
    for (int section = 0; section < SECTION_COUNT; section++) {
        fprintf(out,
                "\n## %s\n\n"
                "| option | flag | takes | default | reload | |\n"
                "|---|---|---|---|---|---|\n",
                option_section_title((enum option_section)section));
        for (size_t i = 0; i < options_table_rows; i++) {
            if ((int)options_table[i].section == section)
                write_option_row(out, &options_table[i]);
        }
    }
}

static void write_commands(FILE *out)
{
    fputs("\n## Flags that are no options\n\n| flag | |\n|---|---|\n", out);
    for (size_t i = 0; i < command_table_rows; i++) {
        const struct command_flag *command = &command_table[i];

        if (command->help == NULL)
            continue;
        fputs("| ", out);
        write_names(out, command->flags, true);
        fprintf(out, "%s%s%s | %s. |\n", command->argument == NULL ? "" : " `",
                command->argument == NULL ? "" : command->argument,
                command->argument == NULL ? "" : "`", command->help);
    }
}

static void write_foreign(FILE *out)
{
    static const char *const states[] = {[FOREIGN_NOT_YET] = "refused, not there yet",
                                         [FOREIGN_NEVER] = "refused, not planned",
                                         [FOREIGN_WITHOUT_EFFECT] = "accepted, no effect"};

    fputs("\n## Options of nats-server that natter-node does not have\n\n"
          "An option that is refused may stand in a configuration with the value `false`.\n\n"
          "| options | flags | | what they are for, or why they are not needed |\n"
          "|---|---|---|---|\n",
          out);
    for (size_t i = 0; i < foreign_table_rows; i++) {
        const struct foreign_option *foreign = &foreign_table[i];

        fputs("| ", out);
        write_names(out, foreign->names, false);
        fputs(" | ", out);
        write_names(out, foreign->flags, true);
        fprintf(out, " | %s | %s |\n", states[foreign->state], foreign->feature);
    }
}

void settings_write_markdown(FILE *out)
{
    fputs("# Options of natter-node\n\n"
          "<!-- Written by natter-node --options-markdown from node/runtime/settings_table.c:"
          " change that, not this. -->\n\n"
          "How a configuration file is written, and how it is read again: see "
          "[configuration.md](configuration.md).\n"
          "Flags take one or two dashes and override the file. A \"reload\" of \"yes\" means that "
          "SIGHUP changes the\n"
          "option in a running node; the others need a restart.\n",
          out);
    write_sections(out);
    write_commands(out);
    write_foreign(out);
}
