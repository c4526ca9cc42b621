#include "node/broker/account.h"

#include <criterion/criterion.h>

/* A lock that tells what is asked of it. */
static char asked[64];
static size_t asked_len;

static void note(char c)
{
    asked[asked_len++] = c;
    asked[asked_len] = '\0';
}

static void read_begin(struct account_lock *lock)
{
    (void)lock;
    note('r');
}

static void write_begin(struct account_lock *lock)
{
    (void)lock;
    note('w');
}

static void end(struct account_lock *lock)
{
    (void)lock;
    note('.');
}

Test(account, has_a_name_and_no_interest_at_first)
{
    struct account account;

    cr_assert(account_init(&account, "$G", NULL));
    cr_expect_str_eq(account.name, "$G");
    cr_expect_eq(account.interest.entry_count, 0);
    account_fini(&account);
}

Test(account, with_one_shard_there_is_no_lock_to_take)
{
    struct account account;

    cr_assert(account_init(&account, "$G", NULL));
    account_read(&account);
    account_read_end(&account);
    account_write(&account);
    account_write_end(&account);
    cr_expect_str_eq(asked, "");
    account_fini(&account);
}

Test(account, takes_the_lock_it_was_given)
{
    struct account_lock lock = {
        .read = read_begin, .read_end = end, .write = write_begin, .write_end = end};
    struct account account;

    cr_assert(account_init(&account, "$G", &lock));
    account_read(&account);
    account_read_end(&account);
    account_write(&account);
    account_write_end(&account);
    cr_expect_str_eq(asked, "r.w.");
    account_fini(&account);
}
