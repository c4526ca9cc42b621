/* natter-node: reads what is wanted, and runs a node until a signal ends it. */
#include "lib/base/bytes.h"
#include "lib/base/random.h"
#include "node/runtime/control.h"
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

int main(int argc, char **argv)
{
    enum settings_action action;
    struct settings *settings;
    uint64_t seed;

    if (!random_secure(&seed, sizeof seed)) {
        fputs("natter-node: the system has no random source\n", stderr);
        return EXIT_FAILURE;
    }
    bytes_hash_seed(seed);
    settings = settings_read(argc, argv, stdout, stderr, &action);
    if (settings == NULL)
        return action == SETTINGS_EXIT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
    return action == SETTINGS_SEND_SIGNAL ? send_signal(settings) : control_run(settings);
}
