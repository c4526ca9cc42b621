/* What a node does with peers that mean harm or know no better. Whatever they send, the connection
 * that sent it pays; a well-behaved pair beside it goes on exchanging messages as if nothing were,
 * and when they have gone, so has all that the node held for them.
 *
 * NATTER_LONG=1 in the environment makes the attacks as large as they are meant to be. */
#include "tests/system/node.h"
#include "tests/system/pair.h"
#include "tests/system/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    PAIR_LATENCY_MAX_MS = 2000, /* on a machine that has other things to do as well */
    SETTLE_DEADLINE_MS = 20000,
    FILES_SLACK = 8,           /* what a node opens when it first wakes another shard */
    KEPT_KIB_MAX = 24 * 1024,  /* what a node may keep after an attack, for the next one */
    LEAKED_KIB_MAX = 4 * 1024, /* what the same attack may add when it comes again */
    ATTACKS = 2,
    SILENT_CONNECTIONS = 2000,
    LORIS_CONNECTIONS = 200,
    MIB = 1024 * 1024
};

static struct node *node;
static uint64_t seed;

/* Chance, from a printed seed: the same attack can be repeated. */
static uint32_t chance(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 16) % below;
}

static bool is_long(void)
{
    const char *text = getenv("NATTER_LONG");

    return text != NULL && strcmp(text, "1") == 0;
}

/* ---- how an attack is judged -------------------------------------------------------------- */

static void start(void)
{
    const char *text = getenv("NATTER_SEED");
    struct rlimit files;

    seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)now_ms() | 1;
    fprintf(stderr, "NATTER_SEED=%llu\n", (unsigned long long)seed);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max < 16384 ? files.rlim_max : 16384;
    setrlimit(RLIMIT_NOFILE, &files);
    node = node_start("max_pending: 2097152\nping_interval: \"1h\"\n");
}

static void stop(void)
{
    cr_expect(node_stop(node));
}

TestSuite(hostile, .init = start, .fini = stop, .timeout = 240);

/* Waits until the node has closed what it does not need any more. */
static void settle(int files)
{
    for (int64_t end = now_ms() + SETTLE_DEADLINE_MS;
         node_open_files(node) > files + FILES_SLACK;) {
        cr_assert_lt(now_ms(), end, "the node keeps %d files open instead of %d",
                     node_open_files(node), files);
        sleep_ms(5);
    }
}

/* Under a sanitizer memory says nothing, and the sanitizer says more; the reference collects its
 * garbage when it likes. */
static bool memory_tells(void)
{
#ifdef NATTER_SANITIZED
    return false;
#else
    return !node_is_reference();
#endif
}

static int64_t least_memory(int64_t wanted_kib)
{
    int64_t kib = node_resident_kib(node);

    for (int64_t end = now_ms() + NODE_DEADLINE_MS; kib > wanted_kib && now_ms() < end;) {
        sleep_ms(20);
        kib = node_resident_kib(node);
    }
    return kib;
}

static void attack_often(void (*attack)(void), int files)
{
    for (int i = 0; i < ATTACKS; i++) {
        attack();
        settle(files);
    }
}

/* Attacks often enough to come to every shard, beside the pair; and then again, by when the node has
 * all the memory that it wants to keep. */
static void withstand(void (*attack)(void))
{
    struct wire again;
    struct pair *pair = pair_start(node);

    int files = node_open_files(node);
    int64_t before = node_resident_kib(node);
    attack_often(attack, files);
    int64_t first = memory_tells() ? least_memory(before + KEPT_KIB_MAX) : 0;
    attack_often(attack, files);
    int64_t then = memory_tells() ? least_memory(first + LEAKED_KIB_MAX) : 0;
    struct pair_report report = pair_stop(pair);
    cr_expect(report.undisturbed, "the pair was disturbed after %d messages", report.exchanged);
    cr_expect_lt(report.slowest_ms, PAIR_LATENCY_MAX_MS);
    if (memory_tells()) {
        cr_expect_leq(first, before + KEPT_KIB_MAX, "it keeps %lld KiB, and had %lld",
                      (long long)first, (long long)before);
        cr_expect_leq(then, first + LEAKED_KIB_MAX, "it leaks: from %lld KiB to %lld",
                      (long long)first, (long long)then);
    }
    cr_assert(wire_join(&again, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    wire_close(&again);
}

static void come(struct wire *wire)
{
    cr_assert(wire_open(wire, node_port(node), 0), "a connection was refused");
}

/* ---- the attacks -------------------------------------------------------------------------- */

static const char session[] =
    "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true}\r\n"
    "PING\r\n"
    "SUB orders.* workers 1\r\n"
    "SUB > 2\r\n"
    "UNSUB 2 5\r\n"
    "PUB orders.new inbox.1 5\r\nhello\r\n"
    "HPUB orders.new 22 24\r\nNATS/1.0\r\nName:Val\r\n\r\nhi\r\n"
    "UNSUB 1\r\n"
    "PONG\r\n";

static void attack_with_garbage(void)
{
    char garbage[4096];

    for (int i = 0; i < 300; i++) {
        struct wire wire;
        come(&wire);
        for (size_t j = 0; j < sizeof garbage; j++)
            garbage[j] = (char)chance(256);
        wire_send(&wire, garbage, sizeof garbage);
        wire_expect_info(&wire);
        wire_close(&wire);
    }
}

Test(hostile, garbage)
{
    withstand(attack_with_garbage);
}

/* Sessions that are nearly right: some bytes of each are changed, doubled or left out. */
static void attack_with_mutants(void)
{
    for (int i = 0; i < 1000; i++) {
        char mutant[sizeof session * 2];
        size_t len = 0;
        struct wire wire;
        for (size_t j = 0; j < sizeof session - 1; j++) {
            uint32_t kind = chance(60);
            if (kind == 0)
                continue;
            if (kind == 1)
                mutant[len++] = session[j];
            mutant[len++] = kind == 2 ? (char)chance(256) : session[j];
        }
        come(&wire);
        wire.split = chance(2) == 0 ? 0 : 1 + chance(40);
        wire_send(&wire, mutant, len);
        wire_more(&wire, now_ms() + 1);
        wire_close(&wire);
    }
}

Test(hostile, sessions_that_are_nearly_right)
{
    withstand(attack_with_mutants);
}

static void attack_with_half_frames(void)
{
    for (size_t len = 1; len < sizeof session; len++) {
        struct wire wire;
        come(&wire);
        wire_send(&wire, session, len);
        if (len % 2 == 0)
            wire_reset(&wire);
        else
            wire_close(&wire);
    }
}

Test(hostile, half_frames)
{
    withstand(attack_with_half_frames);
}

/* 8 MiB of one line; a node may end it early, but it may not keep it. */
static void attack_with_endless_lines(void)
{
    static const char *const beginnings[] = {"",     "SUB ",  "PUB ",   "HPUB ", "UNSUB ",
                                             "PING", "PONG ", "+OK ",   "-ERR ", "INFO {",
                                             "MSG ", "SUB a", "PUB a b"};
    char *endless = malloc(MIB);

    memset(endless, 'a', MIB);
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        int64_t before = node_resident_kib(node);
        struct wire wire;
        come(&wire);
        wire_send_text(&wire, beginnings[i]);
        for (int j = 0; j < 8; j++)
            wire_send(&wire, endless, MIB);
        if (memory_tells())
            cr_expect_lt(node_resident_kib(node), before + 4 * 1024, "a line is being kept: %s",
                         beginnings[i]);
        wire_close(&wire);
    }
    free(endless);
}

Test(hostile, endless_lines)
{
    withstand(attack_with_endless_lines);
}

static void attack_with_huge_sizes(void)
{
    static const char *const lines[] = {
        "PUB foo 999999999\r\n",
        "PUB foo 2147483648\r\n",
        "PUB foo 4294967296\r\n",
        "PUB foo 9223372036854775807\r\n",
        "PUB foo 18446744073709551616\r\n",
        "PUB foo -9223372036854775808\r\n",
        "CONNECT {\"headers\":true}\r\nHPUB foo 18446744073709551615 1\r\n",
        "CONNECT {\"headers\":true}\r\nHPUB foo 4294967295 4294967296\r\n",
        "CONNECT {\"headers\":true}\r\nHPUB foo 999999999 999999999\r\n",
        "CONNECT {\"protocol\":99999999999999999999}\r\n",
    };

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct wire wire;
        int64_t deadline = now_ms() + NODE_DEADLINE_MS;
        enum wire_state state = WIRE_OPEN;
        come(&wire);
        wire_send_text(&wire, lines[i]);
        while (state == WIRE_OPEN)
            state = wire_more(&wire, deadline);
        cr_expect_eq(state, WIRE_CLOSED, "accepted: %s", lines[i]);
        wire_close(&wire);
    }
}

Test(hostile, huge_sizes)
{
    withstand(attack_with_huge_sizes);
}

/* Messages as large as they may be, of which the last byte never comes. */
static void attack_with_unfinished_payloads(void)
{
    enum { CONNECTIONS = 40 };
    static struct wire wires[CONNECTIONS];
    char *body = malloc(MIB);

    memset(body, 'x', MIB);
    for (int i = 0; i < CONNECTIONS; i++) {
        come(&wires[i]);
        wire_send_text(&wires[i], "PUB foo 1048576\r\n");
        wire_send(&wires[i], body, MIB - 1);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        wire_close(&wires[i]);
    free(body);
}

Test(hostile, payloads_that_never_end)
{
    withstand(attack_with_unfinished_payloads);
}

static void attack_with_subscriptions(void)
{
    int count = is_long() ? 1000000 : 100000;
    struct wire wire;
    char line[96];

    cr_assert(wire_join(&wire, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    for (int i = 0; i < count; i++) {
        int kind = i % 4;
        snprintf(line, sizeof line, "SUB s%d.%d.%s%s %d\r\n", i % 1000, i,
                 kind == 0   ? "*"
                 : kind == 1 ? ">"
                             : "end",
                 kind == 2 ? " workers" : "", i);
        wire_send_text(&wire, line);
    }
    wire_send_text(&wire, "PING\r\n");
    for (int64_t end = now_ms() + 60000; wire.len == 0 && now_ms() < end;)
        wire_more(&wire, end);
    cr_expect(wire_expect(&wire, "PONG\r\n"));
    wire_send_text(&wire, "PUB s7.7.end 2\r\nhi\r\nPUB s8.8.x 2\r\nho\r\n");
    cr_expect(wire_expect(&wire, "MSG s7.7.end 7 2\r\nhi\r\nMSG s8.8.x 8 2\r\nho\r\n"));
    wire_close(&wire);
}

Test(hostile, subscriptions_without_end)
{
    withstand(attack_with_subscriptions);
}

/* A whole session, one byte at a time, on many connections in turn. */
static void attack_byte_by_byte(void)
{
    static const char slow[] =
        "CONNECT {\"verbose\":false}\r\nSUB s 1\r\nPUB mine 2\r\nhi\r\nPING\r\n";
    static struct wire wires[LORIS_CONNECTIONS];

    for (int i = 0; i < LORIS_CONNECTIONS; i++)
        come(&wires[i]);
    for (size_t at = 0; at < sizeof slow - 1; at++) {
        for (int i = 0; i < LORIS_CONNECTIONS; i++)
            wire_send(&wires[i], slow + at, 1);
    }
    for (int i = 0; i < LORIS_CONNECTIONS; i++) {
        cr_expect(wire_expect_info(&wires[i]));
        cr_expect(wire_expect(&wires[i], "PONG\r\n"));
        wire_close(&wires[i]);
    }
}

Test(hostile, two_hundred_that_speak_byte_by_byte)
{
    withstand(attack_byte_by_byte);
}

static void attack_by_silence(void)
{
    static struct wire wires[SILENT_CONNECTIONS];

    for (int i = 0; i < SILENT_CONNECTIONS; i++)
        come(&wires[i]);
    for (int i = 0; i < SILENT_CONNECTIONS; i++)
        cr_expect(wire_expect_info(&wires[i]));
    for (int i = 0; i < SILENT_CONNECTIONS; i++)
        wire_close(&wires[i]);
}

Test(hostile, two_thousand_that_never_speak)
{
    withstand(attack_by_silence);
}

/* Publishers that vanish within a message, and subscribers within the stream they are sent. */
static void attack_by_resets(void)
{
    struct wire flood;
    char body[8192];

    memset(body, 'x', sizeof body);
    cr_assert(wire_join(&flood, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    for (int i = 0; i < 150; i++) {
        struct wire publisher, subscriber;
        come(&publisher);
        come(&subscriber);
        wire_send_text(&publisher, "PUB flood 4096\r\nabc");
        wire_send_text(&subscriber, "SUB flood 1\r\nSUB flood workers 2\r\nPING\r\n");
        while (wire_more(&subscriber, now_ms() + NODE_DEADLINE_MS) == WIRE_OPEN &&
               memmem(subscriber.data, subscriber.len, "PONG", 4) == NULL)
            continue;
        for (int j = 0; j < 5; j++) {
            wire_send_text(&flood, "PUB flood 8192\r\n");
            wire_send(&flood, body, sizeof body);
            wire_send_text(&flood, "\r\n");
        }
        wire_reset(&publisher);
        wire_reset(&subscriber);
    }
    wire_send_text(&flood, "PING\r\n");
    cr_expect(wire_expect(&flood, "PONG\r\n"));
    wire_close(&flood);
}

Test(hostile, resets_within_messages)
{
    withstand(attack_by_resets);
}

/* Subscribers that never read, and somebody who keeps talking to them. */
static void attack_by_not_reading(void)
{
    enum { CONSUMERS = 10, MESSAGES = 200 };
    static struct wire wires[CONSUMERS];
    struct wire talker;
    char *body = malloc(100000);

    memset(body, 'x', 100000);
    cr_assert(wire_join(&talker, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    for (int i = 0; i < CONSUMERS; i++) {
        cr_assert(wire_open(&wires[i], node_port(node), 65536));
        wire_send_text(&wires[i], "CONNECT {\"verbose\":false}\r\nSUB talk 1\r\nPING\r\n");
        cr_expect(wire_expect_info(&wires[i]));
        cr_expect(wire_expect(&wires[i], "PONG\r\n"));
    }
    for (int i = 0; i < MESSAGES; i++) {
        wire_send_text(&talker, "PUB talk 100000\r\n");
        wire_send(&talker, body, 100000);
        wire_send_text(&talker, "\r\n");
    }
    wire_send_text(&talker, "PING\r\n");
    for (int64_t end = now_ms() + 30000; talker.len == 0 && now_ms() < end;)
        wire_more(&talker, end);
    cr_expect(wire_expect(&talker, "PONG\r\n"));
    for (int i = 0; i < CONSUMERS; i++) {
        cr_expect(wire_cut_off(&wires[i]), "a consumer that does not read is not cut off");
        wire_close(&wires[i]);
    }
    wire_close(&talker);
    free(body);
}

Test(hostile, consumers_that_never_read)
{
    withstand(attack_by_not_reading);
}
