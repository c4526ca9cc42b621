#include "node/broker/batch.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct block_pool blocks;
static struct writer writer;
static struct batch batch;

static void begin(void)
{
    block_pool_init(&blocks);
    writer_init(&writer, &blocks);
    cr_assert(batch_init(&batch));
}

static void end(void)
{
    batch_fini(&batch);
    writer_fini(&writer);
    block_pool_fini(&blocks);
}

TestSuite(batch, .init = begin, .fini = end);

static const struct form with_headers = {.prefix = {"HMSG foo 7 ", 11}, .headers = true};
static const struct form without_headers = {.prefix = {"HMSG foo 7 ", 11}, .headers = false};

/* A message whose tail is <tail>; <reply_len> bytes of it are the reply. */
static void add(const char *tail, uint32_t size, uint32_t header_len, uint16_t reply_len)
{
    struct message m = {.tail = tail,
                        .tail_len = (uint32_t)strlen(tail),
                        .size = size,
                        .header_len = header_len,
                        .reply_len = reply_len,
                        .has_headers = header_len > 0};

    batch_add(&batch, &m);
}

/* All pieces, one after the other. */
static const char *rendered(const struct form *form, const struct selection *selection)
{
    static char text[8192];
    size_t len = 0;

    cr_assert(batch_render(&batch, &writer, form, selection));
    for (uint32_t i = 0; i < batch.piece_count; i++) {
        memcpy(text + len, batch.pieces[i].data, batch.pieces[i].len);
        len += batch.pieces[i].len;
    }
    text[len] = '\0';
    batch_drop_pieces(&batch);
    return text;
}

Test(batch, renders_each_message_behind_the_prefix)
{
    struct selection all;

    add("2\r\nhi\r\n", 2, 0, 0);
    add("inbox.1 5\r\nthere\r\n", 5, 0, 7);
    all = batch_select_all(&batch, &with_headers);
    cr_expect_eq(all.count, 2);
    cr_expect_eq(all.payload_bytes, 7);
    cr_expect_str_eq(rendered(&with_headers, &all),
                     "MSG foo 7 2\r\nhi\r\nMSG foo 7 inbox.1 5\r\nthere\r\n");
}

Test(batch, is_one_piece_however_many_messages)
{
    struct selection all;

    for (int i = 0; i < 100; i++)
        add("2\r\nhi\r\n", 2, 0, 0);
    all = batch_select_all(&batch, &with_headers);
    cr_assert(batch_render(&batch, &writer, &with_headers, &all));
    cr_expect_eq(batch.piece_count, 1);
    cr_expect_eq(batch.pieces[0].len, 100 * (sizeof "MSG foo 7 2\r\nhi\r\n" - 1));
    batch_drop_pieces(&batch);
}

Test(batch, headers_go_to_those_who_take_them)
{
    struct selection all;

    add("r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", 14, 12, 1);
    all = batch_select_all(&batch, &with_headers);
    cr_expect_eq(all.payload_bytes, 14);
    cr_expect_str_eq(rendered(&with_headers, &all), "HMSG foo 7 r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n");
}

Test(batch, headers_are_stripped_for_those_who_do_not)
{
    struct selection all;

    add("r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", 14, 12, 1);
    add("12 12\r\nNATS/1.0\r\n\r\n\r\n", 12, 12, 0);
    all = batch_select_all(&batch, &without_headers);
    cr_expect_eq(all.payload_bytes, 2);
    cr_expect_str_eq(rendered(&without_headers, &all),
                     "MSG foo 7 r 2\r\nhi\r\nMSG foo 7 0\r\n\r\n");
}

Test(batch, a_chain_is_rendered_in_its_order)
{
    static const uint16_t next[] = {2, BATCH_END, BATCH_END};
    struct selection chain;

    add("1\r\na\r\n", 1, 0, 0);
    add("1\r\nb\r\n", 1, 0, 0);
    add("1\r\nc\r\n", 1, 0, 0);
    chain = batch_select_chain(&batch, &with_headers, next, 0);
    cr_expect_eq(chain.count, 2);
    cr_expect_str_eq(rendered(&with_headers, &chain), "MSG foo 7 1\r\na\r\nMSG foo 7 1\r\nc\r\n");
}

Test(batch, long_tails_stay_where_they_were_read)
{
    struct block *holder = block_take(&blocks);
    char *tail = holder->data;
    size_t head = (size_t)snprintf(tail, BLOCK_BYTES, "%d\r\n", BATCH_SHARE_BYTES);
    struct selection all;

    memset(tail + head, 'x', BATCH_SHARE_BYTES);
    memcpy(tail + head + BATCH_SHARE_BYTES, "\r\n", 3);
    batch.holder = holder;
    add(tail, BATCH_SHARE_BYTES, 0, 0);
    all = batch_select_all(&batch, &with_headers);
    cr_assert(batch_render(&batch, &writer, &with_headers, &all));
    cr_assert_eq(batch.piece_count, 2);
    cr_expect_eq(batch.pieces[1].data, tail);
    cr_expect_eq(holder->refs, 2);
    batch_drop_pieces(&batch);
    cr_expect_eq(holder->refs, 1);
    block_unref(holder);
}

Test(batch, writes_a_tail_as_the_protocol_would_have_it)
{
    struct event e = {.kind = EVENT_PUBLISH,
                      .reply = bytes_of_str("r"),
                      .payload = bytes_of_str("NATS/1.0\r\n\r\nhi"),
                      .header_len = 12,
                      .has_headers = true};
    char out[128];
    size_t len = batch_write_tail(&e, out);

    cr_expect_leq(len, batch_tail_room(&e));
    cr_expect_eq(len, strlen("r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"));
    cr_expect_arr_eq(out, "r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", len);
}
