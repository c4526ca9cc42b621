/* clock: the two times there are.
 *
 * Deadlines and intervals use the monotonic clock, in nanoseconds since some moment in the past;
 * what people read uses the wall clock. The broker itself calls neither: time comes in as an
 * argument. Threads: any. */
#ifndef NATTER_BASE_CLOCK_H
#define NATTER_BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_NS_A_US UINT64_C(1000)
#define CLOCK_NS_A_MS UINT64_C(1000000)
#define CLOCK_NS_A_SECOND UINT64_C(1000000000)

uint64_t clock_now_ns(void);        /* monotonic */
uint64_t clock_wall_ns(void);       /* since 1970-01-01 UTC */
uint64_t clock_thread_cpu_ns(void); /* processor time the calling thread has used */

#endif
