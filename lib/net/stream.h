/* stream: a connected socket that never blocks.
 *
 * Reads and writes in gathers, and says in one word how it went. Plain TCP is built in; another
 * transport (TLS) fills a table of functions and hands back the same words, so that a connection
 * does not know what it runs over. Plain TCP pays for that one branch, always the same way.
 *
 * No write raises SIGPIPE: a peer that is gone is STREAM_CLOSED, nothing more.
 *
 * Owns      its descriptor, and its transport's state, until stream_close().
 * Threads   a stream belongs to one thread at a time; it may move between calls.
 * Allocates nothing itself. */
#ifndef NATTER_NET_STREAM_H
#define NATTER_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What stream_read() and stream_write() return instead of a count of bytes. */
#define STREAM_AGAIN (-1) /* not now: wait until the descriptor is ready */
#define STREAM_CLOSED                                                                              \
    (-2)                   /* reading: the peer has sent its last byte; writing: it takes no more  \
                            */
#define STREAM_FAILED (-3) /* broken; <error> holds the errno */

/* More pieces than this in one call are left for the next: the kernel takes no more at once. */
#define STREAM_PIECES_MAX 1024

struct stream;

/* A transport other than plain TCP. Each function promises what its namesake below promises. */
struct stream_transport {
    ssize_t (*read)(struct stream *stream, const struct iovec *pieces, size_t count);
    ssize_t (*write)(struct stream *stream, const struct iovec *pieces, size_t count);
    bool (*has_buffered)(const struct stream *stream);
    void (*shutdown_write)(struct stream *stream);
    void (*release)(struct stream *stream); /* frees <state>; the descriptor is closed after it */
};

struct stream {
    int fd;
    int error;                                /* errno behind the last STREAM_FAILED */
    const struct stream_transport *transport; /* NULL: plain TCP */
    void *state;                              /* the transport's own */
};

/* Makes <stream> the owner of <fd>, a connected, non-blocking socket, over plain TCP. */
void stream_init(struct stream *stream, int fd);

/* The same over another transport, which owns <state>. */
void stream_init_over(struct stream *stream, int fd, const struct stream_transport *transport,
                      void *state);

ssize_t stream_plain_read(struct stream *stream, const struct iovec *pieces, size_t count);
ssize_t stream_plain_write(struct stream *stream, const struct iovec *pieces, size_t count);

/* Reads what is there into <pieces>, in order: how many bytes (at least 1), or one of the words
 * above. The pieces hold at least one byte together. */
static inline ssize_t stream_read(struct stream *stream, const struct iovec *pieces, size_t count)
{
    if (__builtin_expect(stream->transport == NULL, 1))
        return stream_plain_read(stream, pieces, count);
    return stream->transport->read(stream, pieces, count);
}

/* Writes as much of <pieces>, in order, as goes without waiting: how many bytes, which may be fewer
 * than given, or one of the words above. After STREAM_AGAIN the next write begins with the same
 * bytes, as TLS asks for. */
static inline ssize_t stream_write(struct stream *stream, const struct iovec *pieces, size_t count)
{
    if (__builtin_expect(stream->transport == NULL, 1))
        return stream_plain_write(stream, pieces, count);
    return stream->transport->write(stream, pieces, count);
}

/* Whether the transport holds bytes that were received but not yet read: the descriptor will not
 * become readable for them, so who stops reading early must ask. Never true over plain TCP. */
static inline bool stream_has_buffered(const struct stream *stream)
{
    return stream->transport != NULL && stream->transport->has_buffered(stream);
}

/* Tells the peer that nothing more will be written, once what was written has gone. */
void stream_shutdown_write(struct stream *stream);

/* Closes the descriptor and frees the transport's state; a second call is no work. */
void stream_close(struct stream *stream);

#endif
