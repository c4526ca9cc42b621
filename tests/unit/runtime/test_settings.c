/* What the operator writes, and what the node makes of it. */
#include "lib/base/conf.h"
#include "node/runtime/settings.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS_MAX 16

static char scratch_dir[64];
static struct settings *settings;
static enum settings_action action;
static char out_text[65536];
static char err_text[8192];

static void begin(void)
{
    snprintf(scratch_dir, sizeof scratch_dir, "/tmp/natter-settings-XXXXXX");
    cr_assert_not_null(mkdtemp(scratch_dir));
    cr_assert_eq(chdir(scratch_dir), 0);
}

static void end(void)
{
    char command[100];

    settings_free(settings);
    snprintf(command, sizeof command, "rm -r %s", scratch_dir);
    cr_expect_eq(system(command), 0);
}

TestSuite(settings, .init = begin, .fini = end);
TestSuite(command_line, .init = begin, .fini = end);
TestSuite(reload, .init = begin, .fini = end);

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* Runs settings_read() with arguments that live as long as the test. */
static const struct options *read_arguments(const char *first, va_list rest)
{
    static char *argv[ARGUMENTS_MAX];
    int argc = 0;
    FILE *out = fmemopen(out_text, sizeof out_text, "w");
    FILE *err = fmemopen(err_text, sizeof err_text, "w");

    argv[argc++] = (char *)"natter-node";
    for (const char *a = first; a != NULL; a = va_arg(rest, const char *)) {
        cr_assert_lt(argc, ARGUMENTS_MAX);
        argv[argc++] = (char *)a;
    }
    out_text[0] = err_text[0] = '\0';
    settings_free(settings);
    settings = settings_read(argc, argv, out, err, &action);
    fclose(out);
    fclose(err);
    return settings == NULL ? NULL : settings->options;
}

/* The options that these arguments, ending in NULL, give. */
static const struct options *flags(const char *first, ...)
{
    const struct options *options;
    va_list rest;

    va_start(rest, first);
    options = read_arguments(first, rest);
    va_end(rest);
    return options;
}

/* The options that a configuration file of this text gives. */
static const struct options *config(const char *text)
{
    write_file("n.conf", text);
    return flags("-c", "n.conf", NULL);
}

/* Whether this text is refused with exactly this line. */
static bool is_refused(const char *text, const char *line)
{
    char expected[1024];

    snprintf(expected, sizeof expected, "natter-node: %s\n", line);
    if (config(text) == NULL && action == SETTINGS_EXIT_FAILURE && strcmp(err_text, expected) == 0)
        return true;
    fprintf(stderr, "got %s", err_text);
    return false;
}

/* --- the configuration file --- */

Test(settings, defaults_are_those_of_nats_server)
{
    const struct options *o = flags(NULL, NULL);

    cr_assert_not_null(o);
    cr_expect_eq(action, SETTINGS_RUN);
    cr_expect_str_empty(err_text);
    cr_expect_str_eq(o->host, "0.0.0.0");
    cr_expect_eq(o->port, 4222);
    cr_expect_str_eq(o->server_name, "");
    cr_expect_eq(o->max_control_line, 4096);
    cr_expect_eq(o->max_payload, 1048576);
    cr_expect_eq(o->max_pending, 64 << 20);
    cr_expect_eq(o->max_connections, 65536);
    cr_expect_eq(o->ping_interval_ns, 120000000000);
    cr_expect_eq(o->ping_max, 2);
    cr_expect_eq(o->write_deadline_ns, 10000000000);
    cr_expect_eq(o->lame_duck_duration_ns, 120000000000);
    cr_expect_eq(o->lame_duck_grace_period_ns, 10000000000);
    cr_expect(o->logtime && !o->debug && !o->trace);
}

Test(settings, file_sets_options_by_their_names_and_aliases_in_any_case)
{
    const struct options *o = config("Server_Name: n1\nnet: 127.0.0.1\nport: -1\nmax_conn: 10\n"
                                     "max_payload: 64kb\nping_interval: \"1m30s\"\ndebug: yes\n"
                                     "logfile: x.log\nmax_memory = 1gb\nshards: 2\npidfile 'p'\n");

    cr_assert_not_null(o, "%s", err_text);
    cr_expect_str_eq(o->server_name, "n1");
    cr_expect_str_eq(o->host, "127.0.0.1");
    cr_expect_eq(o->port, -1);
    cr_expect_eq(o->max_connections, 10);
    cr_expect_eq(o->max_payload, 65536);
    cr_expect_eq(o->ping_interval_ns, 90000000000);
    cr_expect(o->debug);
    cr_expect_str_eq(o->log_file, "x.log");
    cr_expect_eq(o->max_memory_bytes, 1 << 30);
    cr_expect_eq(o->shards, 2);
    cr_expect_str_eq(o->pid_file, "p");
}

Test(settings, listen_is_host_and_port_in_one)
{
    const struct options *o = config("listen: 127.0.0.1:4333");

    cr_assert_not_null(o, "%s", err_text);
    cr_expect_str_eq(o->host, "127.0.0.1");
    cr_expect_eq(o->port, 4333);
    o = config("listen: \"[::1]:-1\"");
    cr_assert_not_null(o, "%s", err_text);
    cr_expect_str_eq(o->host, "::1");
    cr_expect_eq(o->port, -1);
    o = config("listen: 4333");
    cr_expect_str_eq(o->host, "0.0.0.0");
    cr_expect_eq(o->port, 4333);
    cr_expect(config("listen: \":4333\"")->port == 4333);
    cr_expect(is_refused("listen: localhost",
                         "n.conf:1:9: listen: could not parse address string \"localhost\": it has "
                         "no port"));
    cr_expect_null(config("listen: \"a:70000\""));
}

Test(settings, later_entry_wins_over_an_earlier_one_that_says_the_same)
{
    cr_expect_eq(config("port: 1\nlisten: \"a:2\"")->port, 2);
    cr_expect_eq(config("listen: \"a:2\"\nport: 1")->port, 1);
}

Test(settings, zero_is_the_default_where_nats_server_has_it_so)
{
    const struct options *o = config("port: 0, max_payload: 0, ping_max: 0, ping_interval: \"0s\"");

    cr_assert_not_null(o, "%s", err_text);
    cr_expect_eq(o->port, 4222);
    cr_expect_eq(o->max_payload, 1048576);
    cr_expect_eq(o->ping_max, 2);
    cr_expect_eq(o->ping_interval_ns, 120000000000);
    cr_expect_eq(config("lame_duck_grace_period: \"0s\"")->lame_duck_grace_period_ns, 0);
}

Test(settings, unknown_field_is_refused_at_its_place)
{
    cr_expect(is_refused("port: 4222\n  bogus: 1", "n.conf:2:3: unknown field \"bogus\""));
}

Test(settings, field_used_as_a_variable_may_have_any_name)
{
    const struct options *o = config("P: 4333\nport: $P");

    cr_assert_not_null(o, "%s", err_text);
    cr_expect_eq(o->port, 4333);
}

Test(settings, wrong_type_says_what_was_expected)
{
    cr_expect(is_refused("port: \"4222\"",
                         "n.conf:1:7: port: expected an integer from -1 to 65535, but got the "
                         "string \"4222\": take the quotes off"));
    cr_expect(is_refused("debug: 1", "n.conf:1:8: debug: expected true or false, but got an "
                                     "integer, 1"));
    cr_expect(is_refused("max_payload {}", "n.conf:1:13: max_payload: expected a size from 1 to "
                                           "1gb, but got a map"));
    cr_expect(is_refused("log_file: true",
                         "n.conf:1:11: log_file: expected a string, but got a boolean, true"));
    cr_expect(is_refused("lame_duck_duration: 60",
                         "n.conf:1:21: lame_duck_duration: expected a duration such as \"10s\" "
                         "from 30s to 8760h, but got an integer, 60"));
    cr_expect(is_refused("ping_interval: soon",
                         "n.conf:1:16: ping_interval: expected a duration such as \"10s\" from 1ms "
                         "to 8760h, but got \"soon\""));
    cr_expect(is_refused("pid_file: \"a\\x00b\"",
                         "n.conf:1:11: pid_file: expected a text without NUL bytes"));
}

Test(settings, value_out_of_range_says_the_range)
{
    cr_expect(is_refused("port: 70000", "n.conf:1:7: port: expected an integer from -1 to 65535, "
                                        "but got 70000"));
    cr_expect(is_refused("max_subscriptions: -2",
                         "n.conf:1:20: max_subscriptions: expected an integer of at least 0, but "
                         "got -2"));
    cr_expect(is_refused("lame_duck_duration: \"5s\"",
                         "n.conf:1:21: lame_duck_duration: expected a duration such as \"10s\" "
                         "from 30s to 8760h, but got 5s"));
    cr_expect_null(config("ping_interval: \"-1s\""));
    cr_expect_null(config("max_sub_tokens: 256"));
    cr_expect_null(config("max_memory: 1mb"));
}

Test(settings, all_errors_are_told_each_on_a_line)
{
    cr_expect_null(config("port: x\nbogus: 1\ndebug: 1\n"));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
    cr_expect_not_null(strstr(err_text, "natter-node: n.conf:1:7: port:"));
    cr_expect_not_null(strstr(err_text, "\nnatter-node: n.conf:2:1: unknown field"));
    cr_expect_not_null(strstr(err_text, "\nnatter-node: n.conf:3:8: debug:"));
}

Test(settings, what_is_not_in_the_language_is_refused_at_its_place)
{
    cr_expect(is_refused("port: 1 host: a",
                         "n.conf:1:9: expected a new line or ',' behind a top-level value, but got "
                         "'h'"));
    cr_expect_null(flags("-c", "nowhere.conf", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
    cr_expect_str_eq(err_text,
                     "natter-node: cannot open 'nowhere.conf': No such file or directory\n");
}

Test(settings, error_in_an_included_file_names_that_file)
{
    write_file("other.conf", "\nbogus: 1");
    cr_expect(is_refused("include other.conf", "other.conf:2:1: unknown field \"bogus\""));
}

Test(settings, options_must_agree_with_one_another)
{
    cr_expect(is_refused("max_payload: 2mb\nmax_pending: 1mb",
                         "n.conf:1:14: max_payload (2mb) must not be larger than max_pending "
                         "(1mb)"));
    cr_expect(is_refused("max_pending: 1kb", "n.conf:1:14: max_payload (1mb) must not be larger "
                                             "than max_pending (1kb)"));
    cr_expect(is_refused("lame_duck_duration: \"30s\", lame_duck_grace_period: \"30s\"",
                         "n.conf:1:52: lame_duck_grace_period (30s) must be shorter than "
                         "lame_duck_duration (30s)"));
    cr_expect(is_refused("server_name: \"a b\"", "n.conf:1:14: server_name: expected a name "
                                                 "without blanks, but got \"a b\""));
}

Test(settings, trace_verbose_implies_trace)
{
    cr_expect(config("trace_verbose: true")->trace);
}

Test(settings, feature_of_nats_server_that_is_missing_is_called_by_its_name)
{
    cr_expect(is_refused("tls {cert_file: a}", "n.conf:1:1: tls: natter-node does not support "
                                               "encryption yet"));
    cr_expect(is_refused("jetstream: enabled", "n.conf:1:1: jetstream: natter-node does not "
                                               "support streams, which are kept on disk"));
    cr_expect_not_null(config("jetstream: false"));
}

Test(settings, option_without_effect_is_no_error)
{
    cr_expect_not_null(config("prof_port: 1234"));
    cr_expect_not_null(strstr(err_text, "warning: n.conf:1:1: prof_port has no effect"));
    cr_expect_null(flags("-t", "-c", "n.conf", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_OK);
}

Test(settings, number_of_seconds_is_taken_with_a_warning)
{
    const struct options *o = config("ping_interval: 20, write_deadline: 2m");

    cr_assert_not_null(o);
    cr_expect_eq(o->ping_interval_ns, 20000000000);
    cr_expect_eq(o->write_deadline_ns, 2000000000000000);
    cr_expect_not_null(strstr(err_text, "warning: n.conf:1:16: ping_interval: a number is taken as "
                                        "seconds, 20 of them"));
}

/* --- -t --- */

Test(settings, test_says_that_a_file_is_valid)
{
    write_file("n.conf", "port: 1");
    cr_expect_null(flags("-t", "--config=n.conf", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_OK);
    cr_expect_str_eq(err_text, "natter-node: configuration file n.conf is valid\n");
}

Test(settings, test_fails_at_errors_and_at_warnings)
{
    write_file("n.conf", "port: x");
    cr_expect_null(flags("-c", "n.conf", "-t", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
    write_file("n.conf", "ping_interval: 3");
    cr_expect_null(flags("-c", "n.conf", "-t", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
    cr_expect_null(flags("-t", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
}

/* --- flags --- */

Test(command_line, flags_have_one_or_two_dashes_and_their_value_apart_or_behind_a_sign)
{
    const struct options *o = flags("-p", "1", "--net=h", "--name", "n", "-shards=3",
                                    "--max_memory=64mb", "-l", "f", "-P=p", NULL);

    cr_assert_not_null(o, "%s", err_text);
    cr_expect_eq(o->port, 1);
    cr_expect_str_eq(o->host, "h");
    cr_expect_str_eq(o->server_name, "n");
    cr_expect_eq(o->shards, 3);
    cr_expect_eq(o->max_memory_bytes, 64 << 20);
    cr_expect_str_eq(o->log_file, "f");
    cr_expect_str_eq(o->pid_file, "p");
}

Test(command_line, booleans_need_no_value)
{
    const struct options *o = flags("-D", "--trace", "-T=false", NULL);

    cr_assert_not_null(o, "%s", err_text);
    cr_expect(o->debug && o->trace && !o->logtime && !o->trace_verbose);
    o = flags("-DVV", NULL);
    cr_expect(o->debug && o->trace && o->trace_verbose);
    o = flags("-VV", "-V=0", NULL);
    cr_expect(!o->debug && o->trace_verbose);
}

Test(command_line, flags_override_the_file_wherever_they_stand)
{
    const struct options *o;

    write_file("n.conf", "port: 1, debug: true, host: a");
    o = flags("-p", "2", "-c", "n.conf", "-D=false", NULL);
    cr_assert_not_null(o, "%s", err_text);
    cr_expect_eq(o->port, 2);
    cr_expect_not(o->debug);
    cr_expect_str_eq(o->host, "a");
}

Test(command_line, what_is_wrong_is_told_and_nothing_runs)
{
    static const struct {
        const char *argument;
        const char *says;
    } cases[] = {
        {"-x", "natter-node: flag provided but not defined: -x\n"},
        {"-p", "natter-node: flag needs an argument: -p\n"},
        {"-p=abc", "natter-node: -p=abc: port: expected an integer from -1 to 65535, but got "
                   "\"abc\"\n"},
        {"-D=maybe", "natter-node: -D=maybe: debug: expected true or false, but got \"maybe\"\n"},
        {"foo", "natter-node: unrecognized command: \"foo\"\n"},
        {"-", "natter-node: unrecognized command: \"-\"\n"},
        {"--tls", "natter-node: --tls: natter-node does not support encryption yet\n"},
        {"-js", "natter-node: -js: natter-node does not support streams, which are kept on disk\n"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_null(flags(cases[i].argument, NULL));
        cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
        cr_expect_eq(strncmp(err_text, cases[i].says, strlen(cases[i].says)), 0, "%s", err_text);
    }
}

Test(command_line, signal_and_its_process_are_for_main_to_send)
{
    flags("--signal", "reload=77", NULL);
    cr_assert_eq(action, SETTINGS_SEND_SIGNAL, "%s", err_text);
    cr_expect_eq(settings->signal.signal, SIGHUP);
    cr_expect_eq(settings->signal.pid, 77);
    flags("-sl=dance=77", NULL);
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
    cr_expect_not_null(strstr(err_text, "natter-node: unknown signal \"dance=77\""));
}

Test(command_line, help_and_version_are_flags_and_words)
{
    const char *const help[] = {"-h", "--help", "help"};
    const char *const version[] = {"-v", "--version", "version"};

    for (size_t i = 0; i < 3; i++) {
        cr_expect_null(flags(help[i], NULL));
        cr_expect_eq(action, SETTINGS_EXIT_OK);
        cr_expect_eq(strncmp(out_text, "Usage: natter-node", 18), 0);
        cr_expect_null(flags(version[i], NULL));
        cr_expect_eq(action, SETTINGS_EXIT_OK);
        cr_expect_eq(strncmp(out_text, "natter-node: v", 14), 0);
    }
    cr_expect_null(flags("-D", "help", NULL));
    cr_expect_eq(action, SETTINGS_EXIT_FAILURE);
}

/* --- reload --- */

static char told[4096];

static void tell(const char *text)
{
    size_t len = strlen(told);

    snprintf(told + len, sizeof told - len, "%s", text);
}

static void hear_complaint(void *arg, bool is_error, const char *line)
{
    (void)arg;
    tell(is_error ? "error " : "warning ");
    tell(line);
    tell("\n");
}

static void hear_change(void *arg, const struct settings_change *change)
{
    char line[512];

    (void)arg;
    snprintf(line, sizeof line, "%s: %s -> %s%s\n", change->name, change->from, change->to,
             change->needs_restart ? " (restart)" : "");
    tell(line);
}

/* Reloads after the file has become <text>; what was told is in <told>. */
static const struct options *reload(const char *text)
{
    struct settings_listener listener = {.complaint = hear_complaint, .change = hear_change};
    struct settings *next;

    if (text != NULL)
        write_file("n.conf", text);
    told[0] = '\0';
    next = settings_reload(settings, &listener);
    if (next == NULL)
        return NULL;
    settings_free(settings);
    settings = next;
    return settings->options;
}

Test(reload, changed_options_are_told_and_taken)
{
    const struct options *o;

    cr_assert_not_null(config("max_payload: 1mb, debug: false, port: 1"));
    o = reload("max_payload: 2mb, debug: true, port: 1, ping_interval: \"90s\", log_file: x");
    cr_assert_not_null(o, "%s", told);
    cr_expect_str_eq(told, "debug: false -> true\nlog_file: \"\" -> \"x\"\n"
                           "max_payload: 1mb -> 2mb\nping_interval: 2m -> 1m30s\n");
    cr_expect_eq(o->max_payload, 2 << 20);
    cr_expect(o->debug);
    cr_expect_str_eq(o->log_file, "x");
}

Test(reload, what_needs_a_restart_is_told_and_left_as_it_was)
{
    const struct options *o;

    cr_assert_not_null(config("listen: \"127.0.0.1:1\""));
    o = reload("listen: \"127.0.0.1:2\", max_connections: 7");
    cr_assert_not_null(o, "%s", told);
    cr_expect_str_eq(told, "port: 1 -> 2 (restart)\nmax_connections: 65536 -> 7\n");
    cr_expect_eq(o->port, 1);
    cr_expect_eq(o->max_connections, 7);
    o = reload(NULL);
    cr_expect_str_eq(told, "port: 1 -> 2 (restart)\n", "until it is restarted, it is told");
}

Test(reload, unchanged_file_tells_nothing)
{
    cr_assert_not_null(config("port: 1"));
    cr_expect_not_null(reload("port: 1 # still\n"));
    cr_expect_str_empty(told);
}

Test(reload, option_taken_out_of_the_file_is_at_its_default_again)
{
    cr_assert_not_null(config("max_connections: 7"));
    cr_expect_eq(reload("")->max_connections, 65536);
}

Test(reload, an_error_leaves_everything_as_it_was)
{
    cr_assert_not_null(config("max_connections: 7"));
    cr_expect_null(reload("max_connections: 8\nbogus: 1"));
    cr_expect_str_eq(told, "error n.conf:2:1: unknown field \"bogus\"\n");
    cr_expect_eq(settings->options->max_connections, 7);
}

Test(reload, flags_stay_on_top)
{
    write_file("n.conf", "max_connections: 7");
    cr_assert_not_null(flags("-c", "n.conf", "-D", NULL));
    cr_expect(reload("debug: false, max_connections: 8")->debug);
    cr_expect_str_eq(told, "max_connections: 7 -> 8\n");
}

Test(reload, value_that_stays_may_forbid_one_that_changes)
{
    cr_assert_not_null(config("max_payload: 1kb, max_pending: 1mb"));
    cr_expect_null(reload("max_payload: 2mb, max_pending: 4mb"));
    cr_expect_not_null(strstr(told, "error max_payload cannot be larger than the max_pending"));
    cr_expect_null(strstr(told, "->"));
}

Test(reload, without_a_file_there_is_nothing_to_reload)
{
    cr_assert_not_null(flags("-D", NULL));
    cr_expect_null(reload(NULL));
    cr_expect_str_eq(told, "error can only reload config when a file is provided using -c or "
                           "--config\n");
}
