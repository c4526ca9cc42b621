/* server_info: what a server says of itself, in the first line of every connection.
 *
 *     INFO {"server_id":"NB3...","version":"0.1.0","proto":1, ... ,"client_ip":"10.0.0.7"} CRLF
 *
 * One struct for what clients are told and for what routes tell each other; each side sets what
 * concerns it. An empty string (or NULL), a false flag and an empty list are left out of the line,
 * except for those fields that clients expect always; docs/protocol.md has the list.
 *
 * Owns      nothing when it is filled by hand: it borrows its strings. What server_info_read()
 * fills owns them, until server_info_fini(). Threads   none of its business. Costs     some
 * microseconds and a few allocations for a line: once a connection, never a message. */
#ifndef NATTER_NATS_SERVER_INFO_H
#define NATTER_NATS_SERVER_INFO_H

#include "lib/base/bytes.h"
#include "lib/nats/status.h"

/* Longest line that every stock client reads: one of them has a buffer of 32 KiB and no more. */
#define SERVER_INFO_LINE_MAX 32767

struct server_urls {
    const char *const *items; /* "host:port", IPv6 as "[::1]:4222" */
    size_t count;
};

struct server_info {
    const char *server_id;
    const char *server_name;
    const char *version; /* digits: "X.Y.Z", perhaps more behind */
    int64_t proto;
    const char *git_commit;
    const char *go; /* the version of the language it runs on; only shown */
    const char *host;
    int64_t port;
    bool headers;
    bool auth_required;
    bool tls_required;
    bool tls_verify;
    bool tls_available;
    int64_t max_payload;
    const char *ip; /* routes: where to dial, "nats-route://host:port/" */
    uint64_t client_id;
    const char *client_ip;
    const char *nonce;
    const char *cluster;
    bool cluster_dynamic; /* routes: the cluster's name was made up */
    struct server_urls connect_urls;
    struct server_urls ws_connect_urls; /* routes */
    bool ldm;                           /* lame duck: it is about to leave */

    void *memory; /* of server_info_read() alone; NULL when filled by hand */
};

/* Writes the whole line, from INFO to CR LF, and returns its length; 0 when it is longer than
 * <cap>, when a string is not UTF-8, or when memory is out. No NUL is added. */
size_t server_info_write(const struct server_info *info, char *out, size_t cap);

/* Reads the JSON of an INFO line. What is missing or null stays empty; fields it does not know are
 * skipped.
 *   STATUS_BAD_ARGUMENTS  not a JSON object, or a field of a wrong type
 *   STATUS_OUT_OF_MEMORY
 * After a failure there is nothing to fini. */
enum status server_info_read(struct bytes json, struct server_info *out);

void server_info_fini(struct server_info *info);

#endif
