#include "tests/bench/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/fail.h"

#define HEAD_MAX (FRAME_SUBJECT_MAX + 64)

static struct frame_block fill_block(const char *head, size_t size)
{
    size_t head_len = strlen(head);
    struct frame_block block = {
        .frame_len = head_len + size + 2,
        .payload_at = head_len,
        .payload_len = size,
    };
    size_t copies = FRAME_BLOCK_BYTES / block.frame_len;

    if (copies == 0)
        copies = 1;
    block.len = copies * block.frame_len;
    block.data = must_alloc(1, block.len);
    /* Wire text has no NUL at its end: NOLINTBEGIN(bugprone-not-null-terminated-result) */
    for (char *at = block.data; at < block.data + block.len; at += block.frame_len) {
        memcpy(at, head, head_len);
        memset(at + head_len, 'x', size);
        memcpy(at + head_len + size, "\r\n", 2);
    }
    /* NOLINTEND(bugprone-not-null-terminated-result) */
    return block;
}

struct frame_block frame_block_publish(const char *subject, size_t size)
{
    char head[HEAD_MAX];

    snprintf(head, sizeof head, "PUB %s %zu\r\n", subject, size);
    return fill_block(head, size);
}

struct frame_block frame_block_delivery(const char *subject, size_t size)
{
    char head[HEAD_MAX];

    snprintf(head, sizeof head, "MSG %s " FRAME_SID " %zu\r\n", subject, size);
    return fill_block(head, size);
}

void frame_block_fini(struct frame_block *block)
{
    free(block->data);
    *block = (struct frame_block){0};
}

size_t frame_delivery_len(size_t subject_len, size_t reply_len, size_t size)
{
    char digits[32];
    int size_len = snprintf(digits, sizeof digits, "%zu", size);
    size_t reply_field = reply_len > 0 ? reply_len + 1 : 0;

    return strlen("MSG ") + subject_len + strlen(" " FRAME_SID " ") + reply_field +
           (size_t)size_len + 2 + size + 2;
}
