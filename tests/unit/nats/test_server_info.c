#include "lib/nats/server_info.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct server_info least = {
    .server_id = "NAAA",
    .server_name = "one",
    .version = "2.9.10",
    .proto = 1,
    .host = "0.0.0.0",
    .port = 4222,
    .headers = true,
    .max_payload = 1048576,
    .client_id = 7,
    .client_ip = "127.0.0.1",
};

static char line[SERVER_INFO_LINE_MAX];

static struct bytes written(const struct server_info *info)
{
    return bytes_of(line, server_info_write(info, line, sizeof line));
}

static void expect_line(const struct server_info *info, const char *text)
{
    struct bytes got = written(info);

    cr_expect(bytes_equal_str(got, text), "%.*s", BYTES_ARG(got));
}

/* ---- writing ---- */

Test(server_info, is_one_line_with_a_blank_before_its_end)
{
    expect_line(&least,
                "INFO {\"server_id\":\"NAAA\",\"server_name\":\"one\",\"version\":\"2.9.10\","
                "\"proto\":1,\"host\":\"0.0.0.0\",\"port\":4222,\"headers\":true,"
                "\"max_payload\":1048576,\"client_id\":7,\"client_ip\":\"127.0.0.1\"} \r\n");
}

Test(server_info, tells_what_is_set_in_the_order_of_the_reference)
{
    static const char *const urls[] = {"10.0.0.1:4222", "[::1]:4222"};
    static const char *const ws_urls[] = {"10.0.0.1:8080"};
    struct server_info info = least;

    info.git_commit = "abc";
    info.go = "go1";
    info.auth_required = info.tls_required = info.tls_verify = info.tls_available = true;
    info.ip = "nats-route://10.0.0.1:6222/";
    info.nonce = "n";
    info.cluster = "c";
    info.cluster_dynamic = true;
    info.connect_urls = (struct server_urls){urls, 2};
    info.ws_connect_urls = (struct server_urls){ws_urls, 1};
    info.ldm = true;
    expect_line(&info,
                "INFO {\"server_id\":\"NAAA\",\"server_name\":\"one\",\"version\":\"2.9.10\","
                "\"proto\":1,\"git_commit\":\"abc\",\"go\":\"go1\",\"host\":\"0.0.0.0\","
                "\"port\":4222,\"headers\":true,\"auth_required\":true,\"tls_required\":true,"
                "\"tls_verify\":true,\"tls_available\":true,\"max_payload\":1048576,"
                "\"ip\":\"nats-route://10.0.0.1:6222/\",\"client_id\":7,"
                "\"client_ip\":\"127.0.0.1\",\"nonce\":\"n\",\"cluster\":\"c\","
                "\"cluster_dynamic\":true,\"connect_urls\":[\"10.0.0.1:4222\",\"[::1]:4222\"],"
                "\"ws_connect_urls\":[\"10.0.0.1:8080\"],\"ldm\":true} \r\n");
}

Test(server_info, always_tells_what_clients_expect)
{
    struct server_info nothing = {.server_id = NULL};

    expect_line(&nothing, "INFO {\"server_id\":\"\",\"server_name\":\"\",\"version\":\"\","
                          "\"proto\":0,\"host\":\"\",\"port\":0,\"headers\":false,"
                          "\"max_payload\":0} \r\n");
}

Test(server_info, escapes_what_would_break_the_line)
{
    struct server_info info = least;
    struct bytes got;

    info.server_name = "a\"b\\c\r\n\x01";
    got = written(&info);
    cr_assert_gt(got.len, 0);
    cr_expect_not_null(memmem(got.data, got.len, "a\\\"b\\\\c\\r\\n\\u0001", 17));
    cr_expect_eq(memchr(got.data, '\n', got.len), (const void *)(got.data + got.len - 1));
}

Test(server_info, that_does_not_fit_is_not_written)
{
    size_t len = written(&least).len;
    char *exact = malloc(len);

    cr_expect_eq(server_info_write(&least, exact, len), len);
    for (size_t cap = 0; cap < len; cap++)
        cr_expect_eq(server_info_write(&least, exact, cap), 0, "%zu", cap);
    free(exact);
}

Test(server_info, that_is_not_utf8_is_not_written)
{
    struct server_info info = least;

    info.server_name = "\xff\xfe";
    cr_expect_eq(written(&info).len, 0);
}

/* ---- reading ---- */

static enum status reads(const char *json, struct server_info *out)
{
    return server_info_read(bytes_of_str(json), out);
}

Test(server_info, that_was_written_reads_the_same)
{
    static const char *const urls[] = {"10.0.0.1:4222", "\"\\\xc3\xa9:1"};
    struct server_info info = least;
    struct server_info back;
    struct bytes got;
    char again[2048];

    info.connect_urls = (struct server_urls){urls, 2};
    info.ws_connect_urls = (struct server_urls){urls, 1};
    info.cluster = "c";
    info.ldm = true;
    got = written(&info);
    cr_assert_gt(got.len, 8);
    cr_assert_eq(server_info_read(bytes_of(got.data + 5, got.len - 8), &back), STATUS_OK);
    cr_expect_eq(server_info_write(&back, again, sizeof again), got.len);
    cr_expect_arr_eq(again, got.data, got.len);
    cr_expect_str_eq(back.server_id, "NAAA");
    cr_expect_eq(back.client_id, 7);
    cr_expect_eq(back.connect_urls.count, 2);
    cr_expect_str_eq(back.connect_urls.items[1], urls[1]);
    server_info_fini(&back);
    cr_expect_null(back.server_id);
}

Test(server_info, of_a_newer_server_is_understood_as_far_as_we_know_it)
{
    struct server_info info;

    cr_assert_eq(reads("{\"server_id\":\"N1\",\"proto\":3,\"xkey\":\"X\",\"import\":{\"allow\":[]},"
                       "\"jetstream\":true,\"api_lvl\":2,\"cluster\":null,\"connect_urls\":null}",
                       &info),
                 STATUS_OK);
    cr_expect_str_eq(info.server_id, "N1");
    cr_expect_eq(info.proto, 3);
    cr_expect_null(info.cluster);
    cr_expect_null(info.host);
    cr_expect_eq(info.connect_urls.count, 0);
    cr_expect_not(info.headers);
    server_info_fini(&info);
}

Test(server_info, with_nothing_in_it_is_empty)
{
    struct server_info info;

    cr_assert_eq(reads("{}", &info), STATUS_OK);
    cr_expect_null(info.server_id);
    server_info_fini(&info);
}

Test(server_info, that_is_malformed_or_of_a_wrong_type_is_refused)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "null",
        "{} x",
        "{\"server_id\":1}",
        "{\"port\":\"4222\"}",
        "{\"port\":4222.5}",
        "{\"headers\":1}",
        "{\"headers\":\"true\"}",
        "{\"client_id\":-1}",
        "{\"connect_urls\":\"a:1\"}",
        "{\"connect_urls\":[1]}",
        "{\"connect_urls\":[\"a:1\",null]}",
        "{\"server_id\":\"a\\u0000b\"}",
        "{\"server_id\":\"a\",\"ldm\":{}}",
    };
    struct server_info info;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_eq(reads(wrong[i], &info), STATUS_BAD_ARGUMENTS, "%s", wrong[i]);
}
