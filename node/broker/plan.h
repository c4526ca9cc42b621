/* plan: who is to receive the messages of one subject, worked out once and kept.
 *
 * A plan is a shard's view of the node-wide interest: its own subscriptions one by one, grouped by
 * the text that precedes the message ("MSG orders.paid 7 "), so that a group is rendered once; queue
 * groups with all their members; and which other shards have subscribers of their own. It is kept
 * under its subject and holds while interest_stamp() says so.
 *
 * Owns      its arrays, which are reused by the next plan in the same place.
 * Threads   one shard's. Building reads the account's interest, which is locked meanwhile when there
 *           are other shards (account_lock_*).
 * Limits    PLAN_CACHE_SLOTS plans a shard; a subject beyond that takes an older one's place. Together
 *           they hold PLAN_CACHE_BYTES_MAX and one plan more: beyond that all but the newest go. */
#ifndef NATTER_NODE_PLAN_H
#define NATTER_NODE_PLAN_H

#include "lib/base/bytes.h"
#include "lib/nats/interest.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct client;
struct shard;
struct subscription;

#define PLAN_CACHE_SLOTS 4096 /* a power of two */
#define PLAN_CACHE_WAYS 2
#define PLAN_CACHE_BYTES_MAX ((size_t)32 << 20)
#define SHARDS_MAX 64 /* a plan names other shards by the bits of a word */

/* Subscriptions that receive the same bytes: same sid, and all or none of them take headers. The
 * prefix is written "HMSG subject sid "; without its first byte it begins a message without headers. */
struct plan_group {
    uint32_t prefix_at; /* into <text> */
    uint32_t prefix_len;
    uint32_t member_at; /* into <members> */
    uint32_t member_count;
    bool headers;
};

/* A queue group: one of its members receives each message. Members on other shards are
 * known by number only. */
struct plan_queue {
    uint32_t name_at; /* into <text> */
    uint32_t name_len;
    uint32_t choice_at; /* into <choices>: members of this shard */
    uint32_t choice_count;
    uint32_t remote_at; /* into <remotes> */
    uint32_t remote_count;
    uint32_t remote_weight; /* members on all other shards together */
};

/* One local member of a queue group, with its own prefix. */
struct plan_choice {
    struct subscription *sub;
    uint32_t prefix_at;
    uint32_t prefix_len;
};

struct plan_remote {
    uint32_t shard;
    uint32_t weight; /* its members of the group */
};

struct plan {
    const struct account *account; /* NULL: the place is empty */
    struct interest_stamp_at stamp_at;
    uint64_t stamp;
    uint32_t hash;
    uint32_t subject_len;
    uint32_t subject_cap;
    char *subject;

    uint64_t plain_shards; /* other shards with plain subscriptions, a bit each */
    uint32_t group_count;
    uint32_t queue_count;
    bool is_empty;   /* nobody wants it, here or elsewhere */
    bool one_by_one; /* messages must be delivered singly: somebody receives several copies of
                      * each, in order, or stops at a maximum */

    struct plan_group *groups;
    struct plan_queue *queues;
    struct plan_choice *choices;
    struct plan_remote *remotes;
    struct subscription **members;
    char *text;
    uint32_t group_cap, queue_cap, choice_cap, remote_cap, member_cap, text_cap;
    uint32_t choice_count, remote_count, member_count, text_len;
};

/* A subscription that matches, while a plan is built. Of another shard's client only what never
 * changes is looked at. */
struct plan_hit {
    struct subscription *sub;
    unsigned shard;
    bool headers; /* a local client takes them */
};

struct plan_cache {
    struct plan *plans;    /* PLAN_CACHE_SLOTS of them; NULL until the first is asked for */
    struct plan_hit *hits; /* scratch for building */
    unsigned own_shard;
    uint32_t hit_count;
    uint32_t hit_cap;
    uint32_t serial; /* of the build, to notice a client met twice */
    uint64_t built;  /* statistics */
    size_t bytes;    /* in the arrays of all plans */
};

void plan_cache_init(struct plan_cache *cache, unsigned own_shard);
void plan_cache_fini(struct plan_cache *cache);

/* The current plan for <subject> as seen from <shard>; NULL when memory is out. Holds until the next
 * call, and until the shard's next change of interest. */
struct plan *plan_find(struct shard *shard, struct account *account, struct bytes subject);

/* True while nothing the plan came from has changed. */
bool plan_holds(const struct plan *plan);

static inline struct bytes plan_subject(const struct plan *plan)
{
    return bytes_of(plan->subject, plan->subject_len);
}

static inline struct bytes plan_text(const struct plan *plan, uint32_t at, uint32_t len)
{
    return bytes_of(plan->text + at, len);
}

#endif
