/* interest: who wants which subject.
 *
 * A table maps patterns ("orders.*.paid", "logs.>") to entries and answers, for each message
 * published, who receives it. Patterns without wildcards stand in one hash table by their whole
 * text, so a million of them cost a match one look-up; patterns with wildcards stand in a tree with
 * one level a token, where a wildcard is a child like any other, so a match costs the depth of the
 * subject and not the number of subscriptions.
 *
 * Answers may be kept: interest_stamp() changes whenever an answer for its subject may have. Of a
 * literal pattern only that subject feels the change, of a wildcard pattern only subjects with the
 * same first token, and of a pattern that begins with a wildcard all; so inboxes that come and go do
 * not cool what others have kept. (Stamps are counters shared by hash: a change may touch a stranger's,
 * never miss its own.)
 *
 * Owns      its tables and nodes; an entry stays its owner's, who removes it before freeing it.
 * Threads   it knows none: whoever shares a table keeps writers alone. interest_stamp() may be
 *           called at any time by any thread. Matching only reads.
 * Allocates in interest_add() alone. */
#ifndef NATTER_NATS_INTEREST_H
#define NATTER_NATS_INTEREST_H

#include "lib/base/bytes.h"
#include "lib/base/table.h"
#include "lib/nats/status.h"

#include <stdatomic.h>

/* To be embedded in what is to be found. The owner sets <pattern_len>, and the pattern's text stands
 * <text_at> bytes behind the entry's beginning, unchanged while the entry is in; the rest is the
 * table's. There are millions of them: a pointer to the text would cost each eight bytes. */
struct interest_entry {
    struct interest_entry *next; /* the ring of entries with the same pattern */
    struct interest_entry *prev;
    uint32_t pattern_len;
    uint16_t owned[2]; /* the owner's to use, where there would be a hole else */
};

#define INTEREST_STAMPS_FULL 1024
#define INTEREST_STAMPS_FIRST 256

struct interest_node;

struct interest {
    size_t text_at;        /* from an entry to its pattern, the same for all */
    struct table literals; /* rings of entries, by the whole pattern */
    struct table edges;    /* nodes of the tree, by parent and token */
    struct interest_node *root;
    uint64_t entry_count;
    _Atomic uint32_t changes_all;
    _Atomic uint32_t changes_first[INTEREST_STAMPS_FIRST];
    _Atomic uint32_t changes_full[INTEREST_STAMPS_FULL];
};

/* For entries whose patterns stand <text_at> bytes behind their beginning. False when memory is out. */
bool interest_init(struct interest *in, size_t text_at);
void interest_fini(struct interest *in); /* every entry must have been removed */

/* Makes <entry> findable under its pattern. Adding it twice is the caller's bug.
 *   STATUS_BAD_SUBJECT    an empty token, or a '>' that is not last
 *   STATUS_OUT_OF_MEMORY
 * After a failure the table matches exactly what it matched before. */
enum status interest_add(struct interest *in, struct interest_entry *entry);

void interest_remove(struct interest *in, struct interest_entry *entry);

/* Says that answers naming <entry> are no longer to be kept, though it stays. */
void interest_touch(struct interest *in, const struct interest_entry *entry);

/* The same for all answers at once: for many entries that is less work. */
void interest_touch_all(struct interest *in);

/* Called for each match, in no promised order; false ends the walk. The table must not change until
 * interest_match() returns: a visitor that wants to remove takes a note, and acts afterwards. */
typedef bool interest_visit_fn(struct interest_entry *entry, void *arg);

/* Visits every entry whose pattern matches <subject>, which is taken literally: a '*' in it is a
 * token like any other. A subject with an empty token matches nothing. False when a visit ended it. */
bool interest_match(const struct interest *in, struct bytes subject, interest_visit_fn *visit,
                    void *arg);

/* Where the stamp of one subject stands. */
struct interest_stamp_at {
    uint16_t first;
    uint16_t full;
};

struct interest_stamp_at interest_stamp_at(struct bytes subject, uint32_t subject_hash);

/* An answer kept together with its stamp, read before the match, holds while the stamp is the same. */
static inline uint64_t interest_stamp(const struct interest *in, struct interest_stamp_at at)
{
    return (uint64_t)atomic_load_explicit(&in->changes_all, memory_order_acquire) +
           atomic_load_explicit(&in->changes_first[at.first], memory_order_acquire) +
           atomic_load_explicit(&in->changes_full[at.full], memory_order_acquire);
}

void interest_check(const struct interest *in);

#endif
