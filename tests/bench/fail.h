/* fail: how the generator ends when a measurement cannot be trusted.
 *
 * A figure is either right or not there: a cut subscriber, a lost message or a broker that does not
 * answer ends the program with a sentence on standard error and status 1. Threads: any. */
#ifndef NATTER_BENCH_FAIL_H
#define NATTER_BENCH_FAIL_H

/* Never returns. */
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *format, ...);

/* The same, with the system's words for errno after it. */
__attribute__((format(printf, 1, 2), noreturn)) void fail_errno(const char *format, ...);

/* Zeroed memory for the program's life; fails rather than return NULL. */
__attribute__((malloc)) void *must_alloc(unsigned long count, unsigned long size);

#endif
