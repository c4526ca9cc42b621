#include "node/runtime/ring.h"

#include "lib/base/clock.h"
#include "lib/base/random.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define CAPACITY 4096
#define DEADLINE_S 60

static struct ring_bell bell;
static struct ring *ring;

static void open_ring(void)
{
    ring_bell_init(&bell);
    ring = ring_open(CAPACITY, &bell);
    cr_assert_not_null(ring);
}

static void close_ring(void)
{
    ring_check(ring);
    ring_close(ring);
}

TestSuite(ring, .init = open_ring, .fini = close_ring, .timeout = 2 * DEADLINE_S);

static bool put(const char *text)
{
    size_t len = strlen(text);
    char *room = ring_reserve(ring, len);

    if (room == NULL)
        return false;
    memcpy(room, text, len);
    ring_commit(ring, len);
    return true;
}

static bool put_zeros(size_t len)
{
    char *room = ring_reserve(ring, len);

    if (room == NULL)
        return false;
    memset(room, 0, len);
    ring_commit(ring, len);
    ring_check(ring);
    return true;
}

/* The next record as a text; "nothing" when none is visible. */
static const char *get(void)
{
    static char text[CAPACITY];
    struct bytes record = ring_peek(ring);

    if (record.data == NULL)
        return "nothing";
    snprintf(text, sizeof text, "%.*s", BYTES_ARG(record));
    ring_pop(ring);
    return text;
}

Test(ring, hands_records_over_in_order)
{
    put("one");
    put("two");
    put("");
    put("four");
    ring_publish(ring);
    ring_check(ring);
    cr_expect_str_eq(get(), "one");
    cr_expect_str_eq(get(), "two");
    cr_expect_str_eq(get(), "");
    cr_expect_str_eq(get(), "four");
    cr_expect_str_eq(get(), "nothing");
}

Test(ring, shows_nothing_before_it_is_published)
{
    cr_expect_not(ring_has_more(ring));
    put("one");
    cr_expect_str_eq(get(), "nothing");
    cr_expect_not(ring_has_more(ring));
    ring_publish(ring);
    cr_expect(ring_has_more(ring));
    put("two");
    cr_expect_str_eq(get(), "one");
    cr_expect_str_eq(get(), "nothing");
    cr_expect_not(ring_has_more(ring));
}

Test(ring, peeking_twice_shows_the_same_record)
{
    put("one");
    put("two");
    ring_publish(ring);
    cr_expect(bytes_equal_str(ring_peek(ring), "one"));
    cr_expect(bytes_equal_str(ring_peek(ring), "one"));
    ring_release(ring);
    cr_expect(bytes_equal_str(ring_peek(ring), "one"));
    ring_pop(ring);
    cr_expect(bytes_equal_str(ring_peek(ring), "two"));
}

Test(ring, a_record_may_turn_out_shorter_than_what_was_reserved)
{
    char *room = ring_reserve(ring, 100);

    memcpy(room, "short", 5);
    ring_commit(ring, 5);
    put("next");
    ring_publish(ring);
    ring_check(ring);
    cr_expect_str_eq(get(), "short");
    cr_expect_str_eq(get(), "next");
}

Test(ring, what_was_reserved_and_not_committed_is_forgotten)
{
    cr_expect_not_null(ring_reserve(ring, 1000));
    put("kept");
    ring_publish(ring);
    ring_check(ring);
    cr_expect_str_eq(get(), "kept");
    cr_expect_str_eq(get(), "nothing");
}

Test(ring, a_record_lies_in_one_piece_and_aligned)
{
    for (size_t i = 0; i < 1000; i++) {
        size_t len = i * 7 % 900;
        char *room = ring_reserve(ring, len);
        struct bytes record;

        cr_assert_not_null(room);
        cr_assert_eq((uintptr_t)room % RING_ALIGN, 0);
        memset(room, (int)(i % 256), len);
        ring_commit(ring, len);
        ring_publish(ring);
        ring_check(ring);
        record = ring_peek(ring);
        cr_assert_eq(record.len, len);
        cr_assert_eq((uintptr_t)record.data % RING_ALIGN, 0);
        for (size_t j = 0; j < len; j++)
            cr_assert_eq((unsigned char)record.data[j], i % 256);
        ring_pop(ring);
        ring_release(ring);
        ring_check(ring);
    }
}

Test(ring, is_full_until_room_is_given_back)
{
    size_t count = 0;

    while (put_zeros(100))
        count++;
    cr_expect_geq(count, CAPACITY / (100 + 2 * RING_ALIGN) - 1);
    ring_publish(ring);
    cr_expect_not_null(ring_peek(ring).data);
    ring_pop(ring);
    cr_expect_not(put_zeros(100), "popped is not yet released");
    ring_release(ring);
    cr_expect(put_zeros(100));
    cr_expect_not(put_zeros(100));
}

Test(ring, a_record_larger_than_it_takes_is_refused_even_when_empty)
{
    cr_expect_not(put_zeros(ring_record_max(ring) + 1));
    cr_expect_not(put_zeros(CAPACITY));
    cr_expect_not(put_zeros(SIZE_MAX));
    cr_expect(put_zeros(ring_record_max(ring)));
}

/* The place where the writer happens to stand must not matter. */
Test(ring, the_largest_record_fits_whenever_the_ring_is_empty)
{
    for (size_t i = 0; i < CAPACITY / RING_ALIGN; i++) {
        cr_assert(put_zeros(ring_record_max(ring)), "after %zu rounds", i);
        ring_publish(ring);
        cr_assert_eq(ring_peek(ring).len, ring_record_max(ring));
        ring_pop(ring);
        ring_release(ring);
        cr_assert(put_zeros(0)); /* steps one header further each round */
        ring_publish(ring);
        cr_assert_not_null(ring_peek(ring).data);
        ring_pop(ring);
        ring_release(ring);
    }
}

Test(ring, costs_no_memory_before_it_is_used)
{
    enum { LARGE = 1 << 20, PAGES = LARGE / 4096 };
    struct ring *large = ring_open(LARGE, &bell);
    static unsigned char is_resident[PAGES];
    size_t resident = 0;
    char *room;

    cr_assert_not_null(large);
    if (sysconf(_SC_PAGESIZE) != 4096)
        cr_skip_test("made for pages of 4096 bytes");
    room = ring_reserve(large, 1); /* shows where the memory is; touches nothing */
    cr_assert_eq(mincore((void *)((uintptr_t)room & ~(uintptr_t)4095), LARGE, is_resident), 0);
    for (size_t i = 0; i < PAGES; i++)
        resident += is_resident[i] & 1;
    cr_expect_eq(resident, 0);
    ring_close(large);
}

Test(ring, only_a_sleeping_reader_is_woken_and_only_once)
{
    put("one");
    cr_expect_not(ring_publish(ring), "it is awake");
    ring_bell_set(&bell);
    cr_expect_not(ring_publish(ring), "nothing new");
    put("two");
    cr_expect(ring_publish(ring));
    put("three");
    cr_expect_not(ring_publish(ring), "it has been woken already");
    ring_bell_set(&bell);
    ring_bell_clear(&bell);
    put("four");
    cr_expect_not(ring_publish(ring));
}

Test(ring, one_bell_serves_all_the_rings_of_a_reader)
{
    struct ring *other = ring_open(CAPACITY, &bell);
    char *room;

    cr_assert_not_null(other);
    ring_bell_set(&bell);
    put("one");
    cr_expect(ring_publish(ring));
    room = ring_reserve(other, 0);
    cr_assert_not_null(room);
    ring_commit(other, 0);
    cr_expect_not(ring_publish(other), "somebody else wakes it");
    ring_close(other);
}

Test(ring, a_writer_that_waits_for_room_is_told_when_half_of_it_is_free)
{
    size_t popped = 0;
    bool was_told = false;

    while (put_zeros(100)) {
    }
    ring_publish(ring);
    cr_expect(ring_wait_for_room(ring, 100));
    while (!was_told && ring_peek(ring).data != NULL) {
        ring_pop(ring);
        popped++;
        was_told = ring_release(ring);
        ring_check(ring);
    }
    cr_expect(was_told);
    cr_expect_geq(popped, CAPACITY / 2 / (100 + 2 * RING_ALIGN));
    cr_expect_not_null(ring_peek(ring).data, "before all is taken");
    cr_expect(put_zeros(100));
    while (ring_peek(ring).data != NULL)
        ring_pop(ring);
    cr_expect_not(ring_release(ring), "it does not wait any more");
}

Test(ring, a_writer_need_not_wait_for_room_that_is_there_by_now)
{
    while (put_zeros(100)) {
    }
    ring_publish(ring);
    while (ring_peek(ring).data != NULL)
        ring_pop(ring);
    cr_expect_not(ring_release(ring));
    cr_expect_not(ring_wait_for_room(ring, 100));
    cr_expect(put_zeros(100));
}

Test(ring, waiting_for_the_largest_record_ends_at_the_latest_when_the_ring_is_empty)
{
    for (size_t offset = 0; offset < CAPACITY; offset += 64) {
        bool was_told = false;

        while (put_zeros(40)) {
        }
        ring_publish(ring);
        cr_assert(ring_wait_for_room(ring, ring_record_max(ring)));
        while (ring_peek(ring).data != NULL) {
            ring_pop(ring);
            was_told = ring_release(ring) || was_told;
        }
        cr_assert(was_told);
        cr_assert(put_zeros(ring_record_max(ring)));
        ring_publish(ring);
        cr_assert_not_null(ring_peek(ring).data);
        ring_pop(ring);
        ring_release(ring);
    }
}

/* Two threads. The writer's records are a length drawn from a seed and bytes that follow from their
 * number; the reader draws the same lengths. */

#define RECORDS 1000000
#define SEED 20261121

static void fill(char *room, size_t len, uint64_t number)
{
    memset(room, (int)(number % 251), len);
    if (len >= sizeof number)
        memcpy(room, &number, sizeof number);
}

static bool is_as_filled(struct bytes record, uint64_t number)
{
    size_t begin = 0;

    if (record.len >= sizeof number) {
        if (memcmp(record.data, &number, sizeof number) != 0)
            return false;
        begin = sizeof number;
    }
    for (size_t i = begin; i < record.len; i++) {
        if ((unsigned char)record.data[i] != number % 251)
            return false;
    }
    return true;
}

static size_t draw_len(struct random *chance)
{
    return random_below(chance, 8) == 0 ? random_below(chance, 1000) : random_below(chance, 60);
}

static void *write_many(void *arg)
{
    struct random chance;

    (void)arg;
    random_init(&chance, SEED);
    for (uint64_t number = 0; number < RECORDS; number++) {
        size_t len = draw_len(&chance);
        char *room;

        while ((room = ring_reserve(ring, len)) == NULL) {
            ring_publish(ring);
            sched_yield();
        }
        fill(room, len, number);
        ring_commit(ring, len);
        if (number % 16 == 0)
            ring_publish(ring);
    }
    ring_publish(ring);
    return NULL;
}

Test(ring, passes_a_million_records_between_two_threads_unharmed)
{
    struct random chance;
    pthread_t writer;
    uint64_t number = 0;

    random_init(&chance, SEED);
    cr_assert_eq(pthread_create(&writer, NULL, write_many, NULL), 0);
    while (number < RECORDS) {
        struct bytes record;

        while ((record = ring_peek(ring)).data != NULL) {
            cr_assert_eq(record.len, draw_len(&chance), "record %llu", (unsigned long long)number);
            cr_assert(is_as_filled(record, number), "record %llu", (unsigned long long)number);
            ring_pop(ring);
            number++;
        }
        ring_release(ring);
        sched_yield();
    }
    pthread_join(writer, NULL);
    cr_expect_not(ring_has_more(ring));
}

/* Falling asleep. A sleeping thread watches a word that only a wake-up changes: that is far quicker than
 * the kernel's way, and so two threads meet in the dangerous moment over and over. In each round one falls
 * asleep just when the other acts, and the other then acts no more: a wake-up that is lost stops both
 * for ever, and the deadline says so. */

#define ROUNDS 300000

struct sleeper {
    atomic_uint wakes; /* so far */
    unsigned seen;     /* by the sleeper */
};

static struct sleeper reader;
static struct sleeper writer;
static atomic_bool has_failed;

static void wake(struct sleeper *sleeper)
{
    atomic_fetch_add(&sleeper->wakes, 1);
}

/* Until <word> differs from <old>; false when that lasts too long. */
static bool wait_for_change(atomic_uint *word, unsigned old)
{
    uint64_t deadline_ns = clock_now_ns() + DEADLINE_S * CLOCK_NS_A_SECOND;

    for (unsigned i = 1; atomic_load(word) == old; i++) {
        if (i % 256 != 0)
            continue;
        if (has_failed || clock_now_ns() > deadline_ns) {
            has_failed = true;
            return false;
        }
        sched_yield();
    }
    return true;
}

static bool sleep_until_woken(struct sleeper *sleeper)
{
    if (!wait_for_change(&sleeper->wakes, sleeper->seen))
        return false;
    sleeper->seen = atomic_load(&sleeper->wakes);
    return true;
}

/* A moment of no fixed length, so that the threads meet at every point. */
static void dawdle(struct random *chance)
{
    for (uint32_t i = random_below(chance, 100); i > 0; i--)
        atomic_signal_fence(memory_order_seq_cst);
}

/* Takes all there is, and sleeps as a shard does. False when it was not woken in time. */
static bool read_one_then_sleep(struct random *chance)
{
    while (ring_peek(ring).data == NULL) {
        dawdle(chance);
        ring_bell_set(&bell);
        if (!ring_has_more(ring) && !sleep_until_woken(&reader))
            return false;
        ring_bell_clear(&bell);
    }
    ring_pop(ring);
    return true;
}

static atomic_uint records_read;

static void *write_one_when_the_last_was_read(void *arg)
{
    struct random chance;

    (void)arg;
    random_init(&chance, SEED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        if (round > 0 && !wait_for_change(&records_read, round - 1))
            return NULL;
        dawdle(&chance);
        if (ring_reserve(ring, 100) == NULL)
            return NULL;
        ring_commit(ring, 100);
        if (ring_publish(ring))
            wake(&reader);
    }
    return NULL;
}

Test(ring, a_reader_that_falls_asleep_is_woken_for_what_comes_just_then)
{
    struct random chance;
    pthread_t thread;

    random_init(&chance, SEED + 1);
    cr_assert_eq(pthread_create(&thread, NULL, write_one_when_the_last_was_read, NULL), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        cr_assert(read_one_then_sleep(&chance), "not woken in round %u", round);
        ring_release(ring);
        atomic_store(&records_read, round + 1);
    }
    pthread_join(thread, NULL);
}

/* Records so large that the writer has to wait for room at nearly every one of them. */
static void *write_large_ones(void *arg)
{
    struct random chance;
    size_t len = ring_record_max(ring);

    (void)arg;
    random_init(&chance, SEED);
    for (unsigned round = 0; round < ROUNDS; round++) {
        while (ring_reserve(ring, len) == NULL) {
            dawdle(&chance);
            if (ring_wait_for_room(ring, len) && !sleep_until_woken(&writer))
                return "the writer was not woken";
        }
        ring_commit(ring, len);
        if (ring_publish(ring))
            wake(&reader);
    }
    return NULL;
}

Test(ring, a_writer_that_falls_asleep_is_woken_for_room_given_back_just_then)
{
    struct random chance;
    pthread_t thread;
    void *trouble;

    random_init(&chance, SEED + 1);
    cr_assert_eq(pthread_create(&thread, NULL, write_large_ones, NULL), 0);
    for (unsigned round = 0; round < ROUNDS; round++) {
        cr_assert(read_one_then_sleep(&chance), "not woken in round %u", round);
        dawdle(&chance);
        if (ring_release(ring))
            wake(&writer);
    }
    pthread_join(thread, &trouble);
    cr_expect_null(trouble, "%s", (const char *)trouble);
}
