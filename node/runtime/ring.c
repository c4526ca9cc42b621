#include "node/runtime/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Indices count bytes since the ring was opened and never wrap in practice (64 bits); an index
 * modulo the capacity is a place in memory. A record is a header, which holds its length, and its
 * bytes, rounded up to RING_ALIGN. One that does not fit before the end of the memory begins at its
 * start, and a header of SKIP stands where it would have been.
 *
 * Sleep and wake are Dekker's handshake: each side stores its own word, then loads the other's, and
 * all four are sequentially consistent, so that at least one sees the other's store. Fences would
 * say the same, but ThreadSanitizer does not understand them. */
typedef uint64_t ring_header;

#define SKIP UINT64_MAX
#define NOT_WAITING UINT64_C(0)

static_assert(sizeof(ring_header) == RING_ALIGN, "a header keeps the bytes behind it aligned");

struct ring {
    /* Never changed. */
    char *memory;
    uint64_t capacity;
    struct ring_bell *bell; /* the reader's */

    /* The writer's alone. */
    _Alignas(RING_CACHE_LINE) uint64_t committed;
    uint64_t reserved_at;   /* where the record being filled begins */
    uint64_t reserved_size; /* its header included; 0 when there is none */
    uint64_t published_copy;
    uint64_t released_seen; /* <released> as it was when last looked at */

    _Alignas(RING_CACHE_LINE) _Atomic uint64_t published; /* stored by the writer */

    /* The reader's alone. */
    _Alignas(RING_CACHE_LINE) uint64_t read;
    uint64_t peeked_end; /* where the record after the peeked one begins; 0 when none was peeked */
    uint64_t published_seen;
    uint64_t released_copy;

    _Alignas(RING_CACHE_LINE) _Atomic uint64_t released; /* stored by the reader */

    /* How far <released> must come before the writer is woken; set by the writer, cleared by both.
     */
    _Alignas(RING_CACHE_LINE) _Atomic uint64_t wanted;
};

void ring_bell_init(struct ring_bell *bell)
{
    atomic_init(&bell->is_set, false);
}

void ring_bell_set(struct ring_bell *bell)
{
    atomic_store(&bell->is_set, true);
}

/* A writer that still sees the bell set wakes the reader once too often, which does no harm. */
void ring_bell_clear(struct ring_bell *bell)
{
    atomic_store_explicit(&bell->is_set, false, memory_order_relaxed);
}

bool ring_bell_must_ring(struct ring_bell *bell)
{
    return atomic_load(&bell->is_set) && atomic_exchange(&bell->is_set, false);
}

struct ring *ring_open(size_t capacity, struct ring_bell *bell)
{
    struct ring *ring;

    assert(capacity >= RING_CAPACITY_MIN && capacity <= RING_CAPACITY_MAX);
    assert((capacity & (capacity - 1)) == 0);
    assert(bell != NULL);
    ring = aligned_alloc(RING_CACHE_LINE, sizeof *ring);
    if (ring == NULL)
        return NULL;
    *ring = (struct ring){.capacity = capacity, .bell = bell};
    ring->memory = mmap(NULL, capacity, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ring->memory == MAP_FAILED) {
        free(ring);
        return NULL;
    }
    return ring;
}

void ring_close(struct ring *ring)
{
    if (ring == NULL)
        return;
    munmap(ring->memory, ring->capacity);
    free(ring);
}

/* Wherever the writer stands, a record of this size fits once the ring is empty: either before the
 * end of the memory, or before the writer. */
size_t ring_record_max(const struct ring *ring)
{
    return (size_t)ring->capacity / 2 - sizeof(ring_header);
}

static ring_header *header_at(const struct ring *ring, uint64_t index)
{
    return (ring_header *)(void *)(ring->memory + (index & (ring->capacity - 1)));
}

/* What a record of <len> bytes takes. */
static uint64_t size_of_record(size_t len)
{
    return sizeof(ring_header) + ((uint64_t)len + RING_ALIGN - 1) / RING_ALIGN * RING_ALIGN;
}

/* Where the next record would begin if it took <size> bytes. */
static uint64_t place_of(const struct ring *ring, uint64_t size)
{
    uint64_t to_the_end = ring->capacity - (ring->committed & (ring->capacity - 1));

    return ring->committed + (size > to_the_end ? to_the_end : 0);
}

char *ring_reserve(struct ring *ring, size_t len)
{
    uint64_t size;
    uint64_t at;

    ring->reserved_size = 0;
    if (len > ring_record_max(ring))
        return NULL;
    size = size_of_record(len);
    at = place_of(ring, size);
    if (at + size - ring->released_seen > ring->capacity) {
        ring->released_seen = atomic_load_explicit(&ring->released, memory_order_acquire);
        if (at + size - ring->released_seen > ring->capacity)
            return NULL;
    }
    if (at != ring->committed)
        *header_at(ring, ring->committed) = SKIP;
    ring->reserved_at = at;
    ring->reserved_size = size;
    return (char *)(header_at(ring, at) + 1);
}

void ring_commit(struct ring *ring, size_t len)
{
    uint64_t size = size_of_record(len);

    assert(ring->reserved_size > 0);
    assert(size <= ring->reserved_size);
    *header_at(ring, ring->reserved_at) = (ring_header)len;
    ring->committed = ring->reserved_at + size;
    ring->reserved_size = 0;
}

bool ring_publish(struct ring *ring)
{
    if (ring->committed == ring->published_copy)
        return false;
    ring->published_copy = ring->committed;
    atomic_store(&ring->published, ring->committed);
    return ring_bell_must_ring(ring->bell);
}

/* Half the ring free, so that a writer is not woken for each record's room, and enough for its
 * record. Neither is beyond what was published: a reader that takes all there is always comes so
 * far. */
static uint64_t release_wanted(const struct ring *ring, size_t len)
{
    uint64_t size = size_of_record(len);
    uint64_t end = place_of(ring, size) + size;
    uint64_t for_the_record = end > ring->capacity ? end - ring->capacity : 0;
    uint64_t half = ring->capacity / 2;
    uint64_t for_half = ring->committed > half ? ring->committed - half : 0;

    return for_the_record > for_half ? for_the_record : for_half;
}

bool ring_wait_for_room(struct ring *ring, size_t len)
{
    uint64_t wanted;

    assert(len <= ring_record_max(ring));
    assert(ring->committed == ring->published_copy);
    wanted = release_wanted(ring, len);
    if (wanted == NOT_WAITING)
        return false;
    atomic_store(&ring->wanted, wanted);
    if (atomic_load(&ring->released) < wanted)
        return true;
    atomic_store_explicit(&ring->wanted, NOT_WAITING, memory_order_relaxed);
    return false;
}

struct bytes ring_peek(struct ring *ring)
{
    ring_header *header;

    if (ring->read == ring->published_seen) {
        ring->published_seen = atomic_load_explicit(&ring->published, memory_order_acquire);
        if (ring->read == ring->published_seen)
            return (struct bytes){0};
    }
    header = header_at(ring, ring->read);
    if (*header == SKIP) {
        ring->read += ring->capacity - (ring->read & (ring->capacity - 1));
        header = header_at(ring, ring->read);
    }
    ring->peeked_end = ring->read + size_of_record((size_t)*header);
    assert(ring->peeked_end <= ring->published_seen);
    return bytes_of((char *)(header + 1), (size_t)*header);
}

void ring_pop(struct ring *ring)
{
    assert(ring->peeked_end > ring->read);
    ring->read = ring->peeked_end;
    ring->peeked_end = 0;
}

bool ring_release(struct ring *ring)
{
    uint64_t wanted;

    if (ring->read == ring->released_copy)
        return false;
    ring->released_copy = ring->read;
    atomic_store(&ring->released, ring->read);
    wanted = atomic_load(&ring->wanted);
    if (wanted == NOT_WAITING || ring->read < wanted)
        return false;
    return atomic_exchange(&ring->wanted, NOT_WAITING) != NOT_WAITING;
}

bool ring_has_more(const struct ring *ring)
{
    return ring->read != atomic_load(&ring->published);
}

void ring_check(const struct ring *ring)
{
    uint64_t published = atomic_load(&ring->published);
    uint64_t released = atomic_load(&ring->released);
    uint64_t at = ring->read;

    assert(released <= ring->read && ring->read <= published);
    assert(published <= ring->committed && ring->committed - released <= ring->capacity);
    assert(ring->released_copy == released && ring->published_copy == published);
    assert(ring->released_seen <= released && ring->published_seen <= published);
    assert(ring->committed % RING_ALIGN == 0 && ring->read % RING_ALIGN == 0);
    while (at < ring->committed) {
        bool is_visible = at < published;
        ring_header header = *header_at(ring, at);

        if (header == SKIP) {
            at += ring->capacity - (at & (ring->capacity - 1));
            header = *header_at(ring, at);
        }
        assert(header <= ring_record_max(ring));
        at += size_of_record((size_t)header);
        assert(!is_visible || at <= published);
    }
    assert(at == ring->committed);
}
