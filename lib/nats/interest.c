#include "lib/nats/interest.h"

#include "lib/nats/subject.h"

#include <assert.h>
#include <stdlib.h>

/* One token of one or more wildcard patterns. */
struct interest_node {
    struct interest_node *parent;
    struct interest_node *star;    /* the child "*" */
    struct interest_entry *here;   /* ring of patterns that end with this token */
    struct interest_entry *beyond; /* ring of patterns that end with '>' below this token */
    uint32_t child_count;          /* literal children, which stand in <edges>, and <star> */
    uint32_t hash;                 /* of parent and token, under which it stands in <edges> */
    uint32_t token_len;
    char token[];
};

struct edge {
    const struct interest_node *parent;
    struct bytes token;
};

static uint32_t edge_hash(const struct edge *edge)
{
    uint64_t parent = (uint64_t)(uintptr_t)edge->parent;

    return bytes_hash(edge->token) ^ (uint32_t)((parent * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static bool edge_is(const void *item, const void *key)
{
    const struct interest_node *node = item;
    const struct edge *edge = key;

    return node->parent == edge->parent &&
           bytes_equal(bytes_of(node->token, node->token_len), edge->token);
}

/* The text of an entry's pattern. */
static struct bytes pattern_of(const struct interest *in, const struct interest_entry *entry)
{
    return bytes_of((const char *)entry + in->text_at, entry->pattern_len);
}

struct literal {
    const struct interest *in;
    struct bytes pattern;
};

static bool pattern_is(const void *item, const void *key)
{
    const struct interest_entry *entry = item;
    const struct literal *literal = key;

    return bytes_equal(pattern_of(literal->in, entry), literal->pattern);
}

/* Takes the first token off *rest; more tokens follow while rest->data is not NULL. */
static struct bytes take_token(struct bytes *rest)
{
    struct bytes token = {0};

    subject_next_token(rest, &token);
    return token;
}

static bool token_is(struct bytes token, char c)
{
    return token.len == 1 && token.data[0] == c;
}

static void ring_insert(struct interest_entry **ring, struct interest_entry *entry)
{
    struct interest_entry *head = *ring;

    if (head == NULL) {
        entry->next = entry->prev = entry;
        *ring = entry;
        return;
    }
    entry->next = head;
    entry->prev = head->prev;
    head->prev->next = entry;
    head->prev = entry;
}

static void ring_remove(struct interest_entry **ring, struct interest_entry *entry)
{
    if (*ring == entry)
        *ring = entry->next == entry ? NULL : entry->next;
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
}

bool interest_init(struct interest *in, size_t text_at)
{
    *in = (struct interest){.text_at = text_at};
    table_init(&in->literals);
    table_init(&in->edges);
    in->root = calloc(1, sizeof *in->root);
    return in->root != NULL;
}

void interest_fini(struct interest *in)
{
    assert(in->entry_count == 0);
    table_fini(&in->literals);
    table_fini(&in->edges);
    free(in->root);
    in->root = NULL;
}

static struct interest_node *node_child(const struct interest *in, const struct interest_node *node,
                                        struct bytes token)
{
    struct edge edge = {.parent = node, .token = token};

    if (table_count(&in->edges) == 0)
        return NULL;
    return table_find(&in->edges, edge_hash(&edge), edge_is, &edge);
}

static struct interest_node *node_add_child(struct interest *in, struct interest_node *node,
                                            struct bytes token)
{
    struct edge edge = {.parent = node, .token = token};
    struct interest_node *child = calloc(1, sizeof *child + token.len);

    if (child == NULL)
        return NULL;
    child->parent = node;
    child->hash = edge_hash(&edge);
    child->token_len = (uint32_t)token.len;
    memcpy(child->token, token.data, token.len);
    if (token_is(token, '*')) {
        node->star = child;
    } else if (!table_add(&in->edges, child->hash, child)) {
        free(child);
        return NULL;
    }
    node->child_count++;
    return child;
}

/* Frees <node> and those above it that lead nowhere any more. */
static void node_prune(struct interest *in, struct interest_node *node)
{
    while (node != in->root && node->child_count == 0 && node->here == NULL &&
           node->beyond == NULL) {
        struct interest_node *parent = node->parent;

        if (parent->star == node)
            parent->star = NULL;
        else
            table_remove(&in->edges, node->hash, node);
        parent->child_count--;
        free(node);
        node = parent;
    }
}

/* The node where <pattern> ends, without a final '>', which *is_full tells; nodes that are missing
 * are made if <make>. NULL when memory is out (or, not making any, when there is none). */
static struct interest_node *node_walk(struct interest *in, struct bytes pattern, bool make,
                                       bool *is_full)
{
    struct interest_node *node = in->root;
    struct bytes rest = pattern;

    *is_full = false;
    while (rest.data != NULL) {
        struct bytes token = take_token(&rest);
        struct interest_node *child;

        if (token_is(token, '>')) {
            *is_full = true;
            break;
        }
        child = token_is(token, '*') ? node->star : node_child(in, node, token);
        if (child == NULL && make)
            child = node_add_child(in, node, token);
        if (child == NULL) {
            node_prune(in, node);
            return NULL;
        }
        node = child;
    }
    return node;
}

static struct interest_entry *find_literal(const struct interest *in, struct bytes pattern,
                                           uint32_t hash)
{
    struct literal wanted = {.in = in, .pattern = pattern};

    return table_find(&in->literals, hash, pattern_is, &wanted);
}

static enum status literal_add(struct interest *in, struct interest_entry *entry)
{
    uint32_t hash = bytes_hash(pattern_of(in, entry));
    struct interest_entry *head = find_literal(in, pattern_of(in, entry), hash);

    if (head == NULL && !table_add(&in->literals, hash, entry))
        return STATUS_OUT_OF_MEMORY;
    ring_insert(&head, entry);
    return STATUS_OK;
}

static void literal_remove(struct interest *in, struct interest_entry *entry)
{
    uint32_t hash = bytes_hash(pattern_of(in, entry));
    struct interest_entry *head = find_literal(in, pattern_of(in, entry), hash);
    struct interest_entry *ring = head;

    ring_remove(&ring, entry);
    if (ring == head)
        return;
    if (ring == NULL)
        table_remove(&in->literals, hash, entry);
    else
        table_replace(&in->literals, hash, entry, ring);
}

static enum status wildcard_add(struct interest *in, struct interest_entry *entry)
{
    bool is_full;
    struct interest_node *node = node_walk(in, pattern_of(in, entry), true, &is_full);

    if (node == NULL)
        return STATUS_OUT_OF_MEMORY;
    ring_insert(is_full ? &node->beyond : &node->here, entry);
    return STATUS_OK;
}

static void wildcard_remove(struct interest *in, struct interest_entry *entry)
{
    bool is_full;
    struct interest_node *node = node_walk(in, pattern_of(in, entry), false, &is_full);

    assert(node != NULL);
    ring_remove(is_full ? &node->beyond : &node->here, entry);
    node_prune(in, node);
}

static uint16_t first_token_at(struct bytes subject)
{
    struct bytes rest = subject;

    return (uint16_t)(bytes_hash(take_token(&rest)) % INTEREST_STAMPS_FIRST);
}

struct interest_stamp_at interest_stamp_at(struct bytes subject, uint32_t subject_hash)
{
    return (struct interest_stamp_at){.first = first_token_at(subject),
                                      .full = (uint16_t)(subject_hash % INTEREST_STAMPS_FULL)};
}

static void count_change(_Atomic uint32_t *changes)
{
    atomic_fetch_add_explicit(changes, 1, memory_order_release);
}

static void change(struct interest *in, const struct interest_entry *entry, bool has_wildcard)
{
    struct bytes rest = pattern_of(in, entry);
    struct bytes first = take_token(&rest);

    if (!has_wildcard)
        count_change(&in->changes_full[bytes_hash(pattern_of(in, entry)) % INTEREST_STAMPS_FULL]);
    else if (token_is(first, '*') || token_is(first, '>'))
        count_change(&in->changes_all);
    else
        count_change(&in->changes_first[bytes_hash(first) % INTEREST_STAMPS_FIRST]);
}

enum status interest_add(struct interest *in, struct interest_entry *entry)
{
    struct bytes pattern = pattern_of(in, entry);
    bool has_wildcard = subject_has_wildcard(pattern);
    enum status st = subject_check_subscription(pattern);

    if (st != STATUS_OK)
        return st;
    st = has_wildcard ? wildcard_add(in, entry) : literal_add(in, entry);
    if (st != STATUS_OK)
        return st;
    in->entry_count++;
    change(in, entry, has_wildcard);
    return STATUS_OK;
}

void interest_remove(struct interest *in, struct interest_entry *entry)
{
    bool has_wildcard = subject_has_wildcard(pattern_of(in, entry));

    if (has_wildcard)
        wildcard_remove(in, entry);
    else
        literal_remove(in, entry);
    in->entry_count--;
    change(in, entry, has_wildcard);
}

void interest_touch(struct interest *in, const struct interest_entry *entry)
{
    bool has_wildcard = subject_has_wildcard(pattern_of(in, entry));

    change(in, entry, has_wildcard);
}

void interest_touch_all(struct interest *in)
{
    count_change(&in->changes_all);
}

struct walk {
    const struct interest *in;
    interest_visit_fn *visit;
    void *arg;
};

static bool visit_ring(const struct walk *walk, struct interest_entry *ring)
{
    struct interest_entry *entry = ring;

    if (ring == NULL)
        return true;
    do {
        struct interest_entry *next = entry->next;

        if (!walk->visit(entry, walk->arg))
            return false;
        entry = next;
    } while (entry != ring);
    return true;
}

/* <rest> is what of the subject lies below <node>; its data is NULL when nothing does. The depth is
 * that of the tree at most. */
static bool visit_below(const struct walk *walk, const struct interest_node *node,
                        struct bytes rest)
{
    struct interest_node *child;
    struct bytes token;

    if (rest.data == NULL)
        return visit_ring(walk, node->here);
    if (!visit_ring(walk, node->beyond))
        return false;
    if (node->child_count == 0)
        return true;
    token = take_token(&rest);
    if (node->star != NULL && !visit_below(walk, node->star, rest))
        return false;
    child = node_child(walk->in, node, token);
    return child == NULL || visit_below(walk, child, rest);
}

bool interest_match(const struct interest *in, struct bytes subject, interest_visit_fn *visit,
                    void *arg)
{
    struct walk walk = {.in = in, .visit = visit, .arg = arg};
    struct interest_entry *literal;

    if (!subject_is_matchable(subject))
        return true;
    literal = find_literal(in, subject, bytes_hash(subject));
    return visit_ring(&walk, literal) && visit_below(&walk, in->root, subject);
}

static uint64_t check_ring(const struct interest *in, const struct interest_entry *ring)
{
    const struct interest_entry *entry = ring;
    uint64_t count = 0;

    if (ring == NULL)
        return 0;
    do {
        assert(entry->next->prev == entry);
        assert(bytes_equal(pattern_of(in, entry), pattern_of(in, ring)));
        entry = entry->next;
        count++;
    } while (entry != ring);
    return count;
}

/* Counts the entries at <node>, and at its "*" children, which stand in no table. */
static uint64_t check_node(const struct interest *in, const struct interest_node *node)
{
    uint64_t count = 0;

    for (; node != NULL; node = node->star) {
        assert(node->parent == NULL || node->child_count > 0 || node->here != NULL ||
               node->beyond != NULL);
        assert(node->star == NULL || node->star->parent == node);
        count += check_ring(in, node->here) + check_ring(in, node->beyond);
    }
    return count;
}

void interest_check(const struct interest *in)
{
    uint64_t count = check_node(in, in->root);
    const void *item;

    table_check(&in->literals);
    table_check(&in->edges);
    for (uint32_t at = 0; (item = table_next(&in->literals, &at)) != NULL;)
        count += check_ring(in, item);
    for (uint32_t at = 0; (item = table_next(&in->edges, &at)) != NULL;)
        count += check_node(in, item);
    assert(count == in->entry_count);
}
