/* natter-node: reads what is wanted, and runs a node until a signal ends it. */
#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "lib/base/random.h"
#include "node/runtime/control.h"
#include "node/runtime/node.h"
#include "node/runtime/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int send_signal(struct settings *settings)
{
    bool is_sent = signal_command_send(&settings->signal);

    if (!is_sent)
        fprintf(stderr, "natter-node: cannot signal process %d: %s\n", (int)settings->signal.pid,
                strerror(errno));
    settings_free(settings);
    return is_sent ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool prepare(const struct settings *settings)
{
    uint64_t seed;

    if (!control_open_log(settings->options))
        return false;
    if (!random_secure(&seed, sizeof seed)) {
        log_event(LOG_ERROR, "node.failed", "reason=\"the system has no random source\"");
        return false;
    }
    bytes_hash_seed(seed);
    return true;
}

static int run(struct settings *settings)
{
    static struct node node;
    int status = EXIT_FAILURE;

    if (!prepare(settings)) {
        settings_free(settings);
        return EXIT_FAILURE;
    }
    if (node_init(&node, settings))
        status = node_run(&node);
    else
        log_event(LOG_ERROR, "node.failed", "reason=\"%s\"", strerror(errno));
    node_fini(&node);
    return status;
}

int main(int argc, char **argv)
{
    enum settings_action action;
    struct settings *settings = settings_read(argc, argv, stdout, stderr, &action);

    if (settings == NULL)
        return action == SETTINGS_EXIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    return action == SETTINGS_SEND_SIGNAL ? send_signal(settings) : run(settings);
}
