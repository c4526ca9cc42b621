#include "lib/nats/connect.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>

static struct connect_options client;

static void begin(void)
{
    connect_init(&client);
}

static void end(void)
{
    connect_fini(&client);
}

TestSuite(connect, .init = begin, .fini = end);

static enum status sends(const char *json)
{
    return connect_read(bytes_of_str(json), &client);
}

Test(connect, without_it_a_client_is_verbose_pedantic_and_hears_itself)
{
    cr_expect(client.verbose && client.pedantic && client.echo);
    cr_expect_not(client.headers || client.no_responders || client.tls_required);
    cr_expect_eq(client.protocol, 0);
    cr_expect_null(client.name);
    cr_expect_null(client.user);
}

Test(connect, changes_what_it_names)
{
    cr_assert_eq(sends("{\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,"
                       "\"no_responders\":true,\"tls_required\":true,\"protocol\":1,"
                       "\"name\":\"me\",\"lang\":\"C\",\"version\":\"3.4\"}"),
                 STATUS_OK);
    cr_expect_not(client.verbose || client.pedantic || client.echo);
    cr_expect(client.headers && client.no_responders && client.tls_required);
    cr_expect_eq(client.protocol, 1);
    cr_expect_str_eq(client.name, "me");
    cr_expect_str_eq(client.lang, "C");
    cr_expect_str_eq(client.version, "3.4");
}

Test(connect, carries_every_kind_of_credential)
{
    cr_assert_eq(sends("{\"user\":\"u\",\"pass\":\"p\",\"auth_token\":\"t\",\"nkey\":\"k\","
                       "\"sig\":\"s\",\"jwt\":\"j\",\"account\":\"a\",\"new_account\":true}"),
                 STATUS_OK);
    cr_expect_str_eq(client.user, "u");
    cr_expect_str_eq(client.pass, "p");
    cr_expect_str_eq(client.auth_token, "t");
    cr_expect_str_eq(client.nkey, "k");
    cr_expect_str_eq(client.sig, "s");
    cr_expect_str_eq(client.jwt, "j");
    cr_expect_str_eq(client.account, "a");
    cr_expect(client.new_account);
}

Test(connect, that_comes_again_leaves_what_it_does_not_name)
{
    cr_assert_eq(sends("{\"verbose\":false,\"name\":\"first\",\"user\":\"u\"}"), STATUS_OK);
    cr_assert_eq(sends("{\"name\":\"second\",\"headers\":true}"), STATUS_OK);
    cr_expect_not(client.verbose);
    cr_expect(client.headers);
    cr_expect_str_eq(client.name, "second");
    cr_expect_str_eq(client.user, "u");
    cr_assert_eq(sends("{\"user\":\"\"}"), STATUS_OK);
    cr_expect_null(client.user, "an empty text is none");
}

Test(connect, knows_names_in_any_case_and_skips_unknown_ones)
{
    cr_assert_eq(sends("{\"VERBOSE\":false,\"Name\":\"me\",\"x\":{\"y\":[1,2.5,{\"z\":null}]}}"),
                 STATUS_OK);
    cr_expect_not(client.verbose);
    cr_expect_str_eq(client.name, "me");
}

Test(connect, takes_the_last_of_equal_names)
{
    cr_assert_eq(sends("{\"verbose\":false,\"verbose\":true,\"name\":\"a\",\"name\":\"b\"}"),
                 STATUS_OK);
    cr_expect(client.verbose);
    cr_expect_str_eq(client.name, "b");
    cr_assert_eq(sends("{\"verbose\":true,\"VERBOSE\":false,\"name\":\"c\",\"NAME\":\"d\"}"),
                 STATUS_OK);
    cr_expect_not(client.verbose);
    cr_expect_str_eq(client.name, "d");
}

Test(connect, takes_null_for_nothing_said)
{
    cr_assert_eq(sends("{\"verbose\":false,\"name\":\"me\",\"protocol\":1}"), STATUS_OK);
    cr_assert_eq(sends("{\"verbose\":null,\"name\":null,\"protocol\":null}"), STATUS_OK);
    cr_assert_eq(sends("null"), STATUS_OK);
    cr_assert_eq(sends(" {} "), STATUS_OK);
    cr_expect_not(client.verbose);
    cr_expect_str_eq(client.name, "me");
    cr_expect_eq(client.protocol, 1);
}

Test(connect, decodes_escapes)
{
    cr_assert_eq(sends("{\"pass\":\"a\\\"b\\u00e9\\n\"}"), STATUS_OK);
    cr_expect_str_eq(client.pass, "a\"b\xc3\xa9\n");
}

Test(connect, leaves_the_meaning_of_the_protocol_number_to_others)
{
    cr_assert_eq(sends("{\"protocol\":-7}"), STATUS_OK);
    cr_expect_eq(client.protocol, -7);
}

Test(connect, that_is_malformed_or_of_a_wrong_type_changes_nothing)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "1",
        "\"x\"",
        "true",
        "{}x",
        "{} {}",
        "{\"name\":\"other\",}",
        "{'name':'other'}",
        "{\"name\":\"other\",\"verbose\":\"true\"}",
        "{\"name\":\"other\",\"verbose\":1}",
        "{\"name\":\"other\",\"protocol\":\"1\"}",
        "{\"name\":\"other\",\"protocol\":1.0}",
        "{\"name\":\"other\",\"protocol\":1e0}",
        "{\"name\":\"other\",\"protocol\":99999999999999999999}",
        "{\"name\":\"other\",\"protocol\":true}",
        "{\"name\":\"other\",\"user\":1}",
        "{\"name\":\"other\",\"lang\":[]}",
        "{\"name\":\"other\",\"lang\":{}}",
        "{\"name\":\"other\",\"new_account\":\"yes\"}",
        "{\"name\":\"other\",\"pass\":\"a\\u0000b\"}",
        "{\"name\":\"other\",\"NAME\":1}",
    };

    cr_assert_eq(sends("{\"name\":\"me\",\"verbose\":false}"), STATUS_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(sends(wrong[i]), STATUS_BAD_CONNECT, "%s", wrong[i]);
        cr_assert_str_eq(client.name, "me", "%s", wrong[i]);
        cr_assert_not(client.verbose, "%s", wrong[i]);
    }
}

Test(connect, nested_without_end_is_refused_and_not_followed)
{
    static char json[100001];

    memset(json, '[', sizeof json - 1);
    cr_expect_eq(sends(json), STATUS_BAD_CONNECT);
    memcpy(json, "{\"x\":", 5);
    cr_expect_eq(sends(json), STATUS_BAD_CONNECT);
}

Test(connect, reads_no_byte_behind_the_json)
{
    char *exact = malloc(2);

    memcpy(exact, "{}", 2);
    cr_expect_eq(connect_read(bytes_of(exact, 2), &client), STATUS_OK);
    free(exact);
}

Test(connect, secrets_can_be_forgotten_and_the_rest_stays)
{
    cr_assert_eq(sends("{\"user\":\"u\",\"pass\":\"p\",\"auth_token\":\"t\",\"nkey\":\"k\","
                       "\"sig\":\"s\",\"jwt\":\"j\",\"name\":\"me\"}"),
                 STATUS_OK);
    connect_forget_secrets(&client);
    cr_expect_null(client.pass);
    cr_expect_null(client.auth_token);
    cr_expect_null(client.sig);
    cr_expect_null(client.jwt);
    cr_expect_str_eq(client.user, "u");
    cr_expect_str_eq(client.nkey, "k");
    cr_expect_str_eq(client.name, "me");
}

/* ---- memory that runs out while JSON is read ---- */

static int allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

/* Where in the JSON library memory runs out decides whether it says so or calls the text bad. */
Test(connect, without_memory_changes_nothing)
{
    enum status st = STATUS_OUT_OF_MEMORY;
    int rounds = 0;

    cr_assert_eq(sends("{\"name\":\"me\"}"), STATUS_OK);
    while (st != STATUS_OK && rounds < 100) {
        json_set_alloc_funcs(scarce_malloc, free);
        allocations_left = rounds++;
        st = sends("{\"name\":\"other\",\"verbose\":false,\"x\":[1,\"2\",{}]}");
        json_set_alloc_funcs(malloc, free);
        cr_assert(st == STATUS_OK || st == STATUS_OUT_OF_MEMORY || st == STATUS_BAD_CONNECT);
        cr_assert(rounds > 1 || st == STATUS_OUT_OF_MEMORY);
        cr_assert_str_eq(client.name, st == STATUS_OK ? "other" : "me");
        cr_assert_eq(client.verbose, st != STATUS_OK);
    }
    cr_expect_eq(st, STATUS_OK);
    cr_expect_gt(rounds, 5);
}
