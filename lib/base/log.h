/* log: one line an event, to read by people and to search by machines.
 *
 *     [1234] 2026/11/20 23:52:26.123456 [INF] client.closed cid=12 reason="Slow Consumer"
 *
 * A line is an event's name, which stands once in the code, and its fields. Secrets never go here.
 *
 * Threads   any: each line is one write(2). The level may be changed while others log.
 * Allocates nothing; a line beyond LOG_LINE_MAX bytes is cut. */
#ifndef NATTER_BASE_LOG_H
#define NATTER_BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

#define LOG_LINE_MAX 2048

struct log_options {
    enum log_level level;
    bool with_time;   /* begin lines with the date and time */
    bool in_utc;      /* in UTC rather than local time */
    const char *path; /* append to this file; NULL or empty: standard error */
};

/* Applies <options>; called again on reload and to reopen a rotated file. False, with errno set,
 * when the file cannot be opened; then everything stays as it was. Not while another thread is in
 * log_open() itself. */
bool log_open(const struct log_options *options);

bool log_is_on(enum log_level level);

/* Writes one line: <event> is a constant like "client.closed", then fields by printf's rules. Values
 * that may hold blanks or come from a peer are written with "\"%.*s\"" ; control bytes in the line
 * are shown as '?' so that a peer cannot forge lines. */
__attribute__((format(printf, 3, 4))) void log_event(enum log_level level, const char *event,
                                                     const char *fields, ...);

#endif
