/* outgoing: a message to be sent, checked before anything is.
 *
 * libnats puts a subject on the wire as it is: one with a blank or a line break in it would be read
 * by the server as something else. So what people type is checked here first.
 *
 * Owns      nothing: it looks at the command's options. */
#ifndef NATTER_CLI_OUTGOING_H
#define NATTER_CLI_OUTGOING_H

#include "cli/args.h"
#include "lib/base/bytes.h"

#include <nats/nats.h>
#include <stdbool.h>

enum outgoing_subject_use {
    OUTGOING_TO_PUBLISH,  /* exactly one subject */
    OUTGOING_TO_SUBSCRIBE /* wildcards welcome */
};

/* False, having said why, when <subject> is none; <what> names it: "subject", "--reply". */
bool outgoing_check_subject(const char *what, const char *subject, enum outgoing_subject_use use);

/* False, having said why, when <queue> cannot name a queue group. */
bool outgoing_check_queue(const char *queue);

/* False, having said why, when one of <headers> is not "Key: value". */
bool outgoing_check_headers(const struct args_list *headers);

struct outgoing {
    const char *subject;
    const char *reply;               /* NULL for none */
    const struct args_list *headers; /* checked; each "Key: value" */
    struct bytes payload;
};

/* Hands the message to <nats>. <copied>, unless NULL, is a message whose headers go along. */
natsStatus outgoing_publish(natsConnection *nats, const struct outgoing *out, natsMsg *copied);

#endif
