#include "node/broker/exchange.h"

#include "node/broker/client.h"
#include "node/broker/shard.h"

#include <assert.h>
#include <stdlib.h>

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

/* --- records --------------------------------------------------------------------------------- */

void exchange_read(struct bytes record, struct exchange_record *out)
{
    struct record_head head;
    size_t names_len;

    assert(record.len >= sizeof head);
    memcpy(&head, record.data, sizeof head);
    names_len = head.subject_len + head.queue_len;
    *out = (struct exchange_record){
        .kind = head.kind,
        .cid = head.cid,
        .account = head.account,
        .subject = bytes_of(record.data + sizeof head, head.subject_len),
        .queue = bytes_of(record.data + sizeof head + head.subject_len, head.queue_len),
        .count = head.count,
        .messages = bytes_after(record, sizeof head + padded(names_len))};
}

struct block *exchange_take_message(struct exchange_record *record, struct message *m)
{
    struct record_message head;
    struct bytes *rest = &record->messages;

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

/* Frees the blocks that a record nobody will receive would have handed over. */
static void drop_record(struct bytes bytes)
{
    struct exchange_record record;
    struct message m;

    exchange_read(bytes, &record);
    for (uint32_t i = 0; i < record.count; i++)
        free(exchange_take_message(&record, &m));
}

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
static uint32_t measure(const struct exchange_batch *batch, uint32_t at, uint32_t left, size_t *len)
{
    uint32_t count = 0;

    for (; count < left; count++, at = step(batch, at)) {
        size_t more = message_room(&batch->messages[at]);

        if (count > 0 && *len + more > EXCHANGE_BATCH_BYTES)
            break;
        *len += more;
    }
    return count;
}

/* Writes head and names, and returns where the messages go. */
static char *put_names(char *at, const struct exchange_batch *batch, uint32_t count)
{
    struct record_head head = {.account = batch->account,
                               .cid = batch->from->cid,
                               .kind = EXCHANGE_MESSAGES,
                               .count = count,
                               .subject_len = (uint32_t)batch->subject.len,
                               .queue_len = (uint32_t)batch->queue.len};

    memcpy(at, &head, sizeof head);
    at += sizeof head;
    memcpy(at, batch->subject.data, batch->subject.len);
    if (batch->queue.len > 0)
        memcpy(at + batch->subject.len, batch->queue.data, batch->queue.len);
    return at + padded(batch->subject.len + batch->queue.len);
}

void exchange_send(struct shard *shard, const struct exchange_batch *batch)
{
    size_t names_len = padded(batch->subject.len + batch->queue.len);
    uint32_t left = batch->count;
    uint32_t at = batch->at;

    assert(names_len <= EXCHANGE_RECORD_MAX / 2);
    while (left > 0) {
        size_t len = sizeof(struct record_head) + names_len;
        uint32_t count = measure(batch, at, left, &len);
        bool spills;
        char *room = reserve(shard, batch->to, len, &spills);
        char *to;

        if (room == NULL)
            return;
        to = put_names(room, batch, count);
        for (uint32_t i = 0; i < count; i++, at = step(batch, at))
            to = put_message(to, &batch->messages[at]);
        commit(shard, batch->to, len, spills);
        if (spills)
            client_hold(batch->from);
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

void exchange_send_behind(struct shard *shard, unsigned to, uint64_t cid)
{
    struct record_head head = {.kind = EXCHANGE_BEHIND, .cid = cid};
    bool spills;
    char *room = reserve(shard, to, sizeof head, &spills);

    if (room == NULL)
        return;
    memcpy(room, &head, sizeof head);
    commit(shard, to, sizeof head, spills);
}
