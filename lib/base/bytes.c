#include "lib/base/bytes.h"

#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_seed; /* constant while threads run */

bool bytes_to_u64(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(unsigned char)text.data[i] - '0';

        if (digit > 9 || value > max / 10 || digit > max - value * 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

uint32_t bytes_hash(struct bytes b)
{
    return (uint32_t)XXH3_64bits_withSeed(b.data, b.len, hash_seed);
}

void bytes_hash_seed(uint64_t seed)
{
    hash_seed = seed;
}

char *bytes_dup(struct bytes b)
{
    char *copy = malloc(b.len + 1);

    if (copy == NULL)
        return NULL;
    if (b.len > 0)
        memcpy(copy, b.data, b.len);
    copy[b.len] = '\0';
    return copy;
}

size_t bytes_put_u64(char *out, uint64_t value)
{
    char reversed[BYTES_U64_MAX];
    size_t n = 0;

    do {
        reversed[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < n; i++)
        out[i] = reversed[n - 1 - i];
    return n;
}
