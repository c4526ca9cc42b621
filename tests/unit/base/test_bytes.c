#include "lib/base/bytes.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static struct bytes text(const char *s)
{
    return bytes_of_str(s);
}

Test(bytes, are_equal_when_length_and_content_are)
{
    cr_expect(bytes_equal(text("orders"), text("orders")));
    cr_expect(bytes_equal_str(text("orders"), "orders"));
    cr_expect_not(bytes_equal(text("orders"), text("order")));
    cr_expect_not(bytes_equal(text("orders"), text("ordert")));
    cr_expect(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0b", 3)));
    cr_expect_not(bytes_equal(bytes_of("a\0b", 3), bytes_of("a\0c", 3)));
    cr_expect(bytes_equal((struct bytes){0}, text("")));
}

Test(bytes, start_with_a_prefix_no_longer_than_they_are)
{
    cr_expect(bytes_start_with(text("_INBOX.x"), text("_INBOX.")));
    cr_expect(bytes_start_with(text("a"), text("a")));
    cr_expect(bytes_start_with(text("a"), text("")));
    cr_expect_not(bytes_start_with(text("_INBOX"), text("_INBOX.")));
    cr_expect_not(bytes_start_with(text("$INBOX.x"), text("_INBOX.")));
}

Test(bytes, after_leaves_the_rest)
{
    cr_expect(bytes_equal_str(bytes_after(text("PUB a"), 4), "a"));
    cr_expect(bytes_equal_str(bytes_after(text("PUB a"), 0), "PUB a"));
    cr_expect_eq(bytes_after(text("PUB a"), 5).len, 0);
}

static bool number(const char *digits, uint64_t max, uint64_t *out)
{
    return bytes_to_u64(text(digits), max, out);
}

Test(bytes, to_u64_reads_digits_up_to_the_bound)
{
    uint64_t n = 1;

    cr_expect(number("0", 0, &n));
    cr_expect_eq(n, 0);
    cr_expect(number("1048576", 1048576, &n));
    cr_expect_eq(n, 1048576);
    cr_expect(number("007", 7, &n));
    cr_expect_eq(n, 7);
    cr_expect(number("18446744073709551615", UINT64_MAX, &n));
    cr_expect_eq(n, UINT64_MAX);
}

Test(bytes, to_u64_refuses_the_rest_and_leaves_the_result_be)
{
    static const char *const refused[] = {
        "",
        " ",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "0x1",
        "1e3",
        "18446744073709551616",
        "99999999999999999999",
        "184467440737095516150",
    };
    uint64_t n = 42;

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        cr_expect_not(number(refused[i], UINT64_MAX, &n), "it took \"%s\"", refused[i]);
    cr_expect_not(number("11", 10, &n));
    cr_expect_not(number("10", 9, &n));
    cr_expect_not(number("1", 0, &n));
    cr_expect_eq(n, 42);
}

Test(bytes, put_u64_writes_what_to_u64_reads)
{
    static const uint64_t values[] = {
        0, 1, 9, 10, 99, 100, 4096, UINT32_MAX, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char out[BYTES_U64_MAX];
        char expected[BYTES_U64_MAX + 1];
        size_t len = bytes_put_u64(out, values[i]);
        uint64_t back;

        snprintf(expected, sizeof expected, "%" PRIu64, values[i]);
        cr_expect(bytes_equal_str(bytes_of(out, len), expected));
        cr_expect(bytes_to_u64(bytes_of(out, len), UINT64_MAX, &back));
        cr_expect_eq(back, values[i]);
    }
}

Test(bytes, hash_depends_on_content_alone)
{
    char copy[] = "orders.paid";

    cr_expect_eq(bytes_hash(text(copy)), bytes_hash(text("orders.paid")));
    cr_expect_neq(bytes_hash(text("orders.paid")), bytes_hash(text("orders.sent")));
    cr_expect_neq(bytes_hash(bytes_of("a", 1)), bytes_hash(bytes_of("a\0", 2)));
    cr_expect_eq(bytes_hash((struct bytes){0}), bytes_hash(text("")));
}

Test(bytes, dup_is_terminated_and_its_own)
{
    char original[] = "orders";
    char *copy = bytes_dup(bytes_of(original, 5));
    char *empty = bytes_dup((struct bytes){0});

    original[0] = 'X';
    cr_expect_str_eq(copy, "order");
    cr_expect_str_eq(empty, "");
    free(copy);
    free(empty);
}
