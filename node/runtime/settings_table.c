#include "node/runtime/settings_table.h"

#include "lib/base/clock.h"
#include "node/broker/plan.h"

#include <strings.h>

#define FIELD(name) .offset = offsetof(struct options, name)

#define KIB INT64_C(1024)
#define MIB (KIB * 1024)
#define GIB (MIB * 1024)
#define MILLISECONDS INT64_C(1000000)
#define SECONDS (MILLISECONDS * 1000)
#define MINUTES (SECONDS * 60)
#define DAYS (MINUTES * 60 * 24)

/* So that a 2m that was meant as "2m", two million seconds, is still read as in nats-server. */
#define LONGEST (DAYS * 365)

const struct option options_table[] = {
    /* who and where */
    {"listen", NULL, NULL, NULL, SECTION_SERVER, OPTION_LISTEN, 0, .default_means = "0.0.0.0:4222",
     .help = "Host and port for clients in one: \"0.0.0.0:4222\", \"[::1]:4222\", \":4222\" or "
             "4222; sets host and port"},
    {"host", "net", "a addr net", "<host>", SECTION_SERVER, OPTION_TEXT, FIELD(host),
     .default_text = "0.0.0.0", .help = "Listen for clients on this address"},
    {"port", NULL, "p port", "<port>", SECTION_SERVER, OPTION_INTEGER, FIELD(port),
     .fallback = 4222, .min = -1, .max = 65535, .zero_is_default = true,
     .help = "Listen for clients on this port; -1 takes any free one"},
    {"server_name", NULL, "n name server_name", "<name>", SECTION_SERVER, OPTION_TEXT,
     FIELD(server_name), .default_means = "the server's id",
     .help = "The name of this node, unique in its cluster and without blanks"},
    {"pid_file", "pidfile", "P pid", "<file>", SECTION_SERVER, OPTION_TEXT, FIELD(pid_file),
     .default_means = "none", .is_reloadable = true, .help = "Write the process id to this file"},
    {"ports_file_dir", NULL, "ports_file_dir", "<dir>", SECTION_SERVER, OPTION_TEXT,
     FIELD(ports_file_dir), .default_means = "none", .is_reloadable = true,
     .help = "Write the URLs it listens on to natter-node_PID.ports in this folder, as JSON"},

    /* threads and memory */
    {"shards", NULL, "shards", "<number>", SECTION_RESOURCES, OPTION_INTEGER, FIELD(shards),
     .min = 0, .max = SHARDS_MAX, .default_means = "one for each processor it may use",
     .help = "Threads that carry messages; 0 means one for each processor it may use"},
    {"max_memory", NULL, "max_memory", "<bytes>", SECTION_RESOURCES, OPTION_SIZE,
     FIELD(max_memory_bytes), .min = 0, .max = INT64_MAX,
     .default_means = "3/4 of the control group's limit, or none", .is_reloadable = true,
     .help = "Memory of the whole node: near it publishers are held back, then the slowest "
             "consumers are cut; 0 means the default"},

    /* the log */
    {"debug", NULL, "D debug", NULL, SECTION_LOG, OPTION_BOOL, FIELD(debug), .is_reloadable = true,
     .help = "Log what helps to find an error"},
    {"trace", NULL, "V trace", NULL, SECTION_LOG, OPTION_BOOL, FIELD(trace), .is_reloadable = true,
     .help = "Log every line of the protocol"},
    {"trace_verbose", NULL, NULL, NULL, SECTION_LOG, OPTION_BOOL, FIELD(trace_verbose),
     .is_reloadable = true, .help = "Log the lines of the system account too; implies trace"},
    {"logtime", NULL, "T logtime", NULL, SECTION_LOG, OPTION_BOOL, FIELD(logtime), .fallback = 1,
     .is_reloadable = true, .help = "Begin each line of the log with the time"},
    {"logtime_utc", NULL, NULL, NULL, SECTION_LOG, OPTION_BOOL, FIELD(logtime_utc),
     .is_reloadable = true, .help = "Give that time in UTC rather than in local time"},
    {"log_file", "logfile", "l log", "<file>", SECTION_LOG, OPTION_TEXT, FIELD(log_file),
     .default_means = "standard error", .is_reloadable = true,
     .help = "Append the log to this file"},

    /* limits on clients */
    {"max_connections", "max_conn", NULL, NULL, SECTION_LIMITS, OPTION_INTEGER,
     FIELD(max_connections), .fallback = 65536, .min = -1, .max = INT32_MAX,
     .zero_is_default = true, .is_reloadable = true,
     .help = "Clients at one time; -1 means any number"},
    {"max_control_line", NULL, NULL, NULL, SECTION_LIMITS, OPTION_SIZE, FIELD(max_control_line),
     .fallback = 4 * KIB, .min = 1, .max = CONTROL_LINE_BYTES_MAX, .zero_is_default = true,
     .is_reloadable = true, .help = "Length of one line of the protocol, its payload not counted"},
    {"max_payload", NULL, NULL, NULL, SECTION_LIMITS, OPTION_SIZE, FIELD(max_payload),
     .fallback = MIB, .min = 1, .max = GIB, .zero_is_default = true, .is_reloadable = true,
     .help = "Size of one message with its headers; at most max_pending"},
    {"max_pending", NULL, NULL, NULL, SECTION_LIMITS, OPTION_SIZE, FIELD(max_pending),
     .fallback = 64 * MIB, .min = 1, .max = 1024 * GIB, .zero_is_default = true,
     .help = "Bytes that may wait for one client; beyond, it is a slow consumer and cut"},
    {"max_subscriptions", "max_subs", NULL, NULL, SECTION_LIMITS, OPTION_INTEGER,
     FIELD(max_subscriptions), .min = 0, .max = INT32_MAX, .default_means = "any number",
     .help = "Subscriptions of one client; 0 means any number"},
    {"max_sub_tokens", "max_subscription_tokens", NULL, NULL, SECTION_LIMITS, OPTION_INTEGER,
     FIELD(max_sub_tokens), .min = 0, .max = 255, .default_means = "any number",
     .help = "Tokens in the subject of a subscription; 0 means any number"},
    {"no_header_support", NULL, NULL, NULL, SECTION_LIMITS, OPTION_BOOL, FIELD(no_header_support),
     .help = "Carry no message headers"},

    /* time */
    {"ping_interval", NULL, NULL, NULL, SECTION_TIME, OPTION_DURATION, FIELD(ping_interval_ns),
     .fallback = 2 * MINUTES, .min = MILLISECONDS, .max = LONGEST, .zero_is_default = true,
     .takes_seconds = true, .is_reloadable = true,
     .help = "A client that is silent for this long is sent a PING"},
    {"ping_max", NULL, NULL, NULL, SECTION_TIME, OPTION_INTEGER, FIELD(ping_max), .fallback = 2,
     .min = 1, .max = 1000, .zero_is_default = true, .is_reloadable = true,
     .help = "PINGs that may be unanswered before a connection is stale and closed"},
    {"write_deadline", NULL, NULL, NULL, SECTION_TIME, OPTION_DURATION, FIELD(write_deadline_ns),
     .fallback = 10 * SECONDS, .min = MILLISECONDS, .max = LONGEST, .zero_is_default = true,
     .takes_seconds = true, .is_reloadable = true,
     .help = "A client that takes nothing for this long is a slow consumer and cut"},
    {"lame_duck_duration", NULL, NULL, NULL, SECTION_TIME, OPTION_DURATION,
     FIELD(lame_duck_duration_ns), .fallback = 2 * MINUTES, .min = 30 * SECONDS, .max = LONGEST,
     .zero_is_default = true, .help = "Time in which a lame duck lets its clients go"},
    {"lame_duck_grace_period", NULL, NULL, NULL, SECTION_TIME, OPTION_DURATION,
     FIELD(lame_duck_grace_period_ns), .fallback = 10 * SECONDS, .min = 0, .max = LONGEST,
     .help = "Time a lame duck waits before the first client goes; shorter than "
             "lame_duck_duration, and part of it"},
};
const size_t options_table_rows = sizeof options_table / sizeof options_table[0];

const struct foreign_option foreign_table[] = {
    {"tls allow_non_tls", "tls tlsverify tlscert tlskey tlscacert help_tls", FOREIGN_NOT_YET,
     "encryption"},
    {"authorization no_auth_user", "user pass auth", FOREIGN_NOT_YET, "authentication"},
    {"accounts system_account system no_system_account no_system no_sys_acc", NULL, FOREIGN_NOT_YET,
     "accounts"},
    {"mappings maps", NULL, FOREIGN_NOT_YET, "subject mapping"},
    {"cluster",
     "routes cluster cluster_listen cluster_name no_advertise cluster_advertise connect_retries",
     FOREIGN_NOT_YET, "clusters"},
    {"websocket ws", NULL, FOREIGN_NOT_YET, "WebSocket"},
    {"http https http_port monitor_port https_port http_base_path", "m http_port ms https_port",
     FOREIGN_NOT_YET, "monitoring"},
    {"server_tags", NULL, FOREIGN_NOT_YET, "tags, which monitoring shows"},
    {"syslog remote_syslog", "s syslog r remote_syslog", FOREIGN_NOT_YET, "syslog"},
    {"log_size_limit logfile_size_limit logfile_max_num log_max_num", "log_size_limit",
     FOREIGN_NOT_YET, "rotating the log by itself; SIGUSR1 opens the file again"},
    {"max_traced_msg_len", "max_traced_msg_len", FOREIGN_NOT_YET, "payloads in the trace"},
    {"jetstream store_dir default_js_domain js_cluster_domain", "js jetstream sd store_dir",
     FOREIGN_NEVER, "streams, which are kept on disk"},
    {"leafnodes leaf", NULL, FOREIGN_NEVER, "leaf nodes"},
    {"gateway", NULL, FOREIGN_NEVER, "gateways"},
    {"mqtt", NULL, FOREIGN_NEVER, "MQTT"},
    {"operator operators roots trusted trusted_keys resolver resolver_tls resolver_preload "
     "default_sentinel",
     NULL, FOREIGN_NEVER, "operators and JWT"},
    {"ocsp ocsp_cache", NULL, FOREIGN_NEVER, "OCSP"},
    {"prof_port prof_block_rate", "profile", FOREIGN_WITHOUT_EFFECT,
     "profiling of the Go run time"},
    {"disable_sublist_cache no_sublist_cache", NULL, FOREIGN_WITHOUT_EFFECT,
     "the caches of delivery plans bound themselves"},
    {"no_fast_producer_stall", NULL, FOREIGN_WITHOUT_EFFECT,
     "a publisher is paced by its fastest consumer"},
    {"connect_error_reports reconnect_error_reports", NULL, FOREIGN_WITHOUT_EFFECT,
     "there are no connections outward to report on"},
    {"client_advertise", "client_advertise", FOREIGN_WITHOUT_EFFECT,
     "without a cluster clients are told of no address"},
    {"max_closed_clients", NULL, FOREIGN_WITHOUT_EFFECT, "closed connections are not listed"},
};
const size_t foreign_table_rows = sizeof foreign_table / sizeof foreign_table[0];

const struct command_flag command_table[] = {
    {"c config", "<file>", COMMAND_CONFIG, NULL, "Read this configuration file"},
    {"t", NULL, COMMAND_TEST, NULL, "Check the configuration file and exit"},
    {"sl signal", "<signal>[=<pid>]", COMMAND_SIGNAL, NULL,
     "Send a signal (stop, quit, term, reopen, reload, ldm) to the natter-node with this process "
     "id or PID file, or to the only one there is"},
    {"VV", NULL, COMMAND_SET, "trace trace_verbose", "Trace the system account too"},
    {"DV", NULL, COMMAND_SET, "debug trace", "Debug and trace"},
    {"DVV", NULL, COMMAND_SET, "debug trace trace_verbose",
     "Debug and trace the system account too"},
    {"h help", NULL, COMMAND_HELP, NULL, "Show this help and exit"},
    {"v version", NULL, COMMAND_VERSION, NULL, "Show the version and exit"},
    {"options-markdown", NULL, COMMAND_OPTIONS_MARKDOWN, NULL, NULL},
};
const size_t command_table_rows = sizeof command_table / sizeof command_table[0];

bool take_name(const char **list, struct bytes *name)
{
    size_t len = *list == NULL ? 0 : strcspn(*list, " ");

    if (len == 0)
        return false;
    *name = bytes_of(*list, len);
    *list += len;
    if (**list == ' ')
        (*list)++;
    return true;
}

static bool lists_key(const char *list, const char *key)
{
    struct bytes name;

    while (take_name(&list, &name)) {
        if (name.len == strlen(key) && strncasecmp(name.data, key, name.len) == 0)
            return true;
    }
    return false;
}

static bool lists_flag(const char *list, struct bytes flag)
{
    struct bytes name;

    while (take_name(&list, &name)) {
        if (bytes_equal(name, flag))
            return true;
    }
    return false;
}

const struct option *option_by_key(const char *key)
{
    for (size_t i = 0; i < options_table_rows; i++) {
        const struct option *option = &options_table[i];

        if (strcasecmp(option->name, key) == 0 || lists_key(option->aliases, key))
            return option;
    }
    return NULL;
}

const struct option *option_by_flag(struct bytes flag)
{
    for (size_t i = 0; i < options_table_rows; i++) {
        if (lists_flag(options_table[i].flags, flag))
            return &options_table[i];
    }
    return NULL;
}

const struct foreign_option *foreign_by_key(const char *key)
{
    for (size_t i = 0; i < foreign_table_rows; i++) {
        if (lists_key(foreign_table[i].names, key))
            return &foreign_table[i];
    }
    return NULL;
}

const struct foreign_option *foreign_by_flag(struct bytes flag)
{
    for (size_t i = 0; i < foreign_table_rows; i++) {
        if (lists_flag(foreign_table[i].flags, flag))
            return &foreign_table[i];
    }
    return NULL;
}

const struct command_flag *command_by_flag(struct bytes flag)
{
    for (size_t i = 0; i < command_table_rows; i++) {
        if (lists_flag(command_table[i].flags, flag))
            return &command_table[i];
    }
    return NULL;
}

const char *option_section_title(enum option_section section)
{
    static const char *const titles[] = {
        [SECTION_SERVER] = "Server", [SECTION_RESOURCES] = "Threads and memory",
        [SECTION_LOG] = "Log",       [SECTION_LIMITS] = "Limits",
        [SECTION_TIME] = "Time",
    };

    return titles[section];
}
