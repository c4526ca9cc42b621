/* node: the server under test, as a child process.
 *
 * Which program it is, the environment says:
 *   NATTER_NODE       its path; without it, the natter-node of this build
 *   NATTER_NODE_ARGS  further arguments, separated by blanks
 *   NATTER_SHARDS     given as --shards, unless the program is a nats-server (the reference)
 * So each test can be run on the reference too, and has to pass there: it then tells the truth
 * about the protocol, not about us. Where both may differ, node_is_reference() tells them apart.
 *
 * A node lives in a folder of its own, with its configuration, its log and any report of a
 * sanitizer; all of it is removed by node_stop(), and the process dies with the test at the latest.
 *
 * Threads   one at a time. Failures of the machine (no port, no process) end the test program. */
#ifndef NATTER_SYSTEM_NODE_H
#define NATTER_SYSTEM_NODE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    NODE_DEADLINE_MS = 5000,    /* for whatever a node does at once */
    NODE_STILL_RUNNING = -1,    /* instead of an exit status */
    NODE_KILLED_BY_SIGNAL = 128 /* exit status of a node that a signal ended, plus the signal */
};

struct node; /* opaque: a process and its folder */

/* Starts a node that listens on a free port of 127.0.0.1, and returns when it does. <config> is the
 * text of its configuration file, or NULL for none. A node that does not come up ends the program.
 */
struct node *node_start(const char *config);

/* Ends the node by SIGTERM if it still runs, prints every complaint about how it lived and died (a
 * wrong exit status, a sanitizer's report) and frees it. False if there was a complaint. */
bool node_stop(struct node *node);

bool node_is_reference(void);

uint16_t node_port(const struct node *node);
pid_t node_pid(const struct node *node);
const char *node_url(const struct node *node);              /* "nats://127.0.0.1:4222" */
const char *node_file(struct node *node, const char *name); /* in its folder; until the next call */

void node_signal(struct node *node, int signal);

/* The exit status within <deadline_ms>, or NODE_STILL_RUNNING. Who asks has taken the judgement
 * over: node_stop() then has nothing to say about the status. */
int node_wait(struct node *node, int deadline_ms);

/* Replaces the configuration file; the node looks at it again when it is sent SIGHUP. */
void node_configure(struct node *node, const char *config);

/* Waits until a line of the log contains <text>; false if none did before the deadline. */
bool node_logs(struct node *node, const char *text);

/* Prints the end of the log, for who has to explain a failure. */
void node_print_log(struct node *node);

/* What the process holds in memory, and how many files it has open. */
int64_t node_resident_kib(const struct node *node);
int node_open_files(const struct node *node);

/* Waits until the node listens no more; false if it still does after the deadline. */
bool node_refuses(const struct node *node);

/* A run of the program that ends by itself, such as "--version". */
struct node_run {
    int status;         /* exit status, or NODE_STILL_RUNNING when it had to be killed */
    char output[16384]; /* what it wrote to standard output and standard error, cut if longer */
};

/* Runs the program with <args> (ending in NULL) and nothing else, until it ends. */
void node_run(const char *const args[], struct node_run *run);

int64_t now_ms(void);
void sleep_ms(int ms); /* between two looks at a condition, never instead of one */

#endif
