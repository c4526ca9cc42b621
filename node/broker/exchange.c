#include "node/broker/exchange.h"

#include "node/broker/client.h"
#include "node/broker/shard.h"

#include <assert.h>
#include <stdlib.h>

enum record_kind { RECORD_MESSAGES, RECORD_BEHIND };

/* A record begins with this; then subject and queue group, then the messages, each part at a multiple
 * of eight bytes. */
struct record_head {
    struct account *account;
    uint64_t cid; /* of the publisher */
    uint32_t kind;
    uint32_t count; /* messages */
    uint32_t subject_len;
    uint32_t queue_len;
};

/* A message in a record; its tail follows unless it travels in <block>. */
struct record_message {
    struct block *block;
    uint32_t tail_len;
    uint32_t size;
    uint32_t header_len;
    uint16_t reply_len;
    bool has_headers;
};

/* A record that waits for its way to be free. */
struct spill {
    struct spill *next;
    size_t len;
    char data[];
};

static size_t padded(size_t len)
{
    return (len + 7) & ~(size_t)7;
}

bool exchange_init(struct exchange *exchange, unsigned count)
{
    *exchange = (struct exchange){.count = count};
    if (count == 1)
        return true;
    exchange->first = calloc(count, sizeof *exchange->first);
    exchange->last = calloc(count, sizeof *exchange->last);
    return exchange->first != NULL && exchange->last != NULL;
}

/* Frees the blocks that a record nobody will receive would have handed over. */
static void drop_record(struct bytes record);

void exchange_fini(struct exchange *exchange)
{
    for (unsigned to = 0; exchange->first != NULL && to < exchange->count; to++) {
        while (exchange->first[to] != NULL) {
            struct spill *spill = exchange->first[to];

            exchange->first[to] = spill->next;
            drop_record(bytes_of(spill->data, spill->len));
            free(spill);
        }
    }
    free(exchange->first);
    free(exchange->last);
    *exchange = (struct exchange){0};
}

/* --- sending --------------------------------------------------------------------------------- */

static struct spill *spill_add(struct exchange *exchange, unsigned to, size_t len)
{
    struct spill *spill = malloc(sizeof *spill + len);

    if (spill == NULL)
        return NULL;
    spill->next = NULL;
    spill->len = len;
    if (exchange->first[to] == NULL)
        exchange->first[to] = spill;
    else
        exchange->last[to]->next = spill;
    exchange->last[to] = spill;
    exchange->waiting++;
    return spill;
}

/* Room for a record on its way, or in the spill list behind others; NULL when memory is out. What
 * is reserved is committed before anything else is. */
static char *reserve(struct shard *shard, unsigned to, size_t len, bool *spills)
{
    char *room = NULL;
    struct spill *spill;

    if (shard->exchange.first[to] == NULL)
        room = shard->host.reserve(shard->host.arg, to, len);
    *spills = room == NULL;
    if (room != NULL)
        return room;
    spill = spill_add(&shard->exchange, to, len);
    return spill == NULL ? NULL : spill->data;
}

static void commit(struct shard *shard, unsigned to, size_t len, bool spills)
{
    if (!spills)
        shard->host.commit(shard->host.arg, to, len);
    else if (shard->delivery.from != NULL)
        client_hold(shard->delivery.from);
}

static bool travels_in_block(const struct message *m)
{
    return m->tail_len >= EXCHANGE_BLOCK_BYTES;
}

static size_t message_room(const struct message *m)
{
    return sizeof(struct record_message) + (travels_in_block(m) ? 0 : padded(m->tail_len));
}

static char *put_message(char *at, const struct message *m)
{
    struct record_message head = {.tail_len = m->tail_len,
                                  .size = m->size,
                                  .header_len = m->header_len,
                                  .reply_len = m->reply_len,
                                  .has_headers = m->has_headers};

    if (travels_in_block(m)) {
        head.block = block_take_loose(m->tail_len);
        if (head.block != NULL)
            memcpy(head.block->data, m->tail, m->tail_len);
        else
            head.tail_len = 0; /* lost: there is no memory */
        memcpy(at, &head, sizeof head);
        return at + sizeof head;
    }
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, m->tail, m->tail_len);
    return at + sizeof head + padded(m->tail_len);
}

static uint32_t step(const struct exchange_batch *batch, uint32_t at)
{
    return batch->next == NULL ? at + 1 : batch->next[at];
}

/* How many messages from <at> on fit one record, and how long it is. */
static uint32_t measure(const struct delivery *d, const struct exchange_batch *batch, uint32_t at,
                        uint32_t left, size_t *len)
{
    uint32_t count = 0;

    for (; count < left; count++, at = step(batch, at)) {
        size_t more = message_room(&d->batch.messages[at]);

        if (count > 0 && *len + more > EXCHANGE_BATCH_BYTES)
            break;
        *len += more;
    }
    return count;
}

void exchange_send(struct shard *shard, const struct exchange_batch *batch)
{
    struct delivery *d = &shard->delivery;
    struct bytes subject = plan_subject(d->plan);
    size_t names_len = padded(subject.len + batch->queue.len);
    uint32_t left = batch->count;
    uint32_t at = batch->at;

    assert(names_len <= EXCHANGE_RECORD_MAX / 2);
    while (left > 0) {
        size_t len = sizeof(struct record_head) + names_len;
        uint32_t count = measure(d, batch, at, left, &len);
        struct record_head head = {.account = d->account,
                                   .cid = d->from->cid,
                                   .kind = RECORD_MESSAGES,
                                   .count = count,
                                   .subject_len = (uint32_t)subject.len,
                                   .queue_len = (uint32_t)batch->queue.len};
        bool spills;
        char *room = reserve(shard, batch->to, len, &spills);
        char *to = room;

        if (room == NULL)
            return;
        memcpy(to, &head, sizeof head);
        memcpy(to + sizeof head, subject.data, subject.len);
        if (batch->queue.len > 0)
            memcpy(to + sizeof head + subject.len, batch->queue.data, batch->queue.len);
        to += sizeof head + names_len;
        for (uint32_t i = 0; i < count; i++, at = step(batch, at))
            to = put_message(to, &d->batch.messages[at]);
        commit(shard, batch->to, len, spills);
        shard->stats.forwarded += count;
        left -= count;
    }
}

bool exchange_retry(struct shard *shard)
{
    struct exchange *exchange = &shard->exchange;

    for (unsigned to = 0; exchange->waiting > 0 && to < exchange->count; to++) {
        while (exchange->first[to] != NULL) {
            struct spill *spill = exchange->first[to];
            char *room = shard->host.reserve(shard->host.arg, to, spill->len);

            if (room == NULL)
                break;
            memcpy(room, spill->data, spill->len);
            shard->host.commit(shard->host.arg, to, spill->len);
            exchange->first[to] = spill->next;
            exchange->waiting--;
            free(spill);
        }
    }
    return exchange->waiting == 0;
}

static void send_behind(struct shard *shard, unsigned to, uint64_t cid)
{
    struct record_head head = {.kind = RECORD_BEHIND, .cid = cid};
    bool spills;
    char *room = reserve(shard, to, sizeof head, &spills);

    if (room == NULL)
        return;
    memcpy(room, &head, sizeof head);
    commit(shard, to, sizeof head, spills);
}

/* --- receiving ------------------------------------------------------------------------------- */

/* Takes the next message off *rest; a block it came in is the caller's from then on. */
static struct block *take_message(struct bytes *rest, struct message *m)
{
    struct record_message head;

    assert(rest->len >= sizeof head);
    memcpy(&head, rest->data, sizeof head);
    *rest = bytes_after(*rest, sizeof head);
    *m = (struct message){.tail = head.block != NULL ? head.block->data : rest->data,
                          .tail_len = head.tail_len,
                          .size = head.size,
                          .header_len = head.header_len,
                          .reply_len = head.reply_len,
                          .has_headers = head.has_headers};
    if (head.block == NULL)
        *rest = bytes_after(*rest, padded(head.tail_len));
    return head.block;
}

static struct bytes messages_of(struct bytes record, const struct record_head *head)
{
    return bytes_after(record, sizeof *head + padded(head->subject_len + head->queue_len));
}

static void receive_messages(struct shard *shard, unsigned from, const struct record_head *head,
                             struct bytes record)
{
    struct delivery_request request = {
        .account = head->account,
        .subject = bytes_of(record.data + sizeof *head, head->subject_len),
        .queue = bytes_of(record.data + sizeof *head + head->subject_len, head->queue_len)};
    struct bytes rest = messages_of(record, head);
    bool is_behind = false;

    for (uint32_t i = 0; i < head->count; i++) {
        struct message m;
        struct block *block = take_message(&rest, &m);

        if (block != NULL)
            block_adopt(block, &shard->blocks);
        if (m.tail_len > 0)
            is_behind = delivery_relay(shard, &request, &m, block) || is_behind;
        if (block != NULL)
            block_unref(block);
    }
    is_behind = delivery_relay_end(shard) || is_behind;
    if (is_behind)
        send_behind(shard, from, head->cid);
}

void exchange_receive(struct shard *shard, unsigned from, struct bytes record)
{
    struct record_head head;

    assert(record.len >= sizeof head);
    memcpy(&head, record.data, sizeof head);
    if (head.kind == RECORD_BEHIND) {
        struct client *c = shard_find_client(shard, head.cid);

        if (c != NULL)
            client_note_behind(c, from);
        return;
    }
    receive_messages(shard, from, &head, record);
}

static void drop_record(struct bytes record)
{
    struct record_head head;
    struct bytes rest;

    memcpy(&head, record.data, sizeof head);
    if (head.kind == RECORD_BEHIND)
        return;
    rest = messages_of(record, &head);
    for (uint32_t i = 0; i < head.count; i++) {
        struct message m;

        free(take_message(&rest, &m));
    }
}
