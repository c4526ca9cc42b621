#include "node/runtime/worker.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "node/broker/client.h"
#include "node/broker/keepalive.h"
#include "node/runtime/connection.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

/* --- commands from other threads ------------------------------------------------------------- */

void worker_post(struct worker *worker, struct command *command)
{
    pthread_mutex_lock(&worker->commands_lock);
    command->next = worker->commands;
    worker->commands = command;
    pthread_mutex_unlock(&worker->commands_lock);
    ev_async_send(worker->loop, &worker->woken);
}

static struct command *take_commands(struct worker *worker)
{
    struct command *newest;
    struct command *oldest = NULL;

    pthread_mutex_lock(&worker->commands_lock);
    newest = worker->commands;
    worker->commands = NULL;
    pthread_mutex_unlock(&worker->commands_lock);
    while (newest != NULL) {
        struct command *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void on_woken(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct worker *worker = watcher->data;
    struct command *command = take_commands(worker);

    (void)loop;
    (void)events;
    while (command != NULL) {
        struct command *next = command->next;

        command->run(worker, command);
        command = next;
    }
}

/* --- the end of a turn ----------------------------------------------------------------------- */

void worker_flush(struct worker *worker)
{
    struct client *c;

    while ((c = shard_take_dirty(&worker->shard)) != NULL)
        connection_flush(c->owner);
    crossing_publish(worker->crossing);
}

/* Lets the loop wake up for the shard's earliest deadline, if it is another than before. */
static void set_ticker(struct worker *worker)
{
    uint64_t due = timers_next_due(&worker->shard.timers);
    double in_seconds;

    if (due == worker->ticker_due_ns)
        return;
    worker->ticker_due_ns = due;
    ev_timer_stop(worker->loop, &worker->ticker);
    if (due == TIMERS_NEVER)
        return;
    in_seconds = ((double)due - (double)clock_now_ns()) / 1e9;
    ev_now_update(worker->loop);
    ev_timer_set(&worker->ticker, in_seconds > 0 ? in_seconds : 0, 0);
    ev_timer_start(worker->loop, &worker->ticker);
}

/* Takes what other shards have sent; publishers wait no longer once all of this one's is under way. */
static void worker_receive(struct worker *worker)
{
    bool was_congested = exchange_is_congested(&worker->shard.exchange);

    crossing_receive(worker->crossing);
    if (was_congested && !exchange_is_congested(&worker->shard.exchange))
        worker_release_held(worker);
}

static void on_turn_end(struct ev_loop *loop, ev_prepare *watcher, int events)
{
    struct worker *worker = watcher->data;

    (void)events;
    worker_receive(worker);
    worker_flush(worker);
    pressure_turn(&worker->pressure, &worker->shard);
    worker_flush(worker); /* for those whom pressure has cut */
    set_ticker(worker);
    if (crossing_may_sleep(worker->crossing))
        ev_idle_stop(loop, &worker->sleepless);
    else
        ev_idle_start(loop, &worker->sleepless);
}

static void on_turn_begin(struct ev_loop *loop, ev_check *watcher, int events)
{
    (void)loop;
    (void)events;
    crossing_wake(((struct worker *)watcher->data)->crossing);
}

static void on_sleepless(struct ev_loop *loop, ev_idle *watcher, int events)
{
    (void)loop;
    (void)watcher;
    (void)events;
}

static struct client *client_of_timer(struct timer *timer)
{
    return (struct client *)((char *)timer - offsetof(struct client, timer));
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct worker *worker = timer->data;
    uint64_t now_ns = clock_now_ns();
    struct timer *due;

    (void)loop;
    (void)events;
    worker->ticker_due_ns = TIMERS_NEVER;
    while ((due = timers_take_due(&worker->shard.timers, now_ns)) != NULL)
        keepalive_tick(client_of_timer(due), now_ns);
}

/* --- publishers held back -------------------------------------------------------------------- */

void worker_hold(struct worker *worker, struct connection *conn)
{
    if (conn->is_held)
        return;
    conn->is_held = true;
    conn->next_held = worker->held;
    worker->held = conn;
    if (!ev_is_active(&worker->hold_end)) {
        double hold_ms = pressure_is_on(&worker->pressure) ? PRESSURE_HOLD_MS : WORKER_HOLD_MS;

        ev_timer_set(&worker->hold_end, hold_ms / 1e3, 0);
        ev_timer_start(worker->loop, &worker->hold_end);
    }
}

void worker_release_held(struct worker *worker)
{
    struct connection *conn = worker->held;

    ev_timer_stop(worker->loop, &worker->hold_end);
    if (exchange_is_congested(&worker->shard.exchange))
        return; /* worker_receive() releases them */
    worker->held = NULL;
    while (conn != NULL) {
        struct connection *next = conn->next_held;

        conn->is_held = false;
        conn->next_held = NULL;
        conn->client->is_held = false;
        conn->client->behind_shards = 0;
        connection_resume(conn);
        conn = next;
    }
}

static void on_hold_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    worker_release_held(timer->data);
}

/* --- memory given back ----------------------------------------------------------------------- */

#define TRIM_SECONDS 0.5
#define TRIM_SHARE 0.01 /* of the time, at most */

static void on_trim(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct worker *worker = timer->data;
    uint64_t begin_ns = clock_now_ns();
    double took_seconds;

    (void)loop;
    (void)events;
    block_pool_trim(&worker->shard.blocks);
    malloc_trim(0);
    took_seconds = (double)(clock_now_ns() - begin_ns) / 1e9;
    worker->trim_pause_seconds = took_seconds / TRIM_SHARE;
}

void worker_note_departure(struct worker *worker)
{
    if (ev_is_active(&worker->trimmer))
        return;
    ev_timer_set(&worker->trimmer, TRIM_SECONDS + worker->trim_pause_seconds, 0);
    ev_timer_start(worker->loop, &worker->trimmer);
}

/* --- beginning and end ----------------------------------------------------------------------- */

bool worker_init(struct worker *worker, const struct worker_setup *setup)
{
    uint64_t seed;

    *worker = (struct worker){.node = setup->node, .ticker_due_ns = TIMERS_NEVER};
    if (!random_secure(&seed, sizeof seed) ||
        !shard_init(&worker->shard, setup->broker, setup->index, setup->count, seed))
        return false;
    worker->shard.options = setup->options;
    worker->shard.now_ns = clock_now_ns();
    worker->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (worker->loop == NULL) {
        shard_fini(&worker->shard);
        return false;
    }
    worker->crossing = crossing_attach(setup->crossing, &worker->shard, worker->loop);
    pthread_mutex_init(&worker->commands_lock, NULL);

    ev_prepare_init(&worker->turn_end, on_turn_end);
    worker->turn_end.data = worker;
    ev_prepare_start(worker->loop, &worker->turn_end);
    ev_check_init(&worker->turn_begin, on_turn_begin);
    worker->turn_begin.data = worker;
    ev_check_start(worker->loop, &worker->turn_begin);
    ev_idle_init(&worker->sleepless, on_sleepless);
    ev_async_init(&worker->woken, on_woken);
    worker->woken.data = worker;
    ev_async_start(worker->loop, &worker->woken);
    ev_init(&worker->ticker, on_tick);
    worker->ticker.data = worker;
    ev_init(&worker->trimmer, on_trim);
    worker->trimmer.data = worker;
    ev_init(&worker->hold_end, on_hold_end);
    worker->hold_end.data = worker;
    return true;
}

void worker_fini(struct worker *worker)
{
    if (worker->loop == NULL)
        return; /* it never came to life */
    while (worker->connections != NULL)
        connection_abort(worker->connections);
    if (worker->input != NULL)
        block_unref(worker->input);
    ev_loop_destroy(worker->loop);
    pthread_mutex_destroy(&worker->commands_lock);
    shard_fini(&worker->shard);
}

void worker_run(struct worker *worker)
{
    ev_run(worker->loop, 0);
    crossing_receive(worker->crossing); /* what was under way still goes out */
    worker_flush(worker);
}

void worker_stop(struct worker *worker)
{
    ev_break(worker->loop, EVBREAK_ALL);
}

static void *thread_main(void *arg)
{
    struct worker *worker = arg;

    worker->tid = gettid();
    sem_post(&worker->started);
    worker_run(worker);
    return NULL;
}

bool worker_start(struct worker *worker)
{
    sem_init(&worker->started, 0, 0);
    worker->has_thread = pthread_create(&worker->thread, NULL, thread_main, worker) == 0;
    if (worker->has_thread)
        sem_wait(&worker->started);
    sem_destroy(&worker->started);
    return worker->has_thread;
}

void worker_join(struct worker *worker)
{
    if (worker->has_thread)
        pthread_join(worker->thread, NULL);
    worker->has_thread = false;
}
