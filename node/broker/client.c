#include "node/broker/client.h"

#include "lib/base/log.h"
#include "node/broker/broker.h"
#include "node/broker/shard.h"
#include "node/broker/subscription.h"
#include "node/broker/trace.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* A client with more subscriptions than this costs less by having every plan worked out again. */
#define REGROUP_SINGLY_MAX 64

/* --- what goes out --------------------------------------------------------------------------- */

void client_mark_dirty(struct client *c)
{
    if (c->is_dirty)
        return;
    c->is_dirty = true;
    c->next_dirty = c->shard->dirty;
    c->shard->dirty = c;
}

void client_hold(struct client *c)
{
    c->is_held = true;
    client_mark_dirty(c);
}

static void hold_if_all_behind(struct client *c)
{
    if (c->reach_shards != 0 && (c->behind_shards & c->reach_shards) == c->reach_shards)
        client_hold(c);
}

void client_note_reach(struct client *c, uint64_t shards, size_t least_pending)
{
    uint64_t own = UINT64_C(1) << c->shard->index;

    c->reach_shards = shards | (least_pending != SIZE_MAX ? own : 0);
    c->behind_shards &= ~own;
    if (least_pending != SIZE_MAX && least_pending > CLIENT_BEHIND_BYTES)
        c->behind_shards |= own;
    hold_if_all_behind(c);
}

void client_note_behind(struct client *c, unsigned from)
{
    c->behind_shards |= UINT64_C(1) << from;
    hold_if_all_behind(c);
}

void client_send(struct client *c, struct bytes text)
{
    if (c->is_closing)
        return;
    if (trace_is_on())
        trace_text(c, text);
    if (!outbox_append_copy(&c->outbox, &c->shard->slices, &c->shard->writer, text))
        client_close(c, STATUS_OUT_OF_MEMORY);
    else if (c->outbox.pending > (size_t)c->shard->options->max_pending)
        client_close(c, STATUS_SLOW_PENDING);
    client_mark_dirty(c);
}

static void send_error(struct client *c, struct bytes text)
{
    client_send(c, bytes_of_str("-ERR '"));
    client_send(c, text);
    client_send(c, bytes_of_str("'\r\n"));
}

void client_send_info(struct client *c)
{
    char line[SERVER_INFO_LINE_MAX];
    size_t len = broker_write_info(c->shard->broker, c, line, sizeof line);

    if (len == 0)
        client_close(c, STATUS_OUT_OF_MEMORY);
    client_send(c, bytes_of(line, len));
}

void client_update_info(struct client *c)
{
    if (c->connect.protocol < 1)
        return;
    if (c->has_ponged)
        client_send_info(c);
    else
        c->info_is_due = true;
}

void client_log_refusal(const struct client *c, enum status st)
{
    log_event(LOG_DEBUG, "client.refused", "cid=%llu ip=%s port=%u status=%s",
              (unsigned long long)c->cid, c->ip, c->port, status_name(st));
}

void client_error(struct client *c, enum status st)
{
    client_log_refusal(c, st);
    send_error(c, bytes_of_str(status_text(st)));
}

static bool is_slow(enum status why)
{
    return why == STATUS_SLOW_PENDING || why == STATUS_SLOW_DEADLINE || why == STATUS_OUT_OF_MEMORY;
}

static void log_close(struct client *c, enum status why)
{
    if (is_slow(why)) {
        c->shard->stats.slow_consumers++;
        log_event(
            LOG_WARN, "client.slow", "cid=%llu ip=%s port=%u name=\"%s\" reason=\"%s\" pending=%zu",
            (unsigned long long)c->cid, c->ip, c->port,
            c->connect.name == NULL ? "" : c->connect.name, status_reason(why), c->outbox.pending);
        return;
    }
    log_event(LOG_DEBUG, "client.closed", "cid=%llu ip=%s port=%u reason=\"%s\"",
              (unsigned long long)c->cid, c->ip, c->port, status_reason(why));
}

void client_close(struct client *c, enum status why)
{
    if (c->is_closing)
        return;
    log_close(c, why);
    if (is_slow(why))
        outbox_clear(&c->outbox, &c->shard->slices);
    else if (status_text(why) != NULL)
        send_error(c, bytes_of_str(status_text(why)));
    c->is_closing = true;
    c->status = why;
    client_mark_dirty(c);
}

/* --- subscriptions --------------------------------------------------------------------------- */

static bool has_sid(const void *item, const void *key)
{
    return bytes_equal(subscription_sid(item), *(const struct bytes *)key);
}

struct subscription *client_find_subscription(const struct client *c, struct bytes sid)
{
    return table_find(&c->subs, bytes_hash(sid), has_sid, &sid);
}

uint32_t client_subscription_count(const struct client *c)
{
    return table_count(&c->subs);
}

static void withdraw(struct client *c, struct subscription *sub)
{
    account_write(c->account);
    interest_remove(&c->account->interest, &sub->entry);
    account_write_end(c->account);
}

void client_drop_subscription(struct client *c, struct subscription *sub)
{
    table_remove(&c->subs, bytes_hash(subscription_sid(sub)), sub);
    withdraw(c, sub);
    subscription_free(sub);
}

enum status client_add_subscription(struct client *c, const struct subscription_request *request)
{
    struct subscription *sub = subscription_new(c, request);
    enum status st;

    if (sub == NULL)
        return STATUS_OUT_OF_MEMORY;
    if (!table_add(&c->subs, bytes_hash(request->sid), sub)) {
        subscription_free(sub);
        return STATUS_OUT_OF_MEMORY;
    }
    account_write(c->account);
    st = interest_add(&c->account->interest, &sub->entry);
    account_write_end(c->account);
    if (st != STATUS_OK) {
        table_remove(&c->subs, bytes_hash(request->sid), sub);
        subscription_free(sub);
    }
    return st;
}

void client_limit_subscription(struct client *c, struct subscription *sub, uint32_t max)
{
    if (max == 0 || sub->delivered >= max) {
        client_drop_subscription(c, sub);
        return;
    }
    sub->deliver_max = max;
    account_write(c->account);
    interest_touch(&c->account->interest, &sub->entry);
    account_write_end(c->account);
}

/* Its subscriptions stand in plans by whether it takes headers. */
void client_regroup(struct client *c)
{
    struct subscription *sub;

    account_write(c->account);
    if (table_count(&c->subs) > REGROUP_SINGLY_MAX) {
        interest_touch_all(&c->account->interest);
    } else {
        for (uint32_t at = 0; (sub = table_next(&c->subs, &at)) != NULL;)
            interest_touch(&c->account->interest, &sub->entry);
    }
    account_write_end(c->account);
}

void client_apply_options(struct client *c)
{
    const struct options *options = c->shard->options;
    size_t payload_max = (size_t)options->max_payload;
    bool is_news = c->limits.payload_max != 0 && c->limits.payload_max != payload_max;

    c->limits.control_line_max = (size_t)options->max_control_line;
    c->limits.payload_max = payload_max;
    c->headers = c->connect.headers && !options->no_header_support;
    c->limits.headers_allowed = c->headers;
    if (is_news)
        client_update_info(c);
}

/* --- beginning and end ----------------------------------------------------------------------- */

/* Into the shard's list, and out of it and the table. */
static void enlist(struct client *c)
{
    c->next = c->shard->clients;
    c->link = &c->shard->clients;
    if (c->next != NULL)
        c->next->link = &c->next;
    c->shard->clients = c;
    c->shard->client_count++;
}

static void delist(struct client *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->shard->client_count--;
    table_remove(&c->shard->by_cid, client_cid_hash(c->cid), c);
}

static void undirty(struct client *c)
{
    struct client **at = &c->shard->dirty;

    if (!c->is_dirty)
        return;
    while (*at != c)
        at = &(*at)->next_dirty;
    *at = c->next_dirty;
    c->is_dirty = false;
    c->next_dirty = NULL;
}

struct client *client_new(struct shard *shard, uint64_t cid, const char *ip, uint16_t port)
{
    struct client *c = calloc(1, sizeof *c);

    if (c == NULL)
        return NULL;
    c->shard = shard;
    c->account = &shard->broker->global;
    c->cid = cid;
    c->port = port;
    snprintf(c->ip, sizeof c->ip, "%s", ip);
    connect_init(&c->connect);
    c->echo = c->connect.echo;
    c->verbose = c->connect.verbose;
    c->pedantic = c->connect.pedantic;
    client_apply_options(c);
    table_init(&c->subs);

    if (!table_add(&shard->by_cid, client_cid_hash(cid), c)) {
        connect_fini(&c->connect);
        free(c);
        return NULL;
    }
    enlist(c);
    return c;
}

/* All that waits to be written, in a block of <to>. */
static bool move_outbox(struct client *c, struct shard *to)
{
    size_t len = c->outbox.pending;
    struct outbox moved = {0};
    struct block *block;
    size_t used = 0;
    bool is_moved;

    if (len == 0)
        return true;
    block = block_take_sized(&to->blocks, len);
    if (block == NULL)
        return false;
    for (const struct slice *s = c->outbox.first; s != NULL; s = s->next) {
        memcpy(block->data + used, s->data, s->len);
        used += s->len;
    }
    is_moved = outbox_append(&moved, &to->slices, block, block->data, len);
    block_unref(block);
    if (!is_moved)
        return false;
    outbox_clear(&c->outbox, &c->shard->slices);
    c->outbox = moved;
    return true;
}

bool client_move(struct client *c, struct shard *to)
{
    uint64_t due_ns = c->timer.due_ns;
    bool was_dirty = c->is_dirty;

    if (!timers_reserve(&to->timers) || !table_add(&to->by_cid, client_cid_hash(c->cid), c))
        return false;
    if (!move_outbox(c, to)) {
        table_remove(&to->by_cid, client_cid_hash(c->cid), c);
        return false;
    }
    timers_cancel(&c->shard->timers, &c->timer);
    undirty(c);
    delist(c);
    c->shard = to;
    c->reach_shards = 0;
    c->behind_shards = 0;
    enlist(c);
    timers_set(&to->timers, &c->timer, due_ns);
    if (was_dirty || c->outbox.pending > 0)
        client_mark_dirty(c);
    client_regroup(c);
    return true;
}

static void drop_all_subscriptions(struct client *c)
{
    struct subscription *sub;

    account_write(c->account);
    for (uint32_t at = 0; (sub = table_next(&c->subs, &at)) != NULL;) {
        interest_remove(&c->account->interest, &sub->entry);
        subscription_free(sub);
    }
    account_write_end(c->account);
    table_fini(&c->subs);
}

void client_free(struct client *c)
{
    drop_all_subscriptions(c);
    timers_cancel(&c->shard->timers, &c->timer);
    undirty(c);
    delist(c);
    outbox_clear(&c->outbox, &c->shard->slices);
    connect_fini(&c->connect);
    free(c);
}

void client_check(const struct client *c)
{
    const struct subscription *sub;

    outbox_check(&c->outbox);
    table_check(&c->subs);
    for (uint32_t at = 0; (sub = table_next(&c->subs, &at)) != NULL;) {
        assert(sub->client == c);
        assert(sub->deliver_max == 0 || sub->delivered < sub->deliver_max);
    }
    assert(*c->link == c);
}
