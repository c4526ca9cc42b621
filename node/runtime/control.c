#include "node/runtime/control.h"

#include "lib/base/log.h"
#include "node/broker/client.h"
#include "node/runtime/lame_duck.h"
#include "node/runtime/node.h"
#include "node/runtime/node_files.h"
#include "node/runtime/pressure.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Options a worker may still look at; freed with the node, since a reload is rare. */
struct retired_settings {
    struct retired_settings *next;
    struct settings *settings;
};

#define SIGNALS 5

struct control {
    struct node node;
    struct lame_duck lame_duck;
    struct settings *settings; /* the current ones */
    struct retired_settings *retired;
    ev_signal signals[SIGNALS];
};

static bool open_log(const struct options *options)
{
    struct log_options log = {.level = LOG_INFO,
                              .with_time = options->logtime,
                              .in_utc = options->logtime_utc,
                              .path = options->log_file};

    if (options->debug)
        log.level = LOG_DEBUG;
    if (options->trace || options->trace_verbose)
        log.level = LOG_TRACE;
    if (log_open(&log))
        return true;
    fprintf(stderr, "natter-node: cannot open the log file %s: %s\n", options->log_file,
            strerror(errno));
    return false;
}

/* --- stopping -------------------------------------------------------------------------------- */

static void stop(struct control *control, int number)
{
    log_event(LOG_INFO, "node.stopping", "signal=%d", number);
    worker_stop(&control->node.workers[0]);
}

static void on_int(struct control *control)
{
    stop(control, SIGINT);
}

static void on_term(struct control *control)
{
    if (control->lame_duck.is_on)
        log_event(LOG_INFO, "node.lame_duck", "ignored=SIGTERM");
    else
        stop(control, SIGTERM);
}

static void on_lame_duck(struct control *control)
{
    lame_duck_begin(&control->lame_duck, &control->node);
}

static void on_reopen(struct control *control)
{
    bool is_open = open_log(control->settings->options);

    log_event(is_open ? LOG_INFO : LOG_ERROR, "log.reopened", "ok=%s", is_open ? "yes" : "no");
}

/* --- reload ---------------------------------------------------------------------------------- */

struct options_command {
    struct command command; /* first */
    const struct options *options;
    uint32_t excess; /* connections to close */
};

static void take_options(struct worker *worker, struct command *command)
{
    struct options_command *taken = (struct options_command *)command;
    uint32_t excess = taken->excess;

    shard_set_options(&worker->shard, taken->options);
    pressure_take_budget(&worker->pressure, &worker->node->pressure);
    for (struct client *c = worker->shard.clients; c != NULL && excess > 0; c = c->next) {
        client_close(c, STATUS_TOO_MANY_CONNECTIONS);
        excess--;
    }
    free(command);
}

/* How many connections there are beyond what is allowed. */
static uint64_t excess_connections(struct node *node)
{
    int64_t max = node_options(node)->max_connections;
    int64_t count = (int64_t)atomic_load(&node->broker.connections);

    return max < 0 || count <= max ? 0 : (uint64_t)(count - max);
}

/* The excess is spread over the workers as the connections are; the shares add up to it. */
static void hand_out_options(struct node *node)
{
    uint64_t excess = excess_connections(node);
    uint64_t count = atomic_load(&node->broker.connections);
    uint64_t seen = 0;
    uint64_t shared_out = 0;

    for (unsigned i = 0; i < node->worker_count; i++) {
        struct options_command *command = malloc(sizeof *command);
        uint64_t due;

        if (command == NULL)
            continue; /* that worker goes on with the old ones */
        seen += atomic_load(&node->workers[i].connection_count);
        due = seen >= count ? excess : excess * seen / count;
        *command = (struct options_command){.command.run = take_options,
                                            .options = node_options(node),
                                            .excess = (uint32_t)(due - shared_out)};
        shared_out = due;
        worker_post(&node->workers[i], &command->command);
    }
}

static void log_complaint(void *arg, bool is_error, const char *line)
{
    (void)arg;
    log_event(is_error ? LOG_ERROR : LOG_WARN, "reload.complaint", "%s", line);
}

static void log_change(void *arg, const struct settings_change *change)
{
    (void)arg;
    log_event(change->needs_restart ? LOG_WARN : LOG_INFO,
              change->needs_restart ? "reload.needs_restart" : "reload.changed",
              "option=%s from=\"%s\" to=\"%s\"", change->name, change->from, change->to);
}

static void retire(struct control *control, struct settings *settings)
{
    struct retired_settings *retired = malloc(sizeof *retired);

    if (retired == NULL)
        return; /* better lost than freed under a worker */
    *retired = (struct retired_settings){.next = control->retired, .settings = settings};
    control->retired = retired;
}

static void on_reload(struct control *control)
{
    struct settings_listener listener = {.complaint = log_complaint, .change = log_change};
    struct settings *fresh = settings_reload(control->settings, &listener);
    struct node *node = &control->node;

    if (fresh == NULL) {
        log_event(LOG_ERROR, "reload.failed", "reason=\"nothing was changed\"");
        return;
    }
    node_files_remove(node);
    retire(control, control->settings);
    control->settings = fresh;
    atomic_store(&node->options, fresh->options);
    open_log(fresh->options);
    node_files_write(node);
    pressure_choose(&node->pressure, fresh->options->max_memory_bytes, node->workers[0].loop);
    hand_out_options(node);
    log_event(LOG_INFO, "reload.done", "shards=%u", node->worker_count);
}

/* --- signals --------------------------------------------------------------------------------- */

static const struct {
    int number;
    void (*act)(struct control *control);
} actions[SIGNALS] = {
    {SIGINT, on_int},     {SIGTERM, on_term},      {SIGHUP, on_reload},
    {SIGUSR1, on_reopen}, {SIGUSR2, on_lame_duck},
};

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    struct control *control = watcher->data;

    (void)loop;
    (void)events;
    actions[watcher - control->signals].act(control);
}

static void watch_signals(struct control *control)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        ev_signal_init(&control->signals[i], on_signal, actions[i].number);
        control->signals[i].data = control;
        ev_signal_start(control->node.workers[0].loop, &control->signals[i]);
    }
}

static void ignore_signals(struct control *control)
{
    for (size_t i = 0; i < SIGNALS; i++)
        ev_signal_stop(control->node.workers[0].loop, &control->signals[i]);
}

/* --- a node's life --------------------------------------------------------------------------- */

static int run(struct control *control)
{
    struct node *node = &control->node;
    bool has_run = false;

    if (!node_init(node, control->settings->options)) {
        log_event(LOG_ERROR, "node.failed", "reason=\"%s\"", strerror(errno));
        return EXIT_FAILURE;
    }
    watch_signals(control);
    if (node_start(node) && node_files_write(node)) {
        node_run(node);
        node_files_remove(node);
        has_run = true;
    }
    lame_duck_stop(&control->lame_duck);
    ignore_signals(control);
    node_stop(node);
    return has_run ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void free_settings(struct control *control)
{
    settings_free(control->settings);
    while (control->retired != NULL) {
        struct retired_settings *retired = control->retired;

        control->retired = retired->next;
        settings_free(retired->settings);
        free(retired);
    }
}

int control_run(struct settings *settings)
{
    static struct control control;
    int status = EXIT_FAILURE;

    control.settings = settings;
    if (open_log(settings->options)) {
        status = run(&control);
        node_fini(&control.node);
    }
    free_settings(&control);
    return status;
}
