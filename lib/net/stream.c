#include "lib/net/stream.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

void stream_init(struct stream *stream, int fd)
{
    stream_init_over(stream, fd, NULL, NULL);
}

void stream_init_over(struct stream *stream, int fd, const struct stream_transport *transport,
                      void *state)
{
    assert(fd >= 0);
    *stream = (struct stream){.fd = fd, .transport = transport, .state = state};
}

static size_t at_most(size_t count)
{
    return count < STREAM_PIECES_MAX ? count : STREAM_PIECES_MAX;
}

/* One piece, the common case, spares the kernel copying a vector in. */
static ssize_t receive(int fd, const struct iovec *pieces, size_t count)
{
    return count == 1 ? recv(fd, pieces->iov_base, pieces->iov_len, 0)
                      : readv(fd, pieces, (int)at_most(count));
}

static ssize_t transmit(int fd, const struct iovec *pieces, size_t count)
{
    struct msghdr message = {
        .msg_iov = (struct iovec *)pieces, /* sendmsg() only reads it */
        .msg_iovlen = at_most(count),
    };

    return count == 1 ? send(fd, pieces->iov_base, pieces->iov_len, MSG_NOSIGNAL)
                      : sendmsg(fd, &message, MSG_NOSIGNAL);
}

/* The word for a call that failed with errno. */
static ssize_t word_for_errno(struct stream *stream)
{
    if (errno == EAGAIN)
        return STREAM_AGAIN;
    if (errno == EPIPE)
        return STREAM_CLOSED;
    stream->error = errno;
    return STREAM_FAILED;
}

ssize_t stream_plain_read(struct stream *stream, const struct iovec *pieces, size_t count)
{
    ssize_t n;

    assert(count > 0);
    do {
        n = receive(stream->fd, pieces, count);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    return n == 0 ? STREAM_CLOSED : word_for_errno(stream);
}

ssize_t stream_plain_write(struct stream *stream, const struct iovec *pieces, size_t count)
{
    ssize_t n;

    assert(count > 0);
    do {
        n = transmit(stream->fd, pieces, count);
    } while (n < 0 && errno == EINTR);
    return n >= 0 ? n : word_for_errno(stream);
}

void stream_shutdown_write(struct stream *stream)
{
    if (stream->transport != NULL)
        stream->transport->shutdown_write(stream);
    else
        (void)shutdown(stream->fd, SHUT_WR); /* fails only for a peer that is gone already */
}

void stream_close(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    if (stream->transport != NULL)
        stream->transport->release(stream);
    close(stream->fd);
    stream->fd = -1;
    stream->transport = NULL;
    stream->state = NULL;
}
