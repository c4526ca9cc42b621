/* What an operator does with a node: flags, a configuration file and its mistakes, signals, reload,
 * pid and log files. */
#include "tests/system/node.h"
#include "tests/system/wire.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_TEXT = 512, OWN_PATH = 128 };

static const char quiet[] = "CONNECT {\"verbose\":false,\"protocol\":1}\r\n";

TestSuite(operation, .timeout = 60);

/* A file of this test process; valid until the next call. */
static const char *own_file(const char *name)
{
    static char path[OWN_PATH];

    snprintf(path, sizeof path, "/tmp/natter-operation-%d-%s", (int)getpid(), name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static bool file_has(const char *path, const char *wanted)
{
    char text[RUN_TEXT * 8] = "";
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return false;
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    return strstr(text, wanted) != NULL;
}

static bool file_comes_to_have(const char *path, const char *wanted)
{
    for (int64_t end = now_ms() + NODE_DEADLINE_MS; now_ms() < end; sleep_ms(2)) {
        if (file_has(path, wanted))
            return true;
    }
    return false;
}

static void run(struct node_run *result, const char *first, const char *second, const char *third)
{
    const char *const args[] = {first, second, third, NULL};

    node_run(args, result);
}

static bool still_serves(struct node *node)
{
    struct wire wire;
    bool good = wire_join(&wire, node_port(node), quiet);

    wire_close(&wire);
    return good;
}

Test(operation, version_and_help_are_told_and_end_well)
{
    static const char *const versions[] = {"--version", "-v", "version"};
    static const char *const helps[] = {"--help", "-h", "help"};
    struct node_run result;

    for (size_t i = 0; i < 3; i++) {
        int major, minor, patch;
        run(&result, versions[i], NULL, NULL);
        cr_expect_eq(result.status, 0, "%s: %d", versions[i], result.status);
        const char *number = strstr(result.output, ": v");
        cr_assert_not_null(number, "%s prints %s", versions[i], result.output);
        cr_expect_eq(sscanf(number, ": v%d.%d.%d", &major, &minor, &patch), 3);
    }
    for (size_t i = 0; i < 3; i++) {
        static const char *const flags[] = {"--addr",  "--port",   "--config",
                                            "--pid",   "--signal", "--debug",
                                            "--trace", "--help",   "--version"};
        run(&result, helps[i], NULL, NULL);
        cr_expect_eq(result.status, 0, "%s: %d", helps[i], result.status);
        for (size_t j = 0; j < sizeof flags / sizeof flags[0]; j++)
            cr_expect_not_null(strstr(result.output, flags[j]), "%s does not tell of %s", helps[i],
                               flags[j]);
    }
}

Test(operation, what_it_does_not_know_it_does_not_start_with)
{
    struct node_run result;

    run(&result, "dance", NULL, NULL);
    cr_expect_eq(result.status, 1);
    cr_expect_not_null(strstr(result.output, "unrecognized command: \"dance\""), "%s",
                       result.output);
    run(&result, "--no-such-flag", NULL, NULL);
    cr_expect_not_null(strstr(result.output, "no-such-flag"), "%s", result.output);
    if (!node_is_reference()) /* which ends with 0 */
        cr_expect_eq(result.status, 1);
    if (!node_is_reference()) { /* which prints its usage, and ends with 0 or 2 */
        run(&result, "--port", "many", NULL);
        cr_expect_eq(result.status, 1);
    }
    run(&result, "-c", "/no/such/file.conf", NULL);
    cr_expect_eq(result.status, 1);
    cr_expect_not_null(strstr(result.output, "/no/such/file.conf"), "%s", result.output);
}

Test(operation, a_good_configuration_passes_the_check)
{
    struct node_run result;
    const char *path = own_file("good.conf");

    write_file(path, "# all of it right\n"
                     "port: 4333\n"
                     "max_payload: 64kb\n"
                     "ping_interval: \"30s\"\n"
                     "debug: false\n"
                     "lame_duck_duration = \"1m\"; lame_duck_grace_period = \"5s\"\n");
    run(&result, "-t", "-c", path);
    cr_expect_eq(result.status, 0, "%s", result.output);
    cr_expect_not_null(strstr(result.output, "is valid"), "%s", result.output);
    run(&result, "-c", path, "-t");
    cr_expect_eq(result.status, 0, "%s", result.output);
    unlink(path);
}

Test(operation, a_bad_configuration_is_refused_with_the_place)
{
    static const struct {
        const char *text;
        const char *place; /* line and column */
        const char *word;  /* that the message has to hold */
    } bad[] = {
        {"debug: false\nbogus: 1\n", ":2:", "bogus"},
        {"max_payload: \"1mb\"\n", ":1:", "max_payload"},
        {"\n\n  debug: 1\n", ":3:", "debug"},
        {"max_connections: many\n", ":1:", "max_connections"},
        {"port: yes\n", ":1:", "port"},
        {"ping_interval: \"often\"\n", ":1:", "ping_interval"},
        {"server_name: \"a\n", ":1:", ""},
        {"server_tags: [a, b\n", ":", ""},
        {"max_payload: $NO_SUCH_VARIABLE\n", ":1:", "NO_SUCH_VARIABLE"},
        {"include 'no_such_file.conf'\n", ":1:", "no_such_file.conf"},
        {"lame_duck_duration: \"5s\"\n", ":1:", "lame_duck_duration"},
    };
    const char *path = own_file("bad.conf");

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct node_run result;
        char place[RUN_TEXT];
        write_file(path, bad[i].text);
        snprintf(place, sizeof place, "%s%s", path, bad[i].place);
        run(&result, "-t", "-c", path);
        cr_expect_eq(result.status, 1, "-t passes: %s: %s", bad[i].text, result.output);
        run(&result, "-c", path, "--port=-1");
        cr_expect_eq(result.status, 1, "starts with: %s: %s", bad[i].text, result.output);
        if (node_is_reference()) /* which has several ways to say where */
            continue;
        cr_expect_not_null(strstr(result.output, place), "no %s in: %s", place, result.output);
        cr_expect_not_null(strstr(result.output, bad[i].word), "no %s in: %s", bad[i].word,
                           result.output);
    }
    unlink(path);
}

Test(operation, all_mistakes_of_a_file_are_told_at_once)
{
    const char *path = own_file("many.conf");
    struct node_run result;

    write_file(path, "bogus: 1\nport: 4222\nhokum: 2\ndebug: 3\n");
    run(&result, "-t", "-c", path);
    cr_expect_eq(result.status, 1);
    cr_expect_not_null(strstr(result.output, "many.conf:1:"), "%s", result.output);
    cr_expect_not_null(strstr(result.output, "many.conf:3:"), "%s", result.output);
    cr_expect_not_null(strstr(result.output, "many.conf:4:"), "%s", result.output);
    unlink(path);
}

Test(operation, flags_win_over_the_file)
{
    struct node *node = node_start("port: 1\nhost: \"192.0.2.1\"\n");

    cr_expect(still_serves(node));
    cr_expect(node_stop(node));
}

Test(operation, a_port_that_is_taken_is_refused)
{
    struct node *node = node_start(NULL);
    struct node_run result;
    char port[16];

    snprintf(port, sizeof port, "--port=%u", node_port(node));
    run(&result, "-a", "127.0.0.1", port);
    cr_expect_eq(result.status, 1, "%d: %s", result.status, result.output);
    cr_expect_not_null(strstr(result.output, "in use"), "%s", result.output);
    cr_expect(still_serves(node));
    cr_expect(node_stop(node));
}

Test(operation, the_pid_file_holds_the_pid)
{
    struct node *node = node_start(NULL);
    char pid[16];

    snprintf(pid, sizeof pid, "%d", (int)node_pid(node));
    cr_expect(file_comes_to_have(node_file(node, "node.pid"), pid));
    cr_expect(node_stop(node));
}

Test(operation, the_ports_file_tells_where_it_listens)
{
    char config[RUN_TEXT], path[RUN_TEXT], dir[OWN_PATH];
    struct stat info;

    snprintf(dir, sizeof dir, "%s", own_file("ports"));
    cr_assert_eq(mkdir(dir, 0700), 0);
    snprintf(config, sizeof config, "ports_file_dir: \"%s\"\n", dir);
    struct node *node = node_start(config);
    snprintf(path, sizeof path, "%s/%s_%d.ports", dir,
             node_is_reference() ? "nats-server" : "natter-node", (int)node_pid(node));
    cr_expect(file_comes_to_have(path, node_url(node)), "%s", path);
    cr_expect(node_stop(node));
    cr_expect_neq(stat(path, &info), 0, "the ports file is still there");
    rmdir(dir);
}

Test(operation, reload_changes_what_can_be_changed_and_says_so)
{
    struct node *node = node_start("max_payload: 1000\nping_interval: \"1m\"\n");
    struct wire before, after;

    cr_assert(wire_join(&before, node_port(node), quiet));
    node_configure(node, "max_payload: 100\nping_interval: \"2m\"\ndebug: true\n");
    node_signal(node, SIGHUP);
    cr_expect(node_logs(node, "max_payload"));
    cr_expect(node_logs(node, "ping_interval"));
    cr_expect(node_logs(node, "debug"));
    if (!node_is_reference()) /* which does not tell its clients, in version 2.9 */
        cr_expect(wire_expect_info(&before));
    wire_send_text(&before, "PUB foo 101\r\n");
    cr_expect(wire_expect(&before, "-ERR 'Maximum Payload Violation'\r\n"));
    cr_expect(wire_expect_closed(&before));
    cr_assert(wire_join(&after, node_port(node), quiet));
    wire_close(&before);
    wire_close(&after);
    cr_expect(node_stop(node));
}

Test(operation, reload_tells_what_needs_a_restart_and_leaves_it)
{
    struct node *node = node_start("max_pending: 2mb\nmax_subscriptions: 1\n");
    struct wire wire;

    cr_assert(wire_join(&wire, node_port(node), quiet));
    node_configure(node, "max_pending: 3mb\nmax_subscriptions: 2\n");
    node_signal(node, SIGHUP);
    if (node_is_reference()) {
        cr_expect(node_logs(node, "config reload not supported"));
    } else {
        cr_expect(node_logs(node, "max_pending"));
        cr_expect(node_logs(node, "max_subscriptions"));
    }
    wire_send_text(&wire, "SUB a 1\r\nSUB b 2\r\nPING\r\n");
    cr_expect(wire_expect(&wire, "-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n"));
    wire_close(&wire);
    cr_expect(node_stop(node));
}

Test(operation, reloading_a_broken_file_changes_nothing)
{
    struct node *node = node_start("max_payload: 1000\n");
    struct wire wire;

    cr_assert(wire_join(&wire, node_port(node), quiet));
    node_configure(node, "max_payload: 100\nbogus: 1\n");
    node_signal(node, SIGHUP);
    cr_expect(node_logs(node, "bogus"));
    cr_expect(node_logs(node, "node.conf:2:"));
    wire_send_text(&wire, "SUB foo 1\r\nPUB foo 101\r\n");
    for (int i = 0; i < 101; i++)
        wire_send_text(&wire, "x");
    wire_send_text(&wire, "\r\n");
    cr_expect(wire_expect(&wire, "MSG foo 1 101\r\nxxx"));
    wire_close(&wire);
    cr_expect(node_stop(node));
}

Test(operation, reload_without_a_file_harms_nobody)
{
    struct node *node = node_start(NULL);
    struct wire wire;

    cr_assert(wire_join(&wire, node_port(node), quiet));
    node_signal(node, SIGHUP);
    cr_expect(node_logs(node, "reload"));
    wire_send_text(&wire, "PING\r\n");
    cr_expect(wire_expect(&wire, "PONG\r\n"));
    wire_close(&wire);
    cr_expect(node_stop(node));
}

Test(operation, reload_of_max_connections_lets_the_excess_go)
{
    struct node *node = node_start("max_connections: 3\n");
    struct wire wires[3];
    int closed = 0;

    for (int i = 0; i < 3; i++)
        cr_assert(wire_join(&wires[i], node_port(node), quiet));
    node_configure(node, "max_connections: 1\n");
    node_signal(node, SIGHUP);
    cr_expect(node_logs(node, "max_connections"));
    for (int64_t end = now_ms() + NODE_DEADLINE_MS; closed < 2 && now_ms() < end;) {
        closed = 0;
        for (int i = 0; i < 3; i++) {
            wire_more(&wires[i], now_ms() + 5);
            closed +=
                memmem(wires[i].data, wires[i].len, "maximum connections exceeded", 28) != NULL;
        }
    }
    cr_expect_eq(closed, 2, "%d were closed", closed);
    for (int i = 0; i < 3; i++)
        wire_close(&wires[i]);
    cr_expect(node_stop(node));
}

Test(operation, the_log_file_is_opened_anew_on_request)
{
    char config[RUN_TEXT], log[OWN_PATH], old[OWN_PATH + 8];
    struct stat info;

    snprintf(log, sizeof log, "%s", own_file("node.log"));
    snprintf(old, sizeof old, "%s.1", log);
    snprintf(config, sizeof config, "log_file: \"%s\"\n", log);
    struct node *node = node_start(config);
    cr_assert_eq(rename(log, old), 0);
    node_signal(node, SIGUSR1);
    for (int64_t end = now_ms() + NODE_DEADLINE_MS; stat(log, &info) != 0; sleep_ms(2))
        cr_assert_lt(now_ms(), end, "no new log file");
    cr_expect(still_serves(node));
    cr_expect(node_stop(node));
    cr_expect_eq(stat(log, &info), 0);
    cr_expect_gt(info.st_size, 0, "its end is not in the new file");
    unlink(log);
    unlink(old);
}

Test(operation, signals_can_be_sent_by_name)
{
    struct node *node = node_start("max_payload: 1000\n");
    struct node_run result;
    char signal_text[RUN_TEXT];

    cr_expect(still_serves(node));
    node_configure(node, "max_payload: 2000\n");
    snprintf(signal_text, sizeof signal_text, "reload=%d", (int)node_pid(node));
    run(&result, "--signal", signal_text, NULL);
    cr_expect_eq(result.status, 0, "%s", result.output);
    cr_expect(node_logs(node, "max_payload"));
    snprintf(signal_text, sizeof signal_text, "quit=%s", node_file(node, "node.pid"));
    run(&result, "--signal", signal_text, NULL);
    cr_expect_eq(result.status, 0, "%s", result.output);
    cr_expect_eq(node_wait(node, NODE_DEADLINE_MS), 0);
    cr_expect(node_stop(node));
}

Test(operation, what_was_accepted_is_delivered_before_it_ends)
{
    struct node *node = node_start(NULL);
    struct wire from, to;
    char wanted[64];

    cr_assert(wire_join(&from, node_port(node), quiet));
    cr_assert(wire_join(&to, node_port(node), quiet));
    wire_send_text(&to, "SUB foo 1\r\nPING\r\n");
    cr_expect(wire_expect(&to, "PONG\r\n"));
    for (int i = 1000; i < 2000; i++) {
        snprintf(wanted, sizeof wanted, "PUB foo 4\r\n%d\r\n", i);
        wire_send_text(&from, wanted);
    }
    wire_send_text(&from, "PING\r\n");
    cr_expect(wire_expect(&from, "PONG\r\n"));
    node_signal(node, SIGINT);
    for (int i = 1000; i < 2000; i++) {
        snprintf(wanted, sizeof wanted, "MSG foo 1 4\r\n%d\r\n", i);
        cr_assert(wire_expect(&to, wanted));
    }
    cr_expect(wire_expect_closed(&to));
    cr_expect_eq(node_wait(node, NODE_DEADLINE_MS), 0);
    wire_close(&from);
    wire_close(&to);
    cr_expect(node_stop(node));
}
