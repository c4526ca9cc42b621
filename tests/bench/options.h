/* options: what the command line of natter-load says, the same for every mode.
 *
 * One table in options.c holds name, default and help of each. Threads: any; they never change. */
#ifndef NATTER_BENCH_OPTIONS_H
#define NATTER_BENCH_OPTIONS_H

#include <netinet/in.h>
#include <stdint.h>

enum load_number {
    LOAD_PORT,          /* where the broker listens, on 127.0.0.1 */
    LOAD_PID,           /* the broker's, whose processor time and memory are measured */
    LOAD_PUBS,          /* publishers */
    LOAD_SUBS,          /* subscribers */
    LOAD_SIZE,          /* payload bytes */
    LOAD_DURATION_MS,   /* how long to publish */
    LOAD_WARMUP_MS,     /* how long before that, not counted */
    LOAD_COUNT,         /* messages, instead of a duration; 0: go by time */
    LOAD_PAIRS,         /* of a requester and a responder */
    LOAD_OUTSTANDING,   /* requests under way for each pair */
    LOAD_RATE,          /* messages a second */
    LOAD_CONNECTIONS,   /* how many to open */
    LOAD_SUBSCRIPTIONS, /* how many to make */
    LOAD_ROUNDS,        /* of a comparison within one mode */
    LOAD_THREADS,       /* 1: publish and count in one thread; 2: in one each */
    LOAD_OWN,           /* each publisher has a subject, and a subscriber, of its own */
    LOAD_QUEUE,         /* the subscribers are one queue group */
    LOAD_RELAY,         /* the broker is natter-relay, which passes on what it gets */
    LOAD_NUMBERS
};

struct load_options {
    uint64_t numbers[LOAD_NUMBERS];
    struct sockaddr_in broker;
    char **command; /* what follows "--", for the mode that starts a server; NULL-terminated */
};

/* Reads argv from the word after the mode on; a mistake ends the program with a sentence. */
void load_options_parse(struct load_options *options, int argc, char **argv);

/* For --help: a line each. */
void load_options_print(void);

#endif
