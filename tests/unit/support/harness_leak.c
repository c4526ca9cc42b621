/* Must fail under AddressSanitizer: shows that the harness notices a leak that Criterion does not.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(harness, leaks)
{
    void *volatile lost = malloc(100);

    cr_expect_not_null(lost);
    lost = NULL;
}
