#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

static void begin(void)
{
    world_open(1);
}

TestSuite(shard, .init = begin, .fini = world_close);

Test(shard, finds_its_clients_by_number_until_they_leave)
{
    struct client *a = join(0);
    struct client *b = join(0);
    uint64_t cid = a->cid;

    cr_expect_eq(shard_find_client(&world.shards[0], cid), a);
    cr_expect_eq(shard_find_client(&world.shards[0], b->cid), b);
    leave(a);
    cr_expect_null(shard_find_client(&world.shards[0], cid));
    cr_expect_eq(shard_find_client(&world.shards[0], b->cid), b);
}

Test(shard, names_each_client_with_something_to_write_once)
{
    struct client *a = join(0);

    heard(a);
    cr_expect_null(shard_take_dirty(&world.shards[0]));
    say(a, "PING\r\nPING\r\n");
    cr_expect_eq(shard_take_dirty(&world.shards[0]), a);
    cr_expect_null(shard_take_dirty(&world.shards[0]));
}

Test(shard, new_options_reach_clients_that_are_there)
{
    struct options options = world.options;
    struct client *c = join_saying(0, "{\"verbose\":false,\"protocol\":1}");

    say(c, "PING\r\n");
    heard(c);
    options.max_payload = 10;
    shard_set_options(&world.shards[0], &options);
    cr_expect_eq(count_of(heard(c), "\"max_payload\":10"), 1);
    say(c, "PUB foo 11\r\nhello world\r\n");
    cr_expect_eq(count_of(heard(c), "Maximum Payload Violation"), 1);
    shard_set_options(&world.shards[0], &world.options);
}

Test(shard, counts_what_comes_in_and_what_goes_out)
{
    const struct shard_stats *stats = &world.shards[0].stats;
    struct client *c = join(0);

    say(c, "SUB foo 1\r\nSUB foo 2\r\nPUB foo 5\r\nhello\r\nPUB bar 2\r\nhi\r\n");
    cr_expect_eq(stats->in_msgs, 2);
    cr_expect_eq(stats->in_bytes, 7);
    cr_expect_eq(stats->out_msgs, 2);
    cr_expect_eq(stats->out_bytes, 10);
    leave(c);
    cr_expect_eq(stats->in_msgs, 2, "what was counted stays counted");
}
