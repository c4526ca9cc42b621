/* output: messages on standard output, for people or for scripts.
 *
 *   people   [#1] orders.paid, reply to _INBOX.x    then headers, the payload, an empty line
 *   --raw    the payload's bytes and a line break
 *   --json   one object a line (see json.h)
 *
 * What people see has control bytes shown as \xNN, so that no message can play with a terminal;
 * colour is for terminals alone. Lines are collected until output_flush(), which whoever is about
 * to wait calls first. */
#ifndef NATTER_CLI_OUTPUT_H
#define NATTER_CLI_OUTPUT_H

#include "cli/command.h"

#include <nats/nats.h>
#include <stdint.h>

struct output_message {
    natsMsg *msg;
    uint64_t number;    /* from 1 */
    const char *origin; /* for people, before the first line's end: "in 0.31 ms"; NULL for none */
    double rtt_ms;      /* for scripts; negative: not known */
};

/* Once, before anything is printed. False when --raw and --json are both asked for; says so. */
bool output_open(const struct command_common *common);

/* False when standard output takes no more. */
bool output_message(const struct output_message *m);
bool output_flush(void);

/* True when nobody reads standard output any more. Pipes and sockets tell this even between
 * writes. */
bool output_is_abandoned(void);

/* Says why standard output took no more; silent when its reader went, as `head` does. */
void output_explain_failure(void);

#endif
