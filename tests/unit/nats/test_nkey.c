#include "lib/nats/nkey.h"

#include <criterion/criterion.h>

/* A user's public key as nkey tools print it, and the id of a running nats-server. */
static const char user[] = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
static const char server[] = "NBVSN5QSNX6JQNYGQOJL56WO5C6FD53XF54HERPL3WLOLYJOZ5Z7UFT7";

/* What base32 makes of the id, by another program. */
static const uint8_t server_key[NKEY_BYTES] = {
    0x6b, 0x26, 0xf6, 0x12, 0x6d, 0xfc, 0x98, 0x37, 0x06, 0x83, 0x92, 0xbe, 0xfa, 0xce, 0xe8, 0xbc,
    0x51, 0xf7, 0x77, 0x2f, 0x78, 0x72, 0x45, 0xeb, 0xdd, 0x96, 0xe5, 0xe1, 0x2e, 0xcf, 0x73, 0xfa};

static const uint8_t zeros[NKEY_BYTES];

Test(nkey, the_first_letter_tells_the_kind)
{
    static const struct {
        enum nkey_kind kind;
        char letter;
    } kinds[] = {{NKEY_ACCOUNT, 'A'},
                 {NKEY_CLUSTER, 'C'},
                 {NKEY_SERVER, 'N'},
                 {NKEY_OPERATOR, 'O'},
                 {NKEY_USER, 'U'}};
    char text[NKEY_TEXT_LEN + 1];

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        nkey_encode(kinds[i].kind, zeros, text);
        cr_expect_eq(text[0], kinds[i].letter);
        cr_expect_eq(strlen(text), (size_t)NKEY_TEXT_LEN);
    }
}

Test(nkey, reads_and_writes_what_the_reference_wrote)
{
    uint8_t key[NKEY_BYTES];
    char text[NKEY_TEXT_LEN + 1];

    cr_assert(nkey_decode(NKEY_SERVER, bytes_of_str(server), key));
    cr_expect_arr_eq(key, server_key, NKEY_BYTES);
    nkey_encode(NKEY_SERVER, key, text);
    cr_expect_str_eq(text, server);
    cr_assert(nkey_decode(NKEY_USER, bytes_of_str(user), key));
    nkey_encode(NKEY_USER, key, text);
    cr_expect_str_eq(text, user);
}

Test(nkey, every_key_survives_the_way_to_text_and_back)
{
    uint8_t key[NKEY_BYTES];
    uint8_t back[NKEY_BYTES];
    char text[NKEY_TEXT_LEN + 1];

    for (unsigned step = 0; step < 256; step++) {
        for (unsigned i = 0; i < NKEY_BYTES; i++)
            key[i] = (uint8_t)(i * 37 + step);
        nkey_encode(NKEY_SERVER, key, text);
        cr_assert(nkey_decode(NKEY_SERVER, bytes_of_str(text), back));
        cr_assert_arr_eq(back, key, NKEY_BYTES);
    }
}

Test(nkey, any_changed_letter_is_noticed)
{
    uint8_t key[NKEY_BYTES];
    char text[NKEY_TEXT_LEN + 1];

    nkey_encode(NKEY_SERVER, zeros, text);
    for (size_t i = 0; i < NKEY_TEXT_LEN; i++) {
        char right = text[i];

        text[i] = right == 'B' ? 'D' : 'B';
        cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of_str(text), key), "letter %zu", i);
        text[i] = right;
    }
    cr_expect(nkey_decode(NKEY_SERVER, bytes_of_str(text), key));
}

Test(nkey, what_is_no_key_of_the_kind_is_refused_and_changes_nothing)
{
    uint8_t key[NKEY_BYTES] = {7};
    char text[NKEY_TEXT_LEN + 2];

    nkey_encode(NKEY_SERVER, zeros, text);
    cr_expect_not(nkey_decode(NKEY_USER, bytes_of_str(text), key), "another kind");
    cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of(text, NKEY_TEXT_LEN - 1), key), "too short");
    cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of_str(""), key), "empty");
    text[NKEY_TEXT_LEN] = 'A';
    cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of(text, NKEY_TEXT_LEN + 1), key), "too long");
    text[3] = '1';
    cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of(text, NKEY_TEXT_LEN), key), "not base32");
    text[3] = 'a';
    cr_expect_not(nkey_decode(NKEY_SERVER, bytes_of(text, NKEY_TEXT_LEN), key), "lower case");
    cr_expect_eq(key[0], 7);
}
