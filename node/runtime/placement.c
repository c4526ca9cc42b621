#include "node/runtime/placement.h"

#include <assert.h>
#include <stdlib.h>

static_assert(PLACEMENT_SETTLE_NS < PLACEMENT_STAY_NS,
              "shards calm down before connections may go on");

#define NOBODY UINT32_MAX

/* How exactly a move has to hit its share: whole groups and connections rarely add up to it. A
 * group may overshoot a little. A single connection, when no group fits, by half: that leaves the
 * difference between the shards at half of what it was, the other way round. */
#define OVERSHOOT_OF_GROUPS 1.2
#define OVERSHOOT_OF_ONE 1.5

void placement_init(struct placement *placement, unsigned shard_count, enum placement_policy policy)
{
    assert(PLACEMENT_LIGHT < PLACEMENT_COOL); /* what was gathered is not hot at once */
    assert(PLACEMENT_COOL < PLACEMENT_FULL && PLACEMENT_FULL < PLACEMENT_HOT);
    assert(shard_count >= 1 && shard_count <= PLACEMENT_SHARDS_MAX);
    *placement = (struct placement){.shard_count = shard_count, .policy = policy};
}

bool placement_is_awake(const struct placement *placement, unsigned shard)
{
    const struct placement_shard *it = &placement->shards[shard];

    assert(shard < placement->shard_count);
    return shard == 0 || it->last.connections > 0 || placement->now_ns < it->expects_until_ns;
}

/* Whether one thread more, or more work for one, would find a processor. */
static bool machine_has_room(const struct placement *placement)
{
    for (unsigned i = 0; i < placement->shard_count; i++) {
        if (placement->shards[i].last.waiting > PLACEMENT_ROOM_WAITING)
            return false;
    }
    return placement->idle_processors >= PLACEMENT_ROOM_IDLE;
}

static unsigned lowest_asleep(const struct placement *placement)
{
    for (unsigned i = 0; i < placement->shard_count; i++) {
        if (!placement_is_awake(placement, i))
            return i;
    }
    return NOBODY;
}

/* The awake shard with the least load; the lower-numbered of equals. */
static unsigned least_loaded(const struct placement *placement)
{
    unsigned best = 0;

    for (unsigned i = 1; i < placement->shard_count; i++) {
        if (placement_is_awake(placement, i) &&
            placement->shards[i].load < placement->shards[best].load)
            best = i;
    }
    return best;
}

static unsigned fewest_connections(const struct placement *placement)
{
    unsigned best = 0;

    for (unsigned i = 1; i < placement->shard_count; i++) {
        if (placement->shards[i].last.connections < placement->shards[best].last.connections)
            best = i;
    }
    return best;
}

static unsigned first_with_space(const struct placement *placement)
{
    for (unsigned i = 0; i < placement->shard_count; i++) {
        if (placement_is_awake(placement, i) && placement->shards[i].load < PLACEMENT_FULL)
            return i;
    }
    return NOBODY;
}

static unsigned choose_for_new(const struct placement *placement)
{
    unsigned shard;

    if (placement->policy == PLACEMENT_SPREAD)
        return fewest_connections(placement);
    shard = first_with_space(placement);
    if (shard == NOBODY && machine_has_room(placement))
        shard = lowest_asleep(placement);
    return shard != NOBODY ? shard : least_loaded(placement);
}

static void expect_connections(struct placement *placement, unsigned shard)
{
    placement->shards[shard].expects_until_ns = placement->now_ns + PLACEMENT_SETTLE_NS;
}

unsigned placement_for_new(struct placement *placement)
{
    unsigned shard = choose_for_new(placement);

    placement->shards[shard].last.connections++;
    expect_connections(placement, shard);
    return shard;
}

/* The shard with the least work that could take all of <from>'s without being worth two shards. */
static unsigned gatherer_of(const struct placement *placement, unsigned from)
{
    for (unsigned i = 0; i < from; i++) {
        double together = placement->shards[i].load + placement->shards[from].load;

        if (placement_is_awake(placement, i) && together < PLACEMENT_LIGHT)
            return i;
    }
    return NOBODY;
}

static void take_sample(struct placement *placement, const struct placement_sample *sample)
{
    placement->now_ns = sample->now_ns;
    placement->idle_processors = sample->idle_processors;
    for (unsigned i = 0; i < placement->shard_count; i++) {
        struct placement_shard *it = &placement->shards[i];
        double load = sample->loads[i].busy + sample->loads[i].waiting;

        it->last = sample->loads[i];
        it->load = load < 1.0 ? load : 1.0;
        it->hot_samples = it->load > PLACEMENT_HOT ? it->hot_samples + 1 : 0;
    }
    for (unsigned i = 0; i < placement->shard_count; i++) {
        struct placement_shard *it = &placement->shards[i];
        bool is_light = it->last.connections > 0 && gatherer_of(placement, i) != NOBODY;

        it->light_samples = is_light ? it->light_samples + 1 : 0;
    }
}

static bool is_settled(const struct placement *placement, unsigned shard)
{
    return placement->now_ns >= placement->shards[shard].settled_at_ns;
}

/* The hottest shard that has been hot for long enough, and has a connection to spare. */
static unsigned find_giver(const struct placement *placement)
{
    unsigned best = NOBODY;

    for (unsigned i = 0; i < placement->shard_count; i++) {
        const struct placement_shard *it = &placement->shards[i];

        if (it->hot_samples < PLACEMENT_HOT_SAMPLES || it->last.connections < 2 ||
            !is_settled(placement, i))
            continue;
        if (best == NOBODY || it->load > placement->shards[best].load)
            best = i;
    }
    return best;
}

/* A cool shard that is awake, or else one to be woken. */
static unsigned find_taker(const struct placement *placement)
{
    unsigned best = NOBODY;

    for (unsigned i = 0; i < placement->shard_count; i++) {
        double load = placement->shards[i].load;

        if (!placement_is_awake(placement, i) || load >= PLACEMENT_COOL ||
            !is_settled(placement, i))
            continue;
        if (best == NOBODY || load < placement->shards[best].load)
            best = i;
    }
    return best != NOBODY ? best : lowest_asleep(placement);
}

static bool find_relief(const struct placement *placement, struct placement_move *move)
{
    double give;
    double take;

    if (placement->policy == PLACEMENT_FILL && !machine_has_room(placement))
        return false;
    move->from = find_giver(placement);
    move->to = find_taker(placement);
    if (move->from == NOBODY || move->to == NOBODY)
        return false;
    give = placement->shards[move->from].load;
    take = placement->shards[move->to].load;
    move->share = (give - take) / 2 / give;
    return true;
}

/* A shard that has been light for long empties into a lower one: the highest first. */
static bool find_gathering(const struct placement *placement, struct placement_move *move)
{
    if (placement->policy != PLACEMENT_FILL)
        return false;
    for (unsigned from = placement->shard_count; from-- > 1;) {
        unsigned to = gatherer_of(placement, from);

        if (placement->shards[from].light_samples < PLACEMENT_LIGHT_SAMPLES || to == NOBODY ||
            !is_settled(placement, from) || !is_settled(placement, to))
            continue;
        *move = (struct placement_move){.from = from, .to = to, .share = 1.0};
        return true;
    }
    return false;
}

bool placement_update(struct placement *placement, const struct placement_sample *sample,
                      struct placement_move *move)
{
    assert(sample->now_ns >= placement->now_ns);
    take_sample(placement, sample);
    if (!find_relief(placement, move) && !find_gathering(placement, move))
        return false;
    placement->shards[move->from].settled_at_ns = placement->now_ns + PLACEMENT_SETTLE_NS;
    placement->shards[move->to].settled_at_ns = placement->now_ns + PLACEMENT_SETTLE_NS;
    expect_connections(placement, move->to);
    return true;
}

static bool may_go(const struct placement_candidate *candidate, uint64_t now_ns)
{
    return candidate->moved_at_ns == 0 || now_ns - candidate->moved_at_ns >= PLACEMENT_STAY_NS;
}

static int by_group(const void *left, const void *right)
{
    const struct placement_candidate *a = left;
    const struct placement_candidate *b = right;

    return (a->group > b->group) - (a->group < b->group);
}

/* The heaviest first; the members of a group side by side. */
static int by_weight(const void *left, const void *right)
{
    const struct placement_candidate *a = left;
    const struct placement_candidate *b = right;

    if (a->group_work != b->group_work)
        return a->group_work < b->group_work ? 1 : -1;
    if (a->group != b->group)
        return by_group(left, right);
    return (a->work < b->work) - (a->work > b->work);
}

/* How many candidates from the first on are of its group. */
static size_t group_len(const struct placement_candidate *first, size_t count)
{
    size_t len = 1;

    while (len < count && first->group != 0 && first[len].group == first->group)
        len++;
    return len;
}

static void weigh_groups(struct placement_candidate *candidates, size_t count)
{
    qsort(candidates, count, sizeof *candidates, by_group);
    for (size_t i = 0, len; i < count; i += len) {
        double work = 0;

        len = group_len(&candidates[i], count - i);
        for (size_t j = i; j < i + len; j++)
            work += candidates[j].work;
        for (size_t j = i; j < i + len; j++)
            candidates[j].group_work = work;
    }
    qsort(candidates, count, sizeof *candidates, by_weight);
}

static bool all_may_go(const struct placement_candidate *candidates, size_t count, uint64_t now_ns)
{
    for (size_t i = 0; i < count; i++) {
        if (!may_go(&candidates[i], now_ns))
            return false;
    }
    return true;
}

/* Whether <work> more brings what was <picked> nearer to <target>, and not too far beyond it. */
static bool fits(double picked, double work, double target, double overshoot)
{
    return work > 0 && picked + work / 2 < target && picked + work <= target * overshoot;
}

/* Picks whole groups, the heaviest first, while they fit; returns how many connections that are.
 * Who does no work is left alone: moving it would win nothing. */
static size_t pick_groups(struct placement_candidate *candidates, size_t count, double target,
                          uint64_t now_ns)
{
    double picked_work = 0;
    size_t picked = 0;

    for (size_t i = 0, len; i < count; i += len) {
        struct placement_candidate *group = &candidates[i];

        len = group_len(group, count - i);
        if (picked + len > PLACEMENT_MOVE_MAX ||
            !fits(picked_work, group->group_work, target, OVERSHOOT_OF_GROUPS) ||
            !all_may_go(group, len, now_ns))
            continue;
        for (size_t j = 0; j < len; j++)
            group[j].goes = true;
        picked += len;
        picked_work += group->group_work;
    }
    return picked;
}

/* No group fits: picks single connections, but tears no small group apart. A pair that talks to each other
 * loses more by talking across shards than a shard wins by having one of the two less. */
static size_t pick_singles(struct placement_candidate *candidates, size_t count, double target,
                           uint64_t now_ns)
{
    double picked_work = 0;
    size_t picked = 0;

    for (size_t i = 0, len; i < count; i += len) {
        len = group_len(&candidates[i], count - i);
        if (len > 1 && len < PLACEMENT_GROUP_SPLIT_MIN)
            continue;
        for (size_t j = i; j < i + len && picked < PLACEMENT_MOVE_MAX; j++) {
            struct placement_candidate *it = &candidates[j];

            if (!fits(picked_work, it->work, target, OVERSHOOT_OF_ONE) || !may_go(it, now_ns))
                continue;
            it->goes = true;
            picked++;
            picked_work += it->work;
        }
    }
    return picked;
}

static size_t pick_all(struct placement_candidate *candidates, size_t count, uint64_t now_ns)
{
    size_t picked = 0;

    for (size_t i = 0; i < count && picked < PLACEMENT_MOVE_MAX; i++) {
        candidates[i].goes = may_go(&candidates[i], now_ns);
        picked += candidates[i].goes;
    }
    return picked;
}

size_t placement_pick(struct placement_candidate *candidates, size_t count, double share,
                      uint64_t now_ns)
{
    double work = 0;
    size_t working = 0;
    size_t picked;

    assert(share > 0 && share <= 1);
    for (size_t i = 0; i < count; i++) {
        candidates[i].goes = false;
        work += candidates[i].work;
        working += candidates[i].work > 0;
    }
    if (share >= 1)
        return pick_all(candidates, count, now_ns);
    if (working < 2)
        return 0;
    weigh_groups(candidates, count);
    picked = pick_groups(candidates, count, work * share, now_ns);
    return picked > 0 ? picked : pick_singles(candidates, count, work * share, now_ns);
}

void placement_check(const struct placement *placement)
{
    assert(placement->shard_count >= 1 && placement->shard_count <= PLACEMENT_SHARDS_MAX);
    assert(placement_is_awake(placement, 0));
    for (unsigned i = 0; i < placement->shard_count; i++) {
        const struct placement_shard *it = &placement->shards[i];

        assert(it->load >= 0 && it->load <= 1);
        assert(it->hot_samples == 0 || it->load > PLACEMENT_HOT);
        assert(it->light_samples == 0 || i > 0);
    }
}
