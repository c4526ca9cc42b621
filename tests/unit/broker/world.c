#include "tests/unit/broker/world.h"

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "node/broker/keepalive.h"
#include "node/broker/relay.h"
#include "node/broker/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define START_NS (1000 * CLOCK_NS_A_SECOND)
#define WRITE_PIECES 3
#define SCRATCH_BYTES 512
#define LINE_SIZE 1024

struct record {
    struct record *next;
    unsigned from;
    size_t len;
    char *data; /* exactly as long as it is, so that the sanitizer sees one byte too far */
};

/* The client's end of the connection. */
struct peer {
    struct client *client;
    char *kept; /* the beginning of an operation */
    size_t kept_len;
    bool was_dirty; /* the shard has asked for it to be written */
    bool is_gone;   /* left; only its texts remain */
    struct peer *next;
};

/* Memory of the tests' own, which no failing allocation concerns. */
struct text {
    struct text *next;
    char data[];
};

struct world world;

static struct peer *peers;
static struct text *texts;
static struct random chance; /* of how much a write takes */

/* --- the ways between shards ------------------------------------------------------------------ */

static char *way_reserve(void *arg, unsigned to, size_t len)
{
    struct shard *from = arg;
    struct way *way = &world.ways[from->index][to];

    assert(to != from->index && to < world.shard_count);
    assert(way->reserved == NULL);
    assert(len > 0 && len <= EXCHANGE_RECORD_MAX);
    if (way->is_full)
        return NULL;
    way->reserved = calloc(1, sizeof *way->reserved);
    if (way->reserved == NULL)
        return NULL;
    way->reserved->data = malloc(len);
    if (way->reserved->data == NULL) {
        free(way->reserved);
        way->reserved = NULL;
        return NULL;
    }
    way->reserved->from = from->index;
    way->reserved->len = len;
    return way->reserved->data;
}

static void way_commit(void *arg, unsigned to, size_t len)
{
    struct shard *from = arg;
    struct way *way = &world.ways[from->index][to];

    assert(way->reserved != NULL && way->reserved->len == len);
    *way->last = way->reserved;
    way->last = &way->reserved->next;
    way->reserved = NULL;
    way->count++;
}

static bool carry_one(unsigned from, unsigned to)
{
    struct way *way = &world.ways[from][to];
    struct record *record = way->first;

    if (record == NULL)
        return false;
    way->first = record->next;
    if (way->first == NULL)
        way->last = &way->first;
    way->count--;
    world.records++;
    if (record->len > world.longest)
        world.longest = record->len;
    relay_receive(&world.shards[to], from, bytes_of(record->data, record->len));
    free(record->data);
    free(record);
    return true;
}

void world_carry(void)
{
    bool has_moved = true;

    while (has_moved) {
        has_moved = false;
        for (unsigned from = 0; from < world.shard_count; from++) {
            exchange_retry(&world.shards[from]);
            for (unsigned to = 0; to < world.shard_count; to++)
                has_moved = carry_one(from, to) || has_moved;
        }
    }
    world_check();
}

/* --- the account's lock ----------------------------------------------------------------------- */

/* Nobody waits for it here; it notices who forgets to give it back, or takes it twice. */
static int readers;
static int writers;

static void lock_read(struct account_lock *lock)
{
    (void)lock;
    assert(writers == 0);
    readers++;
}

static void lock_read_end(struct account_lock *lock)
{
    (void)lock;
    readers--;
}

static void lock_write(struct account_lock *lock)
{
    (void)lock;
    assert(readers == 0 && writers == 0);
    writers++;
}

static void lock_write_end(struct account_lock *lock)
{
    (void)lock;
    writers--;
}

static struct account_lock lock = {lock_read, lock_read_end, lock_write, lock_write_end};

/* --- beginning and end ------------------------------------------------------------------------ */

static const struct options stock = {
    .host = (char *)(uintptr_t) "0.0.0.0",
    .server_name = (char *)(uintptr_t) "world",
    .port = 4222,
    .max_control_line = 4096,
    .max_payload = 1 << 20,
    .max_pending = 64 << 20,
    .max_connections = 65536,
    .ping_interval_ns = 120 * (int64_t)CLOCK_NS_A_SECOND,
    .ping_max = 2,
    .write_deadline_ns = 10 * (int64_t)CLOCK_NS_A_SECOND,
};

static bool open_shard(unsigned index)
{
    struct shard *shard = &world.shards[index];

    for (unsigned to = 0; to < WORLD_SHARDS_MAX; to++)
        world.ways[index][to].last = &world.ways[index][to].first;
    if (!shard_init(shard, &world.broker, index, world.shard_count, world.seed))
        return false;
    shard->options = &world.options;
    shard->now_ns = world.now_ns;
    shard->host = (struct shard_host){.arg = shard, .reserve = way_reserve, .commit = way_commit};
    return true;
}

bool world_try_open(unsigned shards)
{
    assert(shards <= WORLD_SHARDS_MAX);
    log_open(&(struct log_options){.level = LOG_ERROR});
    readers = writers = 0;
    world = (struct world){.options = stock, .shard_count = shards, .seed = 42};
    world.now_ns = START_NS;
    random_init(&chance, world.seed);
    if (!broker_init(&world.broker, &world.options, shards > 1 ? &lock : NULL))
        return false;
    for (unsigned i = 0; i < shards; i++) {
        if (open_shard(i))
            continue;
        while (i-- > 0)
            shard_fini(&world.shards[i]);
        broker_fini(&world.broker);
        return false;
    }
    return true;
}

void world_open(unsigned shards)
{
    bool is_open = world_try_open(shards);

    assert(is_open);
}

void world_check(void)
{
    assert(readers == 0 && writers == 0);
    for (unsigned i = 0; i < world.shard_count; i++) {
        shard_check(&world.shards[i]);
        assert(!delivery_is_pending(&world.shards[i].delivery));
    }
    interest_check(&world.broker.global.interest);
}

static void forget_texts(void)
{
    while (texts != NULL) {
        struct text *next = texts->next;

        free(texts);
        texts = next;
    }
}

static void forget_peers(void)
{
    while (peers != NULL) {
        struct peer *next = peers->next;

        free(peers->kept);
        free(peers);
        peers = next;
    }
}

void world_close(void)
{
    for (struct peer *p = peers; p != NULL; p = p->next) {
        if (!p->is_gone)
            leave(p->client);
    }
    world_carry();
    for (unsigned i = 0; i < world.shard_count; i++)
        shard_fini(&world.shards[i]);
    broker_fini(&world.broker);
    forget_peers();
    forget_texts();
}

/* --- text ------------------------------------------------------------------------------------- */

static char *keep_text(size_t len)
{
    struct text *t = malloc(sizeof *t + len + 1);

    assert(t != NULL);
    t->next = texts;
    texts = t;
    t->data[len] = '\0';
    return t->data;
}

static const char *format_text(const char *format, va_list args)
{
    va_list again;
    int len;
    char *out;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(len >= 0);
    out = keep_text((size_t)len);
    vsnprintf(out, (size_t)len + 1, format, args);
    return out;
}

const char *text_of(const char *format, ...)
{
    va_list args;
    const char *out;

    va_start(args, format);
    out = format_text(format, args);
    va_end(args);
    return out;
}

const char *large(char fill, size_t size)
{
    char *out = keep_text(size);

    memset(out, fill, size);
    return out;
}

bool is_text(const char *got, const char *due)
{
    size_t at = 0;

    while (got[at] != '\0' && got[at] == due[at])
        at++;
    if (got[at] == due[at])
        return true;
    fprintf(stderr, "at byte %zu of %zu: \"%.60s\", not \"%.60s\"\n", at, strlen(got), got + at,
            due + at);
    return false;
}

unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* --- clients ---------------------------------------------------------------------------------- */

static struct peer *peer_of(struct client *c)
{
    return c->owner;
}

struct client *join_saying(unsigned shard, const char *connect)
{
    struct peer *p = calloc(1, sizeof *p);
    struct client *c;

    if (p == NULL)
        return NULL;
    c = session_open(&world.shards[shard], atomic_fetch_add(&world.broker.last_cid, 1) + 1,
                     "192.0.2.7", 5555, world.now_ns);
    if (c == NULL) {
        free(p);
        return NULL;
    }
    p->client = c;
    c->owner = p;
    p->next = peers;
    peers = p;
    if (connect != NULL) {
        char line[LINE_SIZE];
        int len = snprintf(line, sizeof line, "CONNECT %s\r\n", connect);

        assert(len > 0 && len < LINE_SIZE);
        say(c, line);
    }
    world_check();
    return c;
}

struct client *join(unsigned shard)
{
    struct client *c = join_saying(
        shard, "{\"verbose\":false,\"pedantic\":false,\"headers\":true,\"protocol\":1}");

    if (c == NULL)
        return NULL;
    say(c, "PING\r\n");
    heard(c);
    return c;
}

void leave(struct client *c)
{
    peer_of(c)->is_gone = true;
    client_free(c);
    world_check();
}

void release(struct client *c)
{
    c->is_held = false;
    c->behind_shards = 0;
}

/* --- what goes in ----------------------------------------------------------------------------- */

/* Keeps what session_input() has not taken, as the runtime does. */
static void keep_rest(struct peer *p, struct bytes rest)
{
    char *kept = NULL;

    if (rest.len > 0 && !client_is_closing(p->client)) {
        size_t need = session_need(p->client, rest);

        assert(need > rest.len);
        kept = malloc(rest.len);
        if (kept == NULL)
            client_close(p->client, STATUS_OUT_OF_MEMORY);
        else
            memcpy(kept, rest.data, rest.len);
    }
    free(p->kept);
    p->kept = kept;
    p->kept_len = kept == NULL ? 0 : rest.len;
}

static void give(struct peer *p, struct bytes in, struct block *holder)
{
    size_t taken = session_input(p->client, in, holder, world.now_ns);

    assert(taken <= in.len);
    keep_rest(p, bytes_after(in, taken));
}

/* Presents what was kept and <more> together, in a block of exactly that length. */
static void present(struct peer *p, struct bytes more)
{
    struct block_pool *pool = &p->client->shard->blocks;
    size_t len = p->kept_len + more.len;
    struct block *block = block_take_sized(pool, len);

    if (block == NULL) {
        client_close(p->client, STATUS_OUT_OF_MEMORY);
        return;
    }
    if (p->kept_len > 0)
        memcpy(block->data, p->kept, p->kept_len);
    memcpy(block->data + p->kept_len, more.data, more.len);
    give(p, bytes_of(block->data, len), world.pieces == WHOLE ? block : NULL);
    if (world.pieces != WHOLE)
        memset(block->data, '#', len); /* nobody may look into it any more */
    block_unref(block);
}

static void note_dirty(void)
{
    for (unsigned i = 0; i < world.shard_count; i++) {
        struct client *c;

        while ((c = shard_take_dirty(&world.shards[i])) != NULL)
            peer_of(c)->was_dirty = true;
    }
}

void say_bytes(struct client *c, struct bytes text)
{
    size_t step = world.pieces == BYTE_BY_BYTE ? 1 : text.len;

    for (size_t at = 0; at < text.len && !client_is_closing(c); at += step)
        present(peer_of(c), bytes_of(text.data + at, step));
    if (!world.is_still)
        world_carry();
    world_check();
}

void say(struct client *c, const char *text)
{
    say_bytes(c, bytes_of_str(text));
}

void sayf(struct client *c, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(c, format_text(format, args));
    va_end(args);
}

void say_large(struct client *c, const char *subject, char fill, size_t size)
{
    sayf(c, "PUB %s %zu\r\n%s\r\n", subject, size, large(fill, size));
}

/* --- what comes out --------------------------------------------------------------------------- */

/* Writes some of what one writev() would take, to <out>. */
static size_t write_some(struct client *c, char *out, size_t room)
{
    struct iovec iov[WRITE_PIECES];
    char scratch[SCRATCH_BYTES];
    size_t pieces = outbox_gather(&c->outbox, iov, WRITE_PIECES, scratch, sizeof scratch);
    size_t total = 0;
    size_t used = 0;
    bool is_blocked;

    assert(pieces > 0 && pieces <= WRITE_PIECES);
    for (size_t i = 0; i < pieces; i++)
        total += iov[i].iov_len;
    assert(total > 0 && total <= c->outbox.pending);
    total = random_below(&chance, 2) == 0 ? total : 1 + random_below(&chance, (uint32_t)total);
    if (total > room)
        total = room;
    for (size_t i = 0; i < pieces && used < total; i++) {
        size_t n = iov[i].iov_len < total - used ? iov[i].iov_len : total - used;

        memcpy(out + used, iov[i].iov_base, n);
        used += n;
    }
    is_blocked = total < c->outbox.pending && random_below(&chance, 2) == 0;
    keepalive_written(c, total, is_blocked, world.now_ns);
    return total;
}

struct bytes heard_bytes(struct client *c)
{
    size_t len = c->outbox.pending;
    char *out = keep_text(len);
    size_t used = 0;

    note_dirty();
    assert(len == 0 || peer_of(c)->was_dirty);
    while (c->outbox.pending > 0)
        used += write_some(c, out + used, len - used);
    assert(used == len);
    peer_of(c)->was_dirty = false;
    world_check();
    return bytes_of(out, len);
}

const char *heard(struct client *c)
{
    return heard_bytes(c).data;
}

void take(struct client *c, size_t n)
{
    size_t len = n < c->outbox.pending ? n : c->outbox.pending;

    note_dirty();
    keepalive_written(c, len, len < c->outbox.pending, world.now_ns);
    world_check();
}

/* --- time ------------------------------------------------------------------------------------- */

static struct client *client_of_timer(struct timer *t)
{
    return (struct client *)(void *)((char *)t - offsetof(struct client, timer));
}

static void tick(uint64_t now_ns)
{
    for (unsigned i = 0; i < world.shard_count; i++) {
        struct timer *due;

        world.shards[i].now_ns = now_ns;
        while ((due = timers_take_due(&world.shards[i].timers, now_ns)) != NULL)
            keepalive_tick(client_of_timer(due), now_ns);
    }
    world_check();
}

static uint64_t next_due(void)
{
    uint64_t next = TIMERS_NEVER;

    for (unsigned i = 0; i < world.shard_count; i++) {
        uint64_t due = timers_next_due(&world.shards[i].timers);

        next = due < next ? due : next;
    }
    return next;
}

void pass(double seconds)
{
    uint64_t end = world.now_ns + (uint64_t)(seconds * (double)CLOCK_NS_A_SECOND);
    uint64_t due;

    while ((due = next_due()) <= end) {
        world.now_ns = due > world.now_ns ? due : world.now_ns;
        tick(world.now_ns);
    }
    world.now_ns = end;
    tick(end);
}
