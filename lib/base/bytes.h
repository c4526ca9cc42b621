/* bytes: a borrowed run of bytes.
 *
 * Wire text is not NUL-terminated; a view says where it begins and how long it is, never frees, and
 * holds only as long as what it looks into. Whoever hands one out says until when.
 *
 * Threads   none of its business: values only. */
#ifndef NATTER_BASE_BYTES_H
#define NATTER_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const char *data;
    size_t len;
};

/* For printf's "%.*s". */
#define BYTES_ARG(b) (int)(b).len, (b).data

static inline struct bytes bytes_of(const char *data, size_t len)
{
    return (struct bytes){.data = data, .len = len};
}

static inline struct bytes bytes_of_str(const char *text)
{
    return (struct bytes){.data = text, .len = strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool bytes_equal_str(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_of_str(text));
}

static inline bool bytes_start_with(struct bytes b, struct bytes prefix)
{
    return b.len >= prefix.len && memcmp(b.data, prefix.data, prefix.len) == 0;
}

/* What is left of <b> after its first <n> bytes; <n> is at most its length. */
static inline struct bytes bytes_after(struct bytes b, size_t n)
{
    return (struct bytes){.data = b.data + n, .len = b.len - n};
}

/* Reads an unsigned decimal: digits only, no sign, no blanks, at most <max>. False leaves *out be. */
bool bytes_to_u64(struct bytes text, uint64_t max, uint64_t *out);

/* A hash for tables, from a seed that peers must not be able to guess: who could would choose names that
 * all collide. bytes_hash_seed() is for the start of a program, before anything is hashed; without it
 * every run hashes alike. */
uint32_t bytes_hash(struct bytes b);
void bytes_hash_seed(uint64_t seed);

/* A NUL-terminated copy on the heap, the caller's to free(); NULL when memory is out. */
char *bytes_dup(struct bytes b);

/* Writes <value> as decimal digits and returns how many; <out> holds at least BYTES_U64_MAX. */
#define BYTES_U64_MAX 20
size_t bytes_put_u64(char *out, uint64_t value);

#endif
