/* scarcity: memory that runs out when a test says so.
 *
 * The linker puts these functions in the way of every malloc(), calloc() and realloc() of the program's own
 * code (libraries keep theirs). They count, and from a given one on, or for that one alone, say NULL.
 *
 * Threads   one. */
#ifndef NATTER_TESTS_UNIT_BROKER_SCARCITY_H
#define NATTER_TESTS_UNIT_BROKER_SCARCITY_H

#include <stdbool.h>
#include <stdint.h>

/* The <nth> allocation from now, counted from 1, fails; with <for_good> all that follow do too. 0: none
 * does. */
void scarcity_begin(uint32_t nth, bool for_good);

/* Memory is plenty again. Returns whether an allocation failed meanwhile. */
bool scarcity_end(void);

/* Allocations since the beginning. */
uint32_t scarcity_count(void);

#endif
