/* frame: the bytes of a message, rendered once and sent a million times.
 *
 * The generator measures the broker, not itself: it prints no number and copies no subject while it
 * measures. A block is as many copies of one frame as fit a comfortable write(2).
 *
 * Owns      a block owns its bytes, from frame_block() to frame_block_fini().
 * Threads   none of its business: values only. */
#ifndef NATTER_BENCH_FRAME_H
#define NATTER_BENCH_FRAME_H

#include <stddef.h>

#define FRAME_SUBJECT_MAX 64        /* bytes of any subject used here, its NUL included */
#define FRAME_BLOCK_BYTES (1 << 18) /* what one write offers: fits a second-level cache */
#define FRAME_SID "1"               /* every subscription that receives has this sid */

struct frame_block {
    char *data;
    size_t len;        /* a multiple of <frame_len> */
    size_t frame_len;  /* one message, from its verb to the CRLF after its payload */
    size_t payload_at; /* where in a frame its payload begins */
    size_t payload_len;
};

/* Copies of "PUB <subject> <size>" and a payload of 'x'. */
struct frame_block frame_block_publish(const char *subject, size_t size);

/* Copies of what a broker makes of it: "MSG <subject> <sid> <size>" and the payload. A publisher
 * sends these to the relay, which passes on what it gets. */
struct frame_block frame_block_delivery(const char *subject, size_t size);

void frame_block_fini(struct frame_block *block);

/* How many bytes "MSG <subject> <sid> [<reply> ]<size>", the payload and their CRLFs take. */
size_t frame_delivery_len(size_t subject_len, size_t reply_len, size_t size);

#endif
