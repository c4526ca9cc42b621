/* connection: to the server, the same way for every command.
 *
 * Says what went wrong itself, in words, with the server's address but never with its password.
 *
 * Owns      the natsConnection from connection_open() to connection_close().
 * Threads   the main thread opens and closes; libnats reads and reconnects on its own. */
#ifndef NATTER_CLI_CONNECTION_H
#define NATTER_CLI_CONNECTION_H

#include "cli/command.h"

#include <nats/nats.h>

#define CONNECTION_DEFAULT_URL "nats://127.0.0.1:4222"
#define CONNECTION_SERVERS_MAX 64
#define CONNECTION_TIMEOUT_MS 5000       /* for a server to answer the first time, and each PING */
#define CONNECTION_RECONNECT_WAIT_MS 500 /* between two attempts to find a lost server */

/* What a command needs of its connection. */
enum connection_use {
    CONNECTION_TO_PUBLISH, /* collects what is published and sends it in large pieces */
    CONNECTION_TO_REQUEST, /* sends at once: an answer is waited for */
    CONNECTION_TO_LISTEN   /* likewise, and finds its way back when the server goes, for ever */
};

struct connection {
    natsConnection *nats;
    char *servers; /* as given, without users and passwords: for people */
};

/* Connects to common->server, or NATS_URL, or the default. <name> is what the server's own lists
 * show. On COMMAND_DONE the connection is open; otherwise the reason has been said and nothing is
 * held. */
enum command_status connection_open(struct connection *c, const struct command_common *common,
                                    const char *name, enum connection_use use);
void connection_close(struct connection *c);

/* Waits until the server has taken all that was sent, and has refused none of it. */
enum command_status connection_confirm(struct connection *c, int64_t timeout_ms);

/* Says that <doing> ("publish to orders") did not work because of <status>; returns the exit
 * status. */
enum command_status connection_failed(struct connection *c, natsStatus status, const char *doing);

/* True when the server has refused a publish or a subscription; says so. */
bool connection_was_denied(struct connection *c);

#endif
