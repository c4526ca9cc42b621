/* account: a world of subjects.
 *
 * What is published in one account is seen in that account only. There is the global account "$G",
 * which every client belongs to.
 *
 * Threads   the interest is the node's, read by every shard that must find out who receives a
 *           message and changed by the shard of whoever subscribes. With one shard no lock is
 *           touched; with more, a shard locks it to change it or to build a plan, never to use one. */
#ifndef NATTER_NODE_ACCOUNT_H
#define NATTER_NODE_ACCOUNT_H

#include "lib/nats/interest.h"

#include <stdbool.h>

struct account {
    char *name;
    struct interest interest;
    struct account_lock *lock; /* NULL while the node has one shard */
};

/* The lock is given by the runtime, which knows threads; the broker only calls it. */
struct account_lock {
    void (*read)(struct account_lock *lock);
    void (*read_end)(struct account_lock *lock);
    void (*write)(struct account_lock *lock);
    void (*write_end)(struct account_lock *lock);
};

/* False when memory is out. <lock> may be NULL and outlives the account. */
bool account_init(struct account *account, const char *name, struct account_lock *lock);
void account_fini(struct account *account); /* all clients have left */

static inline void account_read(struct account *account)
{
    if (account->lock != NULL)
        account->lock->read(account->lock);
}

static inline void account_read_end(struct account *account)
{
    if (account->lock != NULL)
        account->lock->read_end(account->lock);
}

static inline void account_write(struct account *account)
{
    if (account->lock != NULL)
        account->lock->write(account->lock);
}

static inline void account_write_end(struct account *account)
{
    if (account->lock != NULL)
        account->lock->write_end(account->lock);
}

#endif
