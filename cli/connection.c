#include "cli/connection.h"

#include "cli/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A list of URLs in one piece of memory. */
struct server_list {
    char *text; /* cut into pieces */
    const char *urls[CONNECTION_SERVERS_MAX];
    int count;
};

/* Splits "nats://a:4222, b" at its commas. False when there is nothing in it, or too much. */
static bool split_servers(struct server_list *list, const char *text)
{
    char *rest;
    char *url;

    *list = (struct server_list){.text = strdup(text)};
    rest = list->text;
    while ((url = strsep(&rest, ",")) != NULL) {
        url += strspn(url, " \t");
        url[strcspn(url, " \t")] = '\0';
        if (*url == '\0')
            continue;
        if (list->count == CONNECTION_SERVERS_MAX)
            return false;
        list->urls[list->count++] = url;
    }
    return list->count > 0;
}

/* The URL without "user:password@"; a pointer into it. */
static const char *without_user(const char *url)
{
    const char *at = strrchr(url, '@');
    const char *scheme_end = strstr(url, "://");

    if (at != NULL)
        return at + 1;
    return scheme_end != NULL ? scheme_end + 3 : url;
}

/* "host:4222, other:4222", for people; the caller frees it. */
static char *describe_servers(const struct server_list *list)
{
    size_t size = 1;
    size_t used = 0;
    char *text;

    for (int i = 0; i < list->count; i++)
        size += strlen(without_user(list->urls[i])) + 2;
    text = calloc(1, size);
    for (int i = 0; text != NULL && i < list->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "",
                                 without_user(list->urls[i]));
    return text;
}

static void on_disconnected(natsConnection *nats, void *arg)
{
    (void)arg;
    if (!natsConnection_IsClosed(nats))
        report_notice("the server is gone; trying to find one again");
}

static void on_reconnected(natsConnection *nats, void *arg)
{
    char url[256] = "";

    (void)arg;
    natsConnection_GetConnectedUrl(nats, url, sizeof url);
    report_notice("connected again, to %s; what was published meanwhile is missed",
                  without_user(url));
}

/* libnats would print by itself. What is refused is found by connection_was_denied(), and what is
 * dropped by the listener. */
static void on_error(natsConnection *nats, natsSubscription *sub, natsStatus status, void *arg)
{
    (void)nats;
    (void)sub;
    (void)status;
    (void)arg;
}

static natsStatus set_lasting(natsOptions *options)
{
    natsStatus s = natsOptions_SetMaxReconnect(options, -1);

    if (s == NATS_OK)
        s = natsOptions_SetReconnectWait(options, CONNECTION_RECONNECT_WAIT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetDisconnectedCB(options, on_disconnected, NULL);
    if (s == NATS_OK)
        s = natsOptions_SetReconnectedCB(options, on_reconnected, NULL);
    return s;
}

static natsStatus make_options(natsOptions **out, const struct server_list *servers,
                               const char *name, enum connection_use use)
{
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);

    if (s == NATS_OK)
        s = natsOptions_SetServers(options, (const char **)servers->urls, servers->count);
    if (s == NATS_OK)
        s = natsOptions_SetName(options, name);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(options, CONNECTION_TIMEOUT_MS);
    if (s == NATS_OK)
        s = natsOptions_SetErrorHandler(options, on_error, NULL);
    /* Left alone, libnats hands small writes to a thread that waits a millisecond for more. */
    if (s == NATS_OK)
        s = natsOptions_SetSendAsap(options, use != CONNECTION_TO_PUBLISH);
    if (s == NATS_OK)
        s = use == CONNECTION_TO_LISTEN ? set_lasting(options)
                                        : natsOptions_SetAllowReconnect(options, false);
    if (s != NATS_OK) {
        natsOptions_Destroy(options);
        return s;
    }
    *out = options;
    return NATS_OK;
}

/* What libnats says of its last failure, without the place in its own sources. */
static const char *explain(natsStatus status)
{
    const char *why = nats_GetLastError(NULL);
    const char *place_end = why != NULL ? strstr(why, "): ") : NULL;

    if (place_end != NULL && *why == '(')
        return place_end + 3;
    return why != NULL && *why != '\0' ? why : natsStatus_GetText(status);
}

/* Says why no connection came about. */
static enum command_status refuse(const struct connection *c, natsStatus status)
{
    switch (status) {
    case NATS_NO_SERVER:
    case NATS_TIMEOUT:
        report_error("no server answers at %s", c->servers);
        return COMMAND_NO_SERVER;
    case NATS_ADDRESS_MISSING:
    case NATS_INVALID_ARG:
        report_error("cannot make sense of the server's address '%s': %s", c->servers,
                     explain(status));
        return COMMAND_USAGE;
    case NATS_NO_MEMORY:
        report_error("out of memory");
        return COMMAND_FAILED;
    default:
        report_error("cannot connect to %s: %s", c->servers, explain(status));
        return COMMAND_NO_SERVER;
    }
}

static const char *choose_server(const struct command_common *common)
{
    const char *from_environment = getenv("NATS_URL");

    if (common->server != NULL)
        return common->server;
    if (from_environment != NULL && *from_environment != '\0')
        return from_environment;
    return CONNECTION_DEFAULT_URL;
}

enum command_status connection_open(struct connection *c, const struct command_common *common,
                                    const char *name, enum connection_use use)
{
    struct server_list servers;
    natsOptions *options = NULL;
    enum command_status result = COMMAND_DONE;
    natsStatus s;

    *c = (struct connection){0};
    if (!split_servers(&servers, choose_server(common))) {
        report_error("--server takes from 1 to %d addresses, separated by commas",
                     CONNECTION_SERVERS_MAX);
        free(servers.text);
        return COMMAND_USAGE;
    }
    c->servers = describe_servers(&servers);
    s = c->servers == NULL ? NATS_NO_MEMORY : make_options(&options, &servers, name, use);
    if (s == NATS_OK)
        s = natsConnection_Connect(&c->nats, options);
    if (s != NATS_OK) {
        result = refuse(c, s);
        free(c->servers);
    }
    natsOptions_Destroy(options);
    free(servers.text);
    return result;
}

void connection_close(struct connection *c)
{
    natsConnection_Close(c->nats);
    natsConnection_Destroy(c->nats);
    free(c->servers);
}

bool connection_was_denied(struct connection *c)
{
    const char *text = NULL;

    if (natsConnection_GetLastError(c->nats, &text) != NATS_NOT_PERMITTED)
        return false;
    report_error("the server refused: %s", text != NULL ? text : "no permission");
    return true;
}

enum command_status connection_failed(struct connection *c, natsStatus status, const char *doing)
{
    const char *text = NULL;

    if (status == NATS_TIMEOUT) {
        report_error("cannot %s: the server at %s does not confirm it in time", doing, c->servers);
        return COMMAND_TIMED_OUT;
    }
    if (status == NATS_MAX_PAYLOAD) {
        report_error("cannot %s: the server takes %lld bytes a message at most", doing,
                     (long long)natsConnection_GetMaxPayload(c->nats));
        return COMMAND_FAILED;
    }
    natsConnection_GetLastError(c->nats, &text);
    if (text == NULL || *text == '\0')
        text = natsStatus_GetText(status);
    report_error("cannot %s: %s", doing, text);
    return COMMAND_FAILED;
}

enum command_status connection_confirm(struct connection *c, int64_t timeout_ms)
{
    natsStatus s = natsConnection_FlushTimeout(c->nats, timeout_ms);

    if (s != NATS_OK)
        return connection_failed(c, s, "be sure that it arrived");
    return connection_was_denied(c) ? COMMAND_FAILED : COMMAND_DONE;
}
