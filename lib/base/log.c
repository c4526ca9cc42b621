#include "lib/base/log.h"

#include "lib/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* What log_event() reads while another thread may be in log_open(): each one is read on its own,
 * and any mixture of old and new is harmless. */
static _Atomic int level_now = LOG_INFO;
static _Atomic bool with_time_now = true;
static _Atomic bool in_utc_now = false;

/* Where lines go. Standard error until the first log_open(); from then on a descriptor of our own,
 * whose number never changes: a reload puts the new file under it in one step (dup3), so that no
 * thread ever writes to a number that has just been closed, or given to somebody else. */
static _Atomic int output_fd = STDERR_FILENO;

static int open_output(const char *path)
{
    if (path == NULL || path[0] == '\0')
        return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

/* Puts <fd> where lines go, and owns it either way. */
static bool replace_output(int fd)
{
    int current = atomic_load(&output_fd);
    int error = 0;

    if (current == STDERR_FILENO) {
        atomic_store(&output_fd, fd);
        return true;
    }
    if (dup3(fd, current, O_CLOEXEC) < 0)
        error = errno;
    close(fd);
    errno = error;
    return error == 0;
}

bool log_open(const struct log_options *options)
{
    int fd = open_output(options->path);

    if (fd < 0 || !replace_output(fd))
        return false;
    atomic_store(&level_now, (int)options->level);
    atomic_store(&with_time_now, options->with_time);
    atomic_store(&in_utc_now, options->in_utc);
    return true;
}

bool log_is_on(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

/* A line being written: <len> never passes LOG_LINE_MAX - 1, which leaves room for the newline. */
struct line {
    char text[LOG_LINE_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 0))) static void line_add_list(struct line *line,
                                                                const char *format, va_list values)
{
    size_t room = sizeof line->text - line->len; /* vsnprintf's NUL falls where the newline goes */
    int n = vsnprintf(line->text + line->len, room, format, values);

    if (n < 0)
        return;
    line->len += (size_t)n < room ? (size_t)n : room - 1;
}

__attribute__((format(printf, 2, 3))) static void line_add(struct line *line, const char *format,
                                                           ...)
{
    va_list values;

    va_start(values, format);
    line_add_list(line, format, values);
    va_end(values);
}

static void line_add_time(struct line *line)
{
    uint64_t now_ns = clock_wall_ns();
    time_t seconds = (time_t)(now_ns / CLOCK_NS_A_SECOND);
    unsigned us = (unsigned)(now_ns % CLOCK_NS_A_SECOND / CLOCK_NS_A_US);
    struct tm tm;

    if (atomic_load(&in_utc_now))
        gmtime_r(&seconds, &tm);
    else
        localtime_r(&seconds, &tm);
    line_add(line, "%04d/%02d/%02d %02d:%02d:%02d.%06u ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, us);
}

/* Control bytes would let whoever chose a field's text begin a line of their own. */
static void line_hide_controls(struct line *line)
{
    for (size_t i = 0; i < line->len; i++) {
        unsigned char c = (unsigned char)line->text[i];

        if (c < 0x20 || c == 0x7f)
            line->text[i] = '?';
    }
}

/* A line that cannot be written is lost: there is nobody left to tell. */
static void line_write(const struct line *line)
{
    ssize_t n;

    do
        n = write(atomic_load(&output_fd), line->text, line->len);
    while (n < 0 && errno == EINTR);
}

void log_event(enum log_level level, const char *event, const char *fields, ...)
{
    static const char *const names[] = {
        [LOG_ERROR] = "ERR", [LOG_WARN] = "WRN",  [LOG_INFO] = "INF",
        [LOG_DEBUG] = "DBG", [LOG_TRACE] = "TRC",
    };
    int error = errno; /* a log line between a failure and its report must not change the report */
    struct line line;
    va_list values;

    if (!log_is_on(level))
        return;
    line.len = 0;
    line_add(&line, "[%d] ", (int)getpid());
    if (atomic_load(&with_time_now))
        line_add_time(&line);
    line_add(&line, "[%s] %s", names[level], event);
    if (fields != NULL && fields[0] != '\0') {
        line_add(&line, " ");
        va_start(values, fields);
        line_add_list(&line, fields, values);
        va_end(values);
    }
    line_hide_controls(&line);
    line.text[line.len++] = '\n';
    line_write(&line);
    errno = error;
}
