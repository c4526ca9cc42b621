/* Consumers that do not keep up, and what that means for them and for those who publish: client.h. */
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

static void one_shard(void)
{
    world_open(1);
}

TestSuite(pacing, .init = one_shard, .fini = world_close);

static bool is_open(const struct client *c)
{
    return !client_is_closing(c);
}

/* ---- slow consumers ---- */

Test(pacing, is_cut_when_more_waits_than_may)
{
    struct client *slow = join(0);
    struct client *from = join(0);
    const char *one = "PUB foo 10000\r\n";

    world.options.max_pending = 100000;
    say(slow, "SUB foo 1\r\n");
    for (int i = 0; i < 9; i++)
        sayf(from, "%s%s\r\n", one, large('x', 10000));
    cr_expect(is_open(slow));
    sayf(from, "%s%s\r\n", one, large('x', 10000));
    cr_expect_not(is_open(slow));
    cr_expect_eq(slow->status, STATUS_SLOW_PENDING);
    cr_expect_eq(slow->outbox.pending, 0, "without a word, and what waited is dropped");
    cr_expect_eq(world.shards[0].stats.slow_consumers, 1);
    cr_expect(is_open(from));
}

Test(pacing, is_cut_when_answers_it_does_not_take_pile_up)
{
    struct client *c = join_saying(0, "{\"verbose\":true}");

    world.options.max_pending = 10000;
    heard(c);
    for (int i = 0; i < 3000 && is_open(c); i++)
        say(c, "PING\r\n");
    cr_expect_not(is_open(c), "%zu bytes wait for it", c->outbox.pending);
    cr_expect_eq(c->status, STATUS_SLOW_PENDING);
}

Test(pacing, a_slow_one_of_many_costs_the_others_nothing)
{
    struct client *slow = join(0);
    struct client *fast = join(0);
    struct client *from = join(0);

    world.options.max_pending = 50000;
    say(slow, "SUB foo 1\r\n");
    say(fast, "SUB foo 1\r\n");
    for (int i = 0; i < 10; i++) {
        say_large(from, "foo", 'x', 10000);
        cr_expect_eq(strlen(heard(fast)), strlen("MSG foo 1 10000\r\n\r\n") + 10000);
    }
    cr_expect_not(is_open(slow));
    cr_expect_not(from->is_held);
}

/* ---- pacing ---- */

static void fill(struct client *from, const char *subject)
{
    for (int i = 0; i < 12; i++)
        say_large(from, subject, 'x', 100000);
}

Test(pacing, is_held_when_all_it_reaches_are_behind)
{
    struct client *a = join(0);
    struct client *b = join(0);
    struct client *from = join(0);

    say(a, "SUB foo 1\r\n");
    say(b, "SUB foo 2\r\n");
    say_large(from, "foo", 'x', 100000);
    cr_expect_not(from->is_held);
    fill(from, "foo");
    cr_expect(from->is_held);
    cr_expect_not(a->is_held || b->is_held);
    heard(a);
    heard(b);
    release(from);
    say_large(from, "foo", 'x', 10);
    cr_expect_not(from->is_held);
}

Test(pacing, is_not_held_while_one_of_those_it_reaches_keeps_up)
{
    struct client *slow = join(0);
    struct client *fast = join(0);
    struct client *from = join(0);

    say(slow, "SUB foo 1\r\n");
    say(fast, "SUB * 1\r\n");
    for (int i = 0; i < 20; i++) {
        say_large(from, "foo", 'x', 100000);
        heard(fast);
        cr_expect_not(from->is_held);
    }
    cr_expect_gt(slow->outbox.pending, CLIENT_BEHIND_BYTES);
}

/* What counts is what waited before: a message may be as large as it likes. */
Test(pacing, is_not_held_for_one_large_message_to_somebody_who_keeps_up)
{
    struct client *a = join(0);
    struct client *from = join(0);

    say(a, "SUB foo 1\r\n");
    for (int i = 0; i < 3; i++) {
        say_large(from, "foo", 'x', (size_t)world.options.max_payload);
        cr_expect_not(from->is_held);
        heard(a);
    }
}

Test(pacing, is_held_for_a_queue_group_that_is_behind)
{
    struct client *a = join(0);
    struct client *from = join(0);

    say(a, "SUB foo workers 1\r\n");
    fill(from, "foo");
    cr_expect(from->is_held);
}

Test(pacing, is_not_held_for_messages_nobody_wants)
{
    struct client *from = join(0);

    fill(from, "foo");
    cr_expect_not(from->is_held);
}
