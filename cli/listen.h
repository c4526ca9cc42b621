/* listen: subscribe, and hand over one message after another until it is enough.
 *
 * It is enough after --count messages, after --timeout, at Ctrl-C or SIGTERM, or when the handler
 * says so. Time and signals drain: the server is told first, and what it had already sent is still
 * handled, so that no member of a queue group takes a message to its grave. A second signal ends at
 * once.
 *
 * Threads   the caller's; the handler runs there too. One listener a process, because of signals.
 */
#ifndef NATTER_CLI_LISTEN_H
#define NATTER_CLI_LISTEN_H

#include "cli/connection.h"

#include <stdint.h>

/* What libnats may hold for us while we are slower than the server; beyond, it drops and counts. */
#define LISTEN_PENDING_BYTES_MAX (256 << 20)

/* How long to wait for a message before looking at signals and at who reads our output. */
#define LISTEN_LOOK_UP_MS 100

/* How long draining may take. */
#define LISTEN_DRAIN_MS 3000

struct listen_options {
    const char *subject;
    const char *queue;  /* NULL: no queue group */
    uint32_t count;     /* messages to end after; 0: no end */
    int64_t timeout_ms; /* 0: no end */
};

/* The message is the listener's. False ends listening: it failed, and the reason has been said. */
typedef bool listen_fn(natsMsg *msg, uint64_t number, void *arg);

/* Returns the exit status: COMMAND_DONE when <count> came or, without one, when time or a signal
 * ended it. Says "listening on <subject>" once the server has confirmed, and how much came. */
enum command_status listen_run(struct connection *c, const struct listen_options *options,
                               listen_fn *handle, void *arg);

#endif
