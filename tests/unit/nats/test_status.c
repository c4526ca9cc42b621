#include "lib/nats/status.h"

#include <criterion/criterion.h>

Test(status, says_what_the_peer_is_told_and_whether_it_may_stay)
{
    cr_expect_str_eq(status_text(STATUS_UNKNOWN_OPERATION), "Unknown Protocol Operation");
    cr_expect_eq(status_fate(STATUS_UNKNOWN_OPERATION), CLOSES);
    cr_expect_str_eq(status_text(STATUS_BAD_SUBJECT), "Invalid Subject");
    cr_expect_eq(status_fate(STATUS_BAD_SUBJECT), STAYS_OPEN);
}

Test(status, tells_nothing_of_malformed_arguments)
{
    cr_expect_null(status_text(STATUS_BAD_ARGUMENTS));
    cr_expect_null(status_text(STATUS_BAD_CONNECT));
    cr_expect_eq(status_fate(STATUS_BAD_ARGUMENTS), CLOSES);
}

Test(status, has_a_name_for_logs_and_a_reason_for_monitoring)
{
    cr_expect_str_eq(status_name(STATUS_BAD_SUBJECT), "BAD_SUBJECT");
    cr_expect_str_eq(status_reason(STATUS_STALE), "Stale Connection");
    cr_expect_str_eq(status_reason(STATUS_SLOW_PENDING), "Slow Consumer (Pending Bytes)");
}

#define EXPECT_A_REASON(st, text, fate, reason)                                                    \
    cr_expect_eq(*status_reason(st) != '\0', status_fate(st) == CLOSES, "%s", status_name(st));

Test(status, has_a_reason_exactly_when_the_connection_closes)
{
    STATUS_TABLE(EXPECT_A_REASON)
}
