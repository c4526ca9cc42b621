/* A whole node with two shards, over real sockets, whose connections are moved from one worker to the
 * other while messages flow: none may be lost, doubled or overtaken. */
#include "node/runtime/pause.h"

#include "lib/base/random.h"
#include "node/runtime/connection.h"
#include "node/runtime/node.h"
#include "node/runtime/settings.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOVES 300
#define PUBLISHERS 3
#define MESSAGES 60000 /* of each publisher */
#define PATIENCE_SECONDS 60

static struct node node;

/* --- a node in this process ------------------------------------------------------------------ */

static void *run_node(void *arg)
{
    (void)arg;
    if (node_start(&node))
        node_run(&node);
    node_stop(&node);
    return NULL;
}

/* Something to be done by worker 0, and waited for. */
struct errand {
    struct command command; /* first */
    sem_t done;
    uint64_t seed;
    unsigned port;
    unsigned moved;
};

static void do_errand(struct errand *errand, void (*run)(struct worker *, struct command *))
{
    errand->command.run = run;
    sem_init(&errand->done, 0, 0);
    worker_post(&node.workers[0], &errand->command);
    while (sem_wait(&errand->done) != 0)
        continue;
    sem_destroy(&errand->done);
}

static void tell_port(struct worker *worker, struct command *command)
{
    struct errand *errand = (struct errand *)command;

    errand->port = worker->node->broker.port;
    sem_post(&errand->done);
}

static void end_node(struct worker *worker, struct command *command)
{
    worker_stop(worker);
    sem_post(&((struct errand *)command)->done);
}

/* --- moving ---------------------------------------------------------------------------------- */

static void move_one(struct node *n, void *arg)
{
    struct errand *errand = arg;
    struct random random;
    unsigned from;
    uint32_t skip;
    struct connection *conn;

    random_init(&random, errand->seed++);
    from = random_below(&random, 2);
    if (n->workers[from].connections == NULL)
        from = 1 - from;
    skip = random_below(&random, n->workers[from].shard.client_count);
    for (conn = n->workers[from].connections; skip > 0; skip--)
        conn = conn->next;
    if (connection_move(conn, &n->workers[1 - from]))
        errand->moved++;
    shard_check(&n->workers[0].shard);
    shard_check(&n->workers[1].shard);
    interest_check(&n->broker.global.interest);
}

static void move_some(struct worker *worker, struct command *command)
{
    pause_all(worker->node, move_one, command);
    sem_post(&((struct errand *)command)->done);
}

/* --- clients --------------------------------------------------------------------------------- */

static int dial(unsigned port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        cr_assert_gt(n, 0, "the node does not take what is written");
        text += n;
        len -= (size_t)n;
    }
}

/* Reads until <text> has come. */
static void await(int fd, const char *text)
{
    char heard[65536];
    size_t len = 0;

    while (memmem(heard, len, text, strlen(text)) == NULL) {
        ssize_t n = read(fd, heard + len, sizeof heard - len);

        cr_assert_gt(n, 0, "%s does not come", text);
        len += (size_t)n;
    }
}

static int join_as(unsigned port, const char *what)
{
    int fd = dial(port);

    say(fd, "CONNECT {\"verbose\":false}\r\n", 27);
    say(fd, what, strlen(what));
    say(fd, "PING\r\n", 6);
    await(fd, "PONG\r\n");
    return fd;
}

struct publisher {
    pthread_t thread;
    unsigned port;
    unsigned index;
};

static void *publish(void *arg)
{
    const struct publisher *me = arg;
    int fd = join_as(me->port, "");
    struct random random;
    char text[64 * 40];

    random_init(&random, me->index);
    for (unsigned i = 0; i < MESSAGES;) {
        size_t len = 0;

        for (uint32_t left = 1 + random_below(&random, 60); left > 0 && i < MESSAGES; left--, i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "PUB n.%u 8\r\n%08u\r\n",
                                    me->index, i);
        say(fd, text, len);
    }
    say(fd, "PING\r\n", 6);
    await(fd, "PONG\r\n");
    close(fd);
    return NULL;
}

/* Reads all messages of all publishers and checks that each one's come in order, none missing. */
static void expect_everything(int fd)
{
    static char room[1 << 16];
    unsigned next[PUBLISHERS] = {0};
    unsigned total = 0;
    size_t len = 0;

    while (total < PUBLISHERS * MESSAGES) {
        const size_t message = sizeof "MSG n.0 7 8\r\n01234567\r\n" - 1;
        ssize_t n = read(fd, room + len, sizeof room - len);
        size_t used = 0;

        cr_assert_gt(n, 0, "only %u messages came", total);
        len += (size_t)n;
        for (; len - used >= message; used += message, total++) {
            unsigned from;
            unsigned number;

            cr_assert_eq(sscanf(room + used, "MSG n.%1u 7 8\r\n%8u\r\n", &from, &number), 2);
            cr_assert_lt(from, PUBLISHERS);
            cr_assert_eq(number, next[from], "publisher %u: %u came instead of %u", from, number,
                         next[from]);
            next[from]++;
        }
        memmove(room, room + used, len - used);
        len -= used;
    }
}

Test(pause, connections_move_without_losing_or_overtaking_a_message, .timeout = 120)
{
    char *args[] = {"natter-node", "-a", "127.0.0.1", "-p", "-1", "--shards", "2", NULL};
    struct publisher publishers[PUBLISHERS];
    struct errand errand = {.seed = 42};
    enum settings_action action;
    struct settings *settings = settings_read(7, args, stdout, stderr, &action);
    pthread_t runner;
    int fd;

    signal(SIGPIPE, SIG_IGN);
    cr_assert(node_init(&node, settings->options));
    pthread_create(&runner, NULL, run_node, NULL);
    do_errand(&errand, tell_port);

    fd = join_as(errand.port, "SUB n.* 7\r\n");
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        publishers[i] = (struct publisher){.port = errand.port, .index = i};
        pthread_create(&publishers[i].thread, NULL, publish, &publishers[i]);
    }
    for (unsigned i = 0; i < MOVES; i++)
        do_errand(&errand, move_some);
    expect_everything(fd);
    for (unsigned i = 0; i < PUBLISHERS; i++)
        pthread_join(publishers[i].thread, NULL);
    cr_expect_eq(errand.moved, MOVES);

    close(fd);
    do_errand(&errand, end_node);
    pthread_join(runner, NULL);
    node_fini(&node);
    settings_free(settings);
}
