#include "node/broker/batch.h"

#include <assert.h>
#include <stdlib.h>

#define PIECES_MAX (2 * BATCH_MAX + 1)
#define STRETCH_BYTES (BLOCK_BYTES / 2) /* rendered in one piece */

static_assert(BATCH_MAX < BATCH_END, "a message's place in its batch fits a chain link");

bool batch_init(struct batch *batch)
{
    *batch = (struct batch){0};
    batch->messages = calloc(BATCH_MAX, sizeof *batch->messages);
    batch->pieces = calloc(PIECES_MAX, sizeof *batch->pieces);
    if (batch->messages != NULL && batch->pieces != NULL)
        return true;
    batch_fini(batch);
    return false;
}

void batch_fini(struct batch *batch)
{
    free(batch->messages);
    free(batch->pieces);
    *batch = (struct batch){0};
}

void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->tail_bytes = 0;
    batch->payload_bytes = 0;
    batch->header_bytes = 0;
}

struct selection batch_select_all(const struct batch *batch, const struct form *form)
{
    return (struct selection){.count = batch->count,
                              .payload_bytes =
                                  batch->payload_bytes - (form->headers ? 0 : batch->header_bytes),
                              .tail_bytes = batch->tail_bytes};
}

struct selection batch_select_chain(const struct batch *batch, const struct form *form,
                                    const uint16_t *next, uint16_t first)
{
    struct selection chain = {.next = next, .at = first};

    for (uint32_t at = first; at != BATCH_END; at = next[at]) {
        const struct message *m = &batch->messages[at];

        chain.count++;
        chain.payload_bytes += m->size - (form->headers ? 0 : m->header_len);
        chain.tail_bytes += m->tail_len;
    }
    return chain;
}

static char *put(char *at, const char *data, size_t len)
{
    memcpy(at, data, len);
    return at + len;
}

size_t batch_tail_room(const struct event *e)
{
    return e->reply.len + e->payload.len + 2 * BYTES_U64_MAX + sizeof "  \r\n\r\n";
}

size_t batch_write_tail(const struct event *e, char *out)
{
    char *at = out;

    if (e->reply.len > 0) {
        at = put(at, e->reply.data, e->reply.len);
        *at++ = ' ';
    }
    if (e->has_headers) {
        at += bytes_put_u64(at, e->header_len);
        *at++ = ' ';
    }
    at += bytes_put_u64(at, e->payload.len);
    at = put(at, "\r\n", 2);
    if (e->payload.len > 0)
        at = put(at, e->payload.data, e->payload.len);
    at = put(at, "\r\n", 2);
    return (size_t)(at - out);
}

/* What is copied most is short: two overlapping moves of a constant size beat a call. */
static inline char *put_short(char *at, const char *data, size_t len)
{
    if (len >= 16 && len <= 32) {
        char head[16];
        char tail[16];

        memcpy(head, data, 16);
        memcpy(tail, data + len - 16, 16);
        memcpy(at, head, 16);
        memcpy(at + len - 16, tail, 16);
        return at + len;
    }
    return put(at, data, len);
}

static inline char *put_prefix(char *at, const struct form *form, bool has_headers)
{
    size_t skip = has_headers ? 0 : 1;

    return put_short(at, form->prefix.data + skip, form->prefix.len - skip);
}

/* A message with headers for somebody who takes none: "MSG subject sid [reply ]size CRLF payload CRLF" */
static char *put_stripped(char *at, const struct form *form, const struct message *m)
{
    size_t payload_len = m->size - m->header_len;

    at = put_prefix(at, form, false);
    if (m->reply_len > 0) {
        at = put(at, m->tail, m->reply_len);
        *at++ = ' ';
    }
    at += bytes_put_u64(at, payload_len);
    at = put(at, "\r\n", 2);
    return put(at, m->tail + m->tail_len - 2 - payload_len, payload_len + 2);
}

static inline char *put_message(char *at, const struct form *form, const struct message *m)
{
    if (m->has_headers && !form->headers)
        return put_stripped(at, form, m);
    at = put_prefix(at, form, m->has_headers);
    return put_short(at, m->tail, m->tail_len);
}

static bool is_shared(const struct batch *batch, const struct form *form, const struct message *m)
{
    return m->tail_len >= BATCH_SHARE_BYTES && batch->holder != NULL &&
           (form->headers || !m->has_headers);
}

static void add_piece(struct batch *batch, struct block *block, const char *data, size_t len)
{
    if (len == 0)
        return;
    block_ref(block);
    batch->pieces[batch->piece_count++] = (struct piece){.block = block, .data = data, .len = len};
}

void batch_drop_pieces(struct batch *batch)
{
    for (uint32_t i = 0; i < batch->piece_count; i++)
        block_unref(batch->pieces[i].block);
    batch->piece_count = 0;
}

/* What is left of a selection to be rendered. */
struct progress {
    uint32_t at;
    uint32_t count;
    size_t text_bytes; /* at most: shared tails are counted too */
};

static inline void progress_past(struct progress *left, const struct message *m,
                                 const struct form *form, const struct selection *selection)
{
    left->at = selection->next == NULL ? left->at + 1 : selection->next[left->at];
    left->count--;
    left->text_bytes -= form->prefix.len + m->tail_len;
}

/* Renders what is left until the room for one stretch is full, or until a shared tail, which follows as
 * a piece of its own. False when memory is out. */
static bool render_stretch(struct batch *batch, struct writer *writer, const struct form *form,
                           const struct selection *selection, struct progress *left)
{
    const struct message *m = &batch->messages[left->at];
    const struct message *shared = NULL;
    size_t least = form->prefix.len + (is_shared(batch, form, m) ? 0 : m->tail_len);
    size_t room = left->text_bytes < STRETCH_BYTES ? left->text_bytes : STRETCH_BYTES;
    char *begin = writer_reserve(writer, room < least ? least : room);
    char *to = begin;

    if (begin == NULL)
        return false;
    room = room < least ? least : room;
    while (left->count > 0 && shared == NULL) {
        m = &batch->messages[left->at];
        if (is_shared(batch, form, m))
            shared = m;
        if ((size_t)(to - begin) + form->prefix.len + (shared ? 0 : m->tail_len) > room) {
            shared = NULL;
            break;
        }
        progress_past(left, m, form, selection);
        to = shared ? put_prefix(to, form, m->has_headers) : put_message(to, form, m);
    }
    add_piece(batch, writer->block, begin, (size_t)(to - begin));
    writer_commit(writer, (size_t)(to - begin));
    if (shared != NULL)
        add_piece(batch, batch->holder, shared->tail, shared->tail_len);
    return true;
}

bool batch_render(struct batch *batch, struct writer *writer, const struct form *form,
                  const struct selection *selection)
{
    struct progress left = {.at = selection->at,
                            .count = selection->count,
                            .text_bytes =
                                selection->tail_bytes + selection->count * form->prefix.len};

    assert(batch->piece_count == 0);
    while (left.count > 0) {
        if (!render_stretch(batch, writer, form, selection, &left)) {
            batch_drop_pieces(batch);
            return false;
        }
    }
    return true;
}
