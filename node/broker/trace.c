#include "node/broker/trace.h"

#include "node/broker/client.h"
#include "node/broker/subscription.h"

static const char *const names[] = {
    [EVENT_CONNECT] = "CONNECT",   [EVENT_PUBLISH] = "PUB", [EVENT_SUBSCRIBE] = "SUB",
    [EVENT_UNSUBSCRIBE] = "UNSUB", [EVENT_PING] = "PING",   [EVENT_PONG] = "PONG",
    [EVENT_IGNORED] = "ignored",
};

void trace_event(const struct client *c, const struct event *e)
{
    bool publishes = e->kind == EVENT_PUBLISH;
    bool names_sid = e->kind == EVENT_SUBSCRIBE || e->kind == EVENT_UNSUBSCRIBE;
    struct bytes subject = e->kind == EVENT_SUBSCRIBE || publishes ? e->subject : bytes_of("", 0);
    struct bytes reply = publishes ? e->reply : bytes_of("", 0);
    struct bytes sid = names_sid ? e->sid : bytes_of("", 0);

    log_event(LOG_TRACE, "client.in",
              "cid=%llu op=%s subject=\"%.*s\" reply=\"%.*s\" sid=\"%.*s\" bytes=%zu",
              (unsigned long long)c->cid, names[e->kind], BYTES_ARG(subject), BYTES_ARG(reply),
              BYTES_ARG(sid), publishes ? e->payload.len : 0);
}

void trace_text(const struct client *c, struct bytes text)
{
    log_event(LOG_TRACE, "client.out", "cid=%llu text=\"%.*s\"", (unsigned long long)c->cid,
              BYTES_ARG(text));
}

void trace_delivery(const struct subscription *sub, struct bytes subject, uint32_t count)
{
    log_event(LOG_TRACE, "client.deliver", "cid=%llu sid=\"%.*s\" subject=\"%.*s\" messages=%u",
              (unsigned long long)sub->client->cid, BYTES_ARG(subscription_sid(sub)),
              BYTES_ARG(subject), count);
}
