/* wire: a raw connection to a node, byte by byte.
 *
 * It knows no protocol: it sends what it is given and keeps what came in until someone takes it. It
 * reads only when asked for more, so a connection that nobody asks is a consumer that stands still.
 *
 * Owns      the socket and what was received but not taken.
 * Threads   one a connection.
 * Waits     by poll() and until a deadline; it never sleeps. */
#ifndef NATTER_SYSTEM_WIRE_H
#define NATTER_SYSTEM_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_state {
    WIRE_OPEN,
    WIRE_CLOSED, /* by the peer, in order or by a reset */
    WIRE_LATE    /* nothing came before the deadline */
};

struct wire {
    int fd;
    bool broken;       /* a send failed: the peer has gone; reading tells the rest */
    size_t split;      /* cut what is sent every so many bytes; 0: do not cut */
    int64_t opened_ms; /* when it was opened */
    int64_t heard_ms;  /* when something last came in, and the time before */
    int64_t heard_before_ms;
    char *data; /* what came in and was not taken; until the next wire_more() */
    size_t len;
    size_t size;
};

/* Opens a connection to 127.0.0.1; false when it is refused. <receive_bytes> bounds what the kernel
 * takes in for a connection that does not read; 0 leaves that to the kernel. */
bool wire_open(struct wire *wire, uint16_t port, int receive_bytes);

void wire_close(struct wire *wire); /* in order; safe to repeat */
void wire_reset(struct wire *wire); /* by a TCP reset */

/* Sends everything, waiting for the peer if need be. What a peer that has gone does not take any
 * more is dropped: its answer, or its closing, is read by the caller. */
void wire_send(struct wire *wire, const char *data, size_t len);
void wire_send_text(struct wire *wire, const char *text);

/* Adds to <data> what comes in until <deadline>, a time of now_ms(). */
enum wire_state wire_more(struct wire *wire, int64_t deadline);

/* Drops the first <len> bytes of what came in. */
void wire_take(struct wire *wire, size_t len);

/* A node may ask at any time whether we still live. Takes its PING, if that is what came, answers
 * it, and returns true. */
bool wire_answer_ping(struct wire *wire);

/* Convenience for tests in C: each waits up to NODE_DEADLINE_MS, says on standard error what came
 * instead, and returns whether it was as expected. A PING of the node is answered on the way. */
bool wire_expect(struct wire *wire, const char *text);
bool wire_expect_info(struct wire *wire);   /* takes one INFO line, whatever is in it */
bool wire_expect_closed(struct wire *wire); /* nothing but the end */
bool wire_cut_off(struct wire *wire);       /* anything but "-ERR", then the end */

/* Opens, takes the INFO line, sends <connect> (a whole line) and waits for the first PONG. */
bool wire_join(struct wire *wire, uint16_t port, const char *connect);

/* Prints bytes on standard error with their escapes; long ones are cut. */
void wire_print(const char *data, size_t len);

#endif
