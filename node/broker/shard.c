#include "node/broker/shard.h"

#include "node/broker/client.h"

#include <assert.h>

bool shard_init(struct shard *shard, struct broker *broker, unsigned index, unsigned shard_count,
                uint64_t seed)
{
    assert(index < shard_count && shard_count <= SHARDS_MAX);
    *shard = (struct shard){.index = index, .broker = broker};
    block_pool_init(&shard->blocks);
    slice_pool_init(&shard->slices);
    writer_init(&shard->writer, &shard->blocks);
    plan_cache_init(&shard->plans, index);
    timers_init(&shard->timers);
    random_init(&shard->random, seed + index);
    table_init(&shard->by_cid);
    if (delivery_init(&shard->delivery) && exchange_init(&shard->exchange, shard_count))
        return true;
    shard_fini(shard);
    return false;
}

void shard_fini(struct shard *shard)
{
    assert(shard->client_count == 0);
    exchange_fini(&shard->exchange);
    delivery_fini(&shard->delivery);
    table_fini(&shard->by_cid);
    timers_fini(&shard->timers);
    plan_cache_fini(&shard->plans);
    writer_fini(&shard->writer);
    slice_pool_fini(&shard->slices);
    block_pool_fini(&shard->blocks);
}

struct client *shard_take_dirty(struct shard *shard)
{
    struct client *c = shard->dirty;

    if (c == NULL)
        return NULL;
    shard->dirty = c->next_dirty;
    c->next_dirty = NULL;
    c->is_dirty = false;
    return c;
}

static bool has_cid(const void *item, const void *key)
{
    return ((const struct client *)item)->cid == *(const uint64_t *)key;
}

struct client *shard_find_client(const struct shard *shard, uint64_t cid)
{
    return table_find(&shard->by_cid, client_cid_hash(cid), has_cid, &cid);
}

void shard_set_options(struct shard *shard, const struct options *options)
{
    shard->options = options;
    for (struct client *c = shard->clients; c != NULL; c = c->next)
        client_apply_options(c);
}

void shard_check(const struct shard *shard)
{
    uint32_t count = 0;

    for (const struct client *c = shard->clients; c != NULL; c = c->next) {
        assert(c->shard == shard);
        client_check(c);
        count++;
    }
    assert(count == shard->client_count);
    assert(count == table_count(&shard->by_cid));
    for (const struct client *c = shard->dirty; c != NULL; c = c->next_dirty)
        assert(c->is_dirty);
    timers_check(&shard->timers);
}
