#include "node/broker/account.h"

#include "node/broker/subscription.h"

#include <stddef.h>
#include <stdlib.h>

bool account_init(struct account *account, const char *name, struct account_lock *lock)
{
    *account = (struct account){.name = bytes_dup(bytes_of_str(name)), .lock = lock};
    if (account->name == NULL)
        return false;
    if (!interest_init(&account->interest, offsetof(struct subscription, text))) {
        free(account->name);
        return false;
    }
    return true;
}

void account_fini(struct account *account)
{
    interest_fini(&account->interest);
    free(account->name);
}
