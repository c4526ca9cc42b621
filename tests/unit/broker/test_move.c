/* A client moves from shard to shard: client_move() in client.h. */
#include "lib/base/clock.h"
#include "tests/unit/broker/scarcity.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void three_shards(void)
{
    world_open(3);
}

TestSuite(move, .init = three_shards, .fini = world_close);

static void move(struct client *c, unsigned to)
{
    cr_assert(client_move(c, &world.shards[to]));
    world_check();
}

Test(move, a_client_is_found_where_it_is)
{
    struct client *c = join(0);

    move(c, 1);
    cr_expect_eq(c->shard, &world.shards[1]);
    cr_expect_null(shard_find_client(&world.shards[0], c->cid));
    cr_expect_eq(shard_find_client(&world.shards[1], c->cid), c);
    cr_expect_eq(world.shards[0].client_count, 0);
    cr_expect_eq(world.shards[1].client_count, 1);
}

Test(move, it_takes_its_subscriptions_along)
{
    struct client *c = join(0);
    struct client *from[3];

    say(c, "SUB foo 1\r\nSUB bar workers 2\r\n");
    for (unsigned i = 0; i < 3; i++)
        say(from[i] = join(i), "PUB foo 1\r\nx\r\nPUB bar 1\r\ny\r\n");
    heard(c);
    for (unsigned to = 1; to < 4; to++) {
        move(c, to % 3);
        for (unsigned i = 0; i < 3; i++) {
            say(from[i], "PUB foo 1\r\nx\r\nPUB bar 1\r\ny\r\n");
            cr_expect_str_eq(heard(c), "MSG foo 1 1\r\nx\r\nMSG bar 2 1\r\ny\r\n");
        }
    }
    say(c, "UNSUB 1\r\nUNSUB 2\r\n");
    cr_expect_eq(world.broker.global.interest.entry_count, 0);
}

Test(move, it_takes_along_what_waits_for_it_in_order)
{
    struct client *c = join(0);
    const char *big = large('x', 50000);

    say(c, "SUB foo 1\r\nPUB foo 1\r\n1\r\n");
    say_large(c, "foo", 'x', 50000);
    say(c, "PUB foo 1\r\n2\r\n");
    move(c, 2);
    cr_expect_eq(world.shards[0].blocks.bytes_in_use, BLOCK_BYTES, "the writer's alone");
    cr_expect_eq(shard_take_dirty(&world.shards[2]), c, "somebody must write it");
    client_mark_dirty(c);
    say(c, "PUB foo 1\r\n3\r\n");
    cr_expect(is_text(heard(c), text_of("MSG foo 1 1\r\n1\r\nMSG foo 1 50000\r\n%s\r\n"
                                        "MSG foo 1 1\r\n2\r\nMSG foo 1 1\r\n3\r\n",
                                        big)));
}

Test(move, it_goes_on_in_the_middle_of_an_operation)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\nPUB foo 5\r\nhe");
    move(c, 1);
    say(c, "llo\r\nPI");
    move(c, 2);
    say(c, "NG\r\n");
    cr_expect_str_eq(heard(c), "MSG foo 1 5\r\nhello\r\nPONG\r\n");
}

Test(move, it_takes_its_deliveries_and_maxima_along)
{
    struct client *c = join(0);
    struct client *from = join(1);

    say(c, "SUB foo 1\r\nUNSUB 1 3\r\n");
    say(from, "PUB foo 1\r\n1\r\n");
    move(c, 1);
    say(from, "PUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\nPUB foo 1\r\n4\r\n");
    cr_expect_str_eq(heard(c), "MSG foo 1 1\r\n1\r\nMSG foo 1 1\r\n2\r\nMSG foo 1 1\r\n3\r\n");
}

Test(move, it_is_pinged_where_it_is)
{
    struct client *c;

    world.options.ping_interval_ns = 10 * (int64_t)CLOCK_NS_A_SECOND;
    c = join(0);
    pass(1);
    move(c, 1);
    cr_expect_eq(timers_next_due(&world.shards[0].timers), TIMERS_NEVER);
    pass(1.5);
    cr_expect_str_eq(heard(c), "PING\r\n");
    move(c, 2);
    say(c, "PONG\r\n");
    cr_expect_gt(c->rtt_ns, 0);
}

Test(move, it_stays_slow_when_it_is)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\n");
    say_large(c, "foo", 'x', 100000);
    take(c, 10);
    pass(6);
    move(c, 1);
    pass(3);
    cr_expect_not(client_is_closing(c));
    pass(1.5);
    cr_expect_eq(c->status, STATUS_SLOW_DEADLINE);
}

Test(move, its_group_keeps_all_its_members)
{
    struct client *member[3];
    struct client *from = join(0);
    unsigned total = 0;

    for (unsigned i = 0; i < 3; i++)
        say(member[i] = join(i), "SUB foo workers 1\r\n");
    for (unsigned step = 0; step < 60; step++) {
        move(member[step % 3], (step * 7 + 1) % 3);
        say(from, "PUB foo 1\r\nx\r\nPUB foo 1\r\ny\r\n");
    }
    for (unsigned i = 0; i < 3; i++) {
        unsigned count = count_of(heard(member[i]), "MSG");

        cr_expect_gt(count, 15);
        total += count;
    }
    cr_expect_eq(total, 120);
}

Test(move, a_publisher_is_paced_where_it_is)
{
    struct client *slow = join(1);
    struct client *from = join(0);

    say(slow, "SUB foo 1\r\n");
    for (int i = 0; i < 12; i++)
        say_large(from, "foo", 'x', 100000);
    cr_expect(from->is_held);
    release(from);
    move(from, 1);
    say_large(from, "foo", 'x', 10);
    cr_expect(from->is_held);
    release(from);
    heard(slow);
    say_large(from, "foo", 'x', 10);
    cr_expect_not(from->is_held);
}

/* Where memory is out at whichever allocation, it stays as it was or has moved as a whole. */
Test(move, without_memory_it_stays_where_it_was)
{
    struct client *c = join(0);
    bool has_moved = false;

    world.options.ping_interval_ns = 10 * (int64_t)CLOCK_NS_A_SECOND;
    say(c, "SUB foo 1\r\nPUB foo 2\r\nhi\r\n");
    for (uint32_t nth = 1; !has_moved; nth++) {
        scarcity_begin(nth, true);
        has_moved = client_move(c, &world.shards[1]);
        scarcity_end();
        world_check();
        cr_expect_eq(c->shard, &world.shards[has_moved ? 1 : 0]);
        cr_expect(timer_is_set(&c->timer), "it would never be pinged (allocation %u)", nth);
    }
    cr_expect_str_eq(heard(c), "MSG foo 1 2\r\nhi\r\n");
}

Test(move, whoever_moves_whenever_every_message_arrives_once_and_in_order)
{
    struct random r;
    struct client *c[6];
    unsigned sent = 0;

    random_init(&r, 5);
    for (unsigned i = 0; i < 6; i++)
        say(c[i] = join(i % 3), i < 4 ? "SUB n.* 1\r\n" : "SUB n.> workers 1\r\n");
    for (unsigned step = 0; step < 400; step++) {
        move(c[random_below(&r, 6)], random_below(&r, 3) % 3);
        sayf(c[5], "PUB n.%u 4\r\n%04u\r\n", random_below(&r, 3), sent++);
    }
    for (unsigned i = 0; i < 4; i++) {
        const char *at = heard(c[i]);

        for (unsigned n = 0; n < sent; n++) {
            at = strstr(at, " 4\r\n");
            cr_assert_not_null(at);
            cr_assert_eq(strncmp(at + 4, text_of("%04u", n), 4), 0, "client %u message %u", i, n);
            at += 4;
        }
    }
    cr_expect_eq(count_of(heard(c[4]), "MSG") + count_of(heard(c[5]), "MSG"), sent);
}
