#include "node/broker/delivery.h"

#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static void one_shard(void)
{
    world_open(1);
}

TestSuite(delivery, .init = one_shard, .fini = world_close);

/* ---- who gets what ---- */

Test(delivery, a_message_goes_to_everybody_who_wants_it)
{
    struct client *a = join(0);
    struct client *b = join(0);
    struct client *c = join(0);

    say(a, "SUB foo 1\r\n");
    say(b, "SUB foo.* 22\r\n");
    say(c, "SUB foo longsid\r\n");
    say(b, "PUB foo 2\r\nhi\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nhi\r\n");
    cr_expect_str_eq(heard(b), "");
    cr_expect_str_eq(heard(c), "MSG foo longsid 2\r\nhi\r\n");
    cr_expect_eq(a->out_msgs, 1);
    cr_expect_eq(a->out_bytes, 2);
    cr_expect_eq(b->in_msgs, 1);
    cr_expect_eq(b->in_bytes, 2);
    cr_expect_eq(world.shards[0].stats.out_msgs, 2);
}

Test(delivery, carries_reply_and_empty_and_odd_payloads)
{
    struct client *a = join(0);

    say(a, "SUB > 1\r\n");
    say(a, "PUB foo reply.to 2\r\nhi\r\n");
    say(a, "PUB foo 0\r\n\r\n");
    say(a, "PUB foo r 0\r\n\r\n");
    say(a, "PUB foo 4\r\n\r\n\r\n\r\n");
    say(a, "PUB foo 11\r\nPUB foo 2\r\n\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 reply.to 2\r\nhi\r\n"
                               "MSG foo 1 0\r\n\r\n"
                               "MSG foo 1 r 0\r\n\r\n"
                               "MSG foo 1 4\r\n\r\n\r\n\r\n"
                               "MSG foo 1 11\r\nPUB foo 2\r\n\r\n");
}

Test(delivery, every_subscription_of_a_client_gets_its_copy)
{
    struct client *a = join(0);
    const char *text;

    say(a, "SUB foo 1\r\nSUB foo 2\r\nSUB > 3\r\n");
    say(a, "PUB foo 2\r\nhi\r\n");
    text = heard(a);
    cr_expect_eq(strlen(text), 3 * strlen("MSG foo 1 2\r\nhi\r\n"));
    cr_expect_eq(count_of(text, "MSG foo 1 2\r\nhi\r\n"), 1);
    cr_expect_eq(count_of(text, "MSG foo 2 2\r\nhi\r\n"), 1);
    cr_expect_eq(count_of(text, "MSG foo 3 2\r\nhi\r\n"), 1);
}

Test(delivery, a_publish_on_a_wildcard_is_a_literal)
{
    struct client *a = join(0);

    say(a, "SUB foo.* 1\r\nSUB foo.bar 2\r\nSUB > 3\r\n");
    say(a, "PUB > 1\r\nx\r\n");
    cr_expect_str_eq(heard(a), "MSG > 3 1\r\nx\r\n");
}

Test(delivery, a_client_without_echo_does_not_hear_itself)
{
    struct client *a = join_saying(0, "{\"verbose\":false,\"echo\":false}");
    struct client *b = join(0);

    heard(a);
    say(a, "SUB foo 1\r\n");
    say(b, "SUB foo 1\r\n");
    say(a, "PUB foo 2\r\nhi\r\n");
    cr_expect_str_eq(heard(a), "");
    cr_expect_str_eq(heard(b), "MSG foo 1 2\r\nhi\r\n");
    say(b, "PUB foo 2\r\nho\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nho\r\n");
}

Test(delivery, nobody_writes_to_a_client_that_is_closing)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\nSUB foo workers 2\r\nWHAT\r\n");
    cr_expect(client_is_closing(a));
    say(join(0), "PUB foo 2\r\nhi\r\n");
    cr_expect_str_eq(heard(a), "-ERR 'Unknown Protocol Operation'\r\n");
}

/* ---- headers ---- */

Test(delivery, headers_reach_those_who_take_them_and_are_stripped_for_others)
{
    struct client *takes = join(0);
    struct client *does_not = join_saying(0, "{\"verbose\":false}");

    heard(does_not);
    say(takes, "SUB foo 1\r\n");
    say(does_not, "SUB foo 1\r\n");
    say(takes, "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    say(takes, "HPUB foo re 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    say(takes, "PUB foo 2\r\nho\r\n");
    cr_expect_str_eq(heard(takes), "HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
                                   "HMSG foo 1 re 12 12\r\nNATS/1.0\r\n\r\n\r\n"
                                   "MSG foo 1 2\r\nho\r\n");
    cr_expect_str_eq(heard(does_not), "MSG foo 1 2\r\nhi\r\n"
                                      "MSG foo 1 re 0\r\n\r\n"
                                      "MSG foo 1 2\r\nho\r\n");
    cr_expect_eq(takes->out_bytes, 14 + 12 + 2);
    cr_expect_eq(does_not->out_bytes, 2 + 0 + 2);
}

Test(delivery, headers_are_stripped_in_queue_groups_too)
{
    struct client *a = join(0);
    struct client *b = join_saying(0, "{\"verbose\":false}");

    heard(b);
    say(b, "SUB foo workers 1\r\n");
    say(a, "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 1 2\r\nhi\r\n");
}

Test(delivery, no_header_bytes_make_a_plain_message)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\n");
    say(a, "HPUB foo 0 2\r\nhi\r\nHPUB foo re 0 2\r\nho\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nhi\r\nMSG foo 1 re 2\r\nho\r\n");
}

/* ---- publishes that are not written as a message is ---- */

Test(delivery, sizes_and_blanks_are_written_anew)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\n");
    say(a, "PUB  foo  2\r\nhi\r\n");
    say(a, "pub foo\tre\t002 \r\nhi\r\n");
    say(a, "HPUB foo re  12  014\nNATS/1.0\r\n\r\nhi\r\n");
    say(a, "PUB foo 0\n\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nhi\r\n"
                               "MSG foo 1 re 2\r\nhi\r\n"
                               "HMSG foo 1 re 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
                               "MSG foo 1 0\r\n\r\n");
}

Test(delivery, a_run_of_both_kinds_stays_in_order)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\n");
    say(a, "PUB foo 1\r\n1\r\nPUB foo  1\r\n2\r\nPUB foo 1\r\n3\r\nPUB foo 01\r\n4\r\n"
           "PUB foo 1\r\n5\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 1\r\n1\r\nMSG foo 1 1\r\n2\r\nMSG foo 1 1\r\n3\r\n"
                               "MSG foo 1 1\r\n4\r\nMSG foo 1 1\r\n5\r\n");
}

Test(delivery, a_large_one_is_written_anew_whole)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\n");
    sayf(a, "PUB foo  200000\r\n%s\r\n", large('x', 200000));
    cr_expect(is_text(heard(a), text_of("MSG foo 1 200000\r\n%s\r\n", large('x', 200000))));
}

/* ---- runs ---- */

Test(delivery, a_long_run_arrives_whole_and_in_order)
{
    struct client *a = join(0);
    const char *said = "";
    const char *due = "";
    unsigned count = BATCH_MAX + 300;

    say(a, "SUB foo 1\r\n");
    for (unsigned i = 0; i < count; i++) {
        said = text_of("%sPUB foo 4\r\n%04u\r\n", i % 100 == 0 ? "" : said, i);
        due = text_of("%sMSG foo 1 4\r\n%04u\r\n", i % 100 == 0 ? "" : due, i);
        if (i % 100 == 99 || i == count - 1) {
            say(a, said);
            cr_expect_str_eq(heard(a), due);
        }
    }
}

Test(delivery, more_than_one_run_at_once)
{
    struct client *a = join(0);
    size_t one = strlen("PUB foo 4\r\n0000\r\n");
    unsigned count = 2 * BATCH_MAX + 7;
    char *said = malloc(count * one + 1);
    const char *got;

    for (unsigned i = 0; i < count; i++)
        snprintf(said + i * one, one + 1, "PUB foo 4\r\n%04u\r\n", i);
    say(a, "SUB foo 1\r\n");
    say_bytes(a, bytes_of(said, count * one));
    free(said);
    got = heard(a);
    for (unsigned i = 0; i < count; i++) {
        const char *due = text_of("MSG foo 1 4\r\n%04u\r\n", i);

        cr_assert_eq(strncmp(got, due, strlen(due)), 0, "message %u", i);
        got += strlen(due);
    }
    cr_expect_str_eq(got, "");
}

Test(delivery, subjects_in_turn_stay_in_order)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(a, "SUB > 1\r\n");
    say(b, "SUB b 2\r\n");
    say(a, "PUB a 1\r\n1\r\nPUB b 1\r\n2\r\nPUB a 1\r\n3\r\nPUB a 1\r\n4\r\nPUB c 1\r\n5\r\n"
           "PUB b 1\r\n6\r\n");
    cr_expect_str_eq(heard(a), "MSG a 1 1\r\n1\r\nMSG b 1 1\r\n2\r\nMSG a 1 1\r\n3\r\n"
                               "MSG a 1 1\r\n4\r\nMSG c 1 1\r\n5\r\nMSG b 1 1\r\n6\r\n");
    cr_expect_str_eq(heard(b), "MSG b 2 1\r\n2\r\nMSG b 2 1\r\n6\r\n");
}

/* Drops the sids, in whose order copies of one message may come. */
static const char *payloads_of(const char *text)
{
    char *out = (char *)(uintptr_t)large('\0', strlen(text) + 1);
    size_t len = 0;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        out[len++] = at[1];
        at = strchr(at + 1, '\n');
    }
    out[len] = '\0';
    return out;
}

Test(delivery, overlapping_subscriptions_of_one_client_get_message_after_message)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\nSUB * 2\r\n");
    say(a, "PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\n");
    cr_expect_str_eq(payloads_of(heard(a)), "112233");
}

Test(delivery, a_plain_and_a_queue_subscription_of_one_client_get_message_after_message)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\nSUB foo workers 2\r\nSUB * others 3\r\n");
    say(a, "PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\n");
    cr_expect_str_eq(payloads_of(heard(a)), "111222333");
}

Test(delivery, what_comes_between_publishes_keeps_its_place)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\nPUB foo 1\r\n1\r\nPING\r\nPUB foo 1\r\n2\r\nSUB a..b 9\r\n"
           "PUB foo 1\r\n3\r\nPUB _GR_.x 0\r\n\r\nPUB foo 1\r\n4\r\nUNSUB 1\r\n"
           "PUB foo 1\r\n5\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 1\r\n1\r\nPONG\r\nMSG foo 1 1\r\n2\r\n"
                               "-ERR 'Invalid Subject'\r\nMSG foo 1 1\r\n3\r\n"
                               "-ERR 'Permissions Violation for Publish to \"_GR_.x\"'\r\n"
                               "MSG foo 1 1\r\n4\r\n");
}

Test(delivery, what_was_published_before_a_fatal_mistake_is_delivered)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(b, "SUB foo 1\r\n");
    say(a, "PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nWHAT\r\nPUB foo 1\r\n3\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 1 1\r\n1\r\nMSG foo 1 1\r\n2\r\n");
}

/* ---- maxima ---- */

Test(delivery, ends_at_the_maximum_in_the_middle_of_a_run)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(a, "SUB foo 1\r\nUNSUB 1 2\r\n");
    say(b, "SUB foo 1\r\n");
    say(b, "PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\nPUB foo 1\r\n4\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 1\r\n1\r\nMSG foo 1 1\r\n2\r\n");
    cr_expect_eq(client_subscription_count(a), 0);
    cr_expect_eq(count_of(heard(b), "MSG"), 4);
}

Test(delivery, several_maxima_are_reached_by_one_message)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(a, "SUB foo 1\r\nSUB * 2\r\nSUB > 3\r\nUNSUB 1 1\r\nUNSUB 2 2\r\nUNSUB 3 1\r\n");
    say(b, "SUB foo workers 1\r\nUNSUB 1 1\r\n");
    say(b, "PUB foo 1\r\n1\r\nPUB foo 1\r\n2\r\nPUB foo 1\r\n3\r\n");
    cr_expect_str_eq(payloads_of(heard(a)), "1112");
    cr_expect_str_eq(heard(b), "MSG foo 1 1\r\n1\r\n");
    cr_expect_eq(world.broker.global.interest.entry_count, 0);
}

Test(delivery, a_queue_group_goes_on_without_the_member_at_its_maximum)
{
    struct client *a = join(0);
    struct client *b = join(0);
    unsigned got_a;
    unsigned got_b;

    say(a, "SUB foo workers 1\r\nUNSUB 1 3\r\n");
    say(b, "SUB foo workers 1\r\n");
    for (int i = 0; i < 10; i++)
        say(b, "PUB foo 1\r\nx\r\nPUB foo 1\r\ny\r\nPUB foo 1\r\nz\r\n");
    got_a = count_of(heard(a), "MSG");
    got_b = count_of(heard(b), "MSG");
    cr_expect_eq(got_a, 3);
    cr_expect_eq(got_b, 27);
}

/* ---- large messages ---- */

Test(delivery, a_large_payload_is_shared_not_copied)
{
    struct client *from = join(0);
    struct client *to[10];
    size_t size = 100000;
    size_t before;

    for (int i = 0; i < 10; i++)
        sayf(to[i] = join(0), "SUB foo %d\r\n", i + 1);
    before = world.shards[0].blocks.bytes_in_use;
    say_large(from, "foo", 'x', size);
    cr_expect_lt(world.shards[0].blocks.bytes_in_use - before, size + BLOCK_BYTES + 1000,
                 "one copy for ten");
    for (int i = 0; i < 10; i++)
        cr_expect(is_text(heard(to[i]),
                          text_of("MSG foo %d %zu\r\n%s\r\n", i + 1, size, large('x', size))));
}

Test(delivery, large_and_small_payloads_mix_in_a_run)
{
    static const size_t sizes[] = {
        3, BATCH_SHARE_BYTES - 10, BATCH_SHARE_BYTES, 1, 0, 9000, 70000, 2, 140000};
    static const enum world_pieces pieces[] = {WHOLE, WHOLE_COPIED};

    for (size_t way = 0; way < 2; way++) {
        struct client *a = join(0);
        struct client *plain = join_saying(0, "{\"verbose\":false}");
        const char *said = "";
        const char *due = "";
        const char *due_plain = "";

        heard(plain);
        say(a, "SUB foo 1\r\n");
        say(plain, "SUB foo 1\r\n");
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            const char *text = large((char)('a' + i), sizes[i]);
            size_t with = sizes[i] + 12;

            said = text_of("%sPUB foo %zu\r\n%s\r\nHPUB foo 12 %zu\r\nNATS/1.0\r\n\r\n%s\r\n", said,
                           sizes[i], text, with, text);
            due = text_of("%sMSG foo 1 %zu\r\n%s\r\nHMSG foo 1 12 %zu\r\nNATS/1.0\r\n\r\n%s\r\n",
                          due, sizes[i], text, with, text);
            due_plain = text_of("%sMSG foo 1 %zu\r\n%s\r\nMSG foo 1 %zu\r\n%s\r\n", due_plain,
                                sizes[i], text, sizes[i], text);
        }
        world.pieces = pieces[way];
        say(a, said);
        cr_expect(is_text(heard(a), due));
        cr_expect(is_text(heard(plain), due_plain));
        leave(a);
        leave(plain);
    }
}

/* ---- queue groups ---- */

Test(delivery, exactly_one_member_of_a_group_gets_each_message)
{
    struct client *member[4];
    unsigned total = 0;

    for (int i = 0; i < 4; i++)
        say(member[i] = join(0), "SUB foo workers 1\r\n");
    for (int i = 0; i < 50; i++)
        say(member[0], "PUB foo 1\r\nx\r\nPUB foo 1\r\ny\r\nPUB foo 1\r\nz\r\n");
    for (int i = 0; i < 4; i++)
        total += count_of(heard(member[i]), "MSG foo 1 1\r\n");
    cr_expect_eq(total, 150);
}

Test(delivery, groups_of_one_name_on_several_patterns_are_one_group)
{
    struct client *a = join(0);
    struct client *b = join(0);
    unsigned total;

    say(a, "SUB foo workers 1\r\n");
    say(b, "SUB * workers 1\r\nSUB > workers 2\r\n");
    for (int i = 0; i < 40; i++)
        say(a, "PUB foo 1\r\nx\r\n");
    total = count_of(heard(a), "MSG");
    cr_expect_gt(total, 0);
    cr_expect_lt(total, 40);
    cr_expect_eq(total + count_of(heard(b), "MSG"), 40);
}

Test(delivery, groups_of_several_names_get_a_copy_each)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(a, "SUB foo workers 1\r\n");
    say(b, "SUB foo others 1\r\n");
    say(a, "PUB foo 1\r\nx\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 1\r\nx\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 1 1\r\nx\r\n");
}

/* The sum of squared differences from an even share stays below what chance exceeds once in a
 * thousand tries; the seed is fixed. */
Test(delivery, a_group_shares_evenly)
{
    enum { MEMBERS = 8, MESSAGES = 8000 };
    struct client *member[MEMBERS];
    struct client *from = join(0);
    double share = (double)MESSAGES / MEMBERS;
    double chi_square = 0;
    const char *said = "";

    for (int i = 0; i < MEMBERS; i++)
        say(member[i] = join(0), "SUB foo workers 1\r\n");
    for (int i = 0; i < 100; i++)
        said = text_of("%sPUB foo 1\r\nx\r\n", said);
    for (int i = 0; i < MESSAGES / 100; i++)
        say(from, said);
    for (int i = 0; i < MEMBERS; i++) {
        double off = count_of(heard(member[i]), "MSG") - share;

        chi_square += off * off / share;
    }
    cr_expect_lt(chi_square, 24.3, "7 degrees of freedom, p = 0.001; seed %llu",
                 (unsigned long long)world.seed);
}

Test(delivery, a_run_keeps_its_order_for_each_member)
{
    struct client *member[3];
    struct client *from = join(0);
    const char *said = "";

    for (int i = 0; i < 3; i++)
        say(member[i] = join(0), "SUB foo workers 1\r\n");
    for (int i = 0; i < 200; i++)
        said = text_of("%sPUB foo 3\r\n%03d\r\n", said, i);
    say(from, said);
    for (int i = 0; i < 3; i++) {
        const char *got = heard(member[i]);
        int last = -1;

        for (const char *at = got; (at = strstr(at, "3\r\n")) != NULL; at += 6) {
            int number = (int)strtol(at + 3, NULL, 10);

            cr_assert_gt(number, last);
            last = number;
        }
        cr_expect_gt(last, 100);
    }
}

Test(delivery, a_member_that_refuses_its_own_leaves_them_to_the_next)
{
    struct client *a = join_saying(0, "{\"verbose\":false,\"echo\":false}");
    struct client *b = join(0);

    heard(a);
    say(a, "SUB foo workers 1\r\nSUB foo workers 2\r\n");
    say(b, "SUB foo workers 1\r\n");
    for (int i = 0; i < 20; i++)
        say(a, "PUB foo 1\r\nx\r\n");
    cr_expect_str_eq(heard(a), "");
    cr_expect_eq(count_of(heard(b), "MSG"), 20);
}

Test(delivery, a_group_of_one_that_refuses_its_own_gets_nothing)
{
    struct client *a = join_saying(0, "{\"verbose\":false,\"echo\":false}");

    heard(a);
    say(a, "SUB foo workers 1\r\nPUB foo 1\r\nx\r\nPUB foo 1\r\ny\r\n");
    cr_expect_str_eq(heard(a), "");
}
