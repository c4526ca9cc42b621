#include "tests/bench/many.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/fail.h"

#define CHUNK_BYTES (1 << 18)
#define LINE_MAX_BYTES 96
#define ORDERS_A_SHOP 100

static void subscribe_range(struct peer *peer, uint64_t first, uint64_t end)
{
    char *chunk = must_alloc(1, CHUNK_BYTES);
    size_t len = 0;

    for (uint64_t i = first; i < end; i++) {
        len += (size_t)snprintf(chunk + len, LINE_MAX_BYTES,
                                "SUB shop.%04" PRIu64 ".order.%07" PRIu64 " %" PRIu64 "\r\n",
                                i / ORDERS_A_SHOP, i, i - first + 1);
        if (len + LINE_MAX_BYTES > CHUNK_BYTES || i + 1 == end) {
            peer_send(peer, chunk, len);
            len = 0;
        }
    }
    free(chunk);
}

void many_subscribe(struct peer *peers, unsigned peer_count, uint64_t count)
{
    for (unsigned i = 0; i < peer_count; i++)
        subscribe_range(&peers[i], count * i / peer_count, count * (i + 1) / peer_count);
    for (unsigned i = 0; i < peer_count; i++)
        peer_sync(&peers[i]);
}
