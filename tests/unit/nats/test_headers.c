#include "lib/nats/headers.h"

#include <criterion/criterion.h>

/* Its size stands in every message that carries it: "HMSG reply sid 16 16". */
Test(headers, no_responders_is_a_block_of_sixteen_bytes)
{
    cr_expect_eq(HEADERS_NO_RESPONDERS_LEN, 16);
    cr_expect_str_eq(HEADERS_NO_RESPONDERS, "NATS/1.0 503\r\n\r\n");
}
