/* client: one connected client, and what waits for it.
 *
 * Its subscriptions, its outbox, what it asked for in CONNECT, its counts. What its operations do is in
 * session.h, what time does to it in keepalive.h.
 *
 * Owns      its subscriptions, its outbox, its CONNECT options.
 * Threads   its shard's.
 * Limits    in struct options: control line, payload, subscriptions, pending bytes. */
#ifndef NATTER_NODE_CLIENT_H
#define NATTER_NODE_CLIENT_H

#include "lib/base/table.h"
#include "lib/base/timers.h"
#include "lib/nats/connect.h"
#include "lib/nats/parser.h"
#include "lib/nats/status.h"
#include "node/broker/outbox.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct shard;
struct subscription;
struct subscription_request;

/* An outbox with more than this is behind: who publishes only to such ones is held back. */
#define CLIENT_BEHIND_BYTES ((size_t)1 << 20)

#define CLIENT_IP_MAX 64 /* an IPv6 address and its scope */

struct client {
    /* looked at for every message delivered: kept together */
    struct outbox outbox;
    struct shard *shard;
    bool is_closing;
    bool is_dirty;
    bool is_held; /* asks to be left unread for a moment: see client_hold() */
    bool echo;
    bool headers; /* negotiated: may send HPUB, receives HMSG */
    bool verbose;
    bool pedantic;
    bool no_responders;
    uint32_t met_in; /* serial of the plan that last met it */
    uint64_t out_msgs;
    uint64_t out_bytes;
    struct client *next_dirty;

    /* looked at for every message published */
    struct parser_limits limits;
    struct account *account;
    uint64_t in_msgs;
    uint64_t in_bytes;
    uint64_t reach_shards;  /* where its last messages went, a bit for each shard */
    uint64_t talks_to;      /* the cid of one that its last messages reached; 0: of none */
    uint64_t behind_shards; /* where all that they reached is behind */

    struct table subs; /* struct subscription by sid */
    uint64_t cid;
    enum status status; /* why it closes */
    struct client *next;
    struct client **link; /* what points at this one in the shard's list */
    void *owner;          /* the runtime's connection */

    /* time */
    struct timer timer; /* when keepalive_tick() wants to be called */
    uint64_t started_ns;
    uint64_t heard_ns;
    uint64_t ping_due_ns;  /* when to see whether a PING is needed */
    uint64_t rtt_due_ns;   /* when the next PING must go out, traffic or not */
    uint64_t ping_sent_ns; /* 0: none is unanswered */
    uint64_t rtt_ns;       /* 0: never measured */
    uint64_t blocked_ns;   /* since when the socket takes nothing; 0: it does */
    uint32_t pings_out;    /* unanswered */
    bool has_ponged;       /* its first PING was answered */
    bool info_is_due;      /* INFO changed before its first PONG */
    uint16_t port;
    char ip[CLIENT_IP_MAX];
    struct connect_options connect;
};

/* A client of <shard>, which knows it from now on; session_open() is what the runtime calls. NULL when
 * memory is out. */
struct client *client_new(struct shard *shard, uint64_t cid, const char *ip, uint16_t port);

/* Removes its subscriptions, empties its outbox and forgets it. Not from within session_input(). */
void client_free(struct client *c);

/* Hands the session over to another shard, with its subscriptions and what waits for it. No shard runs
 * meanwhile, nothing is under way between them, and no run is gathered. False when memory is out; then
 * it is where it was. */
bool client_move(struct client *c, struct shard *to);

/* Ends the session: it closes at the end of the turn, for this reason; the peer is told what the
 * status says. The first reason stays. */
void client_close(struct client *c, enum status why);

/* Tells the peer of an error that leaves the connection open. */
void client_error(struct client *c, enum status st);

/* Queues protocol text, which is copied. Nothing is sent to a session that is closing. */
void client_send(struct client *c, struct bytes text);

static inline bool client_is_closing(const struct client *c)
{
    return c->is_closing;
}

/* Queues INFO. */
void client_send_info(struct client *c);

/* INFO has changed: queues it, now or, before its first PONG, right after that. For peers of protocol 1. */
void client_update_info(struct client *c);

/* Asks the runtime to leave its socket unread until consumers have caught up, or for a moment. */
void client_hold(struct client *c);

/* A publisher is paced by its fastest consumer: held once all that it reaches are behind. The first
 * notes where its last messages went, with the shortest of its own shard's outboxes (SIZE_MAX
 * for none); the second what shard <from> says of those that went there. */
void client_note_reach(struct client *c, uint64_t shards, size_t least_pending);
void client_note_behind(struct client *c, unsigned from);

static inline uint32_t client_cid_hash(uint64_t cid)
{
    return (uint32_t)((cid * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* The runtime is to look at it at the end of its turn. */
void client_mark_dirty(struct client *c);

/* Makes plans that name its subscriptions be worked out again. */
void client_regroup(struct client *c);

/* Takes over new options: limits apply from the next operation on. */
void client_apply_options(struct client *c);

/* Bytes that subscriptions of <c> count in all its tables. */
uint32_t client_subscription_count(const struct client *c);

/* NULL when it has none of this sid. */
struct subscription *client_find_subscription(const struct client *c, struct bytes sid);

/* Subscribes, under a sid that is not in use. Refusals are those of interest_add(). */
enum status client_add_subscription(struct client *c, const struct subscription_request *request);

/* Ends a subscription after <max> messages since it began; now, if that many were delivered or <max> is
 * 0. It is freed then. */
void client_limit_subscription(struct client *c, struct subscription *sub, uint32_t max);

/* Removes one subscription, which is freed. */
void client_drop_subscription(struct client *c, struct subscription *sub);

/* Notes in the log that an operation was refused. */
void client_log_refusal(const struct client *c, enum status st);

void client_check(const struct client *c);

#endif
