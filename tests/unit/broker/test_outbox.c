#include "node/broker/outbox.h"

#include "lib/base/random.h"
#include "tests/unit/broker/scarcity.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* ---- how the tests speak ---- */

static struct block_pool blocks;
static struct slice_pool slices;
static struct writer writer;
static struct outbox outbox;

static void begin(void)
{
    block_pool_init(&blocks);
    slice_pool_init(&slices);
    writer_init(&writer, &blocks);
    outbox = (struct outbox){0};
}

static void end(void)
{
    outbox_check(&outbox);
    outbox_clear(&outbox, &slices);
    cr_expect_null(outbox.first);
    writer_fini(&writer);
    slice_pool_fini(&slices);
    block_pool_fini(&blocks); /* asserts that every block has come back */
}

TestSuite(outbox, .init = begin, .fini = end);

static void append(struct block *b, size_t from, size_t len)
{
    cr_assert(outbox_append(&outbox, &slices, b, b->data + from, len));
    outbox_check(&outbox);
}

static void append_text(const char *text)
{
    cr_assert(outbox_append_copy(&outbox, &slices, &writer, bytes_of_str(text)));
    outbox_check(&outbox);
}

static void consume(size_t n)
{
    outbox_consume(&outbox, &slices, n);
    outbox_check(&outbox);
}

static void settle(void)
{
    outbox_settle(&outbox, &slices, &blocks);
    outbox_check(&outbox);
}

static struct block *block_saying(const char *text, size_t capacity)
{
    struct block *b = block_take_sized(&blocks, capacity);

    cr_assert_not_null(b);
    memcpy(b->data, text, strlen(text));
    return b;
}

/* What would be written by one write after another with so many pieces. */
static const char *all_with(size_t pieces_max, size_t scratch_len)
{
    static char text[1 << 16];
    static char scratch[4096];
    struct outbox rest = outbox;
    size_t used = 0;
    struct iovec iov[64];
    size_t pieces = outbox_gather(&rest, iov, pieces_max, scratch, scratch_len);

    cr_assert_leq(pieces, pieces_max);
    for (size_t i = 0; i < pieces; i++) {
        memcpy(text + used, iov[i].iov_base, iov[i].iov_len);
        used += iov[i].iov_len;
    }
    text[used] = '\0';
    return text;
}

static const char *all(void)
{
    return all_with(64, 4096);
}

static size_t slice_count(void)
{
    size_t count = 0;

    for (const struct slice *s = outbox.first; s != NULL; s = s->next)
        count++;
    return count;
}

static bool is_seen_before(const struct slice *s)
{
    for (const struct slice *t = outbox.first; t != s; t = t->next) {
        if (t->block == s->block)
            return true;
    }
    return false;
}

/* Of all blocks that the outbox looks into, each counted once. */
static size_t memory_held(void)
{
    size_t held = 0;

    for (const struct slice *s = outbox.first; s != NULL; s = s->next)
        held += is_seen_before(s) ? 0 : s->block->capacity;
    return held;
}

static size_t memory_allowed(void)
{
    return outbox.pending * OUTBOX_PIN_FACTOR + OUTBOX_OWN_BYTES;
}

/* ---- appending ---- */

Test(outbox, gives_back_what_was_appended_in_order)
{
    append_text("PING\r\n");
    append_text("MSG foo 1 2\r\nhi\r\n");
    cr_expect_str_eq(all(), "PING\r\nMSG foo 1 2\r\nhi\r\n");
    cr_expect_eq(outbox.pending, 6 + 17);
}

Test(outbox, pieces_that_touch_become_one)
{
    struct block *b = block_saying("onetwothree", 64);

    append(b, 0, 3);
    append(b, 3, 3);
    cr_expect_eq(slice_count(), 1);
    cr_expect_eq(b->refs, 2, "ours and that of one slice");
    append(b, 7, 4);
    cr_expect_eq(slice_count(), 2);
    cr_expect_str_eq(all(), "onetwohree");
    block_unref(b);
}

Test(outbox, pieces_of_neighbouring_blocks_stay_apart)
{
    struct block *a = block_saying("a", 16);
    struct block *b = block_saying("b", 16);

    append(a, 0, 1);
    append(b, 0, 1);
    append(a, 0, 1);
    cr_expect_eq(slice_count(), 3);
    cr_expect_eq(a->refs, 3);
    cr_expect_str_eq(all(), "aba");
    block_unref(a);
    block_unref(b);
}

Test(outbox, one_text_waits_in_many_outboxes)
{
    struct outbox other = {0};
    struct block *b = block_saying("news", 16);

    append(b, 0, 4);
    cr_assert(outbox_append(&other, &slices, b, b->data, 4));
    block_unref(b);
    consume(4);
    cr_expect_eq(b->refs, 1);
    cr_expect_eq(b->data[0], 'n');
    outbox_clear(&other, &slices);
}

/* ---- the writer ---- */

Test(writer, begins_its_block_anew_when_nobody_looks_into_it, .init = begin, .fini = end)
{
    char *first;

    append_text("first");
    first = writer.block->data;
    cr_expect_eq(writer_reserve(&writer, 5), first + 5);
    consume(5);
    cr_expect_eq(writer_reserve(&writer, 5), first);
}

Test(writer, leaves_a_full_block_to_those_who_look_into_it, .init = begin, .fini = end)
{
    struct block *full;
    char *at = writer_reserve(&writer, BLOCK_BYTES);

    memset(at, 'x', BLOCK_BYTES);
    full = writer.block;
    append(full, 0, BLOCK_BYTES);
    writer_commit(&writer, BLOCK_BYTES);
    append_text("next");
    cr_expect_neq(writer.block, full);
    cr_expect_eq(full->refs, 1, "the slice's");
}

Test(writer, makes_a_larger_block_for_a_larger_text, .init = begin, .fini = end)
{
    char *at = writer_reserve(&writer, BLOCK_BYTES + 1);

    cr_assert_not_null(at);
    memset(at, 'x', BLOCK_BYTES + 1);
    cr_expect_eq(writer.block->capacity, BLOCK_BYTES + 1);
}

Test(writer, has_no_room_when_memory_is_out_and_recovers, .init = begin, .fini = end)
{
    scarcity_begin(1, true);
    cr_expect_null(writer_reserve(&writer, 10));
    scarcity_end();
    cr_expect_not_null(writer_reserve(&writer, 10));
}

/* ---- gathering ---- */

static void append_apart(const char *text)
{
    struct block *b = block_saying(text, strlen(text) + 1);

    append(b, 0, strlen(text));
    block_unref(b);
}

Test(outbox, small_neighbours_are_gathered_into_one_piece)
{
    struct iovec iov[8];
    char scratch[64];

    append_apart("one ");
    append_apart("two ");
    append_apart("three");
    cr_expect_eq(outbox_gather(&outbox, iov, 8, scratch, sizeof scratch), 1);
    cr_expect_eq(iov[0].iov_len, 13);
    cr_expect_arr_eq(iov[0].iov_base, "one two three", 13);
}

Test(outbox, a_single_or_a_large_piece_is_not_copied)
{
    struct block *b = block_take_sized(&blocks, 3000);
    struct iovec iov[8];
    char scratch[8192];

    memset(b->data, 'x', 3000);
    append_apart("small");
    append(b, 0, 3000);
    append_apart("end");
    cr_expect_eq(outbox_gather(&outbox, iov, 8, scratch, sizeof scratch), 3);
    cr_expect_eq((const char *)iov[1].iov_base, b->data);
    cr_expect_eq(iov[1].iov_len, 3000);
    block_unref(b);
}

Test(outbox, gathers_no_more_pieces_than_there_is_room_for)
{
    append_apart("1");
    append_apart("2");
    append_apart("3");
    append_apart("4");
    cr_expect_str_eq(all_with(2, 0), "12");
    cr_expect_str_eq(all_with(64, 0), "1234");
    cr_expect_str_eq(all_with(64, 2), "1234");
    cr_expect_str_eq(all_with(1, 3), "123");
}

/* ---- consuming ---- */

Test(outbox, what_was_consumed_is_gone_at_every_byte)
{
    const char *whole = "one two three four";
    size_t len = strlen(whole);

    for (size_t n = 0; n <= len; n++) {
        append_apart("one ");
        append_apart("two ");
        append_apart("three ");
        append_apart("four");
        consume(n);
        cr_expect_eq(outbox.pending, len - n);
        cr_expect_str_eq(all(), whole + n);
        consume(len - n);
        cr_expect_null(outbox.first);
        cr_expect_null(outbox.last);
    }
    cr_expect_eq(blocks.bytes_in_use, 0);
}

Test(outbox, clearing_gives_everything_back)
{
    append_apart("one");
    append_apart("two");
    outbox_clear(&outbox, &slices);
    cr_expect_eq(outbox.pending, 0);
    cr_expect_eq(blocks.bytes_in_use, 0);
    append_apart("three");
    cr_expect_str_eq(all(), "three");
}

/* ---- settling ---- */

Test(outbox, settling_frees_large_blocks_of_small_slices)
{
    for (int i = 0; i < 100; i++) {
        struct block *b = block_take(&blocks);

        memset(b->data, 'x', 30);
        append(b, 0, 30);
        block_unref(b);
    }
    cr_expect_gt(memory_held(), memory_allowed());
    settle();
    cr_expect_leq(memory_held(), memory_allowed());
    cr_expect_eq(outbox.pending, 3000);
    cr_expect_eq(slice_count(), 1, "they share a block of their own");
}

Test(outbox, settling_leaves_what_fills_its_block)
{
    struct block *b = block_take_sized(&blocks, 10000);

    memset(b->data, 'x', 10000);
    append(b, 0, 9000);
    settle();
    cr_expect_eq(outbox.first->block, b);
    block_unref(b);
}

Test(outbox, settling_keeps_the_bytes_in_order)
{
    struct block *big = block_take(&blocks);

    memcpy(big->data, "onetwothreefour", 15);
    append(big, 0, 3);
    append_apart("-");
    append(big, 3, 3);
    settle();
    append(big, 6, 5);
    append_apart("-");
    settle();
    append(big, 11, 4);
    settle();
    cr_expect_str_eq(all(), "one-twothree-four");
    cr_expect_eq(big->refs, 1, "nobody looks into it any more");
    block_unref(big);
}

Test(outbox, nothing_is_written_where_somebody_else_looks)
{
    struct outbox other = {0};
    struct block *shared = block_take_sized(&blocks, 1000);
    struct block *big = block_take(&blocks);

    memset(shared->data, 's', 1000);
    append(shared, 0, 900);
    cr_assert(outbox_append(&other, &slices, shared, shared->data, 1000));
    block_unref(shared);
    memcpy(big->data, "XXX", 3);
    append(big, 0, 3);
    block_unref(big);
    settle();
    cr_expect_str_eq(all() + 890, "ssssssssssXXX");
    cr_expect_arr_eq(other.first->data + 900, "sss", 3, "there was room behind the first slice");
    outbox_clear(&other, &slices);
}

Test(outbox, settling_bounds_memory_when_the_front_is_partly_written)
{
    struct block *b = block_take(&blocks);

    memset(b->data, 'x', BLOCK_BYTES);
    append(b, 0, BLOCK_BYTES);
    block_unref(b);
    settle();
    consume(BLOCK_BYTES - 10);
    settle();
    cr_expect_leq(memory_held(), memory_allowed(), "%zu bytes for 10", memory_held());
}

Test(outbox, settling_without_memory_changes_nothing)
{
    struct block *b = block_take(&blocks);

    memcpy(b->data, "abc", 3);
    append(b, 0, 1);
    append(b, 2, 1);
    scarcity_begin(1, true);
    settle();
    scarcity_end();
    cr_expect_str_eq(all(), "ac");
    block_unref(b);
}

Test(outbox, is_as_it_was_when_memory_is_out)
{
    struct block *b = block_saying("abc", 16);

    scarcity_begin(1, true);
    cr_expect_not(outbox_append(&outbox, &slices, b, b->data, 3));
    cr_expect_not(outbox_append_copy(&outbox, &slices, &writer, bytes_of_str("text")));
    scarcity_end();
    outbox_check(&outbox);
    cr_expect_eq(outbox.pending, 0);
    cr_expect_eq(b->refs, 1);
    block_unref(b);
}

/* ---- beside a naive model: a queue of bytes ---- */

#define STEPS 20000
#define MODEL_BYTES (1 << 20)

static struct random chance;
static char model[MODEL_BYTES];
static size_t model_begin;
static size_t model_end;

static void model_append(const char *data, size_t len)
{
    if (model_end + len > MODEL_BYTES) {
        memmove(model, model + model_begin, model_end - model_begin);
        model_end -= model_begin;
        model_begin = 0;
    }
    cr_assert_leq(model_end + len, MODEL_BYTES);
    memcpy(model + model_end, data, len);
    model_end += len;
}

static void fill(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + random_below(&chance, 26));
}

static void append_some_text(void)
{
    char text[200];
    size_t len = 1 + random_below(&chance, sizeof text - 1);

    fill(text, len);
    cr_assert(outbox_append_copy(&outbox, &slices, &writer, bytes_of(text, len)));
    model_append(text, len);
}

/* Two parts of one block, which touch or do not. */
static void append_some_slices(void)
{
    size_t len = 1 + random_below(&chance, random_below(&chance, 4) == 0 ? 20000 : 300);
    struct block *b = block_take_sized(&blocks, len + random_below(&chance, 20000));
    size_t cut = random_below(&chance, (uint32_t)len);
    size_t skip = len > cut + 1 ? random_below(&chance, 2) : 0;

    fill(b->data, len);
    if (cut > 0) {
        append(b, 0, cut);
        model_append(b->data, cut);
    }
    append(b, cut + skip, len - cut - skip);
    model_append(b->data + cut + skip, len - cut - skip);
    block_unref(b);
}

static void write_some(void)
{
    static char scratch[4096];
    struct iovec iov[8];
    size_t pieces = outbox_gather(&outbox, iov, 1 + random_below(&chance, 8), scratch,
                                  random_below(&chance, sizeof scratch));
    size_t total = 0;

    for (size_t i = 0; i < pieces; i++) {
        cr_assert_eq(memcmp(iov[i].iov_base, model + model_begin + total, iov[i].iov_len), 0);
        total += iov[i].iov_len;
    }
    if (random_below(&chance, 2) == 0 && total > 0)
        total = random_below(&chance, (uint32_t)total);
    consume(total);
    model_begin += total;
}

Test(outbox, is_a_queue_of_bytes_whatever_is_done_to_it)
{
    random_init(&chance, 11);
    for (int step = 0; step < STEPS; step++) {
        switch (random_below(&chance, 8)) {
        case 0:
        case 1:
            append_some_text();
            break;
        case 2:
            append_some_slices();
            break;
        case 3:
            settle();
            break;
        default:
            write_some();
        }
        cr_assert_eq(outbox.pending, model_end - model_begin);
    }
    while (outbox.pending > 0)
        write_some();
}
