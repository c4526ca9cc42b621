/* Must fail under UndefinedBehaviorSanitizer: shows that the harness notices a report. */
#include <criterion/criterion.h>
#include <limits.h>

Test(harness, overflows)
{
    volatile int most = INT_MAX;

    most = most + 1;
    cr_expect_neq(most, 0);
}
