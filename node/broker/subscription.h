/* subscription: one SUB of one client.
 *
 * Owns      its text: pattern, sid and queue group stand behind the struct in one allocation.
 * Threads   its client's shard changes it; while the account's interest is locked any shard may read
 *           <entry>, <client> and the queue group, which never change.
 * Costs     44 bytes and its text: a node holds millions. */
#ifndef NATTER_NODE_SUBSCRIPTION_H
#define NATTER_NODE_SUBSCRIPTION_H

#include "lib/nats/interest.h"

struct client;

/* What a subscription keeps in its entry's <owned>. */
enum { SUBSCRIPTION_SID_LEN, SUBSCRIPTION_QUEUE_LEN };

struct subscription {
    struct interest_entry entry; /* first: an entry found is a subscription found */
    struct client *client;
    uint64_t delivered;   /* messages so far; never above a non-zero <deliver_max> */
    uint32_t deliver_max; /* from UNSUB; 0 means no limit */
    char text[];          /* pattern, sid, queue group */
};

static inline struct subscription *subscription_of(struct interest_entry *entry)
{
    return (struct subscription *)entry;
}

static inline struct bytes subscription_sid(const struct subscription *sub)
{
    return bytes_of(sub->text + sub->entry.pattern_len, sub->entry.owned[SUBSCRIPTION_SID_LEN]);
}

static inline bool subscription_is_plain(const struct subscription *sub)
{
    return sub->entry.owned[SUBSCRIPTION_QUEUE_LEN] == 0;
}

/* Empty when it is in no queue group. */
static inline struct bytes subscription_queue(const struct subscription *sub)
{
    return bytes_of(sub->text + sub->entry.pattern_len + sub->entry.owned[SUBSCRIPTION_SID_LEN],
                    sub->entry.owned[SUBSCRIPTION_QUEUE_LEN]);
}

/* What a client asked for, as views that need only hold during the call. */
struct subscription_request {
    struct bytes pattern;
    struct bytes sid;
    struct bytes queue;
};

/* NULL when memory is out. Lengths are bounded by the control line, which is at most
 * CONTROL_LINE_BYTES_MAX. */
struct subscription *subscription_new(struct client *client,
                                      const struct subscription_request *request);
void subscription_free(struct subscription *sub);

#endif
