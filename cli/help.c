#include "cli/help.h"

#include "cli/connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 28 /* where explanations begin */

/* Prints "  <left>    <text>" with the text's further lines under its first. */
static void print_entry(const char *left, const char *text)
{
    const char *line = text;

    printf("  %-*s", HELP_COLUMN - 2, left);
    if (strlen(left) > HELP_COLUMN - 4)
        printf("\n%*s", HELP_COLUMN, "");
    for (;;) {
        size_t len = strcspn(line, "\n");

        printf("%.*s\n", (int)len, line);
        if (line[len] == '\0')
            return;
        line += len + 1;
        printf("%*s", HELP_COLUMN, "");
    }
}

/* Appends " (default 5s)" to <text> when the defaults say one. */
static void append_default(char *text, size_t size, const struct args_option *row,
                           const void *defaults)
{
    const void *field = (const char *)defaults + row->offset;
    size_t used = strlen(text);
    uint32_t number;
    int64_t ms;

    if (row->kind == ARGS_NUMBER) {
        memcpy(&number, field, sizeof number);
        if (number > 0)
            snprintf(text + used, size - used, " (default %" PRIu32 ")", number);
    } else if (row->kind == ARGS_DURATION) {
        memcpy(&ms, field, sizeof ms);
        if (ms > 0 && ms % 1000 == 0)
            snprintf(text + used, size - used, " (default %" PRId64 "s)", ms / 1000);
        else if (ms > 0)
            snprintf(text + used, size - used, " (default %" PRId64 "ms)", ms);
    }
}

static void print_option(const struct args_option *row, const void *defaults)
{
    char left[80];
    char text[512];
    char letter[8] = "    ";

    if (row->letter != '\0')
        snprintf(letter, sizeof letter, "-%c, ", row->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "",
             row->value != NULL ? row->value : "");
    snprintf(text, sizeof text, "%s", row->help);
    if (defaults != NULL)
        append_default(text, sizeof text, row, defaults);
    print_entry(left, text);
}

static void print_groups(const struct args_group *const *group, const void *defaults)
{
    for (; *group != NULL; group++) {
        printf("\n%s\n", (*group)->title);
        for (size_t i = 0; i < (*group)->option_count; i++)
            print_option(&(*group)->options[i], defaults);
    }
}

static void print_statuses(void)
{
    puts("\nExit status");
#define PRINT_STATUS(name, number, meaning) print_entry(#number, meaning);
    COMMAND_STATUSES(PRINT_STATUS)
#undef PRINT_STATUS
}

void help_print_program(const struct command *const *commands, const struct args_spec *spec)
{
    puts("natter: publish, subscribe and ask, on natter or any NATS server\n"
         "\n"
         "Usage: natter COMMAND [ARGUMENTS] [OPTIONS]\n"
         "       natter COMMAND --help\n"
         "\n"
         "Commands");
    for (; *commands != NULL; commands++)
        print_entry((*commands)->name, (*commands)->summary);
    print_groups(spec->groups, NULL);
    puts("\nEnvironment");
    print_entry("NATS_URL",
                "the server when --server is not given;\notherwise " CONNECTION_DEFAULT_URL);
    print_entry("NO_COLOR", "when set, no colour even on a terminal");
    print_statuses();
}

void help_print_command(const struct command *command)
{
    const struct args_operand *operand;

    printf("natter %s: %s\n\nUsage: natter %s", command->name, command->summary, command->name);
    for (operand = command->operands; operand->name != NULL; operand++)
        printf(operand->is_required ? " %s" : " [%s]", operand->name);
    printf(" [OPTIONS]\n\n");
    for (operand = command->operands; operand->name != NULL; operand++)
        print_entry(operand->name, operand->help);
    printf("\n%s", command->details);
    print_groups(command->groups, command->defaults);
    printf("\nExamples\n%s", command->examples);
    print_statuses();
}
