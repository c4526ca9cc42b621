/* placement: which shard a connection lives on.
 *
 * Waking a sleeping thread on another processor costs far more than passing a message on, so a
 * lightly loaded node works as if it had one shard. Connections fill shard 0, and the next shard is
 * woken only when all that are awake are hot and the machine has a processor to run it on: a thread
 * more on a machine that is busy makes everything slower. At full load every shard works. When the
 * load has gone, connections are gathered again.
 *
 *     each sample        placement_update():  does a shard have to give some of its work away, and
 * to whom? that shard, then   placement_pick():    which of its connections go each newcomer
 * placement_for_new(): where does it begin
 *
 * Nothing goes back and forth: a shard must be hot for a while before it gives, gives half of the
 * difference, and then both are left alone; a connection that was moved stays for a while.
 *
 * Threads   a struct placement belongs to one thread; placement_pick() is any thread's.
 * Decides only: what it knows of the machine comes in as numbers (load_sample.h), and so does the
 * time. */
#ifndef NATTER_RUNTIME_PLACEMENT_H
#define NATTER_RUNTIME_PLACEMENT_H

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLACEMENT_SHARDS_MAX 128

/* Loads are shares of one processor, 0 to 1: of the last interval, the time a shard's thread ran or
 * was ready to run. */
#define PLACEMENT_FULL 0.70  /* takes no newcomers while another is below */
#define PLACEMENT_HOT 0.85   /* gives connections away, if it lasts */
#define PLACEMENT_COOL 0.50  /* takes them */
#define PLACEMENT_LIGHT 0.35 /* two that have less than this together are one shard too many */

/* The machine has room for the work of one more thread: this many processors idle, and a thread
 * waits no longer than this share of the time until it gets one. */
#define PLACEMENT_ROOM_IDLE 0.40
#define PLACEMENT_ROOM_WAITING 0.20

/* In samples, at about four a second. */
#define PLACEMENT_HOT_SAMPLES 4    /* one second of heat before a shard gives */
#define PLACEMENT_LIGHT_SAMPLES 40 /* ten seconds of calm before shards are gathered */

#define PLACEMENT_SETTLE_NS (2 * CLOCK_NS_A_SECOND) /* both shards are left alone after a move */
#define PLACEMENT_STAY_NS (10 * CLOCK_NS_A_SECOND)  /* a moved connection stays where it is */
#define PLACEMENT_GROUP_SPLIT_MIN 4 /* connections of a smaller group stay together */
#define PLACEMENT_MOVE_MAX 1024     /* connections in one move: some milliseconds of work */

enum placement_policy {
    PLACEMENT_FILL,  /* as told above */
    PLACEMENT_SPREAD /* the operator has fixed the number of shards: use them all from the start */
};

/* What one shard did in the last interval. */
struct placement_load {
    double busy;          /* its thread ran */
    double waiting;       /* its thread was ready to run, but had no processor */
    uint32_t connections; /* it has now */
};

struct placement_sample {
    uint64_t now_ns;
    double idle_processors;             /* of those that this process may use: 1.5, say */
    const struct placement_load *loads; /* one a shard */
};

/* A shard as placement sees it. */
struct placement_shard {
    struct placement_load last;
    double load;            /* busy and waiting together, at most 1 */
    unsigned hot_samples;   /* how many of the last in a row were hot */
    unsigned light_samples; /* or light enough to be gathered into another */
    uint64_t settled_at_ns; /* gives and takes nothing before */
    uint64_t
        expects_until_ns; /* connections are on their way: counts as awake though it has none */
};

struct placement {
    enum placement_policy policy;
    unsigned shard_count;
    uint64_t now_ns; /* of the last sample */
    double idle_processors;
    struct placement_shard shards[PLACEMENT_SHARDS_MAX];
};

/* Shard <from> is to give connections that do <share> of its work to shard <to>; 1: all of them. */
struct placement_move {
    unsigned from;
    unsigned to;
    double share;
};

/* A connection of the shard that gives. */
struct placement_candidate {
    void *connection;     /* the caller's business */
    double work;          /* what it made the shard do of late, in any unit: a decaying sum */
    uint64_t group;       /* connections that talk to each other share one; 0: alone */
    uint64_t moved_at_ns; /* when it was last moved; 0: never */
    double group_work;    /* out: of its whole group */
    bool goes;            /* out: it was picked */
};

/* <shard_count> is 1 to PLACEMENT_SHARDS_MAX. Until the first sample all shards are idle, and the
 * machine has no room. */
void placement_init(struct placement *placement, unsigned shard_count,
                    enum placement_policy policy);

/* The shard for a connection that has just been accepted. */
unsigned placement_for_new(struct placement *placement);

/* Takes a sample in. True when connections have to move: *move says from where to where, and the
 * caller sees to it; at most one move a sample. */
bool placement_update(struct placement *placement, const struct placement_sample *sample,
                      struct placement_move *move);

/* Whether the shard has connections, or expects some: its thread works. Shard 0 always does. */
bool placement_is_awake(const struct placement *placement, unsigned shard);

/* Picks, of all <count> connections of the shard that gives, those that go: sets <goes> in each,
 * and returns how many do. Groups stay together where that is possible; the only one that works
 * never goes (it would take the heat along), unless all go. May reorder <candidates>. */
size_t placement_pick(struct placement_candidate *candidates, size_t count, double share,
                      uint64_t now_ns);

/* Asserts the invariant. */
void placement_check(const struct placement *placement);

#endif
