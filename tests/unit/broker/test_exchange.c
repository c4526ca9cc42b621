#include "node/broker/exchange.h"

#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void two_shards(void)
{
    world_open(2);
}

static void three_shards(void)
{
    world_open(3);
}

TestSuite(exchange, .init = two_shards, .fini = world_close);
TestSuite(exchange_of_three, .init = three_shards, .fini = world_close);

/* "PUB foo 4\r\n0017\r\n" for each number from <from> on. */
static const char *numbered(const char *operation, unsigned from, unsigned count)
{
    size_t one = strlen(operation) + strlen(" 4\r\n0000\r\n");
    char *out = (char *)(uintptr_t)large(' ', count * one);

    for (unsigned i = 0; i < count; i++) {
        char line[128];
        int len = snprintf(line, sizeof line, "%s 4\r\n%04u\r\n", operation, from + i);

        cr_assert_eq((size_t)len, one);
        memcpy(out + i * one, line, one);
    }
    return out;
}

static struct client *subscriber(unsigned shard, const char *line)
{
    struct client *c = join(shard);

    say(c, line);
    return c;
}

/* ---- plain subscriptions ---- */

Test(exchange, a_message_reaches_the_other_shard)
{
    struct client *a = subscriber(0, "SUB foo 1\r\n");
    struct client *b = subscriber(1, "SUB foo 2\r\n");

    say(a, "PUB foo re 2\r\nhi\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 re 2\r\nhi\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 2 re 2\r\nhi\r\n");
    say(b, "PUB foo 2\r\nho\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nho\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 2 2\r\nho\r\n");
    cr_expect_eq(world.shards[0].stats.forwarded, 1);
}

Test(exchange, what_the_other_shard_does_not_want_does_not_go_there)
{
    struct client *a = subscriber(0, "SUB foo 1\r\n");

    subscriber(1, "SUB bar 2\r\n");
    say(a, "PUB foo 2\r\nhi\r\nPUB baz 2\r\nhi\r\n");
    cr_expect_eq(world.records, 0);
}

Test(exchange, headers_go_along_and_are_stripped_over_there)
{
    struct client *from = join(0);
    struct client *takes = subscriber(1, "SUB foo 1\r\n");
    struct client *does_not = join_saying(1, "{\"verbose\":false}");

    heard(does_not);
    say(does_not, "SUB foo 1\r\n");
    say(from, "HPUB foo re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    cr_expect_str_eq(heard(takes), "HMSG foo 1 re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    cr_expect_str_eq(heard(does_not), "MSG foo 1 re 2\r\nhi\r\n");
}

Test(exchange, sizes_that_were_written_anew_go_along)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");

    say(from, "PUB  foo  02\r\nhi\r\nPUB foo 2\r\nho\r\nPUB\tfoo\tre 2\nhu\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 1 2\r\nhi\r\nMSG foo 1 2\r\nho\r\n"
                               "MSG foo 1 re 2\r\nhu\r\n");
}

Test(exchange, a_run_goes_in_one_record_and_stays_in_order)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");
    struct client *c = subscriber(1, "SUB * 9\r\n");

    say(from, numbered("PUB foo", 0, 500));
    cr_expect_eq(world.records, 1);
    cr_expect_str_eq(heard(b), numbered("MSG foo 1", 0, 500));
    cr_expect_str_eq(heard(c), numbered("MSG foo 9", 0, 500));
}

Test(exchange, subjects_in_turn_stay_in_order)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB > 1\r\n");

    say(from, "PUB a 1\r\n1\r\nPUB b 1\r\n2\r\nPUB a 1\r\n3\r\nPUB a 1\r\n4\r\nPUB c 1\r\n5\r\n");
    cr_expect_str_eq(heard(b), "MSG a 1 1\r\n1\r\nMSG b 1 1\r\n2\r\nMSG a 1 1\r\n3\r\n"
                               "MSG a 1 1\r\n4\r\nMSG c 1 1\r\n5\r\n");
}

Test(exchange, overlapping_subscriptions_over_there_get_message_after_message)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\nSUB * 1b\r\nSUB foo workers 1c\r\n");
    const char *text;
    unsigned number = 0;

    say(from, numbered("PUB foo", 0, 50));
    text = heard(b);
    cr_expect_eq(count_of(text, "MSG"), 150);
    for (const char *at = text; (at = strstr(at, " 4\r\n")) != NULL; at += 4, number++)
        cr_assert_eq(strtoul(at + 4, NULL, 10), number / 3);
}

Test(exchange, a_maximum_over_there_is_kept_in_the_middle_of_a_run)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\nUNSUB 1 7\r\n");
    struct client *c = subscriber(1, "SUB foo 1\r\n");

    say(from, numbered("PUB foo", 0, 30));
    cr_expect_str_eq(heard(b), numbered("MSG foo 1", 0, 7));
    cr_expect_str_eq(heard(c), numbered("MSG foo 1", 0, 30));
    cr_expect_eq(client_subscription_count(b), 0);
}

Test(exchange, who_is_heard_over_there_is_no_503)
{
    struct client *from =
        join_saying(0, "{\"verbose\":false,\"headers\":true,\"no_responders\":true}");
    struct client *b = subscriber(1, "SUB foo workers 1\r\n");

    heard(from);
    say(from, "SUB in.* 1\r\nPUB foo in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(from), "");
    cr_expect_str_eq(heard(b), "MSG foo 1 in.1 0\r\n\r\n");
    leave(b);
    say(from, "PUB foo in.1 0\r\n\r\n");
    cr_expect_eq(count_of(heard(from), "503"), 1);
}

Test(exchange, who_has_left_meanwhile_gets_nothing)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");
    struct client *c = subscriber(1, "SUB bar 1\r\n");

    world.is_still = true;
    say(from, "PUB foo 2\r\nhi\r\nPUB bar 2\r\nhi\r\n");
    leave(b);
    leave(from);
    world_carry();
    cr_expect_str_eq(heard(c), "MSG bar 1 2\r\nhi\r\n");
}

/* ---- large messages ---- */

Test(exchange, every_size_arrives)
{
    static const size_t sizes[] = {0,     1,     7,     8,     9,     4095,  4096,   16370,
                                   16375, 16376, 16377, 16384, 65536, 70000, 131072, 500000};
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const char *payload = large((char)('a' + i), sizes[i]);

        sayf(from, "PUB foo %zu\r\n%s\r\n", sizes[i], payload);
        cr_expect(is_text(heard(b), text_of("MSG foo 1 %zu\r\n%s\r\n", sizes[i], payload)),
                  "%zu bytes", sizes[i]);
    }
}

Test(exchange, sizes_mix_in_a_run_and_stay_in_order)
{
    static const size_t sizes[] = {5,     100000, 3,     30000, 30000, 2, 16000,
                                   16000, 16000,  16000, 16000, 17000, 1};
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");
    struct client *q = subscriber(1, "SUB foo workers 2\r\n");
    const char *said = "";
    const char *due = "";

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const char *payload = large((char)('a' + i), sizes[i]);

        said = text_of("%sPUB foo %zu\r\n%s\r\n", said, sizes[i], payload);
        due = text_of("%sMSG foo # %zu\r\n%s\r\n", due, sizes[i], payload);
    }
    say(from, said);
    for (struct client *c = b; c != NULL; c = c == b ? q : NULL) {
        char *text = (char *)(uintptr_t)heard(c);

        for (char *at = text; (at = strstr(at, "MSG foo ")) != NULL; at++)
            at[8] = '#';
        cr_expect(is_text(text, due));
    }
}

Test(exchange, a_large_message_changes_hands_in_a_block)
{
    struct client *from = join(0);
    struct client *b[10];

    for (int i = 0; i < 10; i++)
        b[i] = subscriber(1, "SUB foo 1\r\n");
    say_large(from, "foo", 'x', 300000);
    cr_expect_lt(world.longest, 1000, "the record tells where it is");
    cr_expect_lt(world.shards[1].blocks.bytes_in_use, 300000 + 2 * BLOCK_BYTES + 1000,
                 "one copy for ten");
    for (int i = 0; i < 10; i++)
        cr_expect_eq(strlen(heard(b[i])), strlen("MSG foo 1 300000\r\n\r\n") + 300000);
}

Test(exchange, long_names_fit_a_record)
{
    struct client *from;
    struct client *b;
    const char *name = large('n', CONTROL_LINE_BYTES_MAX - 10);
    const char *subject = large('s', CONTROL_LINE_BYTES_MAX - 10);

    world.options.max_control_line = CONTROL_LINE_BYTES_MAX;
    from = join(0);
    b = join(1);
    sayf(b, "SUB foo %s 1\r\nSUB > 2\r\n", name);
    say(from, "PUB foo 2\r\nhi\r\n");
    cr_expect_eq(count_of(heard(b), "MSG foo"), 2);
    sayf(from, "PUB %s 2\r\nhi\r\n", subject);
    cr_expect(is_text(heard(b), text_of("MSG %s 2 2\r\nhi\r\n", subject)));
    sayf(from, "PUB foo %s 2\r\nhi\r\n", name);
    cr_expect_eq(count_of(heard(b), name), 2);
}

/* ---- queue groups ---- */

Test(exchange_of_three, a_group_over_shards_gets_each_message_once)
{
    enum { MEMBERS = 6, MESSAGES = 6000, A_TIME = 50 };
    static const unsigned home[MEMBERS] = {0, 1, 1, 2, 2, 2};
    struct client *member[MEMBERS];
    struct client *from = join(0);
    bool is_got[MESSAGES] = {0};
    double share = (double)MESSAGES / MEMBERS;
    double chi_square = 0;
    unsigned total = 0;

    for (int i = 0; i < MEMBERS; i++)
        member[i] = subscriber(home[i], "SUB foo workers 1\r\n");
    for (unsigned i = 0; i < MESSAGES; i += A_TIME)
        say(from, numbered("PUB foo", i, A_TIME));
    for (int i = 0; i < MEMBERS; i++) {
        const char *text = heard(member[i]);
        unsigned count = count_of(text, "MSG");
        long last = -1;

        for (const char *at = text; (at = strstr(at, " 4\r\n")) != NULL; at += 4) {
            long number = strtol(at + 4, NULL, 10);

            cr_assert_not(is_got[number], "%ld comes twice", number);
            is_got[number] = true;
            cr_assert_gt(number, last, "in order");
            last = number;
        }
        total += count;
        chi_square += (count - share) * (count - share) / share;
    }
    cr_expect_eq(total, MESSAGES);
    cr_expect_lt(chi_square, 20.5, "5 degrees of freedom, p = 0.001; it is %f", chi_square);
}

Test(exchange_of_three, several_groups_and_plain_subscriptions_get_a_copy_each)
{
    struct client *from = join(0);
    struct client *a = subscriber(1, "SUB foo one 1\r\n");
    struct client *b = subscriber(1, "SUB * two 2\r\nSUB foo 3\r\n");
    struct client *c = subscriber(2, "SUB foo one 4\r\nSUB > two 5\r\n");
    unsigned one;
    unsigned two;
    const char *text;

    say(from, numbered("PUB foo", 0, 200));
    text = heard(b);
    cr_expect_eq(count_of(text, "MSG foo 3 "), 200);
    two = count_of(text, "MSG foo 2 ");
    one = count_of(heard(a), "MSG foo 1 ");
    text = heard(c);
    cr_expect_eq(one + count_of(text, "MSG foo 4 "), 200);
    cr_expect_eq(two + count_of(text, "MSG foo 5 "), 200);
    cr_expect(one > 50 && one < 150 && two > 50 && two < 150, "%u, %u", one, two);
}

Test(exchange_of_three, a_member_that_refuses_its_own_leaves_them_to_other_shards)
{
    struct client *a = join_saying(0, "{\"verbose\":false,\"echo\":false}");
    struct client *b = subscriber(1, "SUB foo workers 1\r\n");

    heard(a);
    say(a, "SUB foo workers 1\r\n");
    say(a, numbered("PUB foo", 0, 50));
    cr_expect_str_eq(heard(a), "");
    cr_expect_str_eq(heard(b), numbered("MSG foo 1", 0, 50));
}

Test(exchange_of_three, every_shard_hears_every_other)
{
    struct client *c[3];

    for (unsigned i = 0; i < 3; i++)
        c[i] = subscriber(i, "SUB > 1\r\n");
    for (unsigned i = 0; i < 3; i++)
        sayf(c[i], "PUB from.%u 0\r\n\r\n", i);
    for (unsigned i = 0; i < 3; i++)
        cr_expect_str_eq(heard(c[i]), "MSG from.0 1 0\r\n\r\nMSG from.1 1 0\r\n\r\n"
                                      "MSG from.2 1 0\r\n\r\n");
}

/* ---- when a way is full ---- */

Test(exchange_of_three, what_finds_its_way_full_waits_in_order)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB > 1\r\n");
    struct client *c = subscriber(2, "SUB > 1\r\n");
    struct exchange *exchange = &world.shards[0].exchange;

    world.ways[0][1].is_full = true;
    say(from, numbered("PUB a", 0, 3));
    cr_expect(exchange_is_congested(exchange));
    cr_expect(from->is_held);
    cr_expect_not(exchange_retry(&world.shards[0]));
    say(from, numbered("PUB b", 3, 3));
    say_large(from, "c", 'x', 50000);
    cr_expect_str_eq(heard(b), "");
    cr_expect_eq(count_of(heard(c), "MSG"), 7, "another way is free");

    world.ways[0][1].is_full = false;
    world.is_still = true;
    say(from, numbered("PUB d", 7, 1));
    cr_expect_eq(world.ways[0][1].count, 0, "it does not overtake what waits");
    cr_expect(exchange_retry(&world.shards[0]));
    cr_expect_not(exchange_is_congested(exchange));
    say(from, numbered("PUB e", 8, 1));
    world_carry();
    cr_expect(
        is_text(heard(b), text_of("%s%sMSG c 1 50000\r\n%s\r\n%s%s", numbered("MSG a 1", 0, 3),
                                  numbered("MSG b 1", 3, 3), large('x', 50000),
                                  numbered("MSG d 1", 7, 1), numbered("MSG e 1", 8, 1))));
}

Test(exchange_of_three, one_full_way_does_not_hold_up_what_waits_for_another)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB b 1\r\n");
    struct client *c = subscriber(2, "SUB c 1\r\n");

    world.ways[0][1].is_full = world.ways[0][2].is_full = true;
    say(from, "PUB b 1\r\nx\r\nPUB c 1\r\ny\r\n");
    world.ways[0][2].is_full = false;
    world_carry();
    cr_expect_str_eq(heard(b), "");
    cr_expect_str_eq(heard(c), "MSG c 1 1\r\ny\r\n");
    cr_expect(exchange_is_congested(&world.shards[0].exchange));
    world.ways[0][1].is_full = false;
    world_carry();
    cr_expect_str_eq(heard(b), "MSG b 1 1\r\nx\r\n");
    cr_expect_not(exchange_is_congested(&world.shards[0].exchange));
}

Test(exchange, what_waits_at_the_end_is_freed)
{
    struct client *from = join(0);

    subscriber(1, "SUB foo 1\r\n");
    world.ways[0][1].is_full = true;
    say_large(from, "foo", 'x', 100);
    say_large(from, "foo", 'x', 100000);
    cr_expect(exchange_is_congested(&world.shards[0].exchange));
}

/* ---- pacing ---- */

static void fill(struct client *from)
{
    for (int i = 0; i < 12; i++)
        say_large(from, "foo", 'x', 100000);
}

Test(exchange_of_three, a_publisher_is_held_when_all_over_there_are_behind)
{
    struct client *from = join(0);
    struct client *b = subscriber(1, "SUB foo 1\r\n");

    say_large(from, "foo", 'x', 100000);
    cr_expect_not(from->is_held);
    fill(from);
    cr_expect(from->is_held);
    heard(b);
    release(from);
    say_large(from, "foo", 'x', 100000);
    cr_expect_not(from->is_held);
}

Test(exchange_of_three, is_not_held_while_somebody_keeps_up_on_any_shard)
{
    struct client *from = join(0);
    struct client *fast = subscriber(2, "SUB foo 1\r\n");
    struct client *slow = subscriber(1, "SUB foo 1\r\n");
    struct client *slow_here = subscriber(0, "SUB foo 1\r\n");

    for (int i = 0; i < 15; i++) {
        say_large(from, "foo", 'x', 100000);
        heard(fast);
        cr_expect_not(from->is_held);
    }
    cr_expect_gt(slow->outbox.pending, CLIENT_BEHIND_BYTES);
    leave(fast);
    say_large(from, "foo", 'x', 100000);
    cr_expect(from->is_held, "the rest are behind");
    heard(slow_here);
    release(from);
    say_large(from, "foo", 'x', 100000);
    cr_expect_not(from->is_held);
}

Test(exchange_of_three, who_has_caught_up_here_is_not_remembered_as_behind)
{
    struct client *from = join(0);
    struct client *here = subscriber(0, "SUB foo 1\r\n");
    struct client *there = subscriber(1, "SUB foo 1\r\n");

    for (int i = 0; i < 15; i++) {
        say_large(from, "foo", 'x', 100000);
        heard(there);
    }
    cr_expect_gt(here->outbox.pending, CLIENT_BEHIND_BYTES);
    for (int i = 0; i < 15; i++) {
        heard(here);
        say_large(from, "foo", 'x', 100000);
        cr_expect_not(from->is_held);
    }
    cr_expect_gt(there->outbox.pending, CLIENT_BEHIND_BYTES);
}

Test(exchange_of_three, word_for_a_publisher_that_has_left_is_for_nobody)
{
    struct client *from = join(0);

    subscriber(1, "SUB foo 1\r\n");
    fill(from);
    world.is_still = true;
    say_large(from, "foo", 'x', 100000);
    leave(from);
    world_carry();
}

Test(exchange_of_three, word_for_a_publisher_waits_when_its_way_is_full)
{
    struct client *from = join(0);

    subscriber(1, "SUB foo 1\r\n");
    world.ways[1][0].is_full = true;
    fill(from);
    cr_expect_not(from->is_held);
    cr_expect(exchange_is_congested(&world.shards[1].exchange));
    world.ways[1][0].is_full = false;
    world_carry();
    cr_expect(from->is_held);
}
