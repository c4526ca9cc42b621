#include "tests/unit/broker/scarcity.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static uint32_t count;
static uint32_t failing; /* which one; 0: none */
static bool is_for_good;
static bool has_failed;

void scarcity_begin(uint32_t nth, bool for_good)
{
    count = 0;
    failing = nth;
    is_for_good = for_good;
    has_failed = false;
}

bool scarcity_end(void)
{
    failing = 0;
    return has_failed;
}

uint32_t scarcity_count(void)
{
    return count;
}

static bool fails(void)
{
    count++;
    if (failing == 0 || count < failing || (count > failing && !is_for_good))
        return false;
    has_failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}
