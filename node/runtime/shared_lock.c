#include "node/runtime/shared_lock.h"

static void read_begin(struct account_lock *face)
{
    pthread_rwlock_rdlock(&((struct shared_lock *)face)->lock);
}

static void write_begin(struct account_lock *face)
{
    pthread_rwlock_wrlock(&((struct shared_lock *)face)->lock);
}

static void end(struct account_lock *face)
{
    pthread_rwlock_unlock(&((struct shared_lock *)face)->lock);
}

void shared_lock_init(struct shared_lock *lock)
{
    lock->face = (struct account_lock){
        .read = read_begin, .read_end = end, .write = write_begin, .write_end = end};
    pthread_rwlock_init(&lock->lock, NULL);
}

void shared_lock_fini(struct shared_lock *lock)
{
    pthread_rwlock_destroy(&lock->lock);
}
