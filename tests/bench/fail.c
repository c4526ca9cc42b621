#include "tests/bench/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REASON_BYTES_MAX 512

void fail(const char *format, ...)
{
    char reason[REASON_BYTES_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    fprintf(stderr, "natter-load: %s\n", reason);
    _Exit(1); /* other threads may be at work: nothing is torn down under them */
}

void fail_errno(const char *format, ...)
{
    char reason[REASON_BYTES_MAX];
    int error = errno;
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    fail("%s: %s", reason, strerror(error));
}

void *must_alloc(unsigned long count, unsigned long size)
{
    void *memory = calloc(count, size);

    if (memory == NULL)
        fail("out of memory");
    return memory;
}
