/* peer: one connection to the broker, and the count of what arrives on it.
 *
 * Reading must cost the generator next to nothing, yet the count must be exact. All deliveries to
 * one peer have the same length, so it keeps its place in the current frame and jumps from head to
 * head; only where a frame does not begin with "MSG" does it look at lines (PING, PONG, INFO,
 * -ERR).
 *
 * It is set up with calls that block (and give up after PEER_WAIT_S); while measuring, reads never
 * block. Whatever breaks a measurement ends the program: an -ERR, a connection that is cut, bytes
 * that are no frame.
 *
 * Threads   one at a time.
 * Owns      its socket, from peer_open() to peer_close(). */
#ifndef NATTER_BENCH_PEER_H
#define NATTER_BENCH_PEER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PEER_WAIT_S 30            /* for a handshake, a PONG, room in the socket */
#define PEER_LINE_MAX 128         /* bytes kept of a line that is not a frame */
#define PEER_CARRY_MAX 512        /* longest frame that peer_read_frames() can put together */
#define PEER_READ_BYTES (1 << 18) /* what one read takes */

struct peer {
    int fd;
    const char *name; /* for messages: "subscriber", "publisher" ...; a constant */
    size_t frame_len; /* of each delivery; 0 when none may come */
    size_t frame_at;  /* how much of the current one has been seen */
    uint64_t frames;  /* complete ones */
    uint64_t pongs;
    bool answers_pings; /* not while a publisher is within a frame */
    size_t line_len;    /* of a line cut by a read, or 0 */
    char line[PEER_LINE_MAX];
    size_t carry_len; /* of a frame cut by a read, with peer_read_frames() */
    char carry[PEER_CARRY_MAX];
};

/* Connects, waiting for a broker that is just starting, reads its INFO, sends CONNECT and PING as
 * clients do, and returns after the PONG. */
void peer_open(struct peer *peer, const char *name, const struct sockaddr_in *broker);

void peer_close(struct peer *peer);

/* Closes with a reset, so that a thousand connections leave no ports waiting behind. */
void peer_abort(struct peer *peer);

/* Sends all of <text>; blocks. */
void peer_send(struct peer *peer, const char *text, size_t len);
__attribute__((format(printf, 2, 3))) void peer_sendf(struct peer *peer, const char *format, ...);

/* Returns when the broker has acted on all that was sent before: a PING and its PONG. */
void peer_sync(struct peer *peer);

/* Reads what is there and counts it; false when nothing was. <buffer> holds PEER_READ_BYTES. */
bool peer_count(struct peer *peer, char *buffer);

/* Called with each whole frame, which ends with the call. */
typedef void peer_frame_fn(struct peer *peer, const char *frame, void *arg);

/* Reads what is there and hands over each frame, for those that look inside; false when nothing
 * was. <buffer> holds PEER_READ_BYTES; frames are at most PEER_CARRY_MAX long. */
bool peer_read_frames(struct peer *peer, char *buffer, peer_frame_fn *each, void *arg);

#endif
