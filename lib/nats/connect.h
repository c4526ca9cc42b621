/* connect: what a client asks for, and who it says it is.
 *
 * CONNECT carries a JSON object. It may come again: what it names is then changed, the rest stays.
 *
 * Owns      its strings; all are NULL when empty. Together they are shorter than the JSON they came
 *           from, which the control line limit bounds.
 * Threads   none of its business.
 * Costs     some microseconds: once a connection. */
#ifndef NATTER_NATS_CONNECT_H
#define NATTER_NATS_CONNECT_H

#include "lib/base/bytes.h"
#include "lib/nats/status.h"

struct connect_options {
    bool verbose;  /* +OK for each accepted operation */
    bool pedantic; /* published subjects are checked */
    bool echo;     /* its own messages reach its own subscriptions */
    bool headers;
    bool no_responders; /* be told when a request reaches nobody; needs <headers> */
    bool tls_required;
    bool new_account; /* obsolete, and refused when set */
    int64_t
        protocol; /* 0, or 1: understands INFO at any time; others are for the reader to refuse */

    /* shown by monitoring, and nothing else */
    char *name;
    char *lang;
    char *version;

    /* who it is; connect_forget_secrets() clears those that are secret once they are checked */
    char *user;
    char *pass;
    char *auth_token;
    char *nkey;
    char *sig;
    char *jwt;
    char *account; /* obsolete, and refused when set */
};

/* What holds before, or without, a CONNECT: verbose, pedantic and echo are true, all else false, 0
 * or empty. */
void connect_init(struct connect_options *options);
void connect_fini(struct connect_options *options);

/* Changes in *options what <json> names. Field names are known in any case; unknown ones are
 * skipped; null changes nothing; of a name that comes twice the last one counts. STATUS_BAD_CONNECT
 * not a JSON object (or null), something behind it, or a field of another type STATUS_OUT_OF_MEMORY
 * After a failure *options is what it was. */
enum status connect_read(struct bytes json, struct connect_options *options);

/* Overwrites and frees pass, auth_token, sig and jwt. */
void connect_forget_secrets(struct connect_options *options);

#endif
