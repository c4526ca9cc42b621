#include "node/broker/trace.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/natter-trace-XXXXXX";

static void begin(void)
{
    int fd = mkstemp(path);
    struct log_options options = {.level = LOG_TRACE, .path = path};

    cr_assert_geq(fd, 0);
    close(fd);
    world_open(1); /* silences the log */
    cr_assert(log_open(&options));
}

static void end(void)
{
    world_close();
    unlink(path);
}

TestSuite(trace, .init = begin, .fini = end);

/* What the log says. */
static const char *logged(void)
{
    static char text[65536];
    FILE *file = fopen(path, "r");
    size_t len = fread(text, 1, sizeof text - 1, file);

    fclose(file);
    text[len] = '\0';
    return text;
}

Test(trace, tells_what_came_in_and_what_went_out)
{
    struct client *c = join(0);
    const char *text;

    cr_assert_eq(c->cid, 1);
    say(c, "SUB foo 7\r\nPUB foo bar 2\r\nhi\r\nPING\r\n");
    text = logged();
    cr_expect_eq(count_of(text, "client.in cid=1 op=SUB subject=\"foo\" reply=\"\" sid=\"7\""), 1);
    cr_expect_eq(
        count_of(text, "client.in cid=1 op=PUB subject=\"foo\" reply=\"bar\" sid=\"\" bytes=2"), 1);
    cr_expect_eq(count_of(text, "client.deliver cid=1 sid=\"7\" subject=\"foo\" messages=1"), 1);
    cr_expect_geq(count_of(text, "client.out cid=1 text=\"PONG"), 1);
}

Test(trace, keeps_secrets_and_payloads_to_itself)
{
    struct client *c = join_saying(0, "{\"verbose\":false,\"pass\":\"hunter2\"}");

    say(c, "PUB foo 9\r\ntop--word\r\n");
    cr_expect_eq(count_of(logged(), "op=CONNECT"), 1);
    cr_expect_eq(count_of(logged(), "hunter2"), 0);
    cr_expect_eq(count_of(logged(), "top--word"), 0);
}
