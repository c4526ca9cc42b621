#include "node/broker/subscription.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

struct subscription *subscription_new(struct client *client,
                                      const struct subscription_request *request)
{
    struct bytes pattern = request->pattern;
    struct bytes sid = request->sid;
    struct bytes queue = request->queue;
    size_t size = offsetof(struct subscription, text) + pattern.len + sid.len + queue.len;
    struct subscription *sub = malloc(size < sizeof *sub ? sizeof *sub : size);

    if (sub == NULL)
        return NULL;
    assert(pattern.len <= UINT32_MAX && sid.len <= UINT16_MAX && queue.len <= UINT16_MAX);
    *sub = (struct subscription){.client = client};
    sub->entry.owned[SUBSCRIPTION_SID_LEN] = (uint16_t)sid.len;
    sub->entry.owned[SUBSCRIPTION_QUEUE_LEN] = (uint16_t)queue.len;
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
