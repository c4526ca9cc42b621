#include "node/broker/plan.h"

#include "node/broker/subscription.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- how the tests speak ---- */

static void one_shard(void)
{
    world_open(1);
}

static void three_shards(void)
{
    world_open(3);
}

TestSuite(plan, .init = one_shard, .fini = world_close);
TestSuite(plan_of_shards, .init = three_shards, .fini = world_close);

static struct plan *plan_at(unsigned shard, const char *subject)
{
    struct plan *p = plan_find(&world.shards[shard], &world.broker.global, bytes_of_str(subject));

    cr_assert_not_null(p);
    cr_assert(plan_holds(p));
    return p;
}

static struct plan *plan(const char *subject)
{
    return plan_at(0, subject);
}

static uint64_t built(void)
{
    return world.shards[0].plans.built;
}

/* Is the plan for <subject> worked out again? */
static bool is_cold(const char *subject)
{
    uint64_t before = built();

    plan(subject);
    return built() > before;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *join_sorted(const char **words, size_t count)
{
    const char *text = "";

    qsort(words, count, sizeof *words, compare_text);
    for (size_t i = 0; i < count; i++)
        text = text_of("%s%s%s", text, i > 0 ? "; " : "", words[i]);
    return text;
}

/* "HMSG foo 1 x3": the groups' prefixes, 'without' before those that take no headers. */
static const char *groups(const struct plan *p)
{
    const char *words[64];

    for (uint32_t i = 0; i < p->group_count; i++) {
        const struct plan_group *g = &p->groups[i];

        words[i] = text_of("%s%.*sx%u", g->headers ? "" : "without ",
                           BYTES_ARG(plan_text(p, g->prefix_at, g->prefix_len)), g->member_count);
    }
    return join_sorted(words, p->group_count);
}

/* "workers 2+3": queue groups with their members here and elsewhere. */
static const char *queues(const struct plan *p)
{
    const char *words[64];

    for (uint32_t i = 0; i < p->queue_count; i++) {
        const struct plan_queue *q = &p->queues[i];

        words[i] = text_of("%.*s %u+%u", BYTES_ARG(plan_text(p, q->name_at, q->name_len)),
                           q->choice_count, q->remote_weight);
    }
    return join_sorted(words, p->queue_count);
}

/* ---- what is in it ---- */

Test(plan, of_what_nobody_wants_is_empty)
{
    cr_expect(plan("foo")->is_empty);
    say(join(0), "SUB bar 1\r\n");
    cr_expect(plan("foo")->is_empty);
    cr_expect_not(plan("bar")->is_empty);
}

Test(plan, groups_those_who_receive_the_same_bytes)
{
    for (int i = 0; i < 3; i++)
        say(join(0), "SUB foo 1\r\n");
    say(join(0), "SUB foo 2\r\n");
    say(join_saying(0, "{\"headers\":false}"), "SUB foo 1\r\n");
    cr_expect_str_eq(groups(plan("foo")), "HMSG foo 1 x3; HMSG foo 2 x1; without HMSG foo 1 x1");
    cr_expect_eq(plan("foo")->member_count, 5);
}

Test(plan, gathers_all_patterns_that_match)
{
    say(join(0), "SUB foo.bar 1\r\n");
    say(join(0), "SUB foo.* 1\r\n");
    say(join(0), "SUB > 1\r\n");
    say(join(0), "SUB foo.baz 1\r\n");
    cr_expect_str_eq(groups(plan("foo.bar")), "HMSG foo.bar 1 x3");
}

Test(plan, merges_queue_groups_by_name_over_patterns)
{
    say(join(0), "SUB foo workers 1\r\n");
    say(join(0), "SUB f* workers 1\r\nSUB * workers 2\r\n");
    say(join(0), "SUB foo others 3\r\n");
    cr_expect_str_eq(queues(plan("foo")), "others 1+0; workers 2+0", "f* is a literal");
    say(join(0), "SUB > workers 1\r\n");
    cr_expect_str_eq(queues(plan("foo")), "others 1+0; workers 3+0");
    cr_expect_str_eq(groups(plan("foo")), "");
}

/* ---- when messages must go one by one ---- */

Test(plan, runs_go_together_when_everybody_gets_one_copy)
{
    say(join(0), "SUB foo 1\r\nSUB bar 2\r\n");
    say(join(0), "SUB foo 1\r\n");
    say(join(0), "SUB foo workers 1\r\n");
    cr_expect_not(plan("foo")->one_by_one);
}

Test(plan, goes_one_by_one_for_a_client_with_two_subscriptions)
{
    say(join(0), "SUB foo.bar 1\r\nSUB foo.* 2\r\n");
    cr_expect(plan("foo.bar")->one_by_one);
    cr_expect_not(plan("foo.baz")->one_by_one);
}

Test(plan, goes_one_by_one_for_a_client_that_is_also_in_a_queue_group)
{
    say(join(0), "SUB foo 1\r\nSUB foo workers 2\r\n");
    cr_expect(plan("foo")->one_by_one);
}

Test(plan, goes_one_by_one_for_a_client_in_two_queue_groups)
{
    say(join(0), "SUB foo workers 1\r\nSUB foo others 2\r\n");
    cr_expect(plan("foo")->one_by_one);
}

Test(plan, goes_one_by_one_while_somebody_has_a_maximum)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\n");
    cr_expect_not(plan("foo")->one_by_one);
    say(c, "UNSUB 1 5\r\n");
    cr_expect(plan("foo")->one_by_one);
    say(c, "UNSUB 1\r\n");
    cr_expect_not(plan("foo")->one_by_one);
}

/* ---- keeping ---- */

Test(plan, is_kept_while_nothing_changes)
{
    say(join(0), "SUB foo 1\r\n");
    cr_expect(is_cold("foo"));
    for (int i = 0; i < 10; i++)
        cr_expect_not(is_cold("foo"));
}

Test(plan, of_nothing_is_kept_too)
{
    cr_expect(is_cold("foo"));
    cr_expect_not(is_cold("foo"));
}

Test(plan, is_kept_while_inboxes_come_and_go)
{
    struct client *c = join(0);

    say(c, "SUB orders.* 1\r\n");
    plan("orders.paid");
    for (unsigned i = 0; i < 100; i++)
        sayf(c, "SUB _INBOX.abc.* %u\r\nUNSUB %u\r\n", i + 2, i + 2);
    cr_expect_not(is_cold("orders.paid"));
}

Test(plan, is_worked_out_again_when_somebody_comes_or_goes)
{
    struct client *c = join(0);
    struct client *other = join(0);

    plan("foo.bar");
    say(c, "SUB foo.bar 1\r\n");
    cr_expect(is_cold("foo.bar"));
    say(other, "SUB foo.* 1\r\n");
    cr_expect(is_cold("foo.bar"));
    say(c, "UNSUB 1\r\n");
    cr_expect(is_cold("foo.bar"));
    leave(other);
    cr_expect(is_cold("foo.bar"));
    cr_expect(plan("foo.bar")->is_empty);
}

Test(plan, is_worked_out_again_when_a_member_learns_to_take_headers)
{
    struct client *c = join_saying(0, NULL);

    say(c, "SUB foo 1\r\n");
    cr_expect_str_eq(groups(plan("foo")), "without HMSG foo 1 x1");
    say(c, "CONNECT {\"headers\":true}\r\n");
    cr_expect_str_eq(groups(plan("foo")), "HMSG foo 1 x1");
}

Test(plan, survives_more_subjects_than_there_is_room_for)
{
    struct client *c = join(0);

    say(c, "SUB > 1\r\nSUB s.7 7\r\n");
    for (unsigned i = 0; i < 3 * PLAN_CACHE_SLOTS; i++)
        plan(text_of("s.%u", i));
    cr_expect_str_eq(groups(plan("s.7")), "HMSG s.7 1 x1; HMSG s.7 7 x1");
    cr_expect_str_eq(groups(plan("s.8")), "HMSG s.8 1 x1");
}

Test(plan, all_together_hold_no_more_than_they_may)
{
    struct client *c = join(0);
    size_t most = 0;

    for (int i = 0; i < 1000; i++)
        sayf(c, "SUB > %d\r\n", i);
    for (int i = 0; i < 2000; i++) {
        cr_assert_eq(plan(text_of("subject.%d", i))->member_count, 1000);
        if (world.shards[0].plans.bytes > most)
            most = world.shards[0].plans.bytes;
    }
    cr_expect_leq(most, PLAN_CACHE_BYTES_MAX);
    cr_expect_gt(most, PLAN_CACHE_BYTES_MAX / 2, "and yet they are kept");
}

Test(plan, two_subjects_in_turn_are_both_kept)
{
    say(join(0), "SUB > 1\r\n");
    for (unsigned i = 0; i < 200; i++)
        plan(text_of("s.%u", i));
    for (unsigned i = 0; i < 200; i++) {
        cr_expect_str_eq(groups(plan(text_of("s.%u", i))), text_of("HMSG s.%u 1 x1", i));
        cr_expect_not(is_cold(text_of("s.%u", i)));
    }
}

/* ---- as other shards see it ---- */

Test(plan_of_shards, names_other_shards_for_plain_subscriptions)
{
    say(join(1), "SUB foo 1\r\n");
    say(join(1), "SUB foo 1\r\n");
    say(join(2), "SUB foo.* 1\r\n");
    say(join(0), "SUB foo 9\r\n");
    cr_expect_eq(plan("foo")->plain_shards, 1u << 1);
    cr_expect_str_eq(groups(plan("foo")), "HMSG foo 9 x1");
    cr_expect_eq(plan_at(1, "foo")->plain_shards, 1u << 0);
    cr_expect_str_eq(groups(plan_at(1, "foo")), "HMSG foo 1 x2");
    cr_expect_eq(plan("foo.bar")->plain_shards, 1u << 2);
    cr_expect_not(plan("foo.bar")->is_empty);
}

Test(plan_of_shards, counts_members_of_queue_groups_elsewhere)
{
    struct plan *p;

    say(join(0), "SUB foo workers 1\r\n");
    for (int i = 0; i < 2; i++)
        say(join(1), "SUB foo workers 1\r\n");
    for (int i = 0; i < 3; i++)
        say(join(2), "SUB foo workers 1\r\n");
    p = plan("foo");
    cr_expect_str_eq(queues(p), "workers 1+5");
    cr_expect_eq(p->queues[0].remote_count, 2, "two shards");
    cr_expect_str_eq(queues(plan_at(1, "foo")), "workers 2+4");
    cr_expect_eq(p->plain_shards, 0);
    cr_expect_not(p->one_by_one);
}

Test(plan_of_shards, go_one_by_one_when_a_shard_is_reached_by_two_ways)
{
    say(join(1), "SUB foo 1\r\nSUB foo workers 2\r\n");
    cr_expect(plan("foo")->one_by_one);
    say(join(1), "SUB bar workers 1\r\nSUB bar others 2\r\n");
    cr_expect(plan("bar")->one_by_one);
    say(join(2), "SUB baz 1\r\n");
    say(join(1), "SUB baz workers 2\r\n");
    cr_expect_not(plan("baz")->one_by_one);
}

Test(plan_of_shards, feel_changes_made_on_another)
{
    struct client *c = join(2);

    cr_expect(plan("foo")->is_empty);
    say(c, "SUB foo 1\r\n");
    cr_expect_eq(plan("foo")->plain_shards, 1u << 2);
    say(c, "UNSUB 1\r\n");
    cr_expect(plan("foo")->is_empty);
}
