#include "node/broker/relay.h"

#include "node/broker/client.h"
#include "node/broker/delivery.h"
#include "node/broker/exchange.h"
#include "node/broker/shard.h"

static void receive_messages(struct shard *shard, unsigned from, struct exchange_record *record)
{
    struct delivery_request request = {
        .account = record->account, .subject = record->subject, .queue = record->queue};
    bool is_behind = false;

    for (uint32_t i = 0; i < record->count; i++) {
        struct message m;
        struct block *block = exchange_take_message(record, &m);

        if (block != NULL)
            block_adopt(block, &shard->blocks);
        if (m.tail_len > 0)
            is_behind = delivery_relay(shard, &request, &m, block) || is_behind;
        if (block != NULL)
            block_unref(block);
    }
    is_behind = delivery_relay_end(shard) || is_behind;
    if (is_behind)
        exchange_send_behind(shard, from, record->cid);
}

static void note_behind(struct shard *shard, unsigned from, uint64_t cid)
{
    struct client *c = shard_find_client(shard, cid);

    if (c != NULL)
        client_note_behind(c, from);
}

void relay_receive(struct shard *shard, unsigned from, struct bytes bytes)
{
    struct exchange_record record;

    exchange_read(bytes, &record);
    if (record.kind == EXCHANGE_BEHIND)
        note_behind(shard, from, record.cid);
    else
        receive_messages(shard, from, &record);
}
