/* headers: the headers of a received message, one key after another, in alphabetical order.
 *
 * libnats keeps them in a table of its own, without order; output that scripts compare wants one.
 */
#ifndef NATTER_CLI_HEADERS_H
#define NATTER_CLI_HEADERS_H

#include <nats/nats.h>

/* One key and all its values, until headers_visit() returns. */
typedef void headers_visit_fn(const char *key, const char *const *values, int value_count,
                              void *arg);

/* Calls <visit> for each key. NATS_OK also when there are none. */
natsStatus headers_visit(natsMsg *msg, headers_visit_fn *visit, void *arg);

#endif
