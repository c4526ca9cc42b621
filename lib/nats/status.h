/* status: what can go wrong between a peer and us, and what the peer is told.
 *
 * One table says for each status the text of the -ERR line, whether the connection survives, and
 * the reason shown for the closed connection. The texts are compared by clients to the letter
 * (docs/protocol.md): none may be invented. */
#ifndef NATTER_NATS_STATUS_H
#define NATTER_NATS_STATUS_H

#include <stdbool.h>

enum status_fate { STAYS_OPEN, CLOSES };

/* X(status, -ERR text or NULL when the peer is told nothing, fate, reason of the closed connection) */
#define STATUS_TABLE(X)                                                                            \
    X(STATUS_OK, NULL, STAYS_OPEN, "")                                                             \
    X(STATUS_MORE, NULL, STAYS_OPEN, "") /* the parser needs more bytes; not an error */           \
    X(STATUS_PEER_CLOSED, NULL, CLOSES, "Client Closed")                                           \
    X(STATUS_READ_ERROR, NULL, CLOSES, "Read Error")                                               \
    X(STATUS_WRITE_ERROR, NULL, CLOSES, "Write Error")                                             \
    X(STATUS_SHUTDOWN, NULL, CLOSES, "Server Shutdown")                                            \
    X(STATUS_UNKNOWN_OPERATION, "Unknown Protocol Operation", CLOSES, "Parse Error")               \
    X(STATUS_BAD_ARGUMENTS, NULL, CLOSES, "Parse Error")                                           \
    X(STATUS_BAD_CONNECT, NULL, CLOSES, "Parse Error")                                             \
    X(STATUS_PEER_ERROR, NULL, CLOSES, "Client Closed") /* it sent -ERR */                         \
    X(STATUS_LINE_TOO_LONG, "maximum control line exceeded", CLOSES,                               \
      "Maximum Control Line Exceeded")                                                             \
    X(STATUS_PAYLOAD_TOO_LARGE, "Maximum Payload Violation", CLOSES,                               \
      "Maximum Message Payload Exceeded")                                                          \
    X(STATUS_HEADERS_NOT_NEGOTIATED, NULL, CLOSES, "Message Header Violation")                     \
    X(STATUS_BAD_PROTOCOL_VERSION, "invalid client protocol", CLOSES,                              \
      "Bad Client Protocol Version")                                                               \
    X(STATUS_NO_RESPONDERS_NEEDS_HEADERS, "no responders requires headers support", CLOSES,        \
      "No Responders Requires Headers")                                                            \
    X(STATUS_NOT_AUTHORIZED, "Authorization Violation", CLOSES, "Authentication Failure")          \
    X(STATUS_TOO_MANY_CONNECTIONS, "maximum connections exceeded", CLOSES,                         \
      "Maximum Connections Exceeded")                                                              \
    X(STATUS_STALE, "Stale Connection", CLOSES, "Stale Connection")                                \
    X(STATUS_SLOW_PENDING, NULL, CLOSES, "Slow Consumer (Pending Bytes)")                          \
    X(STATUS_SLOW_DEADLINE, NULL, CLOSES, "Slow Consumer (Write Deadline)")                        \
    X(STATUS_OUT_OF_MEMORY, NULL, CLOSES, "Slow Consumer (Pending Bytes)")                         \
    X(STATUS_BAD_SUBJECT, "Invalid Subject", STAYS_OPEN, "")                                       \
    X(STATUS_BAD_PUBLISH_SUBJECT, "Invalid Publish Subject", STAYS_OPEN, "")                       \
    X(STATUS_TOO_MANY_SUBSCRIPTIONS, "maximum subscriptions exceeded", STAYS_OPEN, "")             \
    X(STATUS_DENIED, NULL, STAYS_OPEN, "") /* the text names the subject: see client_deny() */

enum status {
#define STATUS_NAME(name, text, fate, reason) name,
    STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
};

const char *status_text(enum status st); /* the -ERR text without quotes, or NULL for none */
enum status_fate status_fate(enum status st);
const char *status_reason(enum status st); /* of the closed connection, as monitoring shows it */
const char *status_name(enum status st);   /* for logs: "BAD_SUBJECT" */

#endif
