/* world: a whole node without sockets, threads or a clock, for tests to talk to.
 *
 * There is one world a program: a broker with some shards, clients on them, and between the shards ways
 * on which records wait in arrays. It does what the runtime does and nothing more: keeps what a read has cut
 * off, tells the shards the time, carries records, writes out what an outbox has gathered. After each step the
 * shards and the interest are checked.
 *
 *     world_open(1);
 *     struct client *alice = join(0);
 *     say(alice, "SUB foo 1\r\nPUB foo 2\r\nhi\r\n");
 *     heard(alice)    "MSG foo 1 2\r\nhi\r\n"
 *
 * Owns      its clients, and every text it hands out, until world_close().
 * Threads   one. */
#ifndef NATTER_TESTS_UNIT_BROKER_WORLD_H
#define NATTER_TESTS_UNIT_BROKER_WORLD_H

#include "node/broker/broker.h"
#include "node/broker/client.h"
#include "node/broker/options.h"
#include "node/broker/shard.h"

#define WORLD_SHARDS_MAX 4

/* What a client says reaches session_input() so. Every way must give the same conversation. */
enum world_pieces {
    WHOLE,        /* at once, in a block that outboxes may share */
    WHOLE_COPIED, /* at once, in memory that is written over afterwards */
    BYTE_BY_BYTE  /* with every byte the rest is presented again */
};

struct record; /* on its way between two shards */

struct way {
    struct record *first;
    struct record **last;
    struct record *reserved; /* between reserve and commit */
    unsigned count;
    bool is_full; /* the test's to set: nothing can be reserved */
};

struct world {
    struct options options; /* to be changed before anybody joins */
    struct broker broker;
    unsigned shard_count;
    struct shard shards[WORLD_SHARDS_MAX];
    struct way ways[WORLD_SHARDS_MAX][WORLD_SHARDS_MAX]; /* from, to */
    uint64_t now_ns;
    enum world_pieces pieces;
    bool is_still; /* records stay on their ways until world_carry() */
    uint64_t seed;
    uint32_t records; /* carried so far */
    size_t longest;   /* of the records */
};

extern struct world world;

/* A node with <shards> shards and the defaults of a stock node; the same seed, the same chance. */
void world_open(unsigned shards);
void world_close(void); /* asserts that all memory has come back */
void world_check(void);

/* The same when memory may be out; false then, with nothing left to close. */
bool world_try_open(unsigned shards);

/* A client as a program would be: not verbose, with headers, greeted and ready. */
struct client *join(unsigned shard);

/* A client that says CONNECT with this JSON, or nothing yet when it is NULL. What it hears first is
 * its INFO. NULL when memory is out. */
struct client *join_saying(unsigned shard, const char *connect);

void leave(struct client *c);

/* The client's bytes come in, and what they cause among the shards is carried. */
void say(struct client *c, const char *text);
void say_bytes(struct client *c, struct bytes text);
__attribute__((format(printf, 2, 3))) void sayf(struct client *c, const char *format, ...);

/* Publishes a payload of <size> times <fill>. */
void say_large(struct client *c, const char *subject, char fill, size_t size);

/* All that is written to the client since last time, in small and uneven writes. */
const char *heard(struct client *c);
struct bytes heard_bytes(struct client *c);

/* Its socket takes <n> bytes, and no more; SIZE_MAX: whatever there is. */
void take(struct client *c, size_t n);

/* How often <part> stands in <text>. */
unsigned count_of(const char *text, const char *part);

/* Equal, and where not, says where on stderr: for texts too long to be shown whole. */
bool is_text(const char *got, const char *due);

/* Makes text as printf does; the world frees it. */
__attribute__((format(printf, 1, 2))) const char *text_of(const char *format, ...);

/* <size> times <fill>. */
const char *large(char fill, size_t size);

/* Carries what waits between the shards, until nothing does. */
void world_carry(void);

/* Lets <seconds> pass, with every timer going off when it is due. */
void pass(double seconds);

/* What the runtime does with clients held back, after a moment. */
void release(struct client *c);

#endif
