/* shared_lock: the lock around an account's interest, for nodes with more than one shard.
 *
 * Gives node/broker, which knows no threads, what account.h asks for. Readers share it. It is taken to
 * change interest and to work out a plan, never to deliver by one.
 *
 * Threads   any. */
#ifndef NATTER_RUNTIME_SHARED_LOCK_H
#define NATTER_RUNTIME_SHARED_LOCK_H

#include "node/broker/account.h"

#include <pthread.h>

struct shared_lock {
    struct account_lock face; /* first: what the broker calls */
    pthread_rwlock_t lock;
};

void shared_lock_init(struct shared_lock *lock);
void shared_lock_fini(struct shared_lock *lock);

#endif
