/* Memory runs out, at each allocation of a scenario in turn: for that one alone, and from there on for
 * good. Nothing crashes, every invariant holds at each step (world.c checks them), nothing leaks, and
 * whoever is not cut off talks as before when there is memory again. */
#include "tests/unit/broker/scarcity.h"

#include "lib/nats/interest.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define CLIENTS_MAX 8

static struct client *clients[CLIENTS_MAX];

/* Messages that are too long for a literal, made while there is memory. */
static char large_publish[40000];
static char many_publishes[8000];

static void prepare(void)
{
    int head = snprintf(large_publish, sizeof large_publish, "PUB foo.bar 30000\r\n");

    memset(large_publish + head, 'x', 30000);
    snprintf(large_publish + head + 30000, sizeof large_publish - 30000 - (size_t)head, "\r\n");
    many_publishes[0] = '\0';
    for (size_t i = 0; i < 200; i++) {
        size_t len = strlen(many_publishes);

        snprintf(many_publishes + len, sizeof many_publishes - len, "PUB foo.bar 1\r\nx\r\n");
    }
}

TestSuite(scarcity, .init = prepare, .timeout = 100);

/* What the client says if it could come, and is still there. */
static void tells(unsigned who, const char *text)
{
    if (clients[who] != NULL)
        say(clients[who], text);
}

static void comes(unsigned who, unsigned shard)
{
    clients[who] = join_saying(shard, "{\"verbose\":false,\"headers\":true,\"name\":\"n\","
                                      "\"no_responders\":true,\"protocol\":1}");
}

static void goes(unsigned who)
{
    if (clients[who] != NULL)
        leave(clients[who]);
    clients[who] = NULL;
}

static void takes_all(unsigned who)
{
    if (clients[who] != NULL)
        take(clients[who], SIZE_MAX);
}

static void moves(unsigned who, unsigned to)
{
    if (clients[who] != NULL)
        client_move(clients[who], &world.shards[to]);
    world_check();
}

/* ---- the scenarios ---- */

static void subscribes_and_publishes(void)
{
    comes(0, 0);
    comes(1, 0);
    tells(0, "SUB foo.bar 1\r\nSUB foo.* 2\r\nSUB > 3\r\nSUB foo.bar workers 4\r\nPING\r\n");
    tells(1, "SUB foo.bar 1\r\nSUB in.* 9\r\nSUB a.b.c.* deep 10\r\n");
    tells(1, "PUB foo.bar 2\r\nhi\r\nPUB  foo.bar in.1 02\r\nhi\r\n");
    tells(1, "PUB nobody in.1 2\r\nhi\r\nHPUB foo.bar 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    tells(0, "UNSUB 2\r\nUNSUB 3 2\r\nUNSUB 4\r\n");
    tells(1, many_publishes);
    tells(1, large_publish);
    takes_all(0);
    takes_all(1);
    tells(0, "CONNECT {\"headers\":false,\"no_responders\":false,\"name\":\"other\"}\r\n");
    tells(1, "HPUB foo.bar 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    goes(0);
    tells(1, "PUB foo.bar 2\r\nhi\r\nUNSUB 1\r\n");
}

static void those_who_want_the_same_leave(void)
{
    for (unsigned i = 0; i < 4; i++) {
        comes(i, 0);
        tells(i, "SUB same 1\r\nSUB same.* 2\r\nSUB same 3\r\n");
    }
    for (unsigned i = 0; i < 4; i++) {
        tells(i, "UNSUB 1\r\n");
        tells(3, "PUB same 0\r\n\r\nPUB same.x 0\r\n\r\n");
        goes(i);
    }
}

static void talks_over_shards(void)
{
    comes(0, 0);
    comes(1, 1);
    comes(2, 1);
    tells(1, "SUB foo.bar 1\r\nSUB foo.> workers 2\r\n");
    tells(2, "SUB foo.* workers 2\r\nSUB * others 3\r\n");
    tells(0, "SUB foo.bar workers 2\r\n");
    tells(0, many_publishes);
    tells(0, large_publish);
    world.ways[0][1].is_full = true;
    tells(0, many_publishes);
    tells(0, large_publish);
    world.ways[0][1].is_full = false;
    world_carry();
    tells(2, large_publish);
    goes(1);
    tells(0, many_publishes);
}

static void moves_about(void)
{
    comes(0, 0);
    comes(1, 1);
    tells(0, "SUB foo.bar 1\r\nPUB foo.bar 2\r\nhi\r\nPUB foo.bar 5\r\nhe");
    moves(0, 1);
    tells(1, "SUB foo.bar 1\r\nPUB foo.bar 2\r\nhi\r\n");
    moves(1, 0);
    tells(1, large_publish);
    moves(0, 0);
    tells(0, "llo\r\n");
    moves(1, 1);
}

static void waits_for_its_socket(void)
{
    comes(0, 0);
    tells(0, "SUB foo.bar 1\r\n");
    for (int i = 0; i < 5; i++) {
        tells(0, "PUB foo.bar 2\r\nhi\r\n");
        tells(0, large_publish);
        if (clients[0] != NULL)
            take(clients[0], 7);
    }
    pass(200);
}

/* ---- running them ---- */

typedef void scenario_fn(void);

/* Two newcomers on any shards hear one another. */
static void expect_all_is_well(void)
{
    struct client *a = join(0);
    struct client *b = join(world.shard_count - 1);

    say(b, "SUB after.all 1\r\nSUB after.all g 2\r\n");
    say(a, "PUB after.all 2\r\nhi\r\n");
    cr_expect_eq(count_of(heard(b), "MSG after.all "), 2);
}

/* Those who got through all of it open still hear what they asked for. */
static void expect_the_rest_is_well(void)
{
    for (unsigned i = 0; i < CLIENTS_MAX; i++) {
        if (clients[i] == NULL || client_is_closing(clients[i]))
            continue;
        take(clients[i], SIZE_MAX);
        say(clients[i], "SUB still.here 77\r\nPUB still.here 0\r\n\r\nUNSUB 77\r\n");
        if (!client_is_closing(clients[i]))
            cr_expect_neq(count_of(heard(clients[i]), "MSG still.here 77 0\r\n\r\n"), 0);
    }
}

/* False once <nth> is beyond what the scenario allocates. */
static bool run(scenario_fn *scenario, unsigned shards, uint32_t nth, bool for_good)
{
    bool has_failed;

    world_open(shards);
    memset(clients, 0, sizeof clients);
    scarcity_begin(nth, for_good);
    scenario();
    has_failed = scarcity_end();
    world_carry();
    expect_the_rest_is_well();
    expect_all_is_well();
    world_close();
    return has_failed;
}

static void run_at_each(scenario_fn *scenario, unsigned shards)
{
    uint32_t nth = 1;

    while (run(scenario, shards, nth, false)) {
        cr_assert(run(scenario, shards, nth, true));
        nth++;
    }
    cr_expect_gt(nth, 10, "something was allocated");
}

Test(scarcity, while_subscribing_and_publishing)
{
    run_at_each(subscribes_and_publishes, 1);
}

Test(scarcity, while_those_who_want_the_same_leave)
{
    run_at_each(those_who_want_the_same_leave, 1);
}

Test(scarcity, while_talking_over_shards)
{
    run_at_each(talks_over_shards, 2);
}

Test(scarcity, while_moving)
{
    run_at_each(moves_about, 2);
}

Test(scarcity, while_waiting_for_a_socket)
{
    run_at_each(waits_for_its_socket, 1);
}

/* What could not be opened has nothing to close. */
Test(scarcity, while_opening)
{
    bool has_failed = true;

    for (uint32_t nth = 1; has_failed; nth++) {
        bool is_open;

        scarcity_begin(nth, false);
        is_open = world_try_open(3);
        has_failed = scarcity_end();
        cr_expect_eq(is_open, !has_failed);
        if (is_open)
            world_close();
    }
}

/* Removing needs no memory: who leaves must be able to when there is none. */
Test(scarcity, leaving_needs_none)
{
    world_open(2);
    prepare();
    for (unsigned i = 0; i < 6; i++) {
        comes(i, i % 2);
        tells(i, "SUB same 1\r\nSUB same.* 2\r\nSUB same.> g 3\r\nSUB other.a.b 4\r\n");
        tells(i, large_publish);
    }
    scarcity_begin(1, true);
    for (unsigned i = 0; i < 6; i++)
        goes(i);
    scarcity_end();
    cr_expect_eq(world.broker.global.interest.entry_count, 0);
    world_close();
}
