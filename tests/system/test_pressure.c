/* A node with a memory budget: near it publishers are read from rarely, then the slowest consumers go; the
 * process stays within the budget, and goes on serving the others. */
#include "tests/system/node.h"
#include "tests/system/pair.h"
#include "tests/system/wire.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUDGET_KIB (64 * 1024)
#define SLOW_CONSUMERS 4
#define PAYLOAD 65536
#define ROUNDS 480 /* of one message to each: 120 MiB in all */

static struct node *node;

static void begin(void)
{
    node = node_start("max_memory: 64mb\n");
}

static void end(void)
{
    cr_expect(node_stop(node));
}

/* Sanitizers keep memory of their own, and nats-server knows no budget. */
static bool can_tell(void)
{
#ifdef NATTER_SANITIZED
    return false;
#else
    return !node_is_reference();
#endif
}

TestSuite(pressure, .init = begin, .fini = end, .timeout = 120);

/* The most the process ever had resident. */
static long peak_kib(void)
{
    char path[64];
    char line[256];
    long kib = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)node_pid(node));
    file = fopen(path, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        sscanf(line, "VmHWM: %ld", &kib);
    fclose(file);
    return kib;
}

static void stand_still(struct wire *wire, int number)
{
    char text[64];

    cr_assert(wire_join(wire, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    snprintf(text, sizeof text, "SUB slow.%d 1\r\nPING\r\n", number);
    wire_send_text(wire, text);
    cr_assert(wire_expect(wire, "PONG\r\n"));
}

static void publish_rounds(struct wire *publisher)
{
    char *message = malloc(PAYLOAD + 64);

    for (int i = 0; i < ROUNDS * SLOW_CONSUMERS; i++) {
        int len = snprintf(message, 64, "PUB slow.%d %d\r\n", i % SLOW_CONSUMERS, PAYLOAD);

        memset(message + len, 'x', PAYLOAD);
        memcpy(message + len + PAYLOAD, "\r\n", 2);
        wire_send(publisher, message, (size_t)len + PAYLOAD + 2);
    }
    free(message);
}

Test(pressure, the_process_stays_within_its_budget_and_the_slowest_go)
{
    struct wire slow[SLOW_CONSUMERS];
    struct wire publisher;
    struct pair *pair;
    struct pair_report report;

    if (!can_tell())
        return;
    pair = pair_start(node);
    for (int i = 0; i < SLOW_CONSUMERS; i++)
        stand_still(&slow[i], i);
    cr_assert(wire_join(&publisher, node_port(node), "CONNECT {\"verbose\":false}\r\n"));
    publish_rounds(&publisher);
    wire_send_text(&publisher, "PING\r\n");
    cr_expect(wire_expect(&publisher, "PONG\r\n"), "the publisher is not to blame");

    cr_expect(node_logs(node, "memory.pressure"));
    cr_expect(node_logs(node, "client.slow"));
    cr_expect_leq(peak_kib(), BUDGET_KIB, "it had %ld KiB", peak_kib());
    report = pair_stop(pair);
    cr_expect(report.undisturbed, "the pair was disturbed after %d messages", report.exchanged);
    for (int i = 0; i < SLOW_CONSUMERS; i++)
        wire_close(&slow[i]);
    wire_close(&publisher);
}
