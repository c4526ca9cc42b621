/* subject: the names of what is published, and the patterns that subscribe to them.
 *
 * A subject is tokens separated by dots: "orders.eu.paid". In a pattern the token "*" stands for
 * any one token, and a last token ">" for one or more that remain. Within a longer token both are
 * letters like any other: "foo*bar" and "foo>" match only themselves. Case matters; no byte is
 * special but the dot, and the parser lets no blank or line end through.
 *
 * In a published subject nothing is a wildcard: "foo.*" published reaches the patterns "foo.*" and
 * "foo.>", and not "foo.bar". A subject with an empty token reaches nobody.
 *
 * Costs     one pass over the bytes, no memory. Threads: none of its business. */
#ifndef NATTER_NATS_SUBJECT_H
#define NATTER_NATS_SUBJECT_H

#include "lib/base/bytes.h"
#include "lib/nats/status.h"

/* May it be subscribed to?
 *   STATUS_BAD_SUBJECT  an empty token, or a ">" that is not last */
enum status subject_check_subscription(struct bytes pattern);

/* May it be published to, for a client that asks to be checked ("pedantic")?
 *   STATUS_BAD_PUBLISH_SUBJECT  an empty token, or a wildcard */
enum status subject_check_publish(struct bytes subject);

/* True when no token is empty: others can match no pattern. */
bool subject_is_matchable(struct bytes subject);

/* True when some token is "*", or the last one ">". */
bool subject_has_wildcard(struct bytes pattern);

size_t subject_token_count(struct bytes subject);

/* Walks the tokens of a subject:
 *
 *     struct bytes rest = subject, token;
 *     while (subject_next_token(&rest, &token))
 *
 * Takes the first token off *rest; false when none is left. Empty tokens are handed out too, so
 * "a." has two; after the last one rest->data is NULL. */
bool subject_next_token(struct bytes *rest, struct bytes *token);

/* Does a message published to <literal> reach a subscription to <pattern>? Both are valid for their
 * purpose; a literal with an empty token matches nothing. */
bool subject_matches(struct bytes pattern, struct bytes literal);

/* Is every subject that <narrow> matches matched by <wide> too? True also when they are the same.
 */
bool subject_covers(struct bytes wide, struct bytes narrow);

/* Is there a subject that both patterns match? */
bool subject_overlap(struct bytes a, struct bytes b);

#endif
