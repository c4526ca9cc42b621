/* natter-load: puts load on a broker of the NATS client protocol and measures the broker.
 *
 *     natter-load MODE [options]
 *
 * prints one line of key=value pairs and ends with 0, or says on standard error why the measurement
 * is void and ends with 1. See README.md in this folder. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/fail.h"
#include "tests/bench/modes.h"
#include "tests/bench/options.h"

static const struct {
    const char *name;
    void (*run)(const struct load_options *options);
    const char *help;
} modes[] = {
    {"flow", mode_flow, "publish as fast as it goes: --pubs, --subs, --own, --queue"},
    {"beside", mode_beside, "the same beside --subscriptions others: what is kept of the rate"},
    {"stall", mode_stall, "the same with one of --subs stopped: what the others keep"},
    {"request", mode_request, "request and reply: --pairs, --outstanding"},
    {"paced", mode_paced, "latency at --rate messages a second"},
    {"idle", mode_idle, "the broker's memory for each of --connections"},
    {"subscriptions", mode_subscriptions, "the broker's memory for each of --subscriptions"},
    {"start", mode_start, "from exec to listening, and memory then: -- COMMAND"},
};

#define MODE_COUNT (sizeof modes / sizeof modes[0])

static void print_help(void)
{
    printf("natter-load MODE [options]\n\nModes\n");
    for (size_t i = 0; i < MODE_COUNT; i++)
        printf("  %-18s %s\n", modes[i].name, modes[i].help);
    printf("\nOptions (and what they are by default)\n");
    load_options_print();
}

/* A thousand subscribers need as many descriptors; what the system does not give shows later. */
static void raise_open_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return;
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv)
{
    struct load_options options;

    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        print_help();
        return argc < 2 ? 2 : 0;
    }
    signal(SIGPIPE, SIG_IGN);
    raise_open_files();
    for (size_t i = 0; i < MODE_COUNT; i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            load_options_parse(&options, argc - 1, argv + 1);
            modes[i].run(&options);
            return 0;
        }
    }
    fail("there is no mode \"%s\": see natter-load --help", argv[1]);
}
