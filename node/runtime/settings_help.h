/* settings_help: the table of options, written for people.
 *
 * Threads   any. */
#ifndef NATTER_RUNTIME_SETTINGS_HELP_H
#define NATTER_RUNTIME_SETTINGS_HELP_H

#include <stdio.h>

/* What --help shows: the flags. */
void settings_write_help(FILE *out);

/* docs/options.md: every option, as it is in the table. */
void settings_write_markdown(FILE *out);

#endif
