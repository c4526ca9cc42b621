/* nkey: public keys and identities as text.
 *
 * 32 bytes, with one in front that says whose they are and a checksum behind, in base32. The first
 * letter shows the kind: "U" a user, "N" a server. A server's id is such a text over 32 random
 * bytes.
 *
 * Threads   none of its business: values only. */
#ifndef NATTER_NATS_NKEY_H
#define NATTER_NATS_NKEY_H

#include "lib/base/bytes.h"

#define NKEY_BYTES 32
#define NKEY_TEXT_LEN 56

/* The values are the byte in front: its upper five bits are the letter's place in the alphabet. */
enum nkey_kind {
    NKEY_ACCOUNT = 0x00,  /* A */
    NKEY_CLUSTER = 0x10,  /* C */
    NKEY_SERVER = 0x68,   /* N */
    NKEY_OPERATOR = 0x70, /* O */
    NKEY_USER = 0xa0      /* U */
};

/* Writes NKEY_TEXT_LEN characters and a NUL. */
void nkey_encode(enum nkey_kind kind, const uint8_t key[NKEY_BYTES], char out[NKEY_TEXT_LEN + 1]);

/* Reads the text of a key of one kind. False, with <key> unchanged, when the length, a letter, the
 * checksum or the kind is not right. Lower case is refused. */
bool nkey_decode(enum nkey_kind kind, struct bytes text, uint8_t key[NKEY_BYTES]);

#endif
