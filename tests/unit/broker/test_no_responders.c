#include "node/broker/no_responders.h"
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

#define ANSWER(sid) "HMSG in.1 " sid " 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"

static void begin(void)
{
    world_open(1);
}

TestSuite(no_responders, .init = begin, .fini = world_close);

static struct client *requester(const char *interest)
{
    struct client *c =
        join_saying(0, "{\"verbose\":false,\"headers\":true,\"no_responders\":true}");

    say(c, interest);
    heard(c);
    return c;
}

Test(no_responders, go_to_the_plain_subscription_that_matches_the_reply)
{
    struct client *c = requester("SUB other 1\r\nSUB in.* 2\r\n");

    no_responders_tell(c, bytes_of_str("in.1"));
    cr_expect_str_eq(heard(c), ANSWER("2"));
}

Test(no_responders, do_not_go_to_a_queue_group)
{
    struct client *c = requester("SUB in.* q 2\r\n");

    no_responders_tell(c, bytes_of_str("in.1"));
    cr_expect_str_eq(heard(c), "");
}

Test(no_responders, do_not_go_to_somebody_else)
{
    struct client *other = requester("SUB in.* 2\r\n");
    struct client *c = requester("");

    no_responders_tell(c, bytes_of_str("in.1"));
    cr_expect_str_eq(heard(c), "");
    cr_expect_str_eq(heard(other), "");
}

Test(no_responders, a_message_without_reply_is_no_request)
{
    struct client *c = requester("SUB > 2\r\n");

    no_responders_tell(c, bytes_of_str(""));
    cr_expect_str_eq(heard(c), "");
}
