#include "node/runtime/node.h"

#include "lib/base/log.h"
#include "node/runtime/connection.h"

#include <signal.h>
#include <stdlib.h>

#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_SECONDS 0.1

const struct options *node_options(struct node *node)
{
    return atomic_load(&node->options);
}

bool node_is_full(struct node *node)
{
    int64_t max = node_options(node)->max_connections;

    return max >= 0 && (int64_t)atomic_load(&node->broker.connections) > max;
}

/* --- accepting ------------------------------------------------------------------------------- */

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct node *node = watcher->data;
    struct listener_accepted accepted;

    (void)events;
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        enum listener_result result = listener_accept(node->listener, &accepted);

        if (result == LISTENER_ACCEPTED) {
            connection_open(&node->workers[0], accepted.fd, &accepted.peer);
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

    node->listener = listener_open(options->host, (int)options->port, &error);
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

static void on_end_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    struct node *node = watcher->data;

    (void)loop;
    (void)events;
    log_event(LOG_INFO, "node.stopping", "signal=%d", watcher->signum);
    worker_stop(&node->workers[0]);
}

static void watch_signal(struct node *node, ev_signal *watcher, int number)
{
    ev_signal_init(watcher, on_end_signal, number);
    watcher->data = node;
    ev_signal_start(node->workers[0].loop, watcher);
}

bool node_init(struct node *node, const struct options *options)
{
    *node = (struct node){0};
    atomic_store(&node->options, options);
    node->worker_count = 1;
    if (!broker_init(&node->broker, options, NULL))
        return false;
    node->workers = calloc(node->worker_count, sizeof *node->workers);
    return node->workers != NULL && worker_init(&node->workers[0], node, 0);
}

void node_fini(struct node *node)
{
    if (node->listener != NULL)
        listener_close(node->listener);
    for (unsigned i = 0; i < node->worker_count; i++)
        worker_fini(&node->workers[i]);
    free(node->workers);
    broker_fini(&node->broker);
}

int node_run(struct node *node)
{
    signal(SIGPIPE, SIG_IGN);
    if (!listen_for_clients(node))
        return 1;
    watch_signal(node, &node->on_int, SIGINT);
    watch_signal(node, &node->on_term, SIGTERM);
    log_event(LOG_INFO, "node.ready", "id=%s", node->broker.server_id);
    worker_run(&node->workers[0]);
    return node->exit_status;
}
