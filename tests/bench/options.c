#include "tests/bench/options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/bench/fail.h"

#define IS_SWITCH UINT64_MAX /* in the column of the largest value: takes none, means 1 */

static const struct row {
    const char *name;
    uint64_t value; /* unless it is given */
    uint64_t max;
    const char *help;
} rows[LOAD_NUMBERS] = {
    [LOAD_PORT] = {"port", 4222, 65535, "where the broker listens, on 127.0.0.1"},
    [LOAD_PID] = {"pid", 0, INT32_MAX, "the broker's pid, for its processor time and memory"},
    [LOAD_PUBS] = {"pubs", 1, 10000, "publishers"},
    [LOAD_SUBS] = {"subs", 1, 10000, "subscribers"},
    [LOAD_SIZE] = {"size", 16, 1 << 20, "payload, bytes"},
    [LOAD_DURATION_MS] = {"duration-ms", 2000, 3600000, "how long to publish"},
    [LOAD_WARMUP_MS] = {"warmup-ms", 200, 3600000, "how long before that, not counted"},
    [LOAD_COUNT] = {"count", 0, UINT64_C(1) << 40, "messages, instead of a duration"},
    [LOAD_PAIRS] = {"pairs", 1, 5000, "pairs of a requester and a responder"},
    [LOAD_OUTSTANDING] = {"outstanding", 1, 64, "requests under way for each pair"},
    [LOAD_RATE] = {"rate", 50000, 1000000, "messages a second"},
    [LOAD_CONNECTIONS] = {"connections", 1, 19000, "connections to open"},
    [LOAD_SUBSCRIPTIONS] = {"subscriptions", 1000000, 100000000, "subscriptions to make"},
    [LOAD_ROUNDS] = {"rounds", 3, 1000, "rounds of a comparison within one mode"},
    [LOAD_THREADS] = {"threads", 1, 2, "1: publish and count in one thread; 2: in one each"},
    [LOAD_OWN] = {"own", 0, IS_SWITCH, "each publisher has its own subject and subscriber"},
    [LOAD_QUEUE] = {"queue", 0, IS_SWITCH, "the subscribers are one queue group"},
    [LOAD_RELAY] = {"relay", 0, IS_SWITCH, "the broker is natter-relay"},
};

void load_options_print(void)
{
    for (int i = 0; i < LOAD_NUMBERS; i++) {
        if (rows[i].max == IS_SWITCH)
            printf("  --%-16s %s\n", rows[i].name, rows[i].help);
        else
            printf("  --%-16s %s (%" PRIu64 ")\n", rows[i].name, rows[i].help, rows[i].value);
    }
}

void load_options_parse(struct load_options *options, int argc, char **argv)
{
    struct option names[LOAD_NUMBERS + 1] = {0};
    int i;

    *options = (struct load_options){0};
    for (i = 0; i < LOAD_NUMBERS; i++) {
        options->numbers[i] = rows[i].value;
        names[i] =
            (struct option){.name = rows[i].name,
                            .has_arg = rows[i].max == IS_SWITCH ? no_argument : required_argument};
    }
    while (getopt_long(argc, argv, "", names, &i) == 0) {
        if (rows[i].max == IS_SWITCH)
            options->numbers[i] = 1;
        else if (!bytes_to_u64(bytes_of_str(optarg), rows[i].max, &options->numbers[i]))
            fail("--%s takes a number up to %" PRIu64 ", not \"%s\"", rows[i].name, rows[i].max,
                 optarg);
    }
    /* getopt_long has said itself what it does not know, and has left it before optind. */
    if (optind < argc && strcmp(argv[optind - 1], "--") != 0)
        fail("\"%s\" is not an option", argv[optind]);
    options->command = argv + optind;
    options->broker = (struct sockaddr_in){.sin_family = AF_INET};
    options->broker.sin_port = htons((uint16_t)options->numbers[LOAD_PORT]);
    options->broker.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}
