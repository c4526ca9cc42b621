#include "node/runtime/balance.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "node/runtime/connection.h"
#include "node/runtime/node.h"
#include "node/runtime/pause.h"

#include <stdlib.h>

#define TICK_SECONDS 0.25
#define GROUP_ROUNDS 8

/* Who has more waiting stays: it would have to be copied while everybody stands still. */
#define MOVE_PENDING_MAX ((size_t)256 << 10)

/* What a client has made its shard do, ever: a message costs about what 256 bytes do. */
static uint64_t work_of(const struct client *c)
{
    return c->in_msgs + c->out_msgs + (c->in_bytes + c->out_bytes) / 256;
}

/* While all workers stand still: from now on work is counted anew. */
static void note_work(struct node *node, void *arg)
{
    struct balance *balance = arg;
    struct worker *from = &node->workers[balance->planned.from];

    for (struct connection *conn = from->connections; conn != NULL; conn = conn->next)
        conn->work_noted = conn->client == NULL ? 0 : work_of(conn->client);
}

/* Joins a publisher with whom it talks to; true if that changed a group. */
static bool join(struct worker *worker, struct connection *conn)
{
    struct client *peer = shard_find_client(&worker->shard, conn->client->talks_to);
    struct connection *other = peer == NULL ? NULL : peer->owner;

    if (other == NULL || other->group == conn->group)
        return false;
    if (other->group < conn->group)
        conn->group = other->group;
    else
        other->group = conn->group;
    return true;
}

/* Who exchanges messages gets the same group, along chains of a few links; what talks together is
 * best left together. */
static void form_groups(struct worker *worker)
{
    bool has_changed = true;

    for (struct connection *conn = worker->connections; conn != NULL; conn = conn->next)
        conn->group = conn->client == NULL ? 0 : conn->client->cid;
    for (int round = 0; round < GROUP_ROUNDS && has_changed; round++) {
        has_changed = false;
        for (struct connection *conn = worker->connections; conn != NULL; conn = conn->next) {
            if (conn->client != NULL && join(worker, conn))
                has_changed = true;
        }
    }
}

static size_t collect(struct worker *worker, struct placement_candidate *candidates)
{
    size_t count = 0;

    form_groups(worker);
    for (struct connection *conn = worker->connections; conn != NULL; conn = conn->next) {
        if (conn->client == NULL || client_is_closing(conn->client) ||
            conn->client->outbox.pending > MOVE_PENDING_MAX)
            continue;
        candidates[count++] =
            (struct placement_candidate){.connection = conn,
                                         .work = (double)(work_of(conn->client) - conn->work_noted),
                                         .group = conn->group,
                                         .moved_at_ns = conn->moved_at_ns};
    }
    return count;
}

/* While all workers stand still. */
static void carry_out(struct node *node, void *arg)
{
    struct balance *balance = arg;
    struct placement_move planned = balance->planned;
    struct worker *from = &node->workers[planned.from];
    struct worker *to = &node->workers[planned.to];
    uint64_t now_ns = clock_now_ns();
    size_t count = from->shard.client_count;
    struct placement_candidate *candidates = calloc(count + 1, sizeof *candidates);
    unsigned moved = 0;

    if (candidates == NULL)
        return;
    count = collect(from, candidates);
    placement_pick(candidates, count, planned.share, now_ns);
    for (size_t i = 0; i < count; i++) {
        if (candidates[i].goes && connection_move(candidates[i].connection, to))
            moved++;
    }
    free(candidates);
    log_event(LOG_DEBUG, "balance.moved", "connections=%u from=%u to=%u", moved, planned.from,
              planned.to);
}

static void sample(struct balance *balance, struct placement_load *loads)
{
    struct node *node = balance->node;
    uint64_t now_ns = clock_now_ns();
    uint64_t interval_ns = now_ns - balance->sampled_at_ns;

    balance->sampled_at_ns = now_ns;
    for (unsigned i = 0; i < node->worker_count; i++) {
        struct load_of_thread load = load_thread_sample(&balance->threads[i], interval_ns);

        loads[i] =
            (struct placement_load){.busy = load.busy,
                                    .waiting = load.waiting,
                                    .connections = atomic_load_explicit(
                                        &node->workers[i].connection_count, memory_order_relaxed)};
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct balance *balance = timer->data;
    struct placement_load loads[SHARDS_MAX];
    struct placement_sample taken = {.loads = loads};

    (void)loop;
    (void)events;
    sample(balance, loads);
    taken.now_ns = balance->sampled_at_ns;
    taken.idle_processors = load_machine_sample_idle(&balance->machine);
    if (balance->is_planned) {
        balance->is_planned = false;
        pause_all(balance->node, carry_out, balance);
    } else if (placement_update(&balance->placement, &taken, &balance->planned)) {
        balance->is_planned = true;
        pause_all(balance->node, note_work, balance);
    }
}

bool balance_start(struct balance *balance, struct node *node, enum placement_policy policy)
{
    struct processor_set processors;

    *balance = (struct balance){.node = node, .sampled_at_ns = clock_now_ns()};
    placement_init(&balance->placement, node->worker_count, policy);
    balance->threads = calloc(node->worker_count, sizeof *balance->threads);
    if (balance->threads == NULL)
        return false;
    for (unsigned i = 0; i < node->worker_count; i++) {
        if (!load_thread_open(&balance->threads[i], node->workers[i].thread, node->workers[i].tid,
                              &system_folders_usual))
            return false;
    }
    processors_allowed(&processors);
    load_machine_open(&balance->machine, &processors, &system_folders_usual);
    ev_timer_init(&balance->ticker, on_tick, TICK_SECONDS, TICK_SECONDS);
    balance->ticker.data = balance;
    ev_timer_start(node->workers[0].loop, &balance->ticker);
    return true;
}

void balance_stop(struct balance *balance)
{
    if (balance->threads == NULL)
        return;
    ev_timer_stop(balance->node->workers[0].loop, &balance->ticker);
    for (unsigned i = 0; i < balance->node->worker_count; i++)
        load_thread_close(&balance->threads[i]);
    load_machine_close(&balance->machine);
    free(balance->threads);
    balance->threads = NULL;
}

unsigned balance_choose(struct balance *balance)
{
    return balance->threads == NULL ? 0 : placement_for_new(&balance->placement);
}
