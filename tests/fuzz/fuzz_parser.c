/* fuzz_parser: any bytes, in pieces of any size, into the client protocol's parser.
 *
 * The first byte of the input chooses limits and the size of the pieces, the rest is the stream.
 * Each presentation is a heap block of exactly its length, so that the sanitizer sees one byte too
 * far. What is promised of every event is asserted, and that the pieces give the events of the
 * whole. */
#include "lib/nats/parser.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EVENTS_MAX 4096
#define STREAM_MAX 65536

/* What must be the same however the stream is cut. */
struct outcome {
    enum status last;
    size_t consumed; /* bytes of the stream taken when it ended */
    size_t count;
    uint32_t digests[EVENTS_MAX];
};

static bool is_within(struct bytes part, struct bytes whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

/* A tail, if there is one, is what we would write ourselves. */
static void check_tail(const struct event *event)
{
    char line[8192];
    int n;

    if (event->tail.len == 0)
        return;
    n = event->has_headers
            ? snprintf(line, sizeof line, "%.*s%s%u %zu\r\n", BYTES_ARG(event->reply),
                       event->reply.len > 0 ? " " : "", event->header_len, event->payload.len)
            : snprintf(line, sizeof line, "%.*s%s%zu\r\n", BYTES_ARG(event->reply),
                       event->reply.len > 0 ? " " : "", event->payload.len);
    if (event->reply.len > 0 && memchr(event->reply.data, '\0', event->reply.len) != NULL)
        return; /* beyond printf */
    assert(n > 0 && (size_t)n < sizeof line);
    assert(event->tail.len == (size_t)n + event->payload.len + 2);
    assert(memcmp(event->tail.data, line, (size_t)n) == 0);
    assert(event->tail.data + n == event->payload.data);
    assert(memcmp(event->payload.data + event->payload.len, "\r\n", 2) == 0);
}

static void check_event(const struct parser_limits *limits, const struct event *event,
                        struct bytes in)
{
    assert(is_within(event->subject, in) && is_within(event->reply, in));
    assert(is_within(event->queue, in) && is_within(event->sid, in));
    assert(is_within(event->args, in) && is_within(event->payload, in));
    assert(is_within(event->tail, in));
    assert(event->payload.len <= limits->payload_max);
    assert(event->header_len <= event->payload.len);
    assert(event->has_headers == (event->header_len > 0));
    if (event->kind == EVENT_PUBLISH || event->kind == EVENT_SUBSCRIBE)
        assert(event->subject.len > 0);
    if (event->kind == EVENT_SUBSCRIBE || event->kind == EVENT_UNSUBSCRIBE)
        assert(event->sid.len > 0);
    check_tail(event);
}

static uint32_t digest_of(const struct event *event)
{
    const struct bytes parts[] = {event->subject, event->reply, event->queue,  event->sid,
                                  event->args,    event->tail,  event->payload};
    uint32_t digest = (uint32_t)event->kind * 31 + event->header_len;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        digest = digest * 16777619 ^
                 bytes_hash(bytes_of(parts[i].len > 0 ? parts[i].data : "", parts[i].len));
    return digest;
}

/* Presents <stream> in pieces; what was not taken comes again with the next piece. */
static void run(const struct parser_limits *limits, struct bytes stream, size_t piece,
                struct outcome *out)
{
    size_t end = 0;

    *out = (struct outcome){.last = STATUS_MORE};
    while (out->last == STATUS_MORE && end < stream.len) {
        size_t len;
        char *block;
        struct bytes in;
        struct event event;

        end = stream.len - end > piece ? end + piece : stream.len;
        len = end - out->consumed;
        block = malloc(len);
        assert(block != NULL);
        memcpy(block, stream.data + out->consumed, len);
        in = bytes_of(block, len);
        while ((out->last = parser_next(limits, &in, &event)) == STATUS_OK) {
            check_event(limits, &event, bytes_of(block, len));
            if (out->count < EVENTS_MAX)
                out->digests[out->count++] = digest_of(&event);
        }
        if (out->last == STATUS_MORE)
            assert(parser_need(limits, in) > in.len);
        assert(in.data + in.len == block + len || in.len == 0);
        out->consumed = end - in.len;
        free(block);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct outcome whole;
    static struct outcome pieces;
    struct parser_limits limits = {.control_line_max = 4096, .payload_max = 65536};
    struct bytes stream;

    if (size < 1 || size > STREAM_MAX)
        return 0;
    stream = bytes_of((const char *)data + 1, size - 1);
    limits.headers_allowed = (data[0] & 1) == 0;
    if ((data[0] & 2) != 0)
        limits = (struct parser_limits){24, 16, limits.headers_allowed};
    run(&limits, stream, STREAM_MAX, &whole);
    run(&limits, stream, 1 + (data[0] >> 2), &pieces);
    assert(whole.last == pieces.last);
    assert(whole.consumed == pieces.consumed);
    assert(whole.count == pieces.count);
    assert(memcmp(whole.digests, pieces.digests, whole.count * sizeof whole.digests[0]) == 0);
    return 0;
}
