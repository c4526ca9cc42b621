#include "node/broker/shard.h"

#include "node/broker/client.h"

#include <assert.h>

bool shard_init(struct shard *shard, struct broker *broker, unsigned index, uint64_t seed)
{
    assert(index < SHARDS_MAX);
    *shard = (struct shard){.index = index, .broker = broker};
    block_pool_init(&shard->blocks);
    slice_pool_init(&shard->slices);
    writer_init(&shard->writer, &shard->blocks);
    plan_cache_init(&shard->plans);
    timers_init(&shard->timers);
    random_init(&shard->random, seed + index);
    return delivery_init(&shard->delivery);
}

void shard_fini(struct shard *shard)
{
    assert(shard->client_count == 0);
    delivery_fini(&shard->delivery);
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
    for (const struct client *c = shard->dirty; c != NULL; c = c->next_dirty)
        assert(c->is_dirty);
    timers_check(&shard->timers);
}
