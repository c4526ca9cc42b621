#include "node/broker/relay.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

static void begin(void)
{
    world_open(2);
}

TestSuite(relay, .init = begin, .fini = world_close);

Test(relay, serves_the_plain_subscriptions_of_the_receiving_shard)
{
    struct client *from = join(0);
    struct client *a = join(1);
    struct client *b = join(1);

    say(a, "SUB foo 1\r\n");
    say(b, "SUB f* 1\r\nSUB > 2\r\n");
    say(from, "PUB foo 2\r\nhi\r\n");
    cr_expect_str_eq(heard(a), "MSG foo 1 2\r\nhi\r\n");
    cr_expect_str_eq(heard(b), "MSG foo 2 2\r\nhi\r\n");
}

Test(relay, a_message_that_came_from_a_shard_goes_to_no_other)
{
    struct client *from = join(0);
    struct client *back = join(0);
    struct client *far = join(1);

    say(back, "SUB foo 1\r\n");
    say(far, "SUB foo 1\r\n");
    world.records = 0;
    say(from, "PUB foo 2\r\nhi\r\n");
    cr_expect_eq(world.records, 1);
    cr_expect_str_eq(heard(back), "MSG foo 1 2\r\nhi\r\n");
    cr_expect_str_eq(heard(far), "MSG foo 1 2\r\nhi\r\n");
}

Test(relay, one_that_is_named_serves_its_queue_group_alone)
{
    struct client *from = join(0);
    struct client *member = join(1);
    struct client *other = join(1);

    say(member, "SUB foo q 1\r\n");
    say(other, "SUB foo r 1\r\n");
    say(from, "PUB foo 2\r\nhi\r\n");
    cr_expect_str_eq(heard(member), "MSG foo 1 2\r\nhi\r\n");
    cr_expect_str_eq(heard(other), "MSG foo 1 2\r\nhi\r\n");
}
