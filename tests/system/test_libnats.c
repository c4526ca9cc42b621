/* What the official C client sees of a node: everything that programs do with it every day, and that
 * under load no message is lost, doubled or overtaken. */
#include "tests/system/node.h"

#include <criterion/criterion.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATIENCE_MS = 20000, /* for what has to come */
    MIB = 1024 * 1024
};

#define OK(call) cr_assert_eq((call), NATS_OK, "%s: %s", #call, nats_GetLastError(NULL))

static struct node *node;

static void start(void)
{
    node = node_start(NULL);
}

static void stop(void)
{
    cr_expect(node_stop(node));
    nats_Close();
}

TestSuite(libnats, .init = start, .fini = stop, .timeout = 120);

static natsConnection *connection(void)
{
    natsOptions *options;
    natsConnection *nc;

    OK(natsOptions_Create(&options));
    OK(natsOptions_SetURL(options, node_url(node)));
    OK(natsOptions_SetAllowReconnect(options, false)); /* a node that dies has to be noticed */
    OK(natsOptions_SetMaxPendingMsgs(options, 10 * 1000 * 1000));
    OK(natsConnection_Connect(&nc, options));
    natsOptions_Destroy(options);
    return nc;
}

static natsSubscription *subscribe(natsConnection *nc, const char *subject)
{
    natsSubscription *sub;

    OK(natsConnection_SubscribeSync(&sub, nc, subject));
    OK(natsSubscription_SetPendingLimits(sub, -1, -1));
    OK(natsConnection_Flush(nc));
    return sub;
}

static natsSubscription *subscribe_queue(natsConnection *nc, const char *subject, const char *queue)
{
    natsSubscription *sub;

    OK(natsConnection_QueueSubscribeSync(&sub, nc, subject, queue));
    OK(natsSubscription_SetPendingLimits(sub, -1, -1));
    OK(natsConnection_Flush(nc));
    return sub;
}

static void leave(natsConnection *nc, natsSubscription *sub)
{
    natsSubscription_Destroy(sub);
    natsConnection_Destroy(nc);
}

/* The next message, written as "subject payload" or "" when there is none at once. */
static const char *heard(natsSubscription *sub, int64_t patience_ms)
{
    static char text[256];
    natsMsg *msg;

    if (natsSubscription_NextMsg(&msg, sub, patience_ms) != NATS_OK)
        return "";
    snprintf(text, sizeof text, "%s %.*s", natsMsg_GetSubject(msg), natsMsg_GetDataLength(msg),
             natsMsg_GetData(msg));
    natsMsg_Destroy(msg);
    return text;
}

static void expect(natsSubscription *sub, const char *text)
{
    cr_expect_str_eq(heard(sub, PATIENCE_MS), text);
}

/* Nothing waits for <sub>, nor is on its way from <nc>: a message sent now comes next. */
static void expect_nothing_from(natsSubscription *sub, natsConnection *nc, const char *subject)
{
    char text[128];

    snprintf(text, sizeof text, "%s end", subject);
    OK(natsConnection_PublishString(nc, subject, "end"));
    expect(sub, text);
}

static void publish_number(natsConnection *nc, const char *subject, uint32_t publisher,
                           uint32_t number)
{
    uint32_t body[2] = {publisher, number};

    OK(natsConnection_Publish(nc, subject, body, sizeof body));
}

/* Reads the next numbered message; its publisher goes to <publisher>. */
static uint32_t next_number(natsSubscription *sub, uint32_t *publisher)
{
    uint32_t body[2];
    natsMsg *msg;

    OK(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
    cr_assert_eq(natsMsg_GetDataLength(msg), (int)sizeof body);
    memcpy(body, natsMsg_GetData(msg), sizeof body);
    natsMsg_Destroy(msg);
    *publisher = body[0];
    return body[1];
}

Test(libnats, wildcards_select_what_is_heard)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *star = subscribe(nc, "orders.*.paid");
    natsSubscription *rest = subscribe(nc, "orders.>");

    OK(natsConnection_PublishString(other, "orders.7.paid", "a"));
    OK(natsConnection_PublishString(other, "orders.7.sent", "b"));
    OK(natsConnection_PublishString(other, "orders", "c"));
    OK(natsConnection_PublishString(other, "orders.7.8.paid", "d"));
    expect(star, "orders.7.paid a");
    expect(rest, "orders.7.paid a");
    expect(rest, "orders.7.sent b");
    expect(rest, "orders.7.8.paid d");
    expect_nothing_from(star, other, "orders.9.paid");
    natsSubscription_Destroy(rest);
    leave(nc, star);
    natsConnection_Destroy(other);
}

enum { MEMBERS = 4, QUEUED = 4000 };

Test(libnats, a_queue_group_shares_its_messages_and_all_members_work)
{
    natsConnection *publisher = connection();
    natsConnection *members[MEMBERS];
    natsSubscription *subs[MEMBERS];
    static int seen[QUEUED];
    int total = 0;

    for (int i = 0; i < MEMBERS; i++) {
        members[i] = connection();
        subs[i] = subscribe_queue(members[i], "work", "workers");
    }
    for (uint32_t i = 0; i < QUEUED; i++)
        publish_number(publisher, "work", 0, i);
    OK(natsConnection_Flush(publisher));
    for (int64_t end = now_ms() + PATIENCE_MS; total < QUEUED && now_ms() < end; sleep_ms(2)) {
        total = 0;
        for (int i = 0; i < MEMBERS; i++) {
            uint64_t count = 0;
            OK(natsSubscription_QueuedMsgs(subs[i], &count));
            total += (int)count;
        }
    }
    cr_assert_eq(total, QUEUED, "%d of %d messages arrived", total, QUEUED);
    for (int i = 0; i < MEMBERS; i++) {
        uint64_t count = 0;
        uint32_t from;
        OK(natsSubscription_QueuedMsgs(subs[i], &count));
        cr_expect_geq(count, QUEUED / MEMBERS / 2, "member %d got only %d", i, (int)count);
        for (uint64_t j = 0; j < count; j++)
            seen[next_number(subs[i], &from)]++;
        leave(members[i], subs[i]);
    }
    for (int i = 0; i < QUEUED; i++)
        cr_assert_eq(seen[i], 1, "message %d came %d times", i, seen[i]);
    natsConnection_Destroy(publisher);
}

static void answer(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *arg)
{
    (void)sub;
    (void)arg;
    natsConnection_Publish(nc, natsMsg_GetReply(msg), natsMsg_GetData(msg),
                           natsMsg_GetDataLength(msg));
    natsMsg_Destroy(msg);
}

Test(libnats, requests_get_their_replies)
{
    natsConnection *server = connection(), *client = connection();
    natsSubscription *sub;

    OK(natsConnection_Subscribe(&sub, server, "echo", answer, NULL));
    OK(natsConnection_Flush(server));
    for (int i = 0; i < 500; i++) {
        char text[32];
        natsMsg *reply;
        snprintf(text, sizeof text, "question %d", i);
        OK(natsConnection_RequestString(&reply, client, "echo", text, PATIENCE_MS));
        cr_assert_eq((int)strlen(text), natsMsg_GetDataLength(reply));
        cr_assert_arr_eq(natsMsg_GetData(reply), text, strlen(text));
        natsMsg_Destroy(reply);
    }
    leave(server, sub);
    natsConnection_Destroy(client);
}

Test(libnats, a_request_that_nobody_hears_fails_at_once)
{
    natsConnection *nc = connection();
    natsMsg *reply;
    int64_t began = now_ms();

    cr_expect_eq(natsConnection_RequestString(&reply, nc, "nobody", "?", PATIENCE_MS),
                 NATS_NO_RESPONDERS);
    cr_expect_lt(now_ms() - began, PATIENCE_MS / 2);
    natsConnection_Destroy(nc);
}

Test(libnats, headers_travel_with_their_message)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "with.headers");
    const char *value = NULL;
    const char **values = NULL;
    int count = 0;
    natsMsg *msg;

    OK(natsMsg_Create(&msg, "with.headers", "to.me", "body", 4));
    OK(natsMsgHeader_Set(msg, "Color", "green"));
    OK(natsMsgHeader_Add(msg, "Size", "1"));
    OK(natsMsgHeader_Add(msg, "Size", "2"));
    OK(natsConnection_PublishMsg(other, msg));
    natsMsg_Destroy(msg);

    OK(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
    OK(natsMsgHeader_Get(msg, "Color", &value));
    cr_expect_str_eq(value, "green");
    OK(natsMsgHeader_Values(msg, "Size", &values, &count));
    cr_assert_eq(count, 2);
    cr_expect_str_eq(values[0], "1");
    cr_expect_str_eq(values[1], "2");
    cr_expect_str_eq(natsMsg_GetReply(msg), "to.me");
    cr_expect_eq(natsMsg_GetDataLength(msg), 4);
    free((void *)values);
    natsMsg_Destroy(msg);
    leave(nc, sub);
    natsConnection_Destroy(other);
}

Test(libnats, an_automatic_unsubscribe_ends_after_its_number)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "few"), *end = subscribe(nc, "end");
    char text[32];

    OK(natsSubscription_AutoUnsubscribe(sub, 10));
    OK(natsConnection_Flush(nc));
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        OK(natsConnection_PublishString(other, "few", text));
    }
    for (int i = 0; i < 10; i++) {
        snprintf(text, sizeof text, "few %d", i);
        expect(sub, text);
    }
    expect_nothing_from(end, other, "end");
    cr_expect_str_eq(heard(sub, 1), "");
    natsSubscription_Destroy(end);
    leave(nc, sub);
    natsConnection_Destroy(other);
}

Test(libnats, draining_delivers_what_is_on_its_way_and_then_nothing)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "drained"), *end = subscribe(nc, "end");
    uint32_t from;

    for (uint32_t i = 0; i < 1000; i++)
        publish_number(other, "drained", 1, i);
    OK(natsConnection_Flush(other));
    expect_nothing_from(end, other, "end");
    OK(natsSubscription_Drain(sub));
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(next_number(sub, &from), i);
    OK(natsSubscription_WaitForDrainCompletion(sub, PATIENCE_MS));
    publish_number(other, "drained", 1, 1000);
    expect_nothing_from(end, other, "end");
    natsSubscription_Destroy(end);
    leave(nc, sub);
    natsConnection_Destroy(other);
}

Test(libnats, draining_a_connection_sends_what_it_still_holds)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "last.words");
    uint32_t from;

    for (uint32_t i = 0; i < 1000; i++)
        publish_number(other, "last.words", 1, i);
    OK(natsConnection_Drain(other));
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(next_number(sub, &from), i);
    leave(nc, sub);
    natsConnection_Destroy(other);
}

Test(libnats, the_largest_payload_arrives_whole)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "big");
    char *body = malloc(MIB);
    natsMsg *msg;

    cr_assert_eq(natsConnection_GetMaxPayload(nc), MIB);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < MIB; i++)
            body[i] = (char)(i * 31 + round);
        OK(natsConnection_Publish(other, "big", body, MIB));
        OK(natsSubscription_NextMsg(&msg, sub, PATIENCE_MS));
        cr_assert_eq(natsMsg_GetDataLength(msg), MIB);
        cr_assert(memcmp(natsMsg_GetData(msg), body, MIB) == 0);
        natsMsg_Destroy(msg);
    }
    cr_expect_eq(natsConnection_Publish(other, "big", body, MIB + 1), NATS_MAX_PAYLOAD);
    free(body);
    leave(nc, sub);
    natsConnection_Destroy(other);
}

enum { SUBJECTS = 5000 };

Test(libnats, every_one_of_many_subjects_is_its_own)
{
    natsConnection *nc = connection(), *other = connection();
    static natsSubscription *subs[SUBJECTS];
    char subject[64], text[96];

    for (int i = 0; i < SUBJECTS; i++) {
        snprintf(subject, sizeof subject, "many.%d.x%d", i % 70, i);
        OK(natsConnection_SubscribeSync(&subs[i], nc, subject));
    }
    OK(natsConnection_Flush(nc));
    for (int i = SUBJECTS - 1; i >= 0; i--) {
        snprintf(subject, sizeof subject, "many.%d.x%d", i % 70, i);
        snprintf(text, sizeof text, "%d", i);
        OK(natsConnection_PublishString(other, subject, text));
    }
    for (int i = 0; i < SUBJECTS; i++) {
        uint64_t left;
        snprintf(text, sizeof text, "many.%d.x%d %d", i % 70, i, i);
        expect(subs[i], text);
        OK(natsSubscription_QueuedMsgs(subs[i], &left));
        cr_assert_eq(left, 0);
    }
    for (int i = 0; i < SUBJECTS; i++)
        natsSubscription_Destroy(subs[i]);
    natsConnection_Destroy(nc);
    natsConnection_Destroy(other);
}

enum { ORDERED = 200000 };

Test(libnats, two_hundred_thousand_messages_keep_their_order)
{
    natsConnection *nc = connection(), *other = connection();
    natsSubscription *sub = subscribe(nc, "ordered.*");
    uint32_t from;

    for (uint32_t i = 0; i < ORDERED; i++)
        publish_number(other, i % 2 == 0 ? "ordered.even" : "ordered.odd", 1, i);
    OK(natsConnection_Flush(other));
    for (uint32_t i = 0; i < ORDERED; i++)
        cr_assert_eq(next_number(sub, &from), i);
    cr_expect_str_eq(heard(sub, 1), "");
    leave(nc, sub);
    natsConnection_Destroy(other);
}

enum { PUBLISHERS = 4, SUBSCRIBERS = 4, EACH = 20000 };

Test(libnats, among_many_connections_nothing_is_lost_doubled_or_overtaken)
{
    natsConnection *publishers[PUBLISHERS], *readers[SUBSCRIBERS];
    natsSubscription *subs[SUBSCRIBERS];

    for (int i = 0; i < SUBSCRIBERS; i++) {
        readers[i] = connection();
        subs[i] = subscribe(readers[i], i % 2 == 0 ? "all.*" : "all.news");
    }
    for (int i = 0; i < PUBLISHERS; i++)
        publishers[i] = connection();
    for (uint32_t number = 0; number < EACH; number++) {
        for (uint32_t i = 0; i < PUBLISHERS; i++)
            publish_number(publishers[i], "all.news", i, number);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        OK(natsConnection_Flush(publishers[i]));
    for (int i = 0; i < SUBSCRIBERS; i++) {
        uint32_t expected[PUBLISHERS] = {0};
        for (int j = 0; j < PUBLISHERS * EACH; j++) {
            uint32_t from = 0;
            uint32_t number = next_number(subs[i], &from);
            cr_assert_lt(from, PUBLISHERS);
            cr_assert_eq(number, expected[from], "subscriber %d, publisher %u: %u instead of %u", i,
                         from, number, expected[from]);
            expected[from]++;
        }
        cr_expect_str_eq(heard(subs[i], 1), "");
        leave(readers[i], subs[i]);
    }
    for (int i = 0; i < PUBLISHERS; i++)
        natsConnection_Destroy(publishers[i]);
}
