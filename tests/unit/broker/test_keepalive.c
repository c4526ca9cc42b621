#include "node/broker/keepalive.h"

#include "lib/base/clock.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

/* Time is the test's: pass(2.5) lets every timer of the next two and a half seconds go off. */

#define MINUTE 60.0
#define HOUR 3600.0
#define SHORT 10.0 /* the interval in most tests */

static void one_shard(void)
{
    world_open(1);
    world.options.ping_interval_ns = (int64_t)(SHORT * (double)CLOCK_NS_A_SECOND);
}

TestSuite(keepalive, .init = one_shard, .fini = world_close);

static bool is_pinged(struct client *c)
{
    const char *text = heard(c);

    cr_expect_leq(count_of(text, "PING"), 1);
    return count_of(text, "PING") == 1;
}

static struct client *pinged_and_answering(void)
{
    struct client *c = join(0);

    pass(2.5);
    cr_expect(is_pinged(c));
    say(c, "PONG\r\n");
    return c;
}

Test(keepalive, the_first_ping_comes_after_two_seconds_or_little_more)
{
    struct client *c = join(0);

    pass(1.99);
    cr_expect_not(is_pinged(c));
    pass(0.42);
    cr_expect(is_pinged(c), "two seconds and at most a fifth more");
}

Test(keepalive, the_first_pings_of_many_do_not_come_at_once)
{
    unsigned at_once = 0;

    for (int i = 0; i < 20; i++)
        join(0);
    pass(2.2);
    for (struct client *c = world.shards[0].clients; c != NULL; c = c->next)
        at_once += is_pinged(c) ? 1 : 0;
    cr_expect_gt(at_once, 2);
    cr_expect_lt(at_once, 18);
}

Test(keepalive, the_first_ping_comes_even_to_who_is_heard)
{
    struct client *c = join(0);

    pass(1.9);
    say(c, "SUB foo 1\r\n");
    pass(0.6);
    cr_expect(is_pinged(c), "to measure the way there and back");
}

Test(keepalive, the_first_ping_waits_for_the_first_pong_but_two_seconds_at_most)
{
    struct client *c;

    world.options.ping_interval_ns = (int64_t)CLOCK_NS_A_SECOND;
    c = join_saying(0, "{\"verbose\":false}");
    heard(c);
    pass(1.9);
    cr_expect_not(is_pinged(c));
    pass(0.15);
    cr_expect(is_pinged(c));
}

Test(keepalive, a_short_interval_brings_the_first_ping_earlier_once_greeted)
{
    struct client *c;

    world.options.ping_interval_ns = (int64_t)CLOCK_NS_A_SECOND;
    c = join(0);
    pass(1.25);
    cr_expect(is_pinged(c));
}

/* It is looked at once an interval, and its last PONG may lie less than one back. */
Test(keepalive, who_is_silent_is_pinged_within_two_intervals)
{
    struct client *c = pinged_and_answering();

    for (int i = 0; i < 5; i++) {
        pass(2 * SHORT);
        cr_expect(is_pinged(c), "after interval %d", i);
        say(c, "PONG\r\n");
    }
    cr_expect_not(client_is_closing(c));
}

Test(keepalive, who_is_heard_is_not_pinged)
{
    struct client *c = pinged_and_answering();

    for (int i = 0; i < 20; i++) {
        pass(SHORT / 2);
        say(c, "PUB foo 0\r\n\r\n");
    }
    cr_expect_not(is_pinged(c));
}

Test(keepalive, what_it_is_sent_does_not_count_as_heard)
{
    struct client *c = pinged_and_answering();
    struct client *from = join(0);

    say(c, "SUB foo 1\r\n");
    for (int i = 0; i < 5; i++) {
        pass(SHORT / 2);
        say(from, "PUB foo 0\r\n\r\n");
    }
    cr_expect_gt(count_of(heard(c), "PING\r\n"), 0);
}

Test(keepalive, once_an_hour_a_ping_goes_out_whatever_is_heard)
{
    struct client *c = pinged_and_answering();
    unsigned pings = 0;

    for (int i = 0; i < 2 * HOUR / (SHORT / 2) + 10; i++) {
        pass(SHORT / 2);
        say(c, "PUB foo 0\r\n\r\n");
        if (is_pinged(c)) {
            pings++;
            say(c, "PONG\r\n");
        }
    }
    cr_expect_eq(pings, 2);
}

Test(keepalive, the_time_there_and_back_is_measured)
{
    struct client *c = join(0);

    cr_expect_eq(c->rtt_ns, 0);
    pass(2.5);
    heard(c);
    say(c, "PONG\r\n");
    cr_expect_gt(c->rtt_ns, 0);
    cr_expect_leq(c->rtt_ns, CLOCK_NS_A_SECOND / 2);
}

Test(keepalive, a_pong_nobody_asked_for_measures_nothing)
{
    struct client *c = join(0);

    say(c, "PONG\r\n");
    pass(1);
    say(c, "PONG\r\n");
    cr_expect_eq(c->rtt_ns, 0);
}

Test(keepalive, who_does_not_answer_is_stale_after_ping_max)
{
    struct client *c = join(0);

    pass(2.5);
    cr_expect(is_pinged(c));
    pass(SHORT);
    cr_expect(is_pinged(c));
    cr_expect_not(client_is_closing(c));
    pass(SHORT);
    cr_expect(client_is_closing(c));
    cr_expect_eq(c->status, STATUS_STALE);
    cr_expect_str_eq(heard(c), "-ERR 'Stale Connection'\r\n");
}

Test(keepalive, one_pong_answers_all_pings)
{
    struct client *c = join(0);

    pass(2.5);
    pass(SHORT);
    cr_expect_eq(count_of(heard(c), "PING"), 2);
    say(c, "PONG\r\n");
    pass(2 * SHORT);
    cr_expect_not(client_is_closing(c));
    cr_expect(is_pinged(c));
}

Test(keepalive, who_talks_without_answering_is_not_stale)
{
    struct client *c = join(0);

    pass(2.5);
    heard(c);
    for (int i = 0; i < 20; i++) {
        pass(SHORT / 2);
        say(c, "PUB foo 0\r\n\r\n");
    }
    cr_expect_not(client_is_closing(c));
}

Test(keepalive, ping_max_counts_unanswered_pings)
{
    struct client *c;

    world.options.ping_max = 4;
    c = join(0);
    pass(2.5 + 3 * SHORT);
    cr_expect_not(client_is_closing(c));
    cr_expect_eq(count_of(heard(c), "PING"), 4);
    pass(SHORT);
    cr_expect(client_is_closing(c));
}

Test(keepalive, with_the_default_interval_a_dead_peer_is_noticed_in_minutes)
{
    struct client *c;

    world.options.ping_interval_ns = 120 * (int64_t)CLOCK_NS_A_SECOND;
    c = join(0);
    pass(4 * MINUTE);
    cr_expect_not(client_is_closing(c));
    pass(MINUTE);
    cr_expect(client_is_closing(c));
}

/* ---- write_deadline ---- */

static struct client *blocked(void)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\n");
    say_large(c, "foo", 'x', 100000);
    take(c, 1000);
    return c;
}

Test(keepalive, who_takes_nothing_for_write_deadline_is_slow)
{
    struct client *c;

    world.options.write_deadline_ns = 3 * (int64_t)CLOCK_NS_A_SECOND;
    c = blocked();
    pass(2.9);
    cr_expect_not(client_is_closing(c));
    pass(0.2);
    cr_expect(client_is_closing(c));
    cr_expect_eq(c->status, STATUS_SLOW_DEADLINE);
    cr_expect_eq(c->outbox.pending, 0, "without a word");
    cr_expect_eq(world.shards[0].stats.slow_consumers, 1);
}

Test(keepalive, who_takes_a_little_gets_more_time)
{
    struct client *c;

    world.options.write_deadline_ns = 3 * (int64_t)CLOCK_NS_A_SECOND;
    c = blocked();
    for (int i = 0; i < 5; i++) {
        pass(2);
        take(c, 10);
        cr_expect_not(client_is_closing(c));
    }
    pass(2);
    take(c, 0);
    pass(1.1);
    cr_expect(client_is_closing(c), "to have tried in vain does not count");
}

Test(keepalive, who_takes_all_is_not_slow_any_more)
{
    struct client *c;

    world.options.write_deadline_ns = 3 * (int64_t)CLOCK_NS_A_SECOND;
    c = blocked();
    pass(2);
    take(c, SIZE_MAX);
    say(c, "PONG\r\n");
    pass(5);
    cr_expect_not(client_is_closing(c));
}

Test(keepalive, a_deadline_beyond_the_next_ping_still_holds)
{
    struct client *c;

    world.options.write_deadline_ns = 15 * (int64_t)CLOCK_NS_A_SECOND;
    c = blocked();
    pass(14.9);
    cr_expect_not(client_is_closing(c));
    pass(0.2);
    cr_expect_eq(c->status, STATUS_SLOW_DEADLINE);
}
