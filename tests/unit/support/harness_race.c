/* Must fail under ThreadSanitizer: shows that the harness notices a race that Criterion does not.
 */
#include <criterion/criterion.h>
#include <pthread.h>

static int shared;

static void *write_unguarded(void *arg)
{
    shared++;
    return arg;
}

Test(harness, races)
{
    pthread_t a, b;

    cr_assert_eq(pthread_create(&a, NULL, write_unguarded, NULL), 0);
    cr_assert_eq(pthread_create(&b, NULL, write_unguarded, NULL), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    cr_expect_gt(shared, 0);
}
