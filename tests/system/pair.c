#include "tests/system/pair.h"

#include "tests/system/node.h"
#include "tests/system/wire.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { LAST_MESSAGES = 10 };

struct pair {
    pthread_t thread;
    struct wire from, to;
    uint16_t port;
    atomic_bool stops;
    atomic_bool failed;
    atomic_int exchanged;
    int64_t slowest_ms; /* the thread's, until it has ended */
};

static bool join_both(struct pair *pair)
{
    static const char connect[] = "CONNECT {\"verbose\":false}\r\n";

    if (!wire_join(&pair->from, pair->port, connect) || !wire_join(&pair->to, pair->port, connect))
        return false;
    wire_send_text(&pair->to, "SUB pair.* 1\r\nPING\r\n");
    return wire_expect(&pair->to, "PONG\r\n");
}

static bool exchange(struct pair *pair)
{
    char sent[64], wanted[64], body[16];
    int len = snprintf(body, sizeof body, "%d", pair->exchanged);
    int64_t began = now_ms();

    snprintf(sent, sizeof sent, "PUB pair.talk %d\r\n%s\r\n", len, body);
    snprintf(wanted, sizeof wanted, "MSG pair.talk 1 %d\r\n%s\r\n", len, body);
    wire_send_text(&pair->from, sent);
    if (!wire_expect(&pair->to, wanted))
        return false;
    if (now_ms() - began > pair->slowest_ms)
        pair->slowest_ms = now_ms() - began;
    return true;
}

/* The publisher only hears the node's PINGs, and has to answer them. */
static void keep_alive(struct pair *pair)
{
    wire_more(&pair->from, now_ms());
    while (wire_answer_ping(&pair->from))
        continue;
}

static void *run(void *arg)
{
    struct pair *pair = arg;

    pair->failed = !join_both(pair);
    while (!pair->failed && !pair->stops) {
        if (!exchange(pair)) {
            pair->failed = true;
            break;
        }
        pair->exchanged++;
        keep_alive(pair);
        sleep_ms(1); /* a pair that talks, not one that shouts */
    }
    wire_close(&pair->from);
    wire_close(&pair->to);
    return NULL;
}

struct pair *pair_start(struct node *node)
{
    struct pair *pair = calloc(1, sizeof *pair);

    assert(pair != NULL);
    pair->port = node_port(node);
    pair->from.fd = pair->to.fd = -1;
    int status = pthread_create(&pair->thread, NULL, run, pair);
    assert(status == 0);
    (void)status;
    while (pair->exchanged == 0 && !pair->failed)
        sleep_ms(1);
    return pair;
}

struct pair_report pair_stop(struct pair *pair)
{
    int last = pair->exchanged + LAST_MESSAGES;

    while (pair->exchanged < last && !pair->failed)
        sleep_ms(1);
    pair->stops = true;
    pthread_join(pair->thread, NULL);
    struct pair_report report = {
        .undisturbed = !pair->failed, .exchanged = pair->exchanged, .slowest_ms = pair->slowest_ms};
    free(pair);
    return report;
}
