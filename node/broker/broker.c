#include "node/broker/broker.h"

#include "lib/base/random.h"
#include "node/broker/client.h"
#include "node/broker/shard.h"

#include <stdio.h>

bool broker_init(struct broker *broker, const struct options *options, struct account_lock *lock)
{
    uint8_t key[NKEY_BYTES];
    bool has_name = options->server_name != NULL && options->server_name[0] != '\0';

    *broker = (struct broker){0};
    if (!random_secure(key, sizeof key))
        return false;
    nkey_encode(NKEY_SERVER, key, broker->server_id);
    broker->server_name = has_name ? options->server_name : broker->server_id;
    return account_init(&broker->global, "$G", lock);
}

void broker_fini(struct broker *broker)
{
    account_fini(&broker->global);
}

bool broker_is_full(const struct broker *broker, const struct options *options)
{
    int64_t max = options->max_connections;

    return max >= 0 && (int64_t)atomic_load(&broker->connections) > max;
}

size_t broker_write_info(const struct broker *broker, const struct client *client, char *out,
                         size_t cap)
{
    const struct options *options = client->shard->options;
    struct server_info info = {
        .server_id = broker->server_id,
        .server_name = broker->server_name,
        .version = NATTER_VERSION,
        .proto = 1,
        .go = "c17",
        .host = options->host,
        .port = broker->port,
        .headers = !options->no_header_support,
        .max_payload = options->max_payload,
        .client_id = client->cid,
        .client_ip = client->ip,
        .ldm = atomic_load(&broker->is_lame_duck),
    };

    return server_info_write(&info, out, cap);
}
