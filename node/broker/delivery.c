#include "node/broker/delivery.h"

#include "node/broker/broker.h"
#include "node/broker/client.h"
#include "node/broker/exchange.h"
#include "node/broker/no_responders.h"
#include "node/broker/plan.h"
#include "node/broker/shard.h"
#include "node/broker/subscription.h"
#include "node/broker/trace.h"

#include <assert.h>
#include <stdlib.h>

bool delivery_init(struct delivery *d)
{
    *d = (struct delivery){0};
    d->next = calloc(BATCH_MAX, sizeof *d->next);
    d->touched = calloc(BATCH_MAX, sizeof *d->touched);
    if (batch_init(&d->batch) && d->next != NULL && d->touched != NULL)
        return true;
    delivery_fini(d);
    return false;
}

void delivery_fini(struct delivery *d)
{
    batch_fini(&d->batch);
    free(d->next);
    free(d->first);
    free(d->touched);
    *d = (struct delivery){0};
}

/* --- handing out ----------------------------------------------------------------------------- */

static bool accepts(const struct client *c, const struct client *from)
{
    return !c->is_closing && (c != from || c->echo);
}

/* Appends the rendered pieces to one subscription's outbox. */
static void hand_out(struct shard *shard, struct subscription *sub, const struct selection *what)
{
    struct delivery *d = &shard->delivery;
    struct client *c = sub->client;
    size_t pending_before = c->outbox.pending; /* what is new does not make anybody slow */

    for (uint32_t i = 0; i < d->batch.piece_count; i++) {
        const struct piece *piece = &d->batch.pieces[i];

        if (!outbox_append(&c->outbox, &shard->slices, piece->block, piece->data, piece->len)) {
            client_close(c, STATUS_OUT_OF_MEMORY);
            return;
        }
    }
    if (trace_is_on())
        trace_delivery(sub, plan_subject(d->plan), what->count);
    sub->delivered += what->count;
    c->out_msgs += what->count;
    c->out_bytes += what->payload_bytes;
    shard->stats.out_msgs += what->count;
    shard->stats.out_bytes += what->payload_bytes;
    if (d->from != NULL)
        d->from->talks_to = c->cid;
    if (pending_before < d->least_pending)
        d->least_pending = pending_before;
    if (c->outbox.pending > (size_t)shard->options->max_pending)
        client_close(c, STATUS_SLOW_PENDING);
    client_mark_dirty(c);
}

static uint32_t deliver_group(struct shard *shard, const struct plan_group *g)
{
    struct delivery *d = &shard->delivery;
    struct plan *p = d->plan;
    struct form form = {.prefix = plan_text(p, g->prefix_at, g->prefix_len), .headers = g->headers};
    struct selection all = batch_select_all(&d->batch, &form);
    uint32_t reached = 0;

    if (!batch_render(&d->batch, &shard->writer, &form, &all))
        return g->member_count; /* lost for want of memory, but not for want of subscribers */
    for (uint32_t i = 0; i < g->member_count; i++) {
        struct subscription *sub = p->members[g->member_at + i];

        if (!accepts(sub->client, d->from))
            continue;
        hand_out(shard, sub, &all);
        reached++;
    }
    batch_drop_pieces(&d->batch);
    return reached;
}

/* --- queue groups ---------------------------------------------------------------------------- */

/* The shard of a remote member by its number: a place among the group's remotes. */
static uint32_t remote_of(const struct plan *p, const struct plan_queue *q, uint32_t number)
{
    uint32_t at = 0;

    while (number >= p->remotes[q->remote_at + at].weight)
        number -= p->remotes[q->remote_at + at++].weight;
    return at;
}

/* A member at random, counted over all shards; local ones that cannot take the message pass it on to
 * the next. From <choice_count> on: a place among the remotes. UINT32_MAX when nobody can. */
static uint32_t choose(struct shard *shard, const struct plan_queue *q)
{
    struct delivery *d = &shard->delivery;
    uint32_t remote_weight = d->scope == DELIVER_TO_ALL ? q->remote_weight : 0;
    uint32_t pick;

    if (q->choice_count + remote_weight == 0)
        return UINT32_MAX;
    pick = random_below(&shard->random, q->choice_count + remote_weight);
    if (pick >= q->choice_count)
        return q->choice_count + remote_of(d->plan, q, pick - q->choice_count);
    for (uint32_t i = 0; i < q->choice_count; i++) {
        uint32_t at = pick + i < q->choice_count ? pick + i : pick + i - q->choice_count;

        if (accepts(d->plan->choices[q->choice_at + at].sub->client, d->from))
            return at;
    }
    return remote_weight > 0 ? q->choice_count : UINT32_MAX;
}

static bool reserve_chains(struct delivery *d, uint32_t count)
{
    uint16_t *bigger;

    if (count <= d->first_cap)
        return true;
    bigger = realloc(d->first, count * sizeof *bigger);
    if (bigger == NULL)
        return false;
    for (uint32_t i = d->first_cap; i < count; i++)
        bigger[i] = BATCH_END;
    d->first = bigger;
    d->first_cap = count;
    return true;
}

static void deliver_choice(struct shard *shard, const struct plan_choice *choice, uint16_t first)
{
    struct delivery *d = &shard->delivery;
    struct form form = {.prefix = plan_text(d->plan, choice->prefix_at, choice->prefix_len),
                        .headers = choice->sub->client->headers};
    struct selection chain = batch_select_chain(&d->batch, &form, d->next, first);

    if (!batch_render(&d->batch, &shard->writer, &form, &chain))
        return;
    hand_out(shard, choice->sub, &chain);
    batch_drop_pieces(&d->batch);
}

/* The whole run, for the plain subscriptions of shard <to>. */
static struct exchange_batch batch_for(const struct delivery *d, unsigned to)
{
    return (struct exchange_batch){.to = to,
                                   .account = d->account,
                                   .subject = plan_subject(d->plan),
                                   .from = d->from,
                                   .messages = d->batch.messages,
                                   .count = d->batch.count};
}

static void deliver_remote_choice(struct shard *shard, const struct plan_queue *q, uint32_t remote,
                                  uint16_t first)
{
    struct delivery *d = &shard->delivery;
    struct exchange_batch batch = batch_for(d, d->plan->remotes[q->remote_at + remote].shard);

    batch.queue = plan_text(d->plan, q->name_at, q->name_len);
    batch.next = d->next;
    batch.at = first;
    batch.count = 0;
    for (uint32_t at = first; at != BATCH_END; at = d->next[at])
        batch.count++;
    d->reach |= UINT64_C(1) << batch.to;
    exchange_send(shard, &batch);
}

/* Deals the run's messages out to the members, then serves each member its chain. */
static uint32_t deliver_queue(struct shard *shard, const struct plan_queue *q)
{
    struct delivery *d = &shard->delivery;
    uint32_t touched = 0;
    uint32_t reached = 0;

    if (!reserve_chains(d, q->choice_count + q->remote_count))
        return 0;
    for (uint32_t i = d->batch.count; i-- > 0;) {
        uint32_t member = choose(shard, q);

        if (member == UINT32_MAX)
            continue;
        if (d->first[member] == BATCH_END)
            d->touched[touched++] = member;
        d->next[i] = d->first[member];
        d->first[member] = (uint16_t)i;
        reached++;
    }
    for (uint32_t i = 0; i < touched; i++) {
        uint32_t member = d->touched[i];
        uint16_t first = d->first[member];

        d->first[member] = BATCH_END;
        if (member < q->choice_count)
            deliver_choice(shard, &d->plan->choices[q->choice_at + member], first);
        else
            deliver_remote_choice(shard, q, member - q->choice_count, first);
    }
    return reached;
}

/* --- runs ------------------------------------------------------------------------------------ */

/* Removes the subscriptions of a one-by-one plan that have reached their maximum. */
static void drop_exhausted(struct plan *p)
{
    struct subscription *gone;

    do {
        gone = NULL;
        for (uint32_t i = 0; i < p->member_count && gone == NULL; i++) {
            struct subscription *sub = p->members[i];

            if (sub != NULL && sub->deliver_max != 0 && sub->delivered >= sub->deliver_max) {
                gone = sub;
                p->members[i] = NULL;
            }
        }
        for (uint32_t i = 0; i < p->choice_count && gone == NULL; i++) {
            struct subscription *sub = p->choices[i].sub;

            if (sub != NULL && sub->deliver_max != 0 && sub->delivered >= sub->deliver_max) {
                gone = sub;
                p->choices[i].sub = NULL;
            }
        }
        if (gone != NULL)
            client_drop_subscription(gone->client, gone);
    } while (gone != NULL);
}

/* To the other shards with plain subscriptions; how many. */
static uint32_t deliver_remote(struct shard *shard)
{
    struct delivery *d = &shard->delivery;
    uint32_t count = 0;

    for (uint64_t left = d->plan->plain_shards; left != 0; left &= left - 1) {
        struct exchange_batch batch = batch_for(d, (unsigned)__builtin_ctzll(left));

        exchange_send(shard, &batch);
        count++;
    }
    d->reach |= d->plan->plain_shards;
    return count;
}

static bool is_in_scope(const struct delivery *d, const struct plan_queue *q)
{
    return d->scope == DELIVER_TO_ALL ||
           (d->scope == DELIVER_TO_QUEUE &&
            bytes_equal(d->queue, plan_text(d->plan, q->name_at, q->name_len)));
}

static uint32_t deliver_run(struct shard *shard)
{
    struct delivery *d = &shard->delivery;
    struct plan *p = d->plan;
    uint32_t reached = 0;

    d->least_pending = SIZE_MAX;
    d->reach = 0;
    for (uint32_t i = 0; i < p->group_count && d->scope != DELIVER_TO_QUEUE; i++)
        reached += deliver_group(shard, &p->groups[i]);
    if (d->scope == DELIVER_TO_ALL && p->plain_shards != 0)
        reached += deliver_remote(shard);
    for (uint32_t i = 0; i < p->queue_count; i++) {
        if (is_in_scope(d, &p->queues[i]))
            reached += deliver_queue(shard, &p->queues[i]);
    }
    return reached;
}

/* Nobody took the run's messages: tells the requests among them. */
static void tell_no_responders(struct delivery *d)
{
    for (uint32_t i = 0; i < d->batch.count; i++)
        no_responders_tell(d->from,
                           bytes_of(d->batch.messages[i].tail, d->batch.messages[i].reply_len));
}

void delivery_flush(struct shard *shard)
{
    struct delivery *d = &shard->delivery;
    struct plan *p = d->plan;
    uint32_t reached;

    if (p == NULL)
        return;
    if (d->batch.count == 0) {
        d->plan = NULL;
        return;
    }
    reached = deliver_run(shard);
    if (d->from != NULL && reached > 0)
        client_note_reach(d->from, d->reach, d->least_pending);
    if (d->from != NULL && reached == 0 && d->from->no_responders)
        tell_no_responders(d);
    d->plan = NULL;
    batch_clear(&d->batch);
    if (p->one_by_one)
        drop_exhausted(p);
}

bool delivery_relay_end(struct shard *shard)
{
    struct delivery *d = &shard->delivery;

    d->least_pending = 0;
    delivery_flush(shard);
    return d->least_pending != SIZE_MAX && d->least_pending > CLIENT_BEHIND_BYTES;
}

bool delivery_relay(struct shard *shard, const struct delivery_request *request,
                    const struct message *m, struct block *block)
{
    struct delivery *d = &shard->delivery;
    bool is_behind = false;

    if (block != NULL || d->plan == NULL || batch_is_full(&d->batch) || d->plan->one_by_one) {
        is_behind = delivery_relay_end(shard);
        d->plan = plan_find(shard, request->account, request->subject);
        if (d->plan == NULL)
            return is_behind; /* there is no memory: lost */
        d->from = NULL;
        d->batch.holder = block;
        d->scope = request->queue.len > 0 ? DELIVER_TO_QUEUE : DELIVER_TO_PLAIN;
        d->queue = request->queue;
    }
    batch_add(&d->batch, m);
    return block == NULL ? is_behind : delivery_relay_end(shard) || is_behind;
}

/* Writes the tail of a publish that was not written as the protocol would have it. It lies in the
 * writer's block, which must not be begun anew before the run is flushed: *held keeps it. */
static bool rewrite_tail(struct shard *shard, const struct event *e, struct bytes *tail,
                         struct block **held)
{
    char *text = writer_reserve(&shard->writer, batch_tail_room(e));

    if (text == NULL)
        return false;
    *tail = bytes_of(text, batch_write_tail(e, text));
    *held = shard->writer.block;
    block_ref(*held);
    writer_commit(&shard->writer, tail->len);
    return true;
}

static inline void add_message(struct delivery *d, const struct event *e, struct bytes tail)
{
    struct message m = {.tail = tail.data,
                        .tail_len = (uint32_t)tail.len,
                        .size = (uint32_t)e->payload.len,
                        .header_len = e->header_len,
                        .reply_len = (uint16_t)e->reply.len,
                        .has_headers = e->has_headers};

    batch_add(&d->batch, &m);
}

static bool publish_rewritten(struct shard *shard, const struct event *event)
{
    struct delivery *d = &shard->delivery;
    struct block *held;
    struct bytes tail;

    if (!rewrite_tail(shard, event, &tail, &held))
        return false;
    add_message(d, event, tail);
    delivery_flush(shard);
    block_unref(held);
    return true;
}

/* Makes the plan of <subject> the current run's; what was gathered for another is delivered. */
static bool begin_run(struct shard *shard, struct client *from, struct bytes subject,
                      struct block *holder)
{
    struct delivery *d = &shard->delivery;

    delivery_flush(shard);
    d->plan = plan_find(shard, from->account, subject);
    d->account = from->account;
    d->from = from;
    d->batch.holder = holder;
    d->scope = DELIVER_TO_ALL;
    return d->plan != NULL;
}

bool delivery_publish(struct shard *shard, struct client *from, const struct event *event,
                      struct block *holder)
{
    struct delivery *d = &shard->delivery;

    if (d->plan == NULL || !bytes_equal(plan_subject(d->plan), event->subject)) {
        if (!begin_run(shard, from, event->subject, holder))
            return false;
    }
    if (d->plan->is_empty) {
        if (from->no_responders && event->reply.len > 0) {
            d->plan = NULL;
            no_responders_tell(from, event->reply);
        }
        return true;
    }
    if (event->tail.len == 0) {
        struct bytes subject = event->subject;

        return begin_run(shard, from, subject, NULL) && publish_rewritten(shard, event);
    }
    add_message(d, event, event->tail);
    if (batch_is_full(&d->batch) || d->plan->one_by_one || from->verbose)
        delivery_flush(shard);
    return true;
}
