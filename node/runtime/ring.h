/* ring: what one shard passes to another.
 *
 * A bounded queue of records between exactly two threads, a writer and a reader, with no lock. A
 * record is a run of bytes, at the reader's in one piece and at an address that is a multiple of
 * RING_ALIGN. The writer reserves room, fills it and commits; nothing is visible until it
 * publishes, and then the whole batch is. The reader peeks and pops, and gives the room back in
 * batches too:
 *
 *       released        read            published       committed
 *          v             v                  v               v
 *     -----[ popped      | visible          | not yet       |  free ...
 *              the reader's                     the writer's
 *
 * A shard that has nothing to do sleeps. One bell stands for all the rings it reads: it sets the
 * bell, looks once more into each ring, and only then sleeps; a writer that publishes learns
 * whether it is the one who has to wake it. No wake-up is lost, and none is sent to a reader that
 * is awake. The same holds the other way for a writer that waits for room.
 *
 * Limits    a record is at most ring_record_max() bytes, a little under half the ring.
 * Owns      its memory, which the system provides only where it has been written to.
 * Threads   each function says whose it is. ring_open(), ring_close() and ring_check() are for
 * moments when neither of the two is in any other. Costs     some nanoseconds a record, no system
 * call; one contended cache line a batch. */
#ifndef NATTER_RUNTIME_RING_H
#define NATTER_RUNTIME_RING_H

#include "lib/base/bytes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_ALIGN 8
#define RING_CAPACITY_MIN 4096              /* bytes */
#define RING_CAPACITY_MAX ((size_t)1 << 32) /* bytes */
#define RING_CACHE_LINE 64

/* Whether a reader is asleep: one for each shard, shared by all who write to it. */
struct ring_bell {
    _Alignas(RING_CACHE_LINE) atomic_bool is_set;
};

void ring_bell_init(struct ring_bell *bell);

/* The reader: declares that it is about to sleep. It then asks ring_has_more() of each of its
 * rings, and sleeps only if all say no. */
void ring_bell_set(struct ring_bell *bell);

/* The reader: is awake again, or has decided not to sleep. */
void ring_bell_clear(struct ring_bell *bell);

/* Any thread, after making something visible to the reader by a sequentially consistent store: true
 * if the caller has to wake it. Of several askers one is told so. */
bool ring_bell_must_ring(struct ring_bell *bell);

struct ring; /* opaque: two threads' indices, each on cache lines of its own */

/* A ring of <capacity> bytes, a power of two from RING_CAPACITY_MIN to RING_CAPACITY_MAX, whose
 * reader sleeps by <bell>, which outlives it. NULL when memory is out. */
struct ring *ring_open(size_t capacity, struct ring_bell *bell);

void ring_close(struct ring *ring); /* NULL is no work */

size_t ring_record_max(const struct ring *ring); /* bytes; either thread */

/* The writer. */

/* Room for a record of <len> bytes, to be filled and committed; NULL when the ring is full, and
 * always when <len> is above ring_record_max(). Reserving again forgets what was reserved and not
 * committed. */
char *ring_reserve(struct ring *ring, size_t len);

/* Ends the record just reserved; <len> is what was asked for, or less. The reader cannot see it
 * yet. */
void ring_commit(struct ring *ring, size_t len);

/* Makes all that was committed visible, in order. True if the reader sleeps and the caller has to
 * wake it. */
bool ring_publish(struct ring *ring);

/* After ring_reserve() found no room for <len> bytes, all being published: asks for a word when
 * there is plenty. False if there is room by now, and the writer should try again; true if it has
 * to wait until ring_release() tells the reader to wake it. */
bool ring_wait_for_room(struct ring *ring, size_t len);

/* The reader. */

/* The oldest record not yet popped, or {NULL, 0} when no more are visible. It holds until
 * ring_release(), popped or not; the reader may write into it. */
struct bytes ring_peek(struct ring *ring);

/* Steps past the record that ring_peek() showed. */
void ring_pop(struct ring *ring);

/* Gives the room of all popped records back. True if the writer waits for it and the caller has to
 * wake it. Call it at the end of each batch, and in any case before sleeping. */
bool ring_release(struct ring *ring);

/* Whether there is anything to peek at, for the last look before sleeping. */
bool ring_has_more(const struct ring *ring);

/* Asserts the whole invariant: the order of the indices, and that records lie end to end. */
void ring_check(const struct ring *ring);

#endif
