/* modes: what natter-load can measure, one function each.
 *
 * A mode connects, measures, checks that every message came, and prints one line of key=value pairs
 * on standard output; the keys are what tests/bench/figures names. Durations end in their unit.
 *
 * Threads: the main one. */
#ifndef NATTER_BENCH_MODES_H
#define NATTER_BENCH_MODES_H

#include "tests/bench/options.h"

/* flow.c's measure: N publishers, M subscribers, as fast as it goes. */
void mode_flow(const struct load_options *options);

/* The same flow before and after LOAD_SUBSCRIPTIONS others were made: what is kept of its rate. */
void mode_beside(const struct load_options *options);

/* The same flow with one of its LOAD_SUBS subscribers running and stopped, by turns. */
void mode_stall(const struct load_options *options);

/* LOAD_PAIRS requesters and responders with LOAD_OUTSTANDING requests each: rate and latency. */
void mode_request(const struct load_options *options);

/* LOAD_RATE messages a second to one subscriber: latency. */
void mode_paced(const struct load_options *options);

/* Memory of the broker for each of LOAD_CONNECTIONS idle connections. */
void mode_idle(const struct load_options *options);

/* Memory of the broker for each of LOAD_SUBSCRIPTIONS on LOAD_CONNECTIONS connections. */
void mode_subscriptions(const struct load_options *options);

/* Starts the command after "--": from exec to listening, and what is resident then. */
void mode_start(const struct load_options *options);

#endif
