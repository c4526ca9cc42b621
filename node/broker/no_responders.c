#include "node/broker/no_responders.h"

#include "lib/nats/headers.h"
#include "node/broker/account.h"
#include "node/broker/client.h"
#include "node/broker/subscription.h"

#include <assert.h>

static_assert(HEADERS_NO_RESPONDERS_LEN == 16, "the sizes below say so");

struct responder_search {
    const struct client *c;
    struct subscription *found;
};

static bool find_own_plain(struct interest_entry *entry, void *arg)
{
    struct responder_search *search = arg;
    struct subscription *sub = subscription_of(entry);

    if (sub->client == search->c && subscription_is_plain(sub))
        search->found = sub;
    return search->found == NULL;
}

void no_responders_tell(struct client *c, struct bytes reply)
{
    struct responder_search search = {.c = c};

    if (reply.len == 0 || c->is_closing)
        return;
    account_read(c->account);
    interest_match(&c->account->interest, reply, find_own_plain, &search);
    account_read_end(c->account);
    if (search.found == NULL)
        return;
    client_send(c, bytes_of_str("HMSG "));
    client_send(c, reply);
    client_send(c, bytes_of_str(" "));
    client_send(c, subscription_sid(search.found));
    client_send(c, bytes_of_str(" 16 16\r\n" HEADERS_NO_RESPONDERS "\r\n"));
}
