#include "node/broker/subscription.h"

#include <assert.h>
#include <stdlib.h>

struct subscription *subscription_new(struct client *client,
                                      const struct subscription_request *request)
{
    struct bytes pattern = request->pattern;
    struct bytes sid = request->sid;
    struct bytes queue = request->queue;
    struct subscription *sub = malloc(sizeof *sub + pattern.len + sid.len + queue.len);

    if (sub == NULL)
        return NULL;
    assert(pattern.len <= UINT32_MAX && sid.len <= UINT16_MAX && queue.len <= UINT16_MAX);
    *sub = (struct subscription){
        .client = client, .sid_len = (uint16_t)sid.len, .queue_len = (uint16_t)queue.len};
    memcpy(sub->text, pattern.data, pattern.len);
    memcpy(sub->text + pattern.len, sid.data, sid.len);
    if (queue.len > 0)
        memcpy(sub->text + pattern.len + sid.len, queue.data, queue.len);
    sub->entry.pattern_len = (uint32_t)pattern.len;
    return sub;
}

void subscription_free(struct subscription *sub)
{
    free(sub);
}
