/* json: a message as one line of JSON.
 *
 *   {"subject":"orders.paid","reply":"_INBOX.x","headers":{"Trace":["a1"]},"payload":"hello"}
 *
 * "reply" and "headers" stand there when the message has them, "rtt_ms" when it is known. A payload
 * that is not UTF-8 is "payload_base64" instead, so that nobody takes one for the other. A subject
 * or a header that is not UTF-8 is read as Latin-1. */
#ifndef NATTER_CLI_JSON_H
#define NATTER_CLI_JSON_H

#include "cli/output.h"

/* Prints to standard output. False when memory is out or standard output takes no more. */
bool json_print_message(const struct output_message *m);

#endif
