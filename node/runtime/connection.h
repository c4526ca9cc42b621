/* connection: a socket and the client's session it carries.
 *
 * The edge: it reads, calls session_input(), writes the outbox, and has no opinion. An operation cut off
 * by the end of a read waits in a buffer of its own: a short one is put before the next read, a long
 * one is read on to in the place where it will stay. A connection in between holds no buffer.
 *
 * Threads   its worker's. */
#ifndef NATTER_NODE_CONNECTION_H
#define NATTER_NODE_CONNECTION_H

#include "lib/net/address.h"
#include "lib/net/stream.h"
#include "node/broker/client.h"

#include <ev.h>

struct worker;

struct connection {
    ev_io watcher;
    struct stream stream;
    struct worker *worker;
    struct client *client; /* NULL while it lingers: the session has ended */
    struct block *cut;     /* the beginning of an operation, NULL for none */
    uint32_t cut_len;
    uint32_t cut_need; /* bytes in the whole operation if it is gathered in <cut>, else 0 */
    bool is_held;
    struct connection *next_held;
    struct connection *next;
    struct connection **link;
    uint64_t work_noted;  /* for balance.c, as is the next */
    uint64_t group;       /* the least cid among those it exchanges messages with */
    uint64_t moved_at_ns; /* 0: it is where it began */
    ev_timer linger;
    size_t lingered_bytes;
};

/* Takes over <fd>, a connected, non-blocking socket, as a new client's. False when memory is out; <fd>
 * is closed then. */
bool connection_open(struct worker *worker, int fd, const struct address_ip *peer);

/* Writes what is in the outbox; closes the connection if its session has ended. It may be gone after. */
void connection_flush(struct connection *connection);

/* Closes at once, whatever is still in the outbox. */
void connection_abort(struct connection *connection);

/* Hands it over to another worker, while all stand still. False when memory is out; then it stays. */
bool connection_move(struct connection *connection, struct worker *to);

/* Watches for reading again. */
void connection_resume(struct connection *connection);

#endif
