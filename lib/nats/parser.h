/* parser: client protocol bytes in, one event at a time out.
 *
 * It is pulled and calls nobody. It keeps nothing either: an event that is not wholly in <in> is
 * not consumed, and the caller presents its bytes again, from the operation's first one, together
 * with those that followed. parser_need() says how many bytes that will take, once that is known,
 * so that a large message is gathered once, where it will stay. All views in an event look into
 * <in>.
 *
 * Grammar and refusals follow docs/protocol.md: operation names in any case, one or more blanks
 * between arguments, lines end at LF with at most one CR before it, a payload is followed by CR LF.
 *
 * Costs     some 110 instructions (9 ns) for a short publish written as every client writes it
 *           ("PUB subject 16\r\n"); anything else takes the general path, several times that. Both
 *           give the same answers. A payload's bytes are never looked at.
 * Threads   none of its business. Allocates nothing. */
#ifndef NATTER_NATS_PARSER_H
#define NATTER_NATS_PARSER_H

#include "lib/base/bytes.h"
#include "lib/nats/status.h"

#include <stdint.h>

enum event_kind {
    EVENT_CONNECT, /* args: the JSON */
    EVENT_PUBLISH, /* PUB and HPUB */
    EVENT_SUBSCRIBE,
    EVENT_UNSUBSCRIBE,
    EVENT_PING,
    EVENT_PONG,
    EVENT_IGNORED /* +OK and INFO, which mean nothing from a client */
};

struct event {
    enum event_kind kind;
    struct bytes subject; /* PUB, HPUB, SUB */
    struct bytes reply;   /* PUB, HPUB; empty when there is none */
    struct bytes queue;   /* SUB; empty when it is in no queue group */
    struct bytes sid;     /* SUB, UNSUB */
    struct bytes args;    /* CONNECT: the JSON; UNSUB: the maximum as written, empty when absent */
    struct bytes payload; /* PUB, HPUB: header block and payload together */
    uint32_t header_len;  /* HPUB: bytes of <payload> that are the header block */
    bool has_headers;     /* it was HPUB with a header block; one of 0 bytes makes it a PUB */

    /* A publish as a subscriber is to receive it, from after the subject to the last LF:
     * "[reply ]<sizes>CRLF<payload>CRLF". It is the publisher's own text where that is written as
     * the protocol would have it; empty otherwise, and then the sizes must be written anew. */
    struct bytes tail;
};

/* Sizes are written with at most this many digits, leading zeros counted. */
#define PARSER_SIZE_DIGITS_MAX 9

struct parser_limits {
    size_t control_line_max; /* bytes of a line's arguments, terminator not counted; as many blanks
                              * again may stand before them */
    size_t payload_max;      /* bytes of header block and payload together */
    bool headers_allowed;    /* HPUB was negotiated */
};

/* Takes the first whole operation off the front of *in and describes it in *event.
 *   STATUS_OK                     *event is filled, *in stands behind it
 *   STATUS_MORE                   *in holds no whole operation (it may be empty); it is left as it
 * is STATUS_UNKNOWN_OPERATION      not a client operation, or a payload not followed by CR LF
 *   STATUS_BAD_ARGUMENTS          wrong number of arguments, or a size that is none
 *   STATUS_LINE_TOO_LONG          more than <control_line_max>, even if the line is not whole yet
 *   STATUS_PAYLOAD_TOO_LARGE      announced: the payload is not waited for
 *   STATUS_HEADERS_NOT_NEGOTIATED HPUB without headers_allowed
 *   STATUS_PEER_ERROR             the peer said -ERR
 * After anything but OK and MORE the stream is not to be read on, and *in is left as it is. */
enum status parser_next(const struct parser_limits *limits, struct bytes *in, struct event *event);

/* How many bytes from the front of <in> its first operation takes: exact when its control line is
 * there and announces a payload, else one more than there are. For after STATUS_MORE. */
size_t parser_need(const struct parser_limits *limits, struct bytes in);

#endif
