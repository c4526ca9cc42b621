#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static bool notices_are_off;
static bool is_coloured;

bool report_colour_suits(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if (no_colour != NULL && *no_colour != '\0')
        return false;
    return isatty(fd) && term != NULL && strcmp(term, "dumb") != 0;
}

void report_open(bool is_quiet)
{
    notices_are_off = is_quiet;
    is_coloured = report_colour_suits(STDERR_FILENO);
}

/* What a server or a peer said may be in it: control bytes must not reach the terminal. */
static void write_line(const char *colour, const char *format, va_list values)
{
    char text[REPORT_LINE_MAX];

    vsnprintf(text, sizeof text, format, values);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    if (is_coloured)
        fprintf(stderr, "%snatter: %s" PLAIN "\n", colour, text);
    else
        fprintf(stderr, "natter: %s\n", text);
}

void report_error(const char *format, ...)
{
    va_list values;

    va_start(values, format);
    write_line(RED, format, values);
    va_end(values);
}

void report_notice(const char *format, ...)
{
    va_list values;

    if (notices_are_off)
        return;
    va_start(values, format);
    write_line(DIM, format, values);
    va_end(values);
}
