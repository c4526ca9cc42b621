#include "node/runtime/placement.h"

#include <criterion/criterion.h>
#include <string.h>

/* A machine on paper: processors, programs beside the node that use some of them, and connections
 * that each ask for a share of a processor. Each step is one sample; what placement decides happens
 * at once. */
#define STEP_NS (250 * CLOCK_NS_A_MS)
#define SECONDS(n) ((n)*4) /* in steps */
#define CONNECTIONS_MAX 4000

struct connection {
    unsigned shard;
    double demand; /* processors */
    uint64_t group;
    uint64_t moved_at_ns;
    unsigned moves;
};

static struct placement placement;
static double processors;
static double others; /* processors that other programs want */
static unsigned shards;
static uint64_t now_ns;
static struct connection connections[CONNECTIONS_MAX];
static size_t connection_count;
static unsigned moves; /* of any connections, since the machine was started */
static struct placement_load loads[PLACEMENT_SHARDS_MAX];

static void start_machine(double processor_count, unsigned shard_count)
{
    processors = processor_count;
    shards = shard_count;
    now_ns = 1000 * CLOCK_NS_A_SECOND;
    placement_init(&placement, shard_count, PLACEMENT_FILL);
}

static double demand_on(unsigned shard)
{
    double demand = 0;

    for (size_t i = 0; i < connection_count; i++)
        demand += connections[i].shard == shard ? connections[i].demand : 0;
    return demand;
}

static uint32_t count_on(unsigned shard)
{
    uint32_t count = 0;

    for (size_t i = 0; i < connection_count; i++)
        count += connections[i].shard == shard;
    return count;
}

static double at_most_one(double demand)
{
    return demand < 1 ? demand : 1;
}

/* Fills in what each thread got: when all want more than there is, each gets its part and waits for
 * the rest. Returns what is left idle. */
static double share_processors(void)
{
    double wanted = others;
    double part;

    for (unsigned i = 0; i < shards; i++)
        wanted += at_most_one(demand_on(i));
    part = wanted > processors ? processors / wanted : 1;
    for (unsigned i = 0; i < shards; i++) {
        double demand = at_most_one(demand_on(i));

        loads[i] = (struct placement_load){
            .busy = demand * part,
            .waiting = demand * (1 - part),
            .connections = count_on(i),
        };
    }
    return wanted < processors ? processors - wanted : 0;
}

static void carry_out(const struct placement_move *move)
{
    static struct placement_candidate candidates[CONNECTIONS_MAX];
    size_t count = 0;
    size_t picked;
    size_t went = 0;

    cr_assert_neq(move->from, move->to);
    cr_assert(move->share > 0 && move->share <= 1);
    for (size_t i = 0; i < connection_count; i++) {
        struct connection *it = &connections[i];

        if (it->shard == move->from)
            candidates[count++] = (struct placement_candidate){.connection = it,
                                                               .work = it->demand,
                                                               .group = it->group,
                                                               .moved_at_ns = it->moved_at_ns};
    }
    picked = placement_pick(candidates, count, move->share, now_ns);
    for (size_t i = 0; i < count; i++) {
        struct connection *it = candidates[i].connection;

        if (!candidates[i].goes)
            continue;
        it->shard = move->to;
        it->moved_at_ns = now_ns;
        it->moves++;
        went++;
    }
    cr_assert_eq(went, picked);
    cr_assert_leq(picked, PLACEMENT_MOVE_MAX);
    moves++;
}

static void step(void)
{
    struct placement_move move;
    struct placement_sample sample = {.loads = loads};

    now_ns += STEP_NS;
    sample.now_ns = now_ns;
    sample.idle_processors = share_processors();
    if (placement_update(&placement, &sample, &move))
        carry_out(&move);
    placement_check(&placement);
}

static void run(unsigned steps)
{
    for (unsigned i = 0; i < steps; i++)
        step();
}

/* Connects <count> clients that each ask for <demand> of a processor; the first one's number. */
static size_t connect_clients(size_t count, double demand)
{
    size_t first = connection_count;

    cr_assert_leq(first + count, CONNECTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        connections[connection_count++] =
            (struct connection){.shard = placement_for_new(&placement), .demand = demand};
    return first;
}

static void set_demand(size_t first, size_t count, double demand)
{
    for (size_t i = first; i < first + count; i++)
        connections[i].demand = demand;
}

static void disconnect_all(void)
{
    connection_count = 0;
}

static unsigned most_moves_of_one(void)
{
    unsigned most = 0;

    for (size_t i = 0; i < connection_count; i++)
        most = connections[i].moves > most ? connections[i].moves : most;
    return most;
}

Test(placement, a_lightly_loaded_node_works_as_if_it_had_one_shard)
{
    start_machine(8, 8);
    for (unsigned i = 0; i < 100; i++) {
        connect_clients(10, 0.0005);
        step();
    }
    run(SECONDS(60));
    cr_expect_eq(count_on(0), 1000);
    cr_expect_eq(moves, 0);
}

Test(placement, newcomers_wake_the_next_shard_only_when_the_first_is_hot)
{
    start_machine(4, 4);
    connect_clients(7, 0.1);
    step();
    cr_expect_eq(count_on(0), 7);
    connect_clients(1, 0.1);
    cr_expect_eq(count_on(1), 1);
    cr_expect(placement_is_awake(&placement, 1));
    cr_expect_not(placement_is_awake(&placement, 2));
    connect_clients(3, 0.1);
    cr_expect_eq(count_on(1), 4, "the next has been woken already");
}

Test(placement, newcomers_return_to_the_first_shard_when_it_has_cooled)
{
    start_machine(4, 4);
    connect_clients(8, 0.1);
    step();
    connect_clients(2, 0.1);
    set_demand(0, 4, 0.0);
    step();
    connect_clients(1, 0.1);
    cr_expect_eq(count_on(0), 9);
}

Test(placement, no_shard_is_woken_on_a_machine_without_an_idle_processor)
{
    start_machine(2, 2);
    others = 1.2;
    connect_clients(4, 0.25);
    run(SECONDS(30));
    connect_clients(10, 0.05);
    run(SECONDS(30));
    cr_expect_eq(count_on(0), 14);
    cr_expect_eq(moves, 0);
}

Test(placement, before_the_first_sample_no_shard_is_woken)
{
    start_machine(8, 8);
    connect_clients(1000, 0.01);
    cr_expect_eq(count_on(0), 1000);
}

Test(placement, when_all_are_hot_newcomers_go_to_the_least_busy)
{
    start_machine(2, 2);
    connect_clients(10, 0.1);
    step();
    connect_clients(8, 0.1);
    run(1);
    cr_expect_eq(count_on(1), 8);
    connect_clients(1, 0.0);
    cr_expect_eq(count_on(1), 9);
}

Test(placement, a_burst_is_shared_with_a_second_shard_when_the_machine_has_room)
{
    start_machine(4, 4);
    connect_clients(16, 0.001);
    run(SECONDS(5));
    cr_expect_eq(count_on(0), 16);
    set_demand(0, 16, 0.06);
    run(SECONDS(10));
    cr_expect_eq(moves, 1);
    cr_expect_eq(count_on(1), 8, "about half of it went");
    cr_expect_eq(count_on(2), 0);
}

Test(placement, a_short_burst_moves_nobody)
{
    start_machine(4, 4);
    connect_clients(16, 0.001);
    for (unsigned i = 0; i < 100; i++) {
        set_demand(0, 16, 0.06);
        run(PLACEMENT_HOT_SAMPLES - 1);
        set_demand(0, 16, 0.001);
        run(PLACEMENT_HOT_SAMPLES);
    }
    cr_expect_eq(moves, 0);
}

Test(placement, at_full_load_every_shard_works)
{
    start_machine(8, 8);
    connect_clients(160, 0.045); /* 7.2 processors in all */
    run(SECONDS(60));
    for (unsigned i = 0; i < shards; i++)
        cr_expect_geq(demand_on(i), 0.4, "shard %u: %.2f", i, demand_on(i));
    for (unsigned i = 0; i < shards; i++)
        cr_expect_leq(demand_on(i), 1.2, "shard %u: %.2f", i, demand_on(i));
}

Test(placement, a_node_at_rest_moves_nobody_any_more)
{
    unsigned moves_before;

    start_machine(8, 8);
    connect_clients(160, 0.045);
    run(SECONDS(120));
    moves_before = moves;
    run(SECONDS(600));
    cr_expect_eq(moves, moves_before);
}

Test(placement, a_load_that_swings_does_not_make_connections_go_back_and_forth)
{
    enum { MINUTES = 10 };

    start_machine(4, 4);
    connect_clients(20, 0.05);
    for (unsigned i = 0; i < MINUTES * 12; i++) {
        set_demand(0, 10, i % 2 ? 0.09 : 0.01);
        set_demand(10, 10, i % 2 ? 0.01 : 0.09);
        run(SECONDS(5));
    }
    cr_expect_leq(most_moves_of_one(), 3, "one moved %u times in %d minutes", most_moves_of_one(),
                  MINUTES);
}

Test(placement, whatever_happens_a_moved_connection_stays_for_a_while)
{
    start_machine(4, 4);
    connect_clients(40, 0.02);
    for (unsigned i = 0; i < 2400; i++) {
        uint64_t moved_at_ns[40];

        for (size_t j = 0; j < 40; j++)
            moved_at_ns[j] = connections[j].moved_at_ns;
        set_demand(i * 7 % 30, 10, (i % 11) * 0.01);
        step();
        for (size_t j = 0; j < 40; j++) {
            if (moved_at_ns[j] != 0 && connections[j].moved_at_ns != moved_at_ns[j])
                cr_assert_geq(connections[j].moved_at_ns - moved_at_ns[j], PLACEMENT_STAY_NS);
        }
    }
}

Test(placement, the_only_connection_stays_however_hot_it_makes_its_shard)
{
    start_machine(4, 4);
    connect_clients(1, 2.0);
    run(SECONDS(60));
    cr_expect_eq(count_on(0), 1);
    cr_expect_eq(moves, 0);
}

Test(placement, others_move_away_from_a_connection_that_fills_a_shard)
{
    start_machine(4, 4);
    connect_clients(1, 0.75);
    connect_clients(10, 0.02);
    run(SECONDS(10));
    cr_expect_eq(connections[0].shard, 0);
    cr_expect_eq(count_on(1), 10);
}

Test(placement, what_was_spread_is_gathered_when_the_load_has_gone)
{
    start_machine(4, 4);
    connect_clients(60, 0.03);
    run(SECONDS(60));
    cr_expect_geq(count_on(1), 1);
    set_demand(0, 60, 0.001);
    run(SECONDS(120));
    cr_expect_eq(count_on(0), 60);
    cr_expect_not(placement_is_awake(&placement, 1));
}

Test(placement, a_short_calm_gathers_nobody)
{
    unsigned moves_before;

    start_machine(4, 4);
    connect_clients(60, 0.025);
    run(SECONDS(60));
    moves_before = moves;
    for (unsigned i = 0; i < 50; i++) {
        set_demand(0, 60, 0.001);
        run(PLACEMENT_LIGHT_SAMPLES - 1);
        set_demand(0, 60, 0.025);
        run(1);
    }
    cr_expect_eq(moves, moves_before);
}

Test(placement, many_connections_are_gathered_some_at_a_time)
{
    start_machine(4, 4);
    connect_clients(10, 0.1);
    step();
    connect_clients(3000, 0.00001);
    cr_expect_eq(count_on(1), 3000);
    set_demand(0, 10, 0.0);
    run(SECONDS(60));
    cr_expect_eq(count_on(0), 3010);
    cr_expect_geq(moves, 3);
}

Test(placement, a_shard_whose_connections_have_left_sleeps_again)
{
    start_machine(4, 4);
    connect_clients(8, 0.1);
    step();
    connect_clients(1, 0.1);
    run(SECONDS(3));
    cr_expect(placement_is_awake(&placement, 1));
    disconnect_all();
    run(SECONDS(3));
    cr_expect_not(placement_is_awake(&placement, 1));
    cr_expect(placement_is_awake(&placement, 0));
}

Test(placement, with_one_shard_nothing_is_ever_decided)
{
    start_machine(4, 1);
    connect_clients(100, 0.1);
    run(SECONDS(60));
    connect_clients(100, 0.1);
    cr_expect_eq(count_on(0), 200);
    cr_expect_eq(moves, 0);
}

Test(placement, a_forced_number_of_shards_is_used_from_the_start)
{
    start_machine(1, 3);
    placement_init(&placement, 3, PLACEMENT_SPREAD);
    connect_clients(30, 0.0);
    for (unsigned i = 0; i < 3; i++)
        cr_expect_eq(count_on(i), 10);
    run(SECONDS(60));
    cr_expect_eq(moves, 0, "and nobody is gathered");
}

/* Picking. */

static struct placement_candidate candidates[CONNECTIONS_MAX];

/* Whether the candidate that was made of <number> goes; picking may reorder them. */
static bool goes(uintptr_t number, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((uintptr_t)candidates[i].connection == number)
            return candidates[i].goes;
    }
    cr_assert(false, "candidate %zu got lost", (size_t)number);
    return false;
}

static void candidate(uintptr_t number, double work, uint64_t group)
{
    candidates[number] =
        (struct placement_candidate){.connection = (void *)number, .work = work, .group = group};
}

Test(placement, picks_about_the_share_that_was_asked_for)
{
    for (uintptr_t i = 0; i < 100; i++)
        candidate(i, 1.0, 0);
    cr_expect_eq(placement_pick(candidates, 100, 0.25, now_ns), 25);
}

Test(placement, picks_the_heaviest_that_fit)
{
    candidate(0, 1, 0);
    candidate(1, 60, 0);
    candidate(2, 30, 0);
    candidate(3, 9, 0);
    cr_expect_eq(placement_pick(candidates, 4, 0.4, now_ns), 3);
    cr_expect_not(goes(1, 4));
    cr_expect(goes(2, 4));
    cr_expect(goes(3, 4));
}

Test(placement, of_two_equals_one_goes)
{
    candidate(0, 1, 0);
    candidate(1, 1, 0);
    cr_expect_eq(placement_pick(candidates, 2, 0.4, now_ns), 1);
}

Test(placement, who_talks_together_stays_together)
{
    for (uintptr_t i = 0; i < 16; i++)
        candidate(i, 1.0, 1 + i % 8); /* eight publishers, each with its subscriber */
    cr_expect_eq(placement_pick(candidates, 16, 0.5, now_ns), 8);
    for (uintptr_t i = 0; i < 8; i++)
        cr_expect_eq(goes(i, 16), goes(i + 8, 16));
}

Test(placement, a_group_too_large_for_one_shard_is_divided)
{
    for (uintptr_t i = 0; i < 100; i++)
        candidate(i, 1.0, 7);
    cr_expect_eq(placement_pick(candidates, 100, 0.5, now_ns), 50);
}

Test(placement, a_group_with_a_newly_moved_member_stays_whole)
{
    now_ns = 100 * CLOCK_NS_A_SECOND;
    for (uintptr_t i = 0; i < 8; i++)
        candidate(i, 1.0, 1 + i / 2);
    candidates[0].moved_at_ns = now_ns - 1;
    cr_expect_eq(placement_pick(candidates, 8, 0.5, now_ns), 4);
    cr_expect_not(goes(0, 8));
    cr_expect_not(goes(1, 8));
}

Test(placement, who_does_no_work_is_left_alone_until_all_go)
{
    candidate(0, 1, 0);
    candidate(1, 1, 0);
    candidate(2, 0, 0);
    cr_expect_eq(placement_pick(candidates, 3, 0.5, now_ns), 1);
    cr_expect_not(goes(2, 3));
    cr_expect_eq(placement_pick(candidates, 3, 1.0, now_ns), 3);
}

Test(placement, nobody_is_picked_of_none_or_of_one_that_works)
{
    cr_expect_eq(placement_pick(candidates, 0, 0.5, now_ns), 0);
    candidate(0, 1, 0);
    candidate(1, 0, 0);
    cr_expect_eq(placement_pick(candidates, 2, 0.5, now_ns), 0);
}

Test(placement, one_move_is_bounded)
{
    for (uintptr_t i = 0; i < CONNECTIONS_MAX; i++)
        candidate(i, 1.0, 0);
    cr_expect_eq(placement_pick(candidates, CONNECTIONS_MAX, 0.5, now_ns), PLACEMENT_MOVE_MAX);
    cr_expect_eq(placement_pick(candidates, CONNECTIONS_MAX, 1.0, now_ns), PLACEMENT_MOVE_MAX);
}
