#include "lib/net/net_error.h"

#include <criterion/criterion.h>
#include <string.h>

Test(net_error, says_what_it_was_told_to)
{
    struct net_error error;

    net_error_set(&error, "port %d is in use", 4222);
    cr_expect_str_eq(error.text, "port 4222 is in use");
}

Test(net_error, cuts_what_is_too_long)
{
    struct net_error error;
    char text[2 * NET_ERROR_TEXT_SIZE];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    net_error_set(&error, "%s", text);
    cr_expect_eq(strlen(error.text), NET_ERROR_TEXT_SIZE - 1);
}
