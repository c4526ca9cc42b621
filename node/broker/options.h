/* options: what an operator can choose about a node, as plain data.
 *
 * One struct for the whole node; node/runtime/settings describes each field once (its name in the
 * configuration file, its flag, unit, default, whether SIGHUP can change it) and fills it. The broker
 * only reads it. Strings belong to the struct; options_free() in settings frees them.
 *
 * Threads   a struct in use is never written to: a reload builds a new one and hands it over. */
#ifndef NATTER_NODE_OPTIONS_H
#define NATTER_NODE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of a control line that max_control_line may allow at most: lengths within one fit 16 bits. */
#define CONTROL_LINE_BYTES_MAX 65535

struct options {
    /* who and where */
    char *server_name; /* empty: the server id */
    char *host;        /* address to listen on */
    int64_t port;      /* for clients; -1: any free one */
    char *pid_file;
    char *ports_file_dir;

    /* threads and memory */
    int64_t shards;           /* 0: one for each processor this process may use */
    int64_t max_memory_bytes; /* of the whole node; 0: 3/4 of the cgroup's limit, or none */

    /* logging */
    bool debug;
    bool trace;
    bool trace_verbose;
    bool logtime;
    bool logtime_utc;
    char *log_file; /* empty: standard error */

    /* limits on clients */
    int64_t max_control_line;  /* bytes of one line's arguments */
    int64_t max_payload;       /* bytes, headers included */
    int64_t max_pending;       /* bytes waiting for one client */
    int64_t max_connections;   /* -1: no limit */
    int64_t max_subscriptions; /* a connection; 0: no limit */
    int64_t max_sub_tokens;    /* a subscription's subject; 0: no limit */
    bool no_header_support;

    /* time, in nanoseconds */
    int64_t ping_interval_ns;
    int64_t ping_max; /* unanswered PINGs before a connection is stale */
    int64_t write_deadline_ns;
    int64_t lame_duck_duration_ns;
    int64_t lame_duck_grace_period_ns;
};

#endif
