#include "node/broker/client.h"
#include "node/broker/session.h"

#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* Conversations that need no socket. Those over sockets, tests/conversations, tell the whole story; here
 * are the rules at their edges. */

#define QUIET "{\"verbose\":false,\"pedantic\":false}"

static void one_shard(void)
{
    world_open(1);
}

static void one_shard_byte_by_byte(void)
{
    world_open(1);
    world.pieces = BYTE_BY_BYTE;
}

TestSuite(client, .init = one_shard, .fini = world_close);
TestSuite(client_byte_by_byte, .init = one_shard_byte_by_byte, .fini = world_close);

static struct client *stranger(void)
{
    struct client *c = join_saying(0, NULL);

    heard(c);
    return c;
}

static bool is_open(struct client *c)
{
    return !client_is_closing(c);
}

/* ---- INFO and CONNECT ---- */

Test(client, hears_info_first_and_nothing_else)
{
    const char *info = heard(join_saying(0, NULL));

    cr_expect_eq(strncmp(info, "INFO {", 6), 0);
    cr_expect_eq(count_of(info, "\r\n"), 1);
    cr_expect_eq(count_of(info, "\"client_id\":1,"), 1);
    cr_expect_eq(count_of(info, "\"client_ip\":\"192.0.2.7\""), 1);
    cr_expect_eq(count_of(info, "\"max_payload\":1048576"), 1);
    cr_expect_eq(count_of(info, "\"headers\":true"), 1);
}

Test(client, without_connect_is_verbose_pedantic_and_echoed)
{
    struct client *c = stranger();

    say(c, "SUB foo 1\r\nPUB foo 2\r\nhi\r\nPUB foo.* 0\r\n\r\nPING\r\n");
    cr_expect_str_eq(heard(c), "+OK\r\n+OK\r\nMSG foo 1 2\r\nhi\r\n"
                               "-ERR 'Invalid Publish Subject'\r\n+OK\r\nPONG\r\n");
}

Test(client, an_empty_connect_changes_nothing)
{
    struct client *c = stranger();

    say(c, "CONNECT {}\r\nSUB foo 1\r\n");
    cr_expect_str_eq(heard(c), "+OK\r\n+OK\r\n");
    cr_expect(c->echo && c->pedantic && c->verbose);
    cr_expect_not(c->headers || c->no_responders);
}

Test(client, a_second_connect_changes_what_it_names)
{
    struct client *c = stranger();

    say(c, "CONNECT " QUIET "\r\nSUB foo 1\r\nCONNECT {\"verbose\":true}\r\nPING\r\n");
    cr_expect_str_eq(heard(c), "+OK\r\nPONG\r\n");
    cr_expect_not(c->pedantic);
}

Test(client, learns_to_take_headers_by_a_second_connect)
{
    struct client *c = join_saying(0, QUIET);
    struct client *from = join(0);

    heard(c);
    say(c, "SUB foo 1\r\n");
    say(from, "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    cr_expect_str_eq(heard(c), "MSG foo 1 2\r\nhi\r\n");
    say(c, "CONNECT {\"headers\":true}\r\n");
    say(from, "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
    cr_expect_str_eq(heard(c), "HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
}

/* What a connection hears that says one thing and is closed for it, or NULL while it stays open. */
static const char *last_words(const char *said)
{
    struct client *c = join_saying(0, "{\"verbose\":false,\"headers\":true}");
    const char *words;

    heard(c);
    say(c, said);
    words = client_is_closing(c) ? heard(c) : NULL;
    leave(c);
    return words;
}

Test(client, a_connect_that_cannot_be_is_refused)
{
    cr_expect_str_eq(last_words("CONNECT {\r\n"), "");
    cr_expect_str_eq(last_words("CONNECT {\"verbose\":1}\r\n"), "");
    cr_expect_str_eq(last_words("CONNECT {\"protocol\":2}\r\n"),
                     "-ERR 'invalid client protocol'\r\n");
    cr_expect_str_eq(last_words("CONNECT {\"protocol\":-1}\r\n"),
                     "-ERR 'invalid client protocol'\r\n");
    cr_expect_str_eq(last_words("CONNECT {\"headers\":false,\"no_responders\":true}\r\n"),
                     "-ERR 'no responders requires headers support'\r\n");
}

Test(client, choosing_an_account_is_refused)
{
    cr_expect_str_eq(last_words("CONNECT {\"account\":\"X\"}\r\n"),
                     "-ERR 'Authorization Violation'\r\n");
    cr_expect_str_eq(last_words("CONNECT {\"new_account\":true}\r\n"),
                     "-ERR 'Authorization Violation'\r\n");
    cr_expect_null(last_words("CONNECT {\"account\":\"\"}\r\n"));
}

Test(client, gets_changed_info_after_its_first_pong_only)
{
    struct client *early = join_saying(0, "{\"verbose\":false,\"protocol\":1}");
    struct client *late = join_saying(0, "{\"verbose\":false,\"protocol\":1}");
    struct client *old = join_saying(0, "{\"verbose\":false}");
    const char *words;

    heard(early);
    heard(late);
    heard(old);
    say(early, "PING\r\n");
    say(old, "PING\r\n");
    heard(early);
    heard(old);
    world.options.max_payload = 1000;
    shard_set_options(&world.shards[0], &world.options);
    cr_expect_eq(count_of(heard(early), "\"max_payload\":1000"), 1);
    cr_expect_str_eq(heard(old), "", "protocol 0");
    cr_expect_str_eq(heard(late), "", "it waits for its PONG");
    say(late, "PING\r\n");
    words = heard(late);
    cr_expect_eq(strncmp(words, "PONG\r\nINFO {", 12), 0);
    say(late, "PING\r\n");
    cr_expect_str_eq(heard(late), "PONG\r\n");
}

/* ---- verbose ---- */

Test(client, verbose_hears_ok_before_what_it_caused)
{
    struct client *c = join_saying(0, "{\"verbose\":true,\"headers\":true,\"pedantic\":false}");

    heard(c);
    say(c, "SUB foo 1\r\nPUB foo 1\r\nx\r\nPUB foo 1\r\ny\r\nHPUB foo 12 12\r\n"
           "NATS/1.0\r\n\r\n\r\nUNSUB 1\r\nPING\r\nPONG\r\n");
    cr_expect_str_eq(heard(c), "+OK\r\n+OK\r\nMSG foo 1 1\r\nx\r\n+OK\r\nMSG foo 1 1\r\ny\r\n"
                               "+OK\r\nHMSG foo 1 12 12\r\nNATS/1.0\r\n\r\n\r\n+OK\r\nPONG\r\n");
}

Test(client, verbose_hears_the_error_alone_for_what_is_refused)
{
    struct client *c = stranger();

    say(c, "SUB a..b 1\r\nPUB $GR.x 0\r\n\r\nSUB foo 1\r\nSUB bar 1\r\nUNSUB 77\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Invalid Subject'\r\n"
                               "-ERR 'Permissions Violation for Publish to \"$GR.x\"'\r\n"
                               "+OK\r\n+OK\r\n+OK\r\n");
}

/* ---- subscriptions ---- */

Test(client, a_sid_in_use_keeps_its_first_subscription)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\nSUB bar 1\r\nPUB bar 0\r\n\r\nPUB foo 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "MSG foo 1 0\r\n\r\n");
}

Test(client, sids_are_any_text_and_its_own)
{
    struct client *a = join(0);
    struct client *b = join(0);

    say(a, "SUB foo x-1\r\n");
    say(b, "SUB foo x-1\r\n");
    say(b, "UNSUB x-1\r\nPUB foo 0\r\n\r\n");
    cr_expect_str_eq(heard(a), "MSG foo x-1 0\r\n\r\n");
    cr_expect_str_eq(heard(b), "");
}

Test(client, unsubscribes_at_once_or_after_a_maximum)
{
    struct client *c = join(0);

    say(c, "SUB foo 1\r\nPUB foo 0\r\n\r\nPUB foo 0\r\n\r\n");
    say(c, "UNSUB 1 2\r\nPUB foo 0\r\n\r\n");
    cr_expect_eq(count_of(heard(c), "MSG"), 2, "what was delivered before counts");
    say(c, "SUB foo 2\r\nUNSUB 2 5\r\nUNSUB 2 1\r\nPUB foo 0\r\n\r\nPUB foo 0\r\n\r\n");
    cr_expect_eq(count_of(heard(c), "MSG foo 2"), 1, "a later maximum replaces the first");
    say(c, "SUB foo 3\r\nUNSUB 3 5\r\nUNSUB 3\r\nPUB foo 0\r\n\r\n");
    say(c, "SUB foo 4\r\nUNSUB 4 0\r\nPUB foo 0\r\n\r\n");
    say(c, "SUB foo 5\r\nUNSUB 5 -1\r\nPUB foo 0\r\n\r\n");
    say(c, "SUB foo 6\r\nUNSUB 6 many\r\nPUB foo 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "");
    cr_expect_eq(client_subscription_count(c), 0);
}

Test(client, may_have_so_many_subscriptions)
{
    struct client *c = join_saying(0, "{\"verbose\":true}");

    world.options.max_subscriptions = 2;
    heard(c);
    say(c, "SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nUNSUB 1\r\nSUB c 3\r\n");
    cr_expect_str_eq(heard(c), "+OK\r\n+OK\r\n-ERR 'maximum subscriptions exceeded'\r\n"
                               "+OK\r\n+OK\r\n");
    cr_expect(is_open(c));
}

Test(client, a_subscription_may_have_so_many_tokens)
{
    struct client *c = join(0);

    world.options.max_sub_tokens = 3;
    say(c, "SUB a.b.c 1\r\nSUB a.b.c.d 2\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Permissions Violation for Subscription to \"a.b.c.d\", "
                               "too many tokens'\r\n");
    cr_expect_eq(client_subscription_count(c), 1);
}

Test(client, the_queue_group_of_the_servers_is_denied)
{
    struct client *c = join_saying(0, "{\"verbose\":true}");

    heard(c);
    say(c, "SUB foo _sys_ 1\r\nSUB foo _sys 1\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Permissions Violation for Subscription to \"foo\" "
                               "using queue \"_sys_\"'\r\n+OK\r\n");
}

Test(client, takes_its_subscriptions_with_it)
{
    struct client *a = join(0);

    say(a, "SUB foo 1\r\nSUB foo.* 2\r\nSUB > workers 3\r\n");
    cr_expect_eq(world.broker.global.interest.entry_count, 3);
    leave(a);
    cr_expect_eq(world.broker.global.interest.entry_count, 0);
}

/* ---- names that are taken ---- */

Test(client, reserved_subjects_and_replies_are_denied)
{
    struct client *c = join(0);

    say(c, "SUB > 1\r\n");
    say(c, "PUB _GR_.x 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Permissions Violation for Publish to \"_GR_.x\"'\r\n");
    say(c, "PUB foo _R_.x 0\r\n\r\nPUB foo _GR_.x 0\r\n\r\nPUB foo $GR.x 0\r\n\r\n"
           "PUB foo $JS.ACK.x 0\r\n\r\n");
    cr_expect_str_eq(heard(c),
                     "-ERR 'Permissions Violation for Publish with Reply of \"_R_.x\"'\r\n"
                     "-ERR 'Permissions Violation for Publish with Reply of \"_GR_.x\"'\r\n"
                     "-ERR 'Permissions Violation for Publish with Reply of \"$GR.x\"'\r\n"
                     "-ERR 'Permissions Violation for Publish with Reply of \"$JS.ACK.x\"'\r\n");
    say(c, "PUB _R_.x 0\r\n\r\nPUB _GR_ 0\r\n\r\nPUB $SYS.x _INBOX.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "MSG _R_.x 1 0\r\n\r\nMSG _GR_ 1 0\r\n\r\n"
                               "MSG $SYS.x 1 _INBOX.1 0\r\n\r\n");
    cr_expect(is_open(c));
}

Test(client, pedantic_is_told_of_bad_subjects_and_delivered_all_the_same)
{
    struct client *c = join_saying(0, "{\"verbose\":false}");

    heard(c);
    say(c, "SUB foo.> 1\r\nPUB foo.* 0\r\n\r\nPUB foo..x 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Invalid Publish Subject'\r\nMSG foo.* 1 0\r\n\r\n"
                               "-ERR 'Invalid Publish Subject'\r\n");
}

/* ---- no responders ---- */

#define ASKS "{\"verbose\":false,\"headers\":true,\"no_responders\":true}"
#define NOBODY_THERE(reply, sid) "HMSG " reply " " sid " 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"

static struct client *asker(const char *connect)
{
    struct client *c = join_saying(0, connect);

    heard(c);
    return c;
}

Test(client, a_request_that_reaches_nobody_is_answered_at_once)
{
    struct client *c = asker(ASKS);

    say(c, "SUB in.* 7\r\nPUB foo in.1 2\r\nhi\r\nPUB foo in.2 2\r\nhi\r\n");
    cr_expect_str_eq(heard(c), NOBODY_THERE("in.1", "7") NOBODY_THERE("in.2", "7"));
    say(c, "PUB  foo  in.3 02\r\nhi\r\nHPUB foo in.4 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    cr_expect_str_eq(heard(c), NOBODY_THERE("in.3", "7") NOBODY_THERE("in.4", "7"));
}

Test(client, no_503_without_asking_or_reply_or_own_inbox)
{
    struct client *c = asker("{\"verbose\":false,\"headers\":true}");
    struct client *d = asker(ASKS);

    say(c, "SUB in.* 7\r\nPUB foo in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "", "it did not ask for it");
    say(d, "PUB foo in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(d), "", "only another listens there");
    cr_expect_str_eq(heard(c), "");
    say(d, "SUB in.* workers 7\r\nPUB foo in.1 0\r\n\r\nPUB foo 0\r\n\r\n");
    cr_expect_str_eq(heard(d), "", "a queue subscription is no inbox");
}

Test(client, no_503_when_somebody_hears)
{
    struct client *c = asker(ASKS);
    struct client *other = join(0);

    say(c, "SUB in.* 7\r\n");
    say(other, "SUB foo workers 1\r\nSUB bar 2\r\n");
    say(c, "PUB foo in.1 0\r\n\r\nPUB bar in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "");
    leave(other);
    say(c, "PUB foo in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), NOBODY_THERE("in.1", "7"));
}

Test(client, its_own_echo_that_is_not_wanted_is_nobody)
{
    struct client *c = asker("{\"verbose\":false,\"headers\":true,\"no_responders\":true,"
                             "\"echo\":false}");

    say(c, "SUB in.* 7\r\nSUB foo 1\r\nSUB foo workers 2\r\nPUB foo in.1 0\r\n\r\n"
           "PUB foo in.2 0\r\n\r\n");
    cr_expect_str_eq(heard(c), NOBODY_THERE("in.1", "7") NOBODY_THERE("in.2", "7"));
}

Test(client, a_503_does_not_count_towards_a_maximum)
{
    struct client *c = asker(ASKS);

    say(c, "SUB in.1 7\r\nUNSUB 7 1\r\nPUB foo in.1 0\r\n\r\nPUB foo in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), NOBODY_THERE("in.1", "7") NOBODY_THERE("in.1", "7"));
    say(c, "PUB in.1 0\r\n\r\nPUB in.1 0\r\n\r\n");
    cr_expect_str_eq(heard(c), "MSG in.1 7 0\r\n\r\n");
}

/* ---- mistakes ---- */

Test(client, mistakes_that_close_with_a_word)
{
    cr_expect_str_eq(last_words("WHAT\r\n"), "-ERR 'Unknown Protocol Operation'\r\n");
    cr_expect_str_eq(last_words("\r\n"), "-ERR 'Unknown Protocol Operation'\r\n");
    cr_expect_str_eq(last_words("PUB foo 2\r\nhi!\r\n"), "-ERR 'Unknown Protocol Operation'\r\n");
    cr_expect_str_eq(last_words("MSG foo 1 0\r\n\r\n"), "-ERR 'Unknown Protocol Operation'\r\n");
    cr_expect_str_eq(last_words("PUB foo 1048577\r\n"), "-ERR 'Maximum Payload Violation'\r\n");
    cr_expect_str_eq(last_words(text_of("SUB %s 1\r\n", large('x', 4096))),
                     "-ERR 'maximum control line exceeded'\r\n");
}

Test(client, mistakes_that_close_without_a_word)
{
    cr_expect_str_eq(last_words("PUB foo\r\n"), "");
    cr_expect_str_eq(last_words("PUB foo -1\r\n"), "");
    cr_expect_str_eq(last_words("SUB foo\r\n"), "");
    cr_expect_str_eq(last_words("UNSUB\t 1 2 3\r\n"), "");
    cr_expect_str_eq(last_words("HPUB foo 5 4\r\nabcd\r\n"), "");
    cr_expect_str_eq(last_words("-ERR 'you'\r\n"), "");
}

Test(client, headers_that_were_not_agreed_on_close_without_a_word)
{
    struct client *c = join_saying(0, QUIET);

    heard(c);
    say(c, "HPUB foo 12 12\r\nNATS/1.0\r\n\r\n\r\n");
    cr_expect(client_is_closing(c));
    cr_expect_eq(c->status, STATUS_HEADERS_NOT_NEGOTIATED);
    cr_expect_str_eq(heard(c), "");
}

Test(client, words_that_mean_nothing_are_ignored)
{
    cr_expect_null(last_words("+OK\r\nINFO {}\r\nPONG\r\npInG\r\n"));
}

Test(client, nothing_is_taken_after_the_mistake)
{
    struct client *c = join(0);
    struct bytes in = bytes_of_str("PING\r\nWHAT\r\nPING\r\n");

    cr_expect_eq(session_input(c, in, NULL, world.now_ns), 6);
    cr_expect_eq(session_input(c, in, NULL, world.now_ns), 0);
    heard(c);
    say(c, "PING\r\n");
    cr_expect_str_eq(heard(c), "");
}

Test(client, the_first_reason_to_close_stays)
{
    struct client *c = join(0);

    client_close(c, STATUS_STALE);
    client_close(c, STATUS_SHUTDOWN);
    cr_expect_eq(c->status, STATUS_STALE);
    cr_expect_str_eq(heard(c), "-ERR 'Stale Connection'\r\n");
}

Test(client, limits_hold_to_the_byte)
{
    struct client *c = join(0);

    world.options.max_payload = 10;
    client_apply_options(c);
    heard(c);
    say(c, "SUB foo 1\r\nPUB foo 10\r\n0123456789\r\n");
    cr_expect_str_eq(heard(c), "MSG foo 1 10\r\n0123456789\r\n");
    say(c, "PUB foo 11\r\n");
    cr_expect_str_eq(heard(c), "-ERR 'Maximum Payload Violation'\r\n", "before the payload");
}

Test(client, long_names_within_the_longest_control_line_arrive_whole)
{
    struct client *c;
    size_t len = CONTROL_LINE_BYTES_MAX - 10;

    world.options.max_control_line = CONTROL_LINE_BYTES_MAX;
    c = join(0);
    sayf(c, "SUB foo 1\r\nPUB foo %s 2\r\nhi\r\n", large('r', len));
    cr_expect(is_text(heard(c), text_of("MSG foo 1 %s 2\r\nhi\r\n", large('r', len))));
    sayf(c, "SUB bar %s\r\nPUB bar 2\r\nhi\r\n", large('s', len));
    cr_expect(is_text(heard(c), text_of("MSG bar %s 2\r\nhi\r\n", large('s', len))));
}

/* ---- however it is cut ---- */

Test(client_byte_by_byte, a_conversation_is_the_same)
{
    struct client *c = join_saying(0, NULL);

    heard(c);
    say(c, "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n"
           "SUB foo 1\r\nSUB in.> 2\r\nPUB foo 2\r\nhi\r\nPUB foo re  3\r\nhi!\r\n"
           "HPUB foo 12 14\r\nNATS/1.0\r\n\r\nho\r\nPUB bar in.1 0\r\n\r\nUNSUB 1 4\r\n"
           "PUB foo 0\r\n\r\nPUB foo 0\r\n\r\nPING\r\nSUB x..y 3\r\nWHAT");
    cr_expect_str_eq(heard(c), "MSG foo 1 2\r\nhi\r\nMSG foo 1 re 3\r\nhi!\r\n"
                               "HMSG foo 1 12 14\r\nNATS/1.0\r\n\r\nho\r\n"
                               "HMSG in.1 2 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
                               "MSG foo 1 0\r\n\r\nPONG\r\n-ERR 'Invalid Subject'\r\n"
                               "-ERR 'Unknown Protocol Operation'\r\n");
    cr_expect(client_is_closing(c));
}

Test(client, is_told_how_much_of_an_operation_is_missing)
{
    struct client *c = join(0);

    cr_expect_eq(session_need(c, bytes_of_str("PUB foo 10\r\n012")),
                 strlen("PUB foo 10\r\n0123456789\r\n"));
    cr_expect_eq(session_need(c, bytes_of_str("PUB fo")), strlen("PUB fo") + 1);
}

Test(client, is_found_by_its_number_while_it_is_there)
{
    struct client *c = join(0);
    uint64_t cid = c->cid;

    cr_expect_eq(shard_find_client(&world.shards[0], cid), c);
    leave(c);
    cr_expect_null(shard_find_client(&world.shards[0], cid));
}

Test(client, that_leaves_is_not_written_to)
{
    struct client *c = join(0);

    say(c, "PING\r\n");
    leave(c);
    cr_expect_null(shard_take_dirty(&world.shards[0]));
}
