#include "node/broker/plan.h"

#include "node/broker/client.h"
#include "node/broker/shard.h"
#include "node/broker/subscription.h"

#include <assert.h>
#include <stdlib.h>

void plan_cache_init(struct plan_cache *cache, unsigned own_shard)
{
    *cache = (struct plan_cache){.own_shard = own_shard};
}

static void plan_free(struct plan *p)
{
    free(p->subject);
    free(p->groups);
    free(p->queues);
    free(p->choices);
    free(p->remotes);
    free(p->members);
    free(p->text);
    *p = (struct plan){0};
}

static size_t plan_bytes(const struct plan *p)
{
    return p->subject_cap + p->text_cap + p->group_cap * sizeof *p->groups +
           p->queue_cap * sizeof *p->queues + p->choice_cap * sizeof *p->choices +
           p->remote_cap * sizeof *p->remotes + p->member_cap * sizeof(struct subscription *);
}

void plan_cache_fini(struct plan_cache *cache)
{
    for (size_t i = 0; cache->plans != NULL && i < PLAN_CACHE_SLOTS; i++)
        plan_free(&cache->plans[i]);
    free(cache->plans);
    free(cache->hits);
    plan_cache_init(cache, cache->own_shard);
}

/* Frees all plans but one: what is wanted again is worked out again. */
static void keep_only(struct plan_cache *cache, const struct plan *kept)
{
    for (size_t i = 0; i < PLAN_CACHE_SLOTS; i++) {
        if (&cache->plans[i] != kept)
            plan_free(&cache->plans[i]);
    }
    cache->bytes = plan_bytes(kept);
}

/* Makes room for <count> items of <size> bytes; false when memory is out. */
static bool grow(void **items, uint32_t *cap, uint32_t count, size_t size)
{
    uint32_t wanted = *cap == 0 ? 4 : *cap;
    void *bigger;

    if (count <= *cap)
        return true;
    while (wanted < count)
        wanted *= 2;
    bigger = realloc(*items, wanted * size);
    if (bigger == NULL)
        return false;
    *items = bigger;
    *cap = wanted;
    return true;
}

#define GROW(items, cap, count) grow((void **)&(items), &(cap), (count), sizeof *(items))

static bool collect(struct interest_entry *entry, void *arg)
{
    struct plan_cache *cache = arg;
    struct subscription *sub = subscription_of(entry);
    unsigned shard = sub->client->shard->index;

    if (!GROW(cache->hits, cache->hit_cap, cache->hit_count + 1))
        return false;
    cache->hits[cache->hit_count++] = (struct plan_hit){
        .sub = sub, .shard = shard, .headers = shard == cache->own_shard && sub->client->headers};
    return true;
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len == 0 ? 0 : memcmp(a.data, b.data, a.len);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

/* Plain ones first, by what will precede their messages; then each queue group; by shard in both. */
static int compare_hits(const void *left, const void *right)
{
    const struct plan_hit *a = left;
    const struct plan_hit *b = right;
    int order = compare_bytes(subscription_queue(a->sub), subscription_queue(b->sub));

    if (order == 0)
        order = compare_numbers(a->shard, b->shard);
    if (order == 0 && subscription_is_plain(a->sub))
        order = compare_numbers(a->headers, b->headers);
    if (order == 0)
        order = compare_bytes(subscription_sid(a->sub), subscription_sid(b->sub));
    return order;
}

static bool append_text(struct plan *p, struct bytes text)
{
    if (!GROW(p->text, p->text_cap, p->text_len + (uint32_t)text.len))
        return false;
    memcpy(p->text + p->text_len, text.data, text.len);
    p->text_len += (uint32_t)text.len;
    return true;
}

/* Writes "HMSG subject sid ". */
static bool append_prefix(struct plan *p, const struct subscription *sub, uint32_t *at,
                          uint32_t *len)
{
    *at = p->text_len;
    if (!append_text(p, bytes_of_str("HMSG ")) || !append_text(p, plan_subject(p)) ||
        !append_text(p, bytes_of_str(" ")) || !append_text(p, subscription_sid(sub)) ||
        !append_text(p, bytes_of_str(" ")))
        return false;
    *len = p->text_len - *at;
    return true;
}

/* A local client that receives several copies of a message must get them message by message. */
static void note_meeting(struct plan *p, struct plan_cache *cache, const struct subscription *sub)
{
    if (sub->client->met_in == cache->serial || sub->deliver_max != 0)
        p->one_by_one = true;
    sub->client->met_in = cache->serial;
}

static bool same_group(const struct plan_hit *a, const struct plan_hit *b)
{
    return a->headers == b->headers &&
           bytes_equal(subscription_sid(a->sub), subscription_sid(b->sub));
}

static bool add_group(struct plan *p, const struct plan_hit *hit)
{
    struct plan_group *g;

    if (!GROW(p->groups, p->group_cap, p->group_count + 1))
        return false;
    g = &p->groups[p->group_count++];
    *g = (struct plan_group){.member_at = p->member_count, .headers = hit->headers};
    return append_prefix(p, hit->sub, &g->prefix_at, &g->prefix_len);
}

/* Adds the plain subscriptions, which begin the sorted hits; returns how many, -1 without memory. */
static int64_t add_groups(struct plan *p, struct plan_cache *cache)
{
    const struct plan_hit *before = NULL;
    uint32_t i = 0;

    for (; i < cache->hit_count && subscription_is_plain(cache->hits[i].sub); i++) {
        const struct plan_hit *hit = &cache->hits[i];

        if (hit->shard != cache->own_shard) {
            p->plain_shards |= UINT64_C(1) << hit->shard;
            continue;
        }
        if ((before == NULL || !same_group(before, hit)) && !add_group(p, hit))
            return -1;
        if (!GROW(p->members, p->member_cap, p->member_count + 1))
            return -1;
        p->members[p->member_count++] = hit->sub;
        p->groups[p->group_count - 1].member_count++;
        note_meeting(p, cache, hit->sub);
        before = hit;
    }
    return i;
}

static bool add_remote(struct plan *p, struct plan_queue *q, unsigned shard)
{
    struct plan_remote *last = q->remote_count == 0 ? NULL : &p->remotes[p->remote_count - 1];

    q->remote_weight++;
    if (last != NULL && last->shard == shard) {
        last->weight++;
        return true;
    }
    if (!GROW(p->remotes, p->remote_cap, p->remote_count + 1))
        return false;
    p->remotes[p->remote_count++] = (struct plan_remote){.shard = shard, .weight = 1};
    q->remote_count++;
    if (p->plain_shards & (UINT64_C(1) << shard))
        p->one_by_one = true; /* that shard gets the same message by two ways */
    return true;
}

static bool add_choice(struct plan *p, struct plan_queue *q, struct subscription *sub)
{
    struct plan_choice *choice;

    if (!GROW(p->choices, p->choice_cap, p->choice_count + 1))
        return false;
    choice = &p->choices[p->choice_count++];
    choice->sub = sub;
    q->choice_count++;
    return append_prefix(p, sub, &choice->prefix_at, &choice->prefix_len);
}

static bool add_queue(struct plan *p, struct bytes name)
{
    if (!GROW(p->queues, p->queue_cap, p->queue_count + 1))
        return false;
    p->queues[p->queue_count++] = (struct plan_queue){.name_at = p->text_len,
                                                      .name_len = (uint32_t)name.len,
                                                      .choice_at = p->choice_count,
                                                      .remote_at = p->remote_count};
    return append_text(p, name);
}

static bool add_queues(struct plan *p, struct plan_cache *cache, uint32_t from)
{
    struct bytes before = {0};

    for (uint32_t i = from; i < cache->hit_count; i++) {
        const struct plan_hit *hit = &cache->hits[i];
        struct bytes name = subscription_queue(hit->sub);
        bool is_local = hit->shard == cache->own_shard;
        struct plan_queue *q;

        if (!bytes_equal(before, name) && !add_queue(p, name))
            return false;
        q = &p->queues[p->queue_count - 1];
        if (is_local ? !add_choice(p, q, hit->sub) : !add_remote(p, q, hit->shard))
            return false;
        if (is_local)
            note_meeting(p, cache, hit->sub);
        before = name;
    }
    /* Two groups of one other shard may choose the same client there. */
    if (p->queue_count > 1 && p->remote_count > 0)
        p->one_by_one = true;
    return true;
}

static void plan_clear(struct plan *p)
{
    p->group_count = p->queue_count = p->choice_count = p->remote_count = 0;
    p->member_count = p->text_len = 0;
    p->plain_shards = 0;
    p->one_by_one = false;
}

/* The account is locked for reading. */
static bool plan_build(struct plan *p, struct shard *shard, struct account *account)
{
    struct plan_cache *cache = &shard->plans;
    int64_t plain_count;

    plan_clear(p);
    cache->hit_count = 0;
    cache->serial++;
    cache->built++;
    p->stamp = interest_stamp(&account->interest, p->stamp_at);
    if (!interest_match(&account->interest, plan_subject(p), collect, cache))
        return false;
    p->is_empty = cache->hit_count == 0;
    if (cache->hit_count > 1)
        qsort(cache->hits, cache->hit_count, sizeof *cache->hits, compare_hits);
    plain_count = add_groups(p, cache);
    return plain_count >= 0 && add_queues(p, cache, (uint32_t)plain_count);
}

static bool plan_begin(struct plan *p, struct account *account, struct bytes subject, uint32_t hash)
{
    p->account = NULL;
    if (!GROW(p->subject, p->subject_cap, (uint32_t)subject.len))
        return false;
    memcpy(p->subject, subject.data, subject.len);
    p->subject_len = (uint32_t)subject.len;
    p->hash = hash;
    p->stamp_at = interest_stamp_at(subject, hash);
    p->account = account;
    return true;
}

bool plan_holds(const struct plan *p)
{
    return interest_stamp(&p->account->interest, p->stamp_at) == p->stamp;
}

static bool plan_is_for(const struct plan *p, const struct account *account, struct bytes subject,
                        uint32_t hash)
{
    return p->hash == hash && p->account == account && bytes_equal(plan_subject(p), subject);
}

/* The place of <subject>: its own, else the one of two used less recently, which is the second. A
 * plan that is found moves to the front of its pair. */
static struct plan *find_place(struct plan_cache *cache, const struct account *account,
                               struct bytes subject, uint32_t hash, bool *is_found)
{
    struct plan *pair =
        &cache->plans[(hash % (PLAN_CACHE_SLOTS / PLAN_CACHE_WAYS)) * PLAN_CACHE_WAYS];
    struct plan swapped;

    *is_found = true;
    if (plan_is_for(&pair[0], account, subject, hash))
        return &pair[0];
    *is_found = plan_is_for(&pair[1], account, subject, hash);
    swapped = pair[0];
    pair[0] = pair[1];
    pair[1] = swapped;
    return &pair[0];
}

struct plan *plan_find(struct shard *shard, struct account *account, struct bytes subject)
{
    struct plan_cache *cache = &shard->plans;
    uint32_t hash = bytes_hash(subject);
    struct plan *p;
    size_t bytes_before;
    bool is_found;
    bool is_built;

    if (cache->plans == NULL) {
        cache->plans = calloc(PLAN_CACHE_SLOTS, sizeof *cache->plans);
        if (cache->plans == NULL)
            return NULL;
    }
    p = find_place(cache, account, subject, hash, &is_found);
    if (is_found && plan_holds(p))
        return p;
    bytes_before = plan_bytes(p);
    is_built = is_found || plan_begin(p, account, subject, hash);
    if (is_built) {
        account_read(account);
        is_built = plan_build(p, shard, account);
        account_read_end(account);
    }
    cache->bytes += plan_bytes(p) - bytes_before;
    if (cache->bytes > PLAN_CACHE_BYTES_MAX)
        keep_only(cache, p);
    if (!is_built) {
        p->account = NULL; /* half a plan is none */
        return NULL;
    }
    return p;
}
