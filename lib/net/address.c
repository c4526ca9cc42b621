#include "lib/net/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <net/if.h>
#include <stdio.h>

/* Letters, digits, and what names ("my-host_1.example") and IPv6 addresses ("fe80::1%eth0") add. */
static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._:%", c) != NULL);
}

static bool is_number(struct bytes text)
{
    uint64_t ignored;

    return bytes_to_u64(text, UINT64_MAX, &ignored);
}

static bool is_ipv6(struct bytes host)
{
    return host.len > 0 && memchr(host.data, ':', host.len) != NULL;
}

static bool read_port(struct bytes text, int *out, struct net_error *error)
{
    uint64_t port;

    if (bytes_equal_str(text, "-1")) {
        *out = ADDRESS_PORT_ANY;
        return true;
    }
    if (!bytes_to_u64(text, ADDRESS_PORT_MAX, &port)) {
        net_error_set(error, "\"%.*s\" is not a port: expected a number from 0 to %d",
                      BYTES_ARG(text), ADDRESS_PORT_MAX);
        return false;
    }
    *out = (int)port;
    return true;
}

static bool read_host(struct bytes text, char out[ADDRESS_HOST_MAX + 1], struct net_error *error)
{
    if (text.len > ADDRESS_HOST_MAX) {
        net_error_set(error, "the host is %zu bytes long: at most %d are allowed", text.len,
                      ADDRESS_HOST_MAX);
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_host_byte(text.data[i])) {
            net_error_set(error, "\"%.*s\" is not a host: expected a name or an IP address",
                          BYTES_ARG(text));
            return false;
        }
    }
    if (text.len > 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

/* Splits "[v6]" and "[v6]:port"; *port is without data when there is none. */
static bool split_brackets(struct bytes text, struct bytes *host, struct bytes *port,
                           struct net_error *error)
{
    const char *end = memchr(text.data, ']', text.len);
    struct bytes rest;

    if (end == NULL) {
        net_error_set(error, "\"%.*s\" lacks the closing bracket of an IPv6 address",
                      BYTES_ARG(text));
        return false;
    }
    *host = bytes_of(text.data + 1, (size_t)(end - text.data) - 1);
    rest = bytes_after(text, host->len + 2);
    if (!is_ipv6(*host) || (rest.len > 0 && rest.data[0] != ':')) {
        net_error_set(error, "\"%.*s\" is not an address: brackets hold an IPv6 address, as in %s",
                      BYTES_ARG(text), "[::1]:4222");
        return false;
    }
    if (rest.len > 0)
        *port = bytes_after(rest, 1);
    return true;
}

/* Splits what has no brackets. One colon stands before a port, more are those of an IPv6 address;
 * digits alone are a port. */
static void split_plain(struct bytes text, struct bytes *host, struct bytes *port)
{
    const char *colon = memchr(text.data, ':', text.len);
    size_t before = colon != NULL ? (size_t)(colon - text.data) : text.len;
    bool has_one = colon != NULL && memchr(colon + 1, ':', text.len - before - 1) == NULL;

    if (has_one) {
        *host = bytes_of(text.data, before);
        *port = bytes_after(text, before + 1);
    } else if (is_number(text) || bytes_equal_str(text, "-1")) {
        *port = text;
    } else {
        *host = text;
    }
}

bool address_parse(struct bytes text, int default_port, struct address *out,
                   struct net_error *error)
{
    struct bytes host = {0};
    struct bytes port = {0};
    struct address read = {.port = default_port};

    if (text.len == 0) {
        net_error_set(error, "the address is empty: expected host:port");
        return false;
    }
    if (text.data[0] != '[')
        split_plain(text, &host, &port);
    else if (!split_brackets(text, &host, &port, error))
        return false;
    if (!read_host(host, read.host, error))
        return false;
    if (port.data != NULL && !read_port(port, &read.port, error))
        return false;
    *out = read;
    return true;
}

static void ip_of_ipv4(const struct in_addr *in, struct address_ip *out)
{
    const char *ip = inet_ntop(AF_INET, in, out->ip, sizeof out->ip);

    assert(ip != NULL);
}

/* A link-local address means something only together with its interface. */
static void ip_of_ipv6(const struct sockaddr_in6 *in, struct address_ip *out)
{
    const char *ip = inet_ntop(AF_INET6, &in->sin6_addr, out->ip, sizeof out->ip);
    char interface[IF_NAMESIZE];
    size_t len;

    assert(ip != NULL);
    if (in->sin6_scope_id == 0 || if_indextoname(in->sin6_scope_id, interface) == NULL)
        return;
    len = strlen(out->ip);
    snprintf(out->ip + len, sizeof out->ip - len, "%%%s", interface);
}

void address_of_socket(const struct sockaddr *socket_address, struct address_ip *out)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    assert(socket_address->sa_family == AF_INET || socket_address->sa_family == AF_INET6);
    if (socket_address->sa_family == AF_INET) {
        memcpy(&in, socket_address, sizeof in);
        ip_of_ipv4(&in.sin_addr, out);
        out->port = ntohs(in.sin_port);
        return;
    }
    memcpy(&in6, socket_address, sizeof in6);
    out->port = ntohs(in6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
        memcpy(&in.sin_addr, &in6.sin6_addr.s6_addr[12], sizeof in.sin_addr);
        ip_of_ipv4(&in.sin_addr, out);
    } else {
        ip_of_ipv6(&in6, out);
    }
}

size_t address_to_url(const char *host, unsigned port, char out[ADDRESS_URL_SIZE])
{
    bool in_brackets = strchr(host, ':') != NULL;
    int len;

    assert(strlen(host) <= ADDRESS_HOST_MAX && port <= ADDRESS_PORT_MAX);
    len = snprintf(out, ADDRESS_URL_SIZE, "%s%s%s:%u", in_brackets ? "[" : "", host,
                   in_brackets ? "]" : "", port);
    assert(len > 0 && (size_t)len < ADDRESS_URL_SIZE);
    return (size_t)len;
}
