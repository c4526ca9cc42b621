/* report: what the program says about itself, on standard error.
 *
 * Errors always, notices ("listening on orders.>") unless --quiet. Each is one line that begins
 * with the program's name, red or dim when standard error is a terminal.
 *
 * Threads   any, once report_open() has returned: each line is one write. */
#ifndef NATTER_CLI_REPORT_H
#define NATTER_CLI_REPORT_H

#include <stdbool.h>

#define REPORT_LINE_MAX 1024 /* bytes; what is longer is cut */

void report_open(bool is_quiet);

__attribute__((format(printf, 1, 2))) void report_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void report_notice(const char *format, ...);

/* True when colour may be written to <fd>: a terminal that knows it, and NO_COLOR is not set. */
bool report_colour_suits(int fd);

/* "s" but for one: "1 message", "2 messages". */
#define REPORT_PLURAL(count) ((count) == 1 ? "" : "s")

#endif
