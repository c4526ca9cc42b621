/* fuzz_session: whole conversations between clients of one node, on one shard or two.
 *
 * The first byte chooses shards, limits and how bytes are cut; the rest is a play, in acts that end with
 * '~'. An act begins with what it is:
 *
 *     A B C   this client says the rest       a b c   it hears what has gathered
 *     X Y Z   its socket takes nothing        x y z   it leaves, and another comes
 *     L M N   it moves to the other shard
 *     F       the ways between shards are full, or free again
 *     T       as many seconds pass as the rest is long
 *
 * Everything is checked after each act: the shards' invariants, and that what a client hears is what a server
 * may say, whole messages of the size they announce. At the end all memory has come back. */
#include "tests/unit/broker/world.h"

#include <assert.h>
#include <stdlib.h>

#define CLIENTS 3
#define PLAY_MAX 65536
#define PASS_SECONDS_MAX 300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct client *clients[CLIENTS];

/* ---- what a server may say ---- */

static struct bytes take_line(struct bytes *text)
{
    const char *end = memchr(text->data, '\n', text->len);
    struct bytes line;

    assert(end != NULL && end > text->data && end[-1] == '\r');
    line = bytes_of(text->data, (size_t)(end - text->data) - 1);
    *text = bytes_after(*text, line.len + 2);
    return line;
}

/* Splits at single spaces; the number of words. */
static size_t split(struct bytes line, struct bytes words[6])
{
    size_t count = 0;

    while (count < 6) {
        const char *space = line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
        size_t len = space != NULL ? (size_t)(space - line.data) : line.len;

        assert(len > 0);
        words[count++] = bytes_of(line.data, len);
        if (space == NULL)
            return count;
        line = bytes_after(line, len + 1);
    }
    return 7;
}

static uint64_t number(struct bytes text)
{
    uint64_t value = 0;
    bool is_number = bytes_to_u64(text, UINT32_MAX, &value);

    assert(is_number && (text.len == 1 || text.data[0] != '0'));
    return value;
}

/* "MSG subject sid [reply] size" or "HMSG subject sid [reply] header-size size", and then so much. */
static void check_message(const struct client *c, struct bytes line, struct bytes *text)
{
    struct bytes words[6];
    size_t count = split(line, words);
    bool has_headers = line.data[0] == 'H';
    uint64_t size = number(words[count - 1]);

    assert(count == (has_headers ? 5u : 4u) || count == (has_headers ? 6u : 5u));
    assert(size <= (uint64_t)c->limits.payload_max);
    if (has_headers)
        assert(number(words[count - 2]) > 0 && number(words[count - 2]) <= size);
    assert(text->len >= size + 2);
    assert(memcmp(text->data + size, "\r\n", 2) == 0);
    *text = bytes_after(*text, size + 2);
}

static void check_heard(const struct client *c, struct bytes text)
{
    while (text.len > 0) {
        struct bytes line = take_line(&text);

        if (bytes_start_with(line, bytes_of_str("MSG ")) ||
            bytes_start_with(line, bytes_of_str("HMSG ")))
            check_message(c, line, &text);
        else if (bytes_start_with(line, bytes_of_str("-ERR '")))
            assert(line.data[line.len - 1] == '\'');
        else
            assert(bytes_equal_str(line, "PING") || bytes_equal_str(line, "PONG") ||
                   bytes_equal_str(line, "+OK") || bytes_start_with(line, bytes_of_str("INFO {")));
    }
}

/* ---- the acts ---- */

static void hears(unsigned who)
{
    check_heard(clients[who], heard_bytes(clients[who]));
}

static void comes(unsigned who)
{
    clients[who] = join_saying(who % world.shard_count, NULL);
    assert(clients[who] != NULL);
    hears(who);
}

static void moves(struct client *c)
{
    unsigned to = (c->shard->index + 1) % world.shard_count;
    bool has_moved;

    if (to == c->shard->index)
        return;
    world_carry(); /* nothing is under way then */
    has_moved = client_move(c, &world.shards[to]);
    assert(has_moved);
}

static void toggle_ways(void)
{
    world.ways[0][1].is_full = !world.ways[0][1].is_full;
    world.ways[1][0].is_full = world.ways[0][1].is_full;
    world_carry();
}

static void act(struct bytes text)
{
    char what = text.data[0];
    struct bytes rest = bytes_after(text, 1);

    if (what >= 'A' && what < 'A' + CLIENTS) {
        say_bytes(clients[what - 'A'], rest);
    } else if (what >= 'a' && what < 'a' + CLIENTS) {
        hears((unsigned)(what - 'a'));
    } else if (what >= 'X' && what < 'X' + CLIENTS) {
        take(clients[what - 'X'], 0);
    } else if (what >= 'x' && what < 'x' + CLIENTS) {
        leave(clients[what - 'x']);
        comes((unsigned)(what - 'x'));
    } else if (what >= 'L' && what < 'L' + CLIENTS) {
        moves(clients[what - 'L']);
    } else if (what == 'F') {
        toggle_ways();
    } else if (what == 'T') {
        pass(rest.len < PASS_SECONDS_MAX ? (double)rest.len : PASS_SECONDS_MAX);
    }
    world_check();
}

static void play(struct bytes text)
{
    while (text.len > 0) {
        const char *end = memchr(text.data, '~', text.len);
        size_t len = end != NULL ? (size_t)(end - text.data) : text.len;

        if (len > 0)
            act(bytes_of(text.data, len));
        text = bytes_after(text, end != NULL ? len + 1 : len);
    }
}

static void choose_limits(uint8_t choice)
{
    world.pieces = (choice & 6) == 0 ? WHOLE : (choice & 6) == 2 ? BYTE_BY_BYTE : WHOLE_COPIED;
    if ((choice & 8) == 0)
        return;
    world.options.max_payload = 64;
    world.options.max_control_line = 128;
    world.options.max_pending = 2000;
    world.options.max_subscriptions = 5;
    world.options.max_sub_tokens = 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > PLAY_MAX)
        return 0;
    world_open((data[0] & 1) == 0 ? 1 : 2);
    choose_limits(data[0]);
    for (unsigned i = 0; i < CLIENTS; i++)
        comes(i);
    play(bytes_of((const char *)data + 1, size - 1));
    for (unsigned i = 0; i < CLIENTS; i++)
        hears(i);
    world_close();
    return 0;
}
