#include "node/runtime/lame_duck.h"

#include "lib/base/log.h"
#include "node/broker/client.h"
#include "node/runtime/connection.h"
#include "node/runtime/node.h"

#include <stdlib.h>

#define STEP_SECONDS_MAX 1.0
#define STEP_SECONDS_MIN 0.001 /* shorter ones become batches */

/* --- what the workers do --------------------------------------------------------------------- */

static void announce(struct worker *worker, struct command *command)
{
    free(command);
    for (struct client *c = worker->shard.clients; c != NULL; c = c->next)
        client_update_info(c);
}

struct close_command {
    struct command command; /* first */
    uint32_t count;
};

static void close_some(struct worker *worker, struct command *command)
{
    uint32_t left = ((struct close_command *)command)->count;

    free(command);
    for (struct client *c = worker->shard.clients; c != NULL && left > 0; c = c->next) {
        if (client_is_closing(c))
            continue;
        client_close(c, STATUS_SHUTDOWN);
        left--;
    }
}

/* --- what worker 0 decides ------------------------------------------------------------------- */

static uint32_t connection_count(struct node *node)
{
    return atomic_load(&node->broker.connections);
}

static void finish(struct lame_duck *duck)
{
    log_event(LOG_INFO, "node.stopping", "after=\"lame duck\"");
    worker_stop(&duck->node->workers[0]);
}

static struct worker *fullest_worker(struct node *node)
{
    struct worker *fullest = &node->workers[0];

    for (unsigned i = 1; i < node->worker_count; i++) {
        if (atomic_load(&node->workers[i].connection_count) >
            atomic_load(&fullest->connection_count))
            fullest = &node->workers[i];
    }
    return fullest;
}

static void set_timer(struct lame_duck *duck, double seconds)
{
    struct ev_loop *loop = duck->node->workers[0].loop;

    ev_now_update(loop);
    ev_timer_stop(loop, &duck->timer);
    ev_timer_set(&duck->timer, seconds, 0);
    ev_timer_start(loop, &duck->timer);
}

/* Between half a step and a whole one. */
static double next_wait(struct lame_duck *duck)
{
    struct random *random = &duck->node->workers[0].shard.random;

    return duck->step_seconds * (0.5 + random_below(random, 1000) / 2000.0);
}

static void on_step(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct lame_duck *duck = timer->data;
    struct close_command *command;

    (void)loop;
    (void)events;
    if (connection_count(duck->node) == 0) {
        finish(duck);
        return;
    }
    command = malloc(sizeof *command);
    if (command != NULL) {
        *command = (struct close_command){.command.run = close_some, .count = duck->batch};
        worker_post(fullest_worker(duck->node), &command->command);
    }
    set_timer(duck, next_wait(duck));
}

/* The grace period is over: spreads the closings over what is left of the time. */
static void on_grace_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct lame_duck *duck = timer->data;
    const struct options *options = node_options(duck->node);
    double seconds =
        (double)(options->lame_duck_duration_ns - options->lame_duck_grace_period_ns) / 1e9;
    uint32_t count = connection_count(duck->node);

    duck->step_seconds = seconds / (count == 0 ? 1 : count);
    if (duck->step_seconds > STEP_SECONDS_MAX)
        duck->step_seconds = STEP_SECONDS_MAX;
    duck->batch = 1;
    if (duck->step_seconds < STEP_SECONDS_MIN) {
        duck->batch = (uint32_t)(STEP_SECONDS_MIN / duck->step_seconds) + 1;
        duck->step_seconds *= duck->batch;
    }
    ev_set_cb(timer, on_step);
    on_step(loop, timer, events);
}

void lame_duck_begin(struct lame_duck *duck, struct node *node)
{
    const struct options *options = node_options(node);

    if (duck->is_on)
        return;
    *duck = (struct lame_duck){.node = node, .is_on = true};
    log_event(LOG_INFO, "node.lame_duck", "connections=%u", connection_count(node));
    node_stop_listening(node);
    atomic_store(&node->broker.is_lame_duck, true);
    ev_init(&duck->timer, on_grace_end);
    duck->timer.data = duck;
    if (connection_count(node) == 0) {
        finish(duck);
        return;
    }
    for (unsigned i = 0; i < node->worker_count; i++) {
        struct command *command = malloc(sizeof *command);

        if (command == NULL)
            continue;
        *command = (struct command){.run = announce};
        worker_post(&node->workers[i], command);
    }
    set_timer(duck, (double)options->lame_duck_grace_period_ns / 1e9);
}

void lame_duck_stop(struct lame_duck *duck)
{
    if (duck->is_on)
        ev_timer_stop(duck->node->workers[0].loop, &duck->timer);
}
