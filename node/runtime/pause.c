#include "node/runtime/pause.h"

#include "node/runtime/crossing.h"
#include "node/runtime/node.h"
#include "node/runtime/worker.h"

void pause_init(struct pause *pause, unsigned worker_count)
{
    pthread_barrier_init(&pause->barrier, NULL, worker_count);
    atomic_init(&pause->busy, 0);
}

void pause_fini(struct pause *pause)
{
    pthread_barrier_destroy(&pause->barrier);
}

static void meet(struct pause *pause)
{
    pthread_barrier_wait(&pause->barrier);
}

/* Rounds until nothing is under way. All workers see the same count at the same meeting. */
static void settle(struct worker *worker, struct pause *pause)
{
    bool is_settled;

    do {
        bool any = crossing_receive(worker->crossing);

        any = crossing_publish(worker->crossing) || any;
        if (any || exchange_is_congested(&worker->shard.exchange))
            atomic_fetch_add(&pause->busy, 1);
        meet(pause);
        is_settled = atomic_load(&pause->busy) == 0;
        meet(pause);
        if (worker->shard.index == 0)
            atomic_store(&pause->busy, 0);
        meet(pause);
    } while (!is_settled);
}

static void stand_still(struct worker *worker, struct command *command)
{
    struct pause *pause = &worker->node->pause;

    (void)command;
    meet(pause); /* from here on nobody reads */
    settle(worker, pause);
    meet(pause); /* worker 0 has acted */
}

void pause_all(struct node *node, void (*act)(struct node *node, void *arg), void *arg)
{
    struct command commands[SHARDS_MAX];

    for (unsigned i = 1; i < node->worker_count; i++) {
        commands[i] = (struct command){.run = stand_still};
        worker_post(&node->workers[i], &commands[i]);
    }
    meet(&node->pause);
    settle(&node->workers[0], &node->pause);
    act(node, arg);
    meet(&node->pause);
}
