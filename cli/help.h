/* help: what --help prints, made from the tables that parse the command line.
 *
 * Threads   one. Prints to standard output only. */
#ifndef NATTER_CLI_HELP_H
#define NATTER_CLI_HELP_H

#include "cli/command.h"

/* The program: its commands, its own options in <spec>, the environment, the exit statuses. */
void help_print_program(const struct command *const *commands, const struct args_spec *spec);

/* One command: usage, operands, options with their defaults, examples, exit statuses. */
void help_print_command(const struct command *command);

#endif
