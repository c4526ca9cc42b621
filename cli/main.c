/* natter: the command line. Finds the command, reads its options, runs it. */
#include "cli/command.h"
#include "cli/help.h"
#include "cli/report.h"

#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long libnats' own threads may take to end. */
#define LIBRARY_CLOSE_MS 2000

static const struct command *const commands[] = {
#define COMMAND_ROW(name) &command_##name,
    COMMANDS(COMMAND_ROW)
#undef COMMAND_ROW
        NULL,
};

/* `natter -s URL pub ...` and `natter pub -s URL ...` mean the same. */
static const struct args_spec program_spec = {
    .groups =
        (const struct args_group *const[]){&command_common_group, &command_program_group, NULL},
    .operands = (const struct args_operand[]){{.name = NULL}},
    .stops_at_operand = true,
};

static const struct command *find_command(const char *name)
{
    for (const struct command *const *row = commands; *row != NULL; row++)
        if (strcmp((*row)->name, name) == 0)
            return *row;
    report_error("there is no command '%s'; see 'natter --help'", name);
    return NULL;
}

static enum command_status refuse_usage(const struct command *command,
                                        const struct args_error *error)
{
    report_error("%s; see 'natter %s%s--help'", error->text, command != NULL ? command->name : "",
                 command != NULL ? " " : "");
    return COMMAND_USAGE;
}

/* Output that did not arrive is no help. */
static enum command_status finish_help(void)
{
    return fflush(stdout) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static enum command_status print_help(const char *name)
{
    const struct command *command;

    if (name == NULL) {
        help_print_program(commands, &program_spec);
        return finish_help();
    }
    command = find_command(name);
    if (command == NULL)
        return COMMAND_USAGE;
    help_print_command(command);
    return finish_help();
}

/* Runs <command> with argv[0] as its name; <options> begins with what stood before that. */
static enum command_status run_with(const struct command *command, int argc, char **argv,
                                    void *options)
{
    struct command_common *common = options;
    const struct args_spec spec = {.groups = command->groups, .operands = command->operands};
    struct args_error error;
    int first = args_read_options(&spec, argc, argv, options, &error);
    enum command_status status;

    if (first == 0)
        return refuse_usage(command, &error);
    if (common->wants_help)
        return print_help(command->name);
    if (!args_read_operands(&spec, argc, argv, first, options, &error))
        return refuse_usage(command, &error);
    report_open(common->is_quiet);
    status = command->run(options);
    nats_CloseAndWait(LIBRARY_CLOSE_MS);
    return status;
}

static enum command_status run_command(int argc, char **argv, const struct command_common *common)
{
    const struct command *command = find_command(argv[0]);
    void *options;
    enum command_status status;

    if (command == NULL)
        return COMMAND_USAGE;
    options = malloc(command->options_bytes);
    if (options == NULL) {
        report_error("out of memory");
        return COMMAND_FAILED;
    }
    memcpy(options, command->defaults, command->options_bytes);
    *(struct command_common *)options = *common;
    status = run_with(command, argc, argv, options);
    free(options);
    return status;
}

static enum command_status run_program(int argc, char **argv)
{
    struct command_common common = {0};
    struct args_error error;
    int first;

    report_open(false);
    first = args_read_options(&program_spec, argc, argv, &common, &error);
    if (first == 0)
        return refuse_usage(NULL, &error);
    if (common.wants_version) {
        printf("natter %s (libnats %s)\n", NATTER_VERSION, nats_GetVersion());
        return finish_help();
    }
    if (common.wants_help)
        return print_help(argv[first]);
    if (first == argc) {
        report_error("which command? see 'natter --help'");
        return COMMAND_USAGE;
    }
    if (strcmp(argv[first], "help") == 0)
        return print_help(argv[first + 1]);
    return run_command(argc - first, argv + first, &common);
}

int main(int argc, char **argv)
{
    return (int)run_program(argc, argv);
}
