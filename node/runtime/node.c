#include "node/runtime/node.h"

#include "lib/base/log.h"
#include "node/runtime/connection.h"
#include "node/runtime/processors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_SECONDS 0.1

const struct options *node_options(struct node *node)
{
    return atomic_load(&node->options);
}

/* --- accepting ------------------------------------------------------------------------------- */

/* A connection on its way to another worker. */
struct open_command {
    struct command command; /* first */
    struct listener_accepted accepted;
};

static void open_here(struct worker *worker, struct command *command)
{
    struct listener_accepted accepted = ((struct open_command *)command)->accepted;

    free(command);
    connection_open(worker, accepted.fd, &accepted.peer);
}

static void place(struct node *node, const struct listener_accepted *accepted)
{
    unsigned chosen = balance_choose(&node->balance);
    struct open_command *open = NULL;

    if (chosen != 0)
        open = malloc(sizeof *open);
    if (open == NULL) {
        connection_open(&node->workers[0], accepted->fd, &accepted->peer);
        return;
    }
    *open = (struct open_command){.command.run = open_here, .accepted = *accepted};
    worker_post(&node->workers[chosen], &open->command);
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct node *node = watcher->data;
    struct listener_accepted accepted;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        enum listener_result result = listener_accept(node->listener, &accepted);

        if (result == LISTENER_ACCEPTED) {
            place(node, &accepted);
            continue;
        }
        if (result == LISTENER_SHED) {
            log_event(LOG_WARN, "listener.shed", "reason=\"no file descriptor is free\"");
            continue;
        }
        if (result != LISTENER_AGAIN) {
            ev_io_stop(loop, &node->acceptable);
            ev_timer_start(loop, &node->accept_again);
        }
        break;
    }
}

static void on_accept_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct node *node = timer->data;

    (void)events;
    ev_io_start(loop, &node->acceptable);
}

static bool listen_for_clients(struct node *node)
{
    const struct options *options = node_options(node);
    struct net_error error;
    struct ev_loop *loop = node->workers[0].loop;
    bool is_any = strcmp(options->host, "0.0.0.0") == 0; /* as nats-server: IPv6 too */

    node->listener = listener_open(is_any ? "" : options->host, (int)options->port, &error);
    if (node->listener == NULL) {
        log_event(LOG_ERROR, "listener.failed", "reason=\"%s\"", error.text);
        return false;
    }
    node->broker.port = (uint16_t)listener_port(node->listener);
    log_event(LOG_INFO, "listener.open", "for=clients host=%s port=%u", options->host,
              listener_port(node->listener));
    ev_io_init(&node->acceptable, on_acceptable, listener_fd(node->listener), EV_READ);
    node->acceptable.data = node;
    ev_io_start(loop, &node->acceptable);
    ev_timer_init(&node->accept_again, on_accept_again, ACCEPT_PAUSE_SECONDS, 0);
    node->accept_again.data = node;
    return true;
}

void node_stop_listening(struct node *node)
{
    struct ev_loop *loop = node->workers[0].loop;

    if (node->listener == NULL)
        return;
    ev_io_stop(loop, &node->acceptable);
    ev_timer_stop(loop, &node->accept_again);
    listener_close(node->listener);
    node->listener = NULL;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static unsigned count_workers(const struct options *options)
{
    unsigned usable =
        options->shards > 0 ? (unsigned)options->shards : processors_usable(&system_folders_usual);

    return usable < SHARDS_MAX ? usable : SHARDS_MAX;
}

bool node_init(struct node *node, const struct options *options)
{
    *node = (struct node){.worker_count = count_workers(options)};
    atomic_store(&node->options, options);
    shared_lock_init(&node->interest_lock);
    pause_init(&node->pause, node->worker_count);
    if (!broker_init(&node->broker, options,
                     node->worker_count > 1 ? &node->interest_lock.face : NULL) ||
        !crossing_init(&node->crossing, node->worker_count))
        return false;
    node->workers = calloc(node->worker_count, sizeof *node->workers);
    for (unsigned i = 0; node->workers != NULL && i < node->worker_count; i++) {
        struct worker_setup setup = {.node = node,
                                     .broker = &node->broker,
                                     .options = options,
                                     .crossing = &node->crossing,
                                     .index = i,
                                     .count = node->worker_count};

        if (!worker_init(&node->workers[i], &setup))
            return false;
    }
    return node->workers != NULL;
}

void node_fini(struct node *node)
{
    for (unsigned i = 0; node->workers != NULL && i < node->worker_count; i++)
        worker_fini(&node->workers[i]);
    free(node->workers);
    crossing_fini(&node->crossing);
    broker_fini(&node->broker);
    pause_fini(&node->pause);
    shared_lock_fini(&node->interest_lock);
}

static void stop_here(struct worker *worker, struct command *command)
{
    (void)command;
    worker_stop(worker);
}

/* Ends all threads but this one. */
static void stop_workers(struct node *node)
{
    struct command stops[SHARDS_MAX];

    for (unsigned i = 1; i < node->worker_count; i++) {
        if (!node->workers[i].has_thread)
            continue;
        stops[i] = (struct command){.run = stop_here};
        worker_post(&node->workers[i], &stops[i]);
        worker_join(&node->workers[i]);
    }
}

/* With one worker for each processor, those that are not needed sleep; a number that the operator
 * has chosen is used. */
static bool start_workers(struct node *node)
{
    bool is_chosen = node_options(node)->shards > 0;

    node->workers[0].thread = pthread_self();
    node->workers[0].tid = gettid();
    for (unsigned i = 1; i < node->worker_count; i++) {
        if (!worker_start(&node->workers[i])) {
            log_event(LOG_ERROR, "node.failed", "reason=\"no thread for shard %u\"", i);
            return false;
        }
    }
    return node->worker_count == 1 ||
           balance_start(&node->balance, node, is_chosen ? PLACEMENT_SPREAD : PLACEMENT_FILL);
}

bool node_start(struct node *node)
{
    pressure_choose(&node->pressure, node_options(node)->max_memory_bytes, node->workers[0].loop);
    for (unsigned i = 0; i < node->worker_count; i++)
        pressure_take_budget(&node->workers[i].pressure, &node->pressure);
    if (!start_workers(node) || !listen_for_clients(node))
        return false;
    log_event(LOG_INFO, "node.ready", "id=%s name=%s shards=%u", node->broker.server_id,
              node->broker.server_name, node->worker_count);
    return true;
}

void node_run(struct node *node)
{
    worker_run(&node->workers[0]);
}

/* What all shards did together. */
static struct shard_stats total_stats(const struct node *node)
{
    struct shard_stats sum = {0};

    for (unsigned i = 0; i < node->worker_count; i++) {
        const struct shard_stats *stats = &node->workers[i].shard.stats;

        sum.in_msgs += stats->in_msgs;
        sum.in_bytes += stats->in_bytes;
        sum.out_msgs += stats->out_msgs;
        sum.out_bytes += stats->out_bytes;
        sum.slow_consumers += stats->slow_consumers;
        sum.forwarded += stats->forwarded;
    }
    return sum;
}

void node_stop(struct node *node)
{
    struct shard_stats sum;

    node_stop_listening(node);
    pressure_stop(&node->pressure, node->workers[0].loop);
    balance_stop(&node->balance);
    stop_workers(node);
    sum = total_stats(node);
    log_event(LOG_INFO, "node.stopped",
              "in_msgs=%llu in_bytes=%llu out_msgs=%llu out_bytes=%llu slow_consumers=%llu "
              "between_shards=%llu",
              (unsigned long long)sum.in_msgs, (unsigned long long)sum.in_bytes,
              (unsigned long long)sum.out_msgs, (unsigned long long)sum.out_bytes,
              (unsigned long long)sum.slow_consumers, (unsigned long long)sum.forwarded);
}
