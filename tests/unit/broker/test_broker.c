#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>

static void begin(void)
{
    world_open(1);
}

TestSuite(broker, .init = begin, .fini = world_close);

Test(broker, introduces_itself_with_what_clients_rely_on)
{
    struct client *c = join_saying(0, NULL);
    const char *info = heard(c);

    cr_expect_eq(strncmp(info, "INFO {", 6), 0);
    cr_expect_geq(count_of(info, world.broker.server_id), 1);
    cr_expect_eq(count_of(info, "\"proto\":1"), 1);
    cr_expect_eq(count_of(info, "\"headers\":true"), 1);
    cr_expect_eq(count_of(info, "\"client_ip\":\""), 1);
    cr_expect_eq(count_of(info, "\"ldm\""), 0);
    cr_expect_eq(count_of(info, "} \r\n"), 1);
    cr_expect_eq(strlen(world.broker.server_id), NKEY_TEXT_LEN);
    cr_expect_eq(world.broker.server_id[0], 'N');
}

Test(broker, a_lame_duck_says_so)
{
    atomic_store(&world.broker.is_lame_duck, true);
    cr_expect_eq(count_of(heard(join_saying(0, NULL)), "\"ldm\":true"), 1);
}

Test(broker, what_does_not_fit_is_not_written)
{
    char line[16];

    cr_expect_eq(broker_write_info(&world.broker, join(0), line, sizeof line), 0);
}

Test(broker, is_full_beyond_max_connections)
{
    world.options.max_connections = 2;
    atomic_store(&world.broker.connections, 2);
    cr_expect_not(broker_is_full(&world.broker, &world.options));
    atomic_store(&world.broker.connections, 3);
    cr_expect(broker_is_full(&world.broker, &world.options));
    world.options.max_connections = -1;
    cr_expect_not(broker_is_full(&world.broker, &world.options));
}
