#include "node/runtime/pause.h"

#include "node/runtime/crossing.h"
#include "node/runtime/node.h"
#include "node/runtime/worker.h"

#include <stdatomic.h>

struct pause {
    pthread_barrier_t barrier;
    _Atomic unsigned busy; /* workers that had something to deliver in this round */
};

struct pause_command {
    struct command command; /* first */
    struct pause *pause;
};

static void meet(struct pause *pause)
{
    pthread_barrier_wait(&pause->barrier);
}

/* Rounds until nothing is under way. All workers see the same count at the same meeting. */
static void settle(struct worker *worker, struct pause *pause)
{
    bool is_settled;

    do {
        bool any = crossing_receive(worker);

        any = crossing_publish(worker) || any;
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
    struct pause *pause = ((struct pause_command *)command)->pause;

    meet(pause); /* from here on nobody reads */
    settle(worker, pause);
    meet(pause); /* worker 0 acts between this one and the next */
    meet(pause); /* not before all have left may <pause> go */
}

void pause_all(struct node *node, void (*act)(struct node *node, void *arg), void *arg)
{
    struct pause_command commands[SHARDS_MAX];
    struct pause pause = {.busy = 0};

    pthread_barrier_init(&pause.barrier, NULL, node->worker_count);
    for (unsigned i = 1; i < node->worker_count; i++) {
        commands[i] = (struct pause_command){.command.run = stand_still, .pause = &pause};
        worker_post(&node->workers[i], &commands[i].command);
    }
    meet(&pause);
    settle(&node->workers[0], &pause);
    act(node, arg);
    meet(&pause);
    meet(&pause);
    pthread_barrier_destroy(&pause.barrier);
}
