#include "lib/nats/nkey.h"

/*  prefix  key                     CRC-16, low byte first
 *   +---+---------------------------+---+---+
 *   | 1 |            32             |   2   |   35 bytes: 56 letters of 5 bits, without padding */
#define CRC_AT (1 + NKEY_BYTES)
#define RAW_LEN (CRC_AT + 2)

_Static_assert(RAW_LEN * 8 == NKEY_TEXT_LEN * 5, "whole letters, no padding");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* CRC-16/XMODEM: polynomial 0x1021, beginning at 0. */
static unsigned crc16(const uint8_t *data, size_t len)
{
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
    }
    return crc;
}

static int letter_value(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= '2' && letter <= '7')
        return letter - '2' + 26;
    return -1;
}

void nkey_encode(enum nkey_kind kind, const uint8_t key[NKEY_BYTES], char out[NKEY_TEXT_LEN + 1])
{
    uint8_t raw[RAW_LEN];
    unsigned crc;
    unsigned bits = 0;
    unsigned bit_count = 0;
    size_t n = 0;

    raw[0] = (uint8_t)kind;
    memcpy(raw + 1, key, NKEY_BYTES);
    crc = crc16(raw, CRC_AT);
    raw[CRC_AT] = (uint8_t)(crc & 0xff);
    raw[CRC_AT + 1] = (uint8_t)(crc >> 8);
    for (size_t i = 0; i < RAW_LEN; i++) {
        bits = (bits << 8 | raw[i]) & 0xfff; /* at most 4 left over, and 8 more */
        for (bit_count += 8; bit_count >= 5; bit_count -= 5)
            out[n++] = alphabet[bits >> (bit_count - 5) & 31];
    }
    out[n] = '\0';
}

static bool from_base32(struct bytes text, uint8_t raw[RAW_LEN])
{
    unsigned bits = 0;
    unsigned bit_count = 0;
    size_t n = 0;

    if (text.len != NKEY_TEXT_LEN)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = letter_value(text.data[i]);

        if (value < 0)
            return false;
        bits = (bits << 5 | (unsigned)value) & 0xfff;
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            raw[n++] = (uint8_t)(bits >> bit_count & 0xff);
        }
    }
    return true;
}

bool nkey_decode(enum nkey_kind kind, struct bytes text, uint8_t key[NKEY_BYTES])
{
    uint8_t raw[RAW_LEN];

    if (!from_base32(text, raw) || raw[0] != (uint8_t)kind)
        return false;
    if (crc16(raw, CRC_AT) != (raw[CRC_AT] | (unsigned)raw[CRC_AT + 1] << 8))
        return false;
    memcpy(key, raw + 1, NKEY_BYTES);
    return true;
}
