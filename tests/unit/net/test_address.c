#include "lib/net/address.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <net/if.h>
#include <stdio.h>

/* What <text> is read as, with 4222 as the default port: "host port", or "refused". */
static const char *reading_of(const char *text)
{
    static char result[ADDRESS_HOST_MAX + 64];
    struct net_error error = {.text = ""};
    struct address address;

    if (!address_parse(bytes_of_str(text), 4222, &address, &error)) {
        cr_expect(error.text[0] != '\0', "a refusal says why: %s", text);
        return "refused";
    }
    snprintf(result, sizeof result, "%s %d", address.host, address.port);
    return result;
}

Test(address, is_written_in_many_ways)
{
    cr_expect_str_eq(reading_of("example.org:5000"), "example.org 5000");
    cr_expect_str_eq(reading_of("example.org"), "example.org 4222");
    cr_expect_str_eq(reading_of(":5000"), " 5000");
    cr_expect_str_eq(reading_of("5000"), " 5000");
    cr_expect_str_eq(reading_of("10.0.0.7:5000"), "10.0.0.7 5000");
    cr_expect_str_eq(reading_of("10.0.0.7"), "10.0.0.7 4222");
    cr_expect_str_eq(reading_of("my_node-1:5000"), "my_node-1 5000");
}

Test(address, ipv6_stands_in_brackets_before_a_port_and_bare_without)
{
    cr_expect_str_eq(reading_of("[::1]:5000"), "::1 5000");
    cr_expect_str_eq(reading_of("[::1]"), "::1 4222");
    cr_expect_str_eq(reading_of("::1"), "::1 4222");
    cr_expect_str_eq(reading_of("::"), ":: 4222");
    cr_expect_str_eq(reading_of("[fe80::1%eth0]:5000"), "fe80::1%eth0 5000");
}

Test(address, minus_one_asks_for_any_port)
{
    cr_expect_str_eq(reading_of("-1"), " -1");
    cr_expect_str_eq(reading_of("localhost:-1"), "localhost -1");
    cr_expect_str_eq(reading_of("localhost:0"), "localhost 0");
}

Test(address, what_cannot_be_an_address_is_refused)
{
    static const char *const texts[] = {
        "",        "host:",     "host:65536", "host:-2",       "host:4222x",  "host: 4222",
        "99999",   "[::1",      "[::1]4222",  "[::1]:",        "[host]:4222", "[]:4222",
        "my host", "user@host", "nats://h:1", "host:\xc3\xbc", "h\x01st:1",   "a/b:4222",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect_str_eq(reading_of(texts[i]), "refused", "%s", texts[i]);
}

Test(address, a_name_may_be_as_long_as_the_dns_allows_and_no_longer)
{
    char name[ADDRESS_HOST_MAX + 2];

    memset(name, 'a', sizeof name);
    name[ADDRESS_HOST_MAX + 1] = '\0';
    cr_expect_str_eq(reading_of(name), "refused");
    name[ADDRESS_HOST_MAX] = '\0';
    cr_expect_eq(strlen(reading_of(name)), ADDRESS_HOST_MAX + strlen(" 4222"));
}

Test(address, a_refusal_leaves_the_result_alone)
{
    struct address address = {.host = "before", .port = 1};
    struct net_error error;

    cr_expect_not(address_parse(bytes_of_str("host:x"), 4222, &address, &error));
    cr_expect_str_eq(address.host, "before");
    cr_expect_eq(address.port, 1);
    cr_expect_str_eq(error.text, "\"x\" is not a port: expected a number from 0 to 65535");
}

Test(address, a_zero_byte_is_not_part_of_a_host)
{
    struct address address;
    struct net_error error;

    cr_expect_not(address_parse(bytes_of("a\0b", 3), 4222, &address, &error));
}

static struct address_ip name_of_ipv6(const char *ip, uint16_t port, unsigned scope)
{
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
    struct address_ip name;

    cr_assert_eq(inet_pton(AF_INET6, ip, &in6.sin6_addr), 1);
    address_of_socket((struct sockaddr *)&in6, &name);
    return name;
}

Test(address, of_an_ipv4_socket)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(4222)};
    struct address_ip name;

    cr_assert_eq(inet_pton(AF_INET, "10.0.0.7", &in.sin_addr), 1);
    address_of_socket((struct sockaddr *)&in, &name);
    cr_expect_str_eq(name.ip, "10.0.0.7");
    cr_expect_eq(name.port, 4222);
}

Test(address, of_an_ipv6_socket)
{
    struct address_ip name = name_of_ipv6("2001:db8::1", 4222, 0);

    cr_expect_str_eq(name.ip, "2001:db8::1");
    cr_expect_eq(name.port, 4222);
}

Test(address, of_an_ipv4_peer_on_a_dual_stack_socket_is_its_ipv4_form)
{
    cr_expect_str_eq(name_of_ipv6("::ffff:10.0.0.7", 1, 0).ip, "10.0.0.7");
}

Test(address, a_link_local_one_names_its_interface)
{
    unsigned loopback = if_nametoindex("lo");

    if (loopback == 0)
        cr_skip_test("no interface is called lo");
    cr_expect_str_eq(name_of_ipv6("fe80::1", 1, loopback).ip, "fe80::1%lo");
}

Test(address, ipv6_goes_into_a_url_in_brackets)
{
    char url[ADDRESS_URL_SIZE];

    cr_expect_eq(address_to_url("10.0.0.7", 4222, url), strlen("10.0.0.7:4222"));
    cr_expect_str_eq(url, "10.0.0.7:4222");
    address_to_url("::1", 4222, url);
    cr_expect_str_eq(url, "[::1]:4222");
    address_to_url("example.org", 65535, url);
    cr_expect_str_eq(url, "example.org:65535");
}

Test(address, the_longest_host_fits_a_url)
{
    char url[ADDRESS_URL_SIZE];
    char host[ADDRESS_HOST_MAX + 1];

    memset(host, ':', ADDRESS_HOST_MAX);
    host[ADDRESS_HOST_MAX] = '\0';
    cr_expect_eq(address_to_url(host, 65535, url), ADDRESS_URL_SIZE - 1);
}
