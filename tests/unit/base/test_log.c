#include "lib/base/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/natter-test-log-XXXXXX";
static char path[64];
static char rotated[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/log", folder);
    snprintf(rotated, sizeof rotated, "%s/log.1", folder);
}

static void remove_folder(void)
{
    unlink(path);
    unlink(rotated);
    rmdir(folder);
}

TestSuite(log, .init = make_folder, .fini = remove_folder);

static void log_to_file(enum log_level level)
{
    cr_assert(log_open(&(struct log_options){.level = level, .path = path}));
}

/* What stands in the file, up to the next call. */
static const char *written_to(const char *file)
{
    static char text[1 << 20];
    FILE *in = fopen(file, "r");
    size_t n;

    cr_assert_not_null(in);
    n = fread(text, 1, sizeof text - 1, in);
    fclose(in);
    text[n] = '\0';
    return text;
}

/* The file's only line, without the "[pid] " that each begins with. */
static const char *only_line(void)
{
    const char *text = written_to(path);
    char pid[32];

    snprintf(pid, sizeof pid, "[%d] ", (int)getpid());
    cr_assert_eq(strncmp(text, pid, strlen(pid)), 0, "it begins otherwise: %s", text);
    return text + strlen(pid);
}

static bool looks_like(const char *text, const char *pattern)
{
    regex_t regex;
    bool matches;

    cr_assert_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

Test(log, a_line_is_an_event_and_its_fields)
{
    log_to_file(LOG_INFO);
    log_event(LOG_INFO, "client.closed", "cid=%d reason=\"%s\"", 12, "Slow Consumer");
    cr_expect_str_eq(only_line(), "[INF] client.closed cid=12 reason=\"Slow Consumer\"\n");
}

Test(log, fields_may_be_missing)
{
    log_to_file(LOG_INFO);
    log_event(LOG_WARN, "server.ready", NULL);
    cr_expect_str_eq(only_line(), "[WRN] server.ready\n");
}

Test(log, time_comes_to_the_microsecond)
{
    cr_assert(log_open(
        &(struct log_options){.level = LOG_INFO, .with_time = true, .in_utc = true, .path = path}));
    log_event(LOG_ERROR, "server.failed", NULL);
    cr_expect(looks_like(only_line(), "^20[0-9]{2}/[01][0-9]/[0-3][0-9] "
                                      "[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{6} "
                                      "\\[ERR\\] server.failed\n$"));
}

Test(log, utc_and_local_time_differ_by_the_zone)
{
    char utc[128], local[128];

    setenv("TZ", "XYZ-14", 1);
    cr_assert(log_open(
        &(struct log_options){.level = LOG_INFO, .with_time = true, .in_utc = true, .path = path}));
    log_event(LOG_INFO, "a", NULL);
    snprintf(utc, sizeof utc, "%.13s", only_line());
    unlink(path);
    cr_assert(log_open(&(struct log_options){.level = LOG_INFO, .with_time = true, .path = path}));
    log_event(LOG_INFO, "a", NULL);
    snprintf(local, sizeof local, "%.13s", only_line());
    cr_expect_str_neq(utc, local);
}

Test(log, the_level_keeps_the_rest_out)
{
    log_to_file(LOG_WARN);
    cr_expect(log_is_on(LOG_ERROR));
    cr_expect(log_is_on(LOG_WARN));
    cr_expect_not(log_is_on(LOG_INFO));
    log_event(LOG_INFO, "too.quiet", NULL);
    log_event(LOG_TRACE, "much.too.quiet", NULL);
    log_event(LOG_WARN, "loud", NULL);
    cr_expect_str_eq(only_line(), "[WRN] loud\n");
}

Test(log, a_peer_cannot_forge_a_line)
{
    log_to_file(LOG_INFO);
    log_event(LOG_INFO, "client.named", "name=\"%s\"", "x\r\n[1] [ERR] forged\x1b[2J\x7f");
    cr_expect_str_eq(only_line(), "[INF] client.named name=\"x??[1] [ERR] forged?[2J?\"\n");
}

Test(log, a_line_too_long_is_cut_and_still_a_line)
{
    char text[3 * LOG_LINE_MAX];
    const char *line;

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_to_file(LOG_INFO);
    log_event(LOG_INFO, "client.named", "name=%s", text);
    line = written_to(path);
    cr_expect_eq(strlen(line), LOG_LINE_MAX);
    cr_expect_eq(strchr(line, '\n'), line + LOG_LINE_MAX - 1);
}

Test(log, opening_again_follows_a_rotated_file)
{
    log_to_file(LOG_INFO);
    log_event(LOG_INFO, "before", NULL);
    cr_assert_eq(rename(path, rotated), 0);
    log_event(LOG_INFO, "between", NULL);
    log_to_file(LOG_INFO);
    log_event(LOG_INFO, "after", NULL);
    cr_expect_str_eq(only_line(), "[INF] after\n");
    cr_expect(looks_like(written_to(rotated), "before\n.*between\n$"));
}

Test(log, a_file_that_cannot_be_opened_changes_nothing)
{
    log_to_file(LOG_INFO);
    errno = 0;
    cr_expect_not(log_open(&(struct log_options){
        .level = LOG_TRACE, .with_time = true, .path = "/no/such/folder/log"}));
    cr_expect_eq(errno, ENOENT);
    cr_expect_not(log_is_on(LOG_TRACE));
    log_event(LOG_INFO, "still.here", NULL);
    cr_expect_str_eq(only_line(), "[INF] still.here\n");
}

Test(log, standard_error_is_where_lines_go_without_a_path)
{
    cr_assert_not_null(freopen(path, "w", stderr));
    log_event(LOG_INFO, "first", NULL); /* before any log_open() */
    cr_expect(looks_like(only_line(), "\\[INF\\] first\n$"));
    cr_assert(log_open(&(struct log_options){.level = LOG_INFO}));
    log_event(LOG_INFO, "second", NULL);
    cr_expect(looks_like(only_line(), "first\n.*\\[INF\\] second\n$"));
}

Test(log, leaves_errno_as_it_was)
{
    log_to_file(LOG_INFO);
    errno = EXDEV;
    log_event(LOG_INFO, "anything", "n=%d", 1);
    cr_expect_eq(errno, EXDEV);
}

enum { WRITERS = 4, LINES = 500 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_event(LOG_INFO, "line", "writer=%d text=aaaaaaaaaabbbbbbbbbbcccccccccc", *(int *)arg);
    return NULL;
}

Test(log, lines_of_many_threads_stay_whole_while_the_log_is_reopened)
{
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    int whole = 0;
    char *text;

    log_to_file(LOG_INFO);
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        cr_assert_eq(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < 50; i++)
        log_to_file(LOG_INFO);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);

    text = strdup(written_to(path));
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1, whole++) {
        *end = '\0';
        cr_assert(looks_like(line, "^\\[[0-9]+\\] \\[INF\\] line writer=[0-3] "
                                   "text=a{10}b{10}c{10}$"),
                  "a torn line: %s", line);
    }
    cr_expect_eq(whole, WRITERS * LINES);
    free(text);
}
