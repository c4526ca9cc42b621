#include "node/runtime/connection.h"

#include "lib/base/clock.h"
#include "node/broker/broker.h"
#include "node/broker/keepalive.h"
#include "node/broker/session.h"
#include "node/runtime/worker.h"

#include <assert.h>
#include <stdlib.h>

#define GATHER_BYTES (16u << 10) /* operations from here on are read on to in their own block */
#define WRITE_PIECES 64
#define SCRATCH_BYTES (64u << 10)
#define FLUSH_BYTES (64u << 10) /* a read this large is written on at once, while it is warm */

/* A closed session's peer is given a moment to read its last words before the socket goes. */
#define LINGER_SECONDS 1.0
#define LINGER_BYTES_MAX (4u << 20)

static void on_event(struct ev_loop *loop, ev_io *watcher, int events);
static void on_linger_end(struct ev_loop *loop, ev_timer *timer, int events);

static void set_events(struct connection *conn, int events)
{
    if (conn->watcher.events == events && ev_is_active(&conn->watcher))
        return;
    ev_io_stop(conn->worker->loop, &conn->watcher);
    ev_io_modify(&conn->watcher, events);
    if (events != 0)
        ev_io_start(conn->worker->loop, &conn->watcher);
}

static int wanted_events(const struct connection *conn)
{
    int events = conn->is_held ? 0 : EV_READ;

    if (conn->client != NULL && conn->client->blocked_ns != 0)
        events |= EV_WRITE;
    return events;
}

static void watch(struct connection *conn)
{
    set_events(conn, wanted_events(conn));
}

static void enlist(struct connection *conn)
{
    struct worker *worker = conn->worker;

    conn->next = worker->connections;
    conn->link = &worker->connections;
    if (conn->next != NULL)
        conn->next->link = &conn->next;
    worker->connections = conn;
    atomic_fetch_add_explicit(&worker->connection_count, 1, memory_order_relaxed);
}

static void delist(struct connection *conn)
{
    *conn->link = conn->next;
    if (conn->next != NULL)
        conn->next->link = conn->link;
    atomic_fetch_sub_explicit(&conn->worker->connection_count, 1, memory_order_relaxed);
}

bool connection_open(struct worker *worker, int fd, const struct address_ip *peer)
{
    struct connection *conn = calloc(1, sizeof *conn);
    struct stream stream;
    uint64_t cid = atomic_fetch_add(&worker->shard.broker->last_cid, 1) + 1;

    stream_init(&stream, fd);
    if (conn == NULL) {
        stream_close(&stream);
        return false;
    }
    conn->stream = stream;
    conn->worker = worker;
    conn->client = session_open(&worker->shard, cid, peer->ip, peer->port, clock_now_ns());
    if (conn->client == NULL) {
        stream_close(&conn->stream);
        free(conn);
        return false;
    }
    conn->client->owner = conn;
    enlist(conn);
    atomic_fetch_add(&worker->shard.broker->connections, 1);

    ev_io_init(&conn->watcher, on_event, fd, EV_READ);
    conn->watcher.data = conn;
    ev_timer_init(&conn->linger, on_linger_end, LINGER_SECONDS, 0);
    conn->linger.data = conn;
    ev_io_start(worker->loop, &conn->watcher);
    if (broker_is_full(worker->shard.broker, worker->shard.options))
        client_close(conn->client, STATUS_TOO_MANY_CONNECTIONS);
    return true;
}

/* What a gathered operation still lacks is memory that nobody has touched: it is kept apart, so that who
 * announces much and sends nothing does not make the node believe that it is full. */
static size_t unfilled(const struct connection *conn)
{
    return conn->cut_need == 0 ? 0 : conn->cut_need - conn->cut_len;
}

static void drop_cut(struct connection *conn)
{
    conn->worker->shard.blocks.bytes_unfilled -= unfilled(conn);
    if (conn->cut != NULL)
        block_unref(conn->cut);
    conn->cut = NULL;
    conn->cut_len = 0;
    conn->cut_need = 0;
}

static void unhold(struct connection *conn)
{
    struct connection **at = &conn->worker->held;

    if (!conn->is_held)
        return;
    while (*at != conn)
        at = &(*at)->next_held;
    *at = conn->next_held;
    conn->is_held = false;
}

static void end_session(struct connection *conn)
{
    drop_cut(conn);
    unhold(conn);
    client_free(conn->client);
    conn->client = NULL;
    atomic_fetch_sub(&conn->worker->shard.broker->connections, 1);
    worker_note_departure(conn->worker);
}

void connection_abort(struct connection *conn)
{
    struct worker *worker = conn->worker;

    if (conn->client != NULL)
        end_session(conn);
    ev_io_stop(worker->loop, &conn->watcher);
    ev_timer_stop(worker->loop, &conn->linger);
    stream_close(&conn->stream);
    delist(conn);
    free(conn);
}

/* The beginning of an operation moves to a block of the other shard. */
static bool move_cut(struct connection *conn, struct worker *to)
{
    struct block *moved;

    if (conn->cut == NULL)
        return true;
    moved = block_take_sized(&to->shard.blocks, conn->cut->capacity);
    if (moved == NULL)
        return false;
    memcpy(moved->data, conn->cut->data, conn->cut_len);
    conn->cut->pool->bytes_unfilled -= unfilled(conn);
    to->shard.blocks.bytes_unfilled += unfilled(conn);
    block_unref(conn->cut);
    conn->cut = moved;
    return true;
}

bool connection_move(struct connection *conn, struct worker *to)
{
    if (!move_cut(conn, to))
        return false;
    if (!client_move(conn->client, &to->shard)) {
        bool is_back = move_cut(conn, conn->worker);

        if (!is_back)
            client_close(conn->client, STATUS_OUT_OF_MEMORY);
        return false;
    }
    unhold(conn);
    ev_io_stop(conn->worker->loop, &conn->watcher);
    delist(conn);
    conn->worker = to;
    enlist(conn);
    conn->moved_at_ns = clock_now_ns();
    watch(conn);
    return true;
}

void connection_resume(struct connection *conn)
{
    watch(conn);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Keeps what is left of the input, the beginning of an operation, for the next read. */
static void keep_rest(struct connection *conn, struct bytes rest)
{
    struct client *c = conn->client;
    size_t need;
    size_t room;

    if (rest.len == 0 || client_is_closing(c))
        return;
    need = session_need(c, rest);
    room = need >= GATHER_BYTES ? need : rest.len;
    conn->cut = block_take_sized(&conn->worker->shard.blocks, room);
    if (conn->cut == NULL) {
        client_close(c, STATUS_OUT_OF_MEMORY);
        return;
    }
    memcpy(conn->cut->data, rest.data, rest.len);
    conn->cut_len = (uint32_t)rest.len;
    conn->cut_need = need >= GATHER_BYTES ? (uint32_t)need : 0;
    conn->worker->shard.blocks.bytes_unfilled += unfilled(conn);
}

static void give(struct connection *conn, struct bytes in, struct block *holder)
{
    uint64_t now_ns = conn->worker->shard.now_ns;
    size_t used = session_input(conn->client, in, holder, now_ns);

    keep_rest(conn, bytes_after(in, used));
}

/* The gathered operation is whole: acts on it. */
static void give_gathered(struct connection *conn)
{
    struct block *block = conn->cut;
    struct bytes whole = bytes_of(block->data, conn->cut_len);

    conn->cut = NULL;
    conn->cut_len = 0;
    conn->cut_need = 0;
    give(conn, whole, block);
    block_unref(block);
}

/* Reads behind a short beginning, which is put in front. */
static ssize_t read_on(struct connection *conn, struct block *input)
{
    struct iovec piece = {.iov_base = input->data, .iov_len = input->capacity};
    size_t kept = conn->cut_len;
    ssize_t n;

    if (kept > 0)
        memcpy(input->data, conn->cut->data, kept);
    piece.iov_base = input->data + kept;
    piece.iov_len -= kept;
    n = stream_read(&conn->stream, &piece, 1);
    if (n > 0) {
        drop_cut(conn);
        give(conn, bytes_of(input->data, kept + (size_t)n), input);
    }
    return n;
}

/* Reads the rest of a gathered operation to where it belongs, and what follows into the input. */
static ssize_t read_gathered(struct connection *conn, struct block *input)
{
    size_t missing = conn->cut_need - conn->cut_len;
    struct iovec pieces[] = {
        {.iov_base = conn->cut->data + conn->cut_len, .iov_len = missing},
        {.iov_base = input->data, .iov_len = input->capacity},
    };
    ssize_t n = stream_read(&conn->stream, pieces, 2);

    if (n <= 0)
        return n;
    conn->worker->shard.blocks.bytes_unfilled -= (size_t)n < missing ? (size_t)n : missing;
    if ((size_t)n < missing) {
        conn->cut_len += (uint32_t)n;
        conn->client->heard_ns = conn->worker->shard.now_ns;
        return n;
    }
    conn->cut_len = conn->cut_need;
    give_gathered(conn);
    if ((size_t)n > missing && !client_is_closing(conn->client))
        give(conn, bytes_of(input->data, (size_t)n - missing), input);
    return n;
}

static struct block *input_block(struct worker *worker)
{
    if (worker->input != NULL && worker->input->refs > 1) {
        block_unref(worker->input);
        worker->input = NULL;
    }
    if (worker->input == NULL)
        worker->input = block_take(&worker->shard.blocks);
    return worker->input;
}

static void on_readable(struct connection *conn)
{
    struct worker *worker = conn->worker;
    struct block *input = input_block(worker);
    uint64_t in_msgs = conn->client->in_msgs;
    ssize_t n;

    if (input == NULL) {
        client_close(conn->client, STATUS_OUT_OF_MEMORY);
        return;
    }
    n = conn->cut_need > 0 ? read_gathered(conn, input) : read_on(conn, input);
    if (n == STREAM_CLOSED)
        client_close(conn->client, STATUS_PEER_CLOSED);
    else if (n == STREAM_FAILED)
        client_close(conn->client, STATUS_READ_ERROR);
    if (pressure_is_on(&worker->pressure) && conn->client->in_msgs != in_msgs)
        client_hold(conn->client);
    if (n >= (ssize_t)FLUSH_BYTES)
        worker_flush(worker);
}

/* --- writing --------------------------------------------------------------------------------- */

/* Writes until the outbox is empty or the socket takes no more. */
static void write_outbox(struct connection *conn)
{
    static _Thread_local char scratch[SCRATCH_BYTES];
    struct iovec pieces[WRITE_PIECES];
    struct client *c = conn->client;
    uint64_t now_ns = conn->worker->shard.now_ns;

    while (c->outbox.pending > 0) {
        size_t count = outbox_gather(&c->outbox, pieces, WRITE_PIECES, scratch, sizeof scratch);
        ssize_t n = stream_write(&conn->stream, pieces, count);
        size_t asked = 0;

        if (n == STREAM_AGAIN)
            n = 0;
        if (n < 0) {
            outbox_clear(&c->outbox, &c->shard->slices);
            client_close(c, STATUS_WRITE_ERROR);
            return;
        }
        for (size_t i = 0; i < count; i++)
            asked += pieces[i].iov_len;
        keepalive_written(c, (size_t)n, (size_t)n < asked, now_ns);
        if ((size_t)n < asked)
            break;
    }
}

/* The session is over: says so to the peer, and reads on for a moment, since closing a socket with
 * unread bytes would destroy what was written last. */
static void begin_linger(struct connection *conn)
{
    bool has_said_something = status_text(conn->client->status) != NULL;

    end_session(conn);
    if (!has_said_something) {
        connection_abort(conn);
        return;
    }
    stream_shutdown_write(&conn->stream);
    ev_timer_start(conn->worker->loop, &conn->linger);
    set_events(conn, EV_READ);
}

static void on_linger_end(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    connection_abort(timer->data);
}

static void linger(struct connection *conn)
{
    char waste[4096];
    struct iovec piece = {.iov_base = waste, .iov_len = sizeof waste};
    ssize_t n = stream_read(&conn->stream, &piece, 1);

    if (n > 0)
        conn->lingered_bytes += (size_t)n;
    if ((n < 0 && n != STREAM_AGAIN) || conn->lingered_bytes > LINGER_BYTES_MAX)
        connection_abort(conn);
}

void connection_flush(struct connection *conn)
{
    struct client *c = conn->client;

    if (c->blocked_ns == 0 || client_is_closing(c))
        write_outbox(conn);
    else
        keepalive_written(c, 0, true, conn->worker->shard.now_ns);
    if (client_is_closing(c)) {
        begin_linger(conn);
        return;
    }
    if (c->is_held)
        worker_hold(conn->worker, conn);
    watch(conn);
}

static void on_writable(struct connection *conn)
{
    write_outbox(conn);
    if (!client_is_closing(conn->client))
        watch(conn);
    if (conn->client->outbox.pending <= CLIENT_BEHIND_BYTES / 4 &&
        !pressure_is_on(&conn->worker->pressure))
        worker_release_held(conn->worker);
}

static void on_event(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct connection *conn = watcher->data;

    (void)loop;
    conn->worker->shard.now_ns = clock_now_ns();
    if (conn->client == NULL) {
        linger(conn);
        return;
    }
    if (events & EV_WRITE)
        on_writable(conn);
    if ((events & EV_READ) && !client_is_closing(conn->client))
        on_readable(conn);
}
