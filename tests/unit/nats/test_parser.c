#include "lib/nats/parser.h"

#include "lib/base/random.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/* ---- how the tests speak ---- */

#define ROOM 65536
#define STORY_MAX 8192

static const struct parser_limits usual = {
    .control_line_max = 4096, .payload_max = 1024, .headers_allowed = true};

static struct bytes text(const char *s)
{
    return bytes_of_str(s);
}

/* Copies <b> so that it ends where readable memory does: one byte too far is a crash. */
static struct bytes at_the_edge(struct bytes b)
{
    static char *room;

    if (room == NULL) {
        room = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        cr_assert_neq((void *)room, MAP_FAILED);
        cr_assert_eq(mprotect(room + ROOM, 4096, PROT_NONE), 0);
    }
    cr_assert_leq(b.len, ROOM);
    memcpy(room + ROOM - b.len, b.data, b.len);
    return bytes_of(room + ROOM - b.len, b.len);
}

/* What happened, in words: "sub foo 1; pub foo [hi]; UNKNOWN_OPERATION". */
struct story {
    char words[STORY_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void tell(struct story *story, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    story->len +=
        (size_t)vsnprintf(story->words + story->len, STORY_MAX - story->len, format, args);
    va_end(args);
    cr_assert_lt(story->len, (size_t)STORY_MAX);
}

static void tell_field(struct story *story, const char *before, struct bytes field,
                       const char *after)
{
    if (field.len > 0)
        tell(story, "%s%.*s%s", before, BYTES_ARG(field), after);
}

static void tell_event(struct story *story, const struct event *event)
{
    static const char *const kinds[] = {
        [EVENT_CONNECT] = "connect",   [EVENT_PUBLISH] = "pub", [EVENT_SUBSCRIBE] = "sub",
        [EVENT_UNSUBSCRIBE] = "unsub", [EVENT_PING] = "ping",   [EVENT_PONG] = "pong",
        [EVENT_IGNORED] = "ignored",
    };

    tell(story, "%s%s%s", story->len > 0 ? "; " : "", event->has_headers ? "h" : "",
         kinds[event->kind]);
    tell_field(story, " ", event->subject, "");
    tell_field(story, " re ", event->reply, "");
    tell_field(story, " queue ", event->queue, "");
    tell_field(story, " ", event->sid, "");
    tell_field(story, " (", event->args, ")");
    if (event->has_headers)
        tell(story, " %u+", event->header_len);
    if (event->kind == EVENT_PUBLISH)
        tell(story, " [%.*s]", BYTES_ARG(event->payload));
}

/* Takes all events there are off <in>; false when the stream is not to be read on. */
static bool tell_all(struct story *story, const struct parser_limits *limits, struct bytes *in)
{
    struct event event;
    enum status st;

    while ((st = parser_next(limits, in, &event)) == STATUS_OK)
        tell_event(story, &event);
    if (st != STATUS_MORE)
        tell(story, "%s%s", story->len > 0 ? "; " : "", status_name(st));
    return st == STATUS_MORE;
}

static const char *story_of_bytes(const struct parser_limits *limits, struct bytes stream)
{
    static struct story story;
    struct bytes in = at_the_edge(stream);

    story = (struct story){.len = 0};
    tell_all(&story, limits, &in);
    return story.words;
}

static const char *story_of(const char *stream)
{
    return story_of_bytes(&usual, text(stream));
}

/* The same, when the stream arrives in pieces of the given sizes, then the rest: what was not
 * consumed is presented again together with what follows it. */
static const char *story_in_pieces(const struct parser_limits *limits, struct bytes stream,
                                   size_t first, size_t then)
{
    static struct story story;
    size_t begin = 0;
    size_t end = first;

    story = (struct story){.len = 0};
    for (;;) {
        struct bytes in = at_the_edge(bytes_of(stream.data + begin, end - begin));

        if (!tell_all(&story, limits, &in) || end == stream.len)
            return story.words;
        begin = end - in.len;
        end = end + then < stream.len ? end + then : stream.len;
    }
}

static struct event only_event(const char *stream)
{
    struct bytes in = text(stream);
    struct event event;

    cr_assert_eq(parser_next(&usual, &in, &event), STATUS_OK, "%s", stream);
    return event;
}

#define expect_story(stream, story) cr_expect_str_eq(story_of(stream), story)

/* ---- operations ---- */

Test(parser, a_publish_has_a_subject_perhaps_a_reply_and_a_payload)
{
    expect_story("PUB foo 5\r\nhello\r\n", "pub foo [hello]");
    expect_story("PUB foo INBOX.1 2\r\nhi\r\n", "pub foo re INBOX.1 [hi]");
    expect_story("PUB foo 0\r\n\r\n", "pub foo []");
    expect_story("PUB foo 12 3\r\nabc\r\n", "pub foo re 12 [abc]");
    expect_story("PUB foo 12x 3\r\nabc\r\n", "pub foo re 12x [abc]");
    expect_story("PUB some.subject.that.is.longer 3\r\n\r\n\r\r\n",
                 "pub some.subject.that.is.longer [\r\n\r]");
}

Test(parser, a_publish_with_headers_says_where_they_end)
{
    expect_story("HPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n", "hpub foo 12+ [NATS/1.0\r\n\r\nhi]");
    expect_story("HPUB foo re.1 12 12\r\nNATS/1.0\r\n\r\n\r\n",
                 "hpub foo re re.1 12+ [NATS/1.0\r\n\r\n]");
    expect_story("HPUB foo 1 2 3\r\nabc\r\n", "hpub foo re 1 2+ [abc]");
}

Test(parser, an_empty_header_block_makes_a_plain_publish)
{
    expect_story("HPUB foo 0 3\r\nabc\r\n", "pub foo [abc]");
    cr_expect_eq(only_event("HPUB foo 0 3\r\nabc\r\n").tail.len, 0, "its sizes are not PUB's");
}

Test(parser, a_subscription_has_a_subject_perhaps_a_queue_group_and_a_sid)
{
    expect_story("SUB foo.* 1\r\n", "sub foo.* 1");
    expect_story("SUB foo workers 22\r\n", "sub foo queue workers 22");
    expect_story("SUB foo not-a-number\r\n", "sub foo not-a-number");
}

Test(parser, an_unsubscription_has_a_sid_and_perhaps_a_maximum_as_it_was_written)
{
    expect_story("UNSUB 1\r\n", "unsub 1");
    expect_story("UNSUB 1 5\r\n", "unsub 1 (5)");
    expect_story("UNSUB 1 many\r\n", "unsub 1 (many)");
}

Test(parser, connect_hands_out_its_json)
{
    expect_story("CONNECT {\"a\": 1}\r\n", "connect ({\"a\": 1})");
    expect_story("CONNECT{}\r\n", "connect ({})");
    expect_story("CONNECT \t {} \r\n", "connect ({})");
    expect_story("CONNECT\r\nCONNECT \n", "connect; connect");
}

Test(parser, ping_pong_and_ok_ignore_the_rest_of_their_line)
{
    expect_story("PING\r\nPONG\r\n+OK\r\n", "ping; pong; ignored");
    expect_story("PING abc\r\nPINGXYZ\r\nPONG\t\n+OKAY\r\n", "ping; ping; pong; ignored");
    expect_story("PING\r\r\n", "ping");
}

Test(parser, info_from_a_client_means_nothing)
{
    expect_story("INFO {\"server_id\":\"x\"}\r\nINFO\r\nPING\r\n", "ignored; ignored; ping");
}

Test(parser, an_error_from_the_peer_ends_the_stream)
{
    expect_story("PING\r\n-ERR 'bad'\r\n", "ping; PEER_ERROR");
    expect_story("-err x\n", "PEER_ERROR");
    expect_story("-ERR\r\n", "UNKNOWN_OPERATION");
}

/* ---- writing that is allowed ---- */

Test(parser, operation_names_may_be_in_any_case)
{
    expect_story("pub foo 1\r\na\r\nPuB foo 1\r\na\r\nhPub foo 1 1\r\na\r\n",
                 "pub foo [a]; pub foo [a]; hpub foo 1+ [a]");
    expect_story("sub foo 1\r\nUnSub 1\r\nping\r\npOng\r\n+ok\r\nconnect {}\r\ninfo\r\n",
                 "sub foo 1; unsub 1; ping; pong; ignored; connect ({}); ignored");
}

Test(parser, arguments_stand_between_any_number_of_blanks)
{
    expect_story("SUB foo  1\r\n", "sub foo 1");
    expect_story("UNSUB 5 \r\n", "unsub 5");
    expect_story("PUB \t foo\t\tbar  3 \t\r\nabc\r\n", "pub foo re bar [abc]");
    expect_story("HPUB  foo  1  3 \r\nabc\r\n", "hpub foo 1+ [abc]");
}

Test(parser, a_line_may_end_in_a_bare_lf_but_not_a_payload)
{
    expect_story("PUB foo 3\nabc\r\nSUB foo 1\nPING\n", "pub foo [abc]; sub foo 1; ping");
    expect_story("PUB foo 3\r\nabc\nPING\r\n", "UNKNOWN_OPERATION");
}

Test(parser, a_token_may_hold_any_byte_but_blanks_and_line_ends)
{
    expect_story("PUB f\xc3\xb6\xc3\xb6 1\r\na\r\nSUB \x01\x7f\xff 1\r\n",
                 "pub f\xc3\xb6\xc3\xb6 [a]; sub \x01\x7f\xff 1");
    cr_expect_eq(story_of_bytes(&usual, bytes_of("PUB a\0b 1\r\na\r\n", 14))[0], 'p');
    expect_story("PUB f\roo 1\r\na\r\n", "BAD_ARGUMENTS");
    expect_story("SUB foo 1\r\r\n", "BAD_ARGUMENTS");
}

Test(parser, leading_zeros_in_a_size_are_read_up_to_nine_digits)
{
    expect_story("PUB foo 000000003\r\nabc\r\n", "pub foo [abc]");
    expect_story("PUB foo 0000000003\r\nabc\r\n", "BAD_ARGUMENTS");
}

/* ---- refusals ---- */

Test(parser, what_is_no_client_operation_is_refused_before_its_line_is_whole)
{
    static const char *const strange[] = {
        "X",       "\r\n",   "\n",    " PING\r\n", "\t",        "PX",     "PUX",   "PI\r\n",
        "+O ",     "-EX",    "R",     "MSG ",      "RS+ a b",   "LS+",    "A+",    "HMSG",
        "PUB\r\n", "PUBfoo", "SUB\n", "SUBx",      "UNSUB\r\n", "UNSUB1", "HPUBx", "C\r\n",
    };

    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
        cr_expect_str_eq(story_of(strange[i]), "UNKNOWN_OPERATION", "%s", strange[i]);
    cr_expect_str_eq(story_of_bytes(&usual, bytes_of("\0", 1)), "UNKNOWN_OPERATION");
}

Test(parser, a_wrong_number_of_arguments_is_refused)
{
    static const char *const wrong[] = {
        "PUB \r\n",        "PUB foo\r\n",         "PUB foo a b 3\r\n", "PUB a b c d e 3\r\n",
        "HPUB foo 3\r\n",  "HPUB a b c 1 1\r\n",  "SUB \r\n",          "SUB foo\r\n",
        "SUB a b c d\r\n", "SUB a b c d e f\r\n", "UNSUB \r\n",        "UNSUB 1 2 3\r\n",
        "PUB foo bar\r\n", "HPUB foo 1 bar\r\n",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_str_eq(story_of(wrong[i]), "BAD_ARGUMENTS", "%s", wrong[i]);
}

Test(parser, a_size_is_made_of_digits_only)
{
    static const char *const wrong[] = {
        "PUB foo -1\r\n",          "PUB foo +3\r\nabc\r\n",    "PUB foo 3x\r\nabc\r\n",
        "PUB foo 0x3\r\nabc\r\n",  "PUB foo 3.0\r\nabc\r\n",   "PUB foo 3\r\r\nabc\r\n",
        "HPUB foo x 3\r\nabc\r\n", "HPUB foo -1 3\r\nabc\r\n",
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_str_eq(story_of(wrong[i]), "BAD_ARGUMENTS", "%s", wrong[i]);
}

Test(parser, a_size_beyond_nine_digits_is_no_size)
{
    expect_story("PUB foo 999999999\r\n", "PAYLOAD_TOO_LARGE");
    expect_story("PUB foo 1000000000\r\n", "BAD_ARGUMENTS");
    expect_story("PUB foo 4294967297\r\na\r\n", "BAD_ARGUMENTS");
    expect_story("PUB foo 18446744073709551617\r\na\r\n", "BAD_ARGUMENTS");
    expect_story("HPUB foo 18446744073709551617 1\r\na\r\n", "BAD_ARGUMENTS");
}

Test(parser, headers_are_part_of_the_total)
{
    expect_story("HPUB foo 4 3\r\nabc\r\n", "BAD_ARGUMENTS");
    expect_story("HPUB foo 3000 2000\r\n", "BAD_ARGUMENTS");
    expect_story("HPUB foo 12 2000\r\n", "PAYLOAD_TOO_LARGE");
}

Test(parser, headers_must_have_been_negotiated)
{
    struct parser_limits limits = usual;

    limits.headers_allowed = false;
    cr_expect_str_eq(story_of_bytes(&limits, text("HPUB foo 1 3\r\nabc\r\n")),
                     "HEADERS_NOT_NEGOTIATED");
    cr_expect_str_eq(story_of_bytes(&limits, text("hpub nonsense\r\n")), "HEADERS_NOT_NEGOTIATED");
    cr_expect_str_eq(story_of_bytes(&limits, text("PUB foo 3\r\nabc\r\n")), "pub foo [abc]");
}

Test(parser, a_payload_too_large_is_refused_before_it_is_there)
{
    struct parser_limits limits = usual;

    limits.payload_max = 3;
    cr_expect_str_eq(story_of_bytes(&limits, text("PUB foo 3\r\nabc\r\n")), "pub foo [abc]");
    cr_expect_str_eq(story_of_bytes(&limits, text("PUB foo 4\r\n")), "PAYLOAD_TOO_LARGE");
    cr_expect_str_eq(story_of_bytes(&limits, text("PUB foo 4\r\nabcd\r\n")), "PAYLOAD_TOO_LARGE");
    cr_expect_str_eq(story_of_bytes(&limits, text("HPUB foo 2 4\r\nabcd\r\n")),
                     "PAYLOAD_TOO_LARGE");
}

Test(parser, a_payload_of_another_length_than_announced_is_refused_as_soon_as_it_shows)
{
    expect_story("PUB foo 3\r\nabcd", "UNKNOWN_OPERATION");
    expect_story("PUB foo 3\r\nabc\rd", "UNKNOWN_OPERATION");
    expect_story("PUB foo 3\r\nab\r\n\r\n", "UNKNOWN_OPERATION");
    expect_story("PUB foo 3\r\nabc\r", "");
}

/* ---- limits ---- */

static const char *story_of_line(const char *before, char fill, size_t count, const char *after)
{
    static char line[ROOM];
    size_t n = 0;

    for (const char *p = before; *p != '\0'; p++)
        line[n++] = *p;
    memset(line + n, fill, count);
    n += count;
    for (const char *p = after; *p != '\0'; p++)
        line[n++] = *p;
    return story_of_bytes(&usual, bytes_of(line, n));
}

Test(parser, arguments_are_limited_whether_the_line_is_whole_or_not)
{
    cr_expect_eq(story_of_line("PUB ", 'a', 4094, " 0\r\n\r\n")[0], 'p');
    cr_expect_str_eq(story_of_line("PUB ", 'a', 4095, " 0\r\n\r\n"), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("PUB ", 'a', 4095, " 0"), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("PUB ", 'a', 4094, " 0"), "");
    cr_expect_str_eq(story_of_line("PUB ", 'a', 4094, " 0\r"), "");
    cr_expect_str_eq(story_of_line("pub ", 'a', 4095, " 0\r\n\r\n"), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("CONNECT ", '{', 4097, ""), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("SUB a 1", ' ', 4093, "\r\n"), "sub a 1");
    cr_expect_str_eq(story_of_line("SUB a 1", ' ', 4094, "\r\n"), "LINE_TOO_LONG");
}

Test(parser, blanks_and_ignored_text_are_not_buffered_without_end_either)
{
    cr_expect_str_eq(story_of_line("SUB", ' ', 4096, "a 1\r\n"), "sub a 1");
    cr_expect_str_eq(story_of_line("SUB", ' ', 4097, ""), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("CONNECT", '\t', 4097, ""), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("PING", 'x', 4097, ""), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("+OK", ' ', 4097, ""), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("INFO", 'x', 4097, "\r\n"), "LINE_TOO_LONG");
    cr_expect_str_eq(story_of_line("PING", 'x', 4096, "\r\n"), "ping");
}

/* ---- what is consumed, and what is needed ---- */

Test(parser, an_operation_that_is_not_whole_is_left_alone)
{
    static const char *const parts[] = {"",
                                        "P",
                                        "PUB",
                                        "pub ",
                                        "PUB foo 3",
                                        "PUB foo 3\r",
                                        "PUB foo 3\r\n",
                                        "PING",
                                        "PING\r",
                                        "CONNECT {",
                                        "PUB foo 3\r\nabc"};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct bytes in = at_the_edge(text(parts[i]));
        struct bytes before = in;
        struct event event;

        cr_expect_eq(parser_next(&usual, &in, &event), STATUS_MORE, "%s", parts[i]);
        cr_expect(in.data == before.data && in.len == before.len, "%s", parts[i]);
    }
}

Test(parser, a_refused_operation_is_left_where_it_stands)
{
    struct bytes in = text("PING\r\nPUB foo\r\nPING\r\n");
    struct event event;

    cr_assert_eq(parser_next(&usual, &in, &event), STATUS_OK);
    cr_assert_eq(parser_next(&usual, &in, &event), STATUS_BAD_ARGUMENTS);
    cr_expect(bytes_equal_str(in, "PUB foo\r\nPING\r\n"));
}

Test(parser, the_need_of_a_publish_is_exact_once_its_line_is_there)
{
    cr_expect_eq(parser_need(&usual, text("PUB foo 500\r\nabc")), 13 + 500 + 2);
    cr_expect_eq(parser_need(&usual, text("pub foo 500 \n")), 13 + 500 + 2);
    cr_expect_eq(parser_need(&usual, text("HPUB foo re 12 500\r\n")), 20 + 500 + 2);
    cr_expect_eq(parser_need(&usual, text("PUB foo 500\r")), 13);
    cr_expect_eq(parser_need(&usual, text("CONNECT {")), 10);
    cr_expect_eq(parser_need(&usual, text("")), 1);
}

Test(parser, a_refused_announcement_needs_no_room)
{
    cr_expect_eq(parser_need(&usual, text("PUB foo 2000\r\n")), 15);
    cr_expect_eq(parser_need(&usual, text("PUB foo -1\r\n")), 13);
}

/* ---- the same events, however the stream is cut ---- */

static const char *const streams[] = {
    "CONNECT {\"verbose\":false}\r\nPING\r\nSUB foo.*  1\r\nsub foo q 2 \nPUB foo 5\r\nhello\r\n"
    "PUB foo INBOX.abcdefghijkl.1 11\r\nhello\r\nyou \r\nHPUB foo 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"
    "pub\tfoo \t 0\n\r\nUNSUB 1 5\r\nUNSUB 2 \r\n+OK\r\nINFO {}\r\nPONG\r\nhpub a b 0 1\r\nx\r\n"
    "PUB some.much.longer.subject.with.many.tokens.in.it 00016\r\n0123456789abcdef\r\nPING\n",
    "PING\r\nPUB foo 3\r\nabcd\r\nPING\r\n",
    "PING\r\nPUB foo 3\r\nabc\rXPING\r\n",
    "PING\r\nPUB foo\r\nPING\r\n",
    "PING\r\nHPUB foo 9 3\r\nabc\r\n",
    "PING\r\nPUB foo 2000\r\nPING\r\n",
    "PING\r\nPIMG\r\nPING\r\n",
    "PING\r\n-ERR 'x'\r\nPING\r\n",
    "SUB foo 12\rx 13\r\nPING\r\n",
};

Test(parser, a_stream_cut_at_any_byte_tells_the_same_story)
{
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        struct bytes stream = text(streams[i]);
        char whole[STORY_MAX];

        snprintf(whole, sizeof whole, "%s", story_of(streams[i]));
        cr_assert_neq(whole[0], '\0');
        for (size_t cut = 0; cut <= stream.len; cut++)
            cr_expect_str_eq(story_in_pieces(&usual, stream, cut, stream.len), whole, "cut at %zu",
                             cut);
        for (size_t piece = 1; piece < 20; piece++)
            cr_expect_str_eq(story_in_pieces(&usual, stream, piece, piece), whole, "pieces of %zu",
                             piece);
    }
}

Test(parser, limits_are_met_at_the_same_place_however_the_stream_is_cut)
{
    struct parser_limits limits = {
        .control_line_max = 8, .payload_max = 9, .headers_allowed = true};
    static const char *const lines[] = {
        "SUB abcdef 1\r\nPING\r\n", "SUB abcdefg 1\r\nPING\r\n", "PUB abcdef 9\r\n123456789\r\n",
        "PUB abc 10\r\n",           "SUB         a 1\r\n",       "SUB          a 1\r\n",
        "PINGabcdefgh\r\n",         "PINGabcdefghi\r\n",         "SUB abcdef\r1\r\n"};

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct bytes stream = text(lines[i]);
        char whole[STORY_MAX];

        snprintf(whole, sizeof whole, "%s", story_of_bytes(&limits, stream));
        cr_expect_str_eq(story_in_pieces(&limits, stream, 1, 1), whole, "%s", lines[i]);
    }
}

/* ---- the text that may be passed on as it is ---- */

static void expect_tail(const char *stream, const char *tail)
{
    struct event event = only_event(stream);

    cr_expect(bytes_equal_str(event.tail, tail), "%s: [%.*s]", stream, BYTES_ARG(event.tail));
}

Test(parser, a_publish_as_the_protocol_writes_it_can_be_passed_on_as_it_is)
{
    expect_tail("PUB foo 3\r\nabc\r\n", "3\r\nabc\r\n");
    expect_tail("PUB foo bar 3\r\nabc\r\nPING\r\n", "bar 3\r\nabc\r\n");
    expect_tail("HPUB foo 1 3\r\nabc\r\n", "1 3\r\nabc\r\n");
    expect_tail("HPUB foo bar 1 3\r\nabc\r\n", "bar 1 3\r\nabc\r\n");
    expect_tail("PUB foo 0\r\n\r\n", "0\r\n\r\n");
    expect_tail("pub foo bar 3\r\nabc\r\n", "bar 3\r\nabc\r\n");
}

Test(parser, a_publish_written_otherwise_cannot)
{
    expect_tail("PUB foo  3\r\nabc\r\n", "");
    expect_tail("PUB foo\t3\r\nabc\r\n", "");
    expect_tail("PUB foo bar\t3\r\nabc\r\n", "");
    expect_tail("PUB foo bar  3\r\nabc\r\n", "");
    expect_tail("PUB foo 3 \r\nabc\r\n", "");
    expect_tail("PUB foo 3 \nabc\r\n", "");
    expect_tail("PUB foo 3\nabc\r\n", "");
    expect_tail("PUB foo 03\r\nabc\r\n", "");
    expect_tail("PUB foo 00\r\n\r\n", "");
    expect_tail("HPUB foo 01 3\r\nabc\r\n", "");
    expect_tail("HPUB foo 1  3\r\nabc\r\n", "");
    expect_tail("HPUB foo 1 03\r\nabc\r\n", "");
}

/* ---- the fast path says what the general one says ---- */

/* One publish, mostly canonical: a subject of 1 to 40 letters, perhaps a reply, a payload, now and
 * then something wrong. */
static size_t make_publish(struct random *r, char *out, size_t cap)
{
    size_t payload = random_below(r, 4) == 0 ? random_below(r, 1100) : random_below(r, 40);
    size_t header = random_below(r, (uint32_t)payload + 2);
    bool with_headers = random_below(r, 3) == 0;
    size_t n = (size_t)snprintf(out, cap, "%s ", with_headers ? "HPUB" : "PUB");

    for (size_t words = 1 + random_below(r, 2); words > 0; words--) {
        for (size_t letters = 1 + random_below(r, 40); letters > 0; letters--)
            out[n++] = "abcdefgh.012345.\x80\xff"[random_below(r, 18)];
        out[n++] = ' ';
    }
    if (with_headers)
        n += (size_t)snprintf(out + n, cap - n, "%zu ", header);
    n += (size_t)snprintf(out + n, cap - n, "%zu\r\n", payload);
    memset(out + n, 'x', payload);
    n += payload;
    out[n++] = '\r';
    out[n++] = '\n';
    if (random_below(r, 3) == 0) /* something wrong, but not in the operation's name */
        out[5 + random_below(r, (uint32_t)n - 5)] = "\r\n \t0\0-."[random_below(r, 8)];
    return random_below(r, 4) == 0 ? random_below(r, (uint32_t)n + 1) : n;
}

static void expect_same_place(struct bytes a, const char *a_base, struct bytes b,
                              const char *b_base)
{
    cr_assert_eq(a.len, b.len);
    if (a.len > 0)
        cr_assert_eq(a.data - a_base, b.data - b_base);
}

static void expect_same_event(const struct event *a, const char *a_base, const struct event *b,
                              const char *b_base)
{
    cr_assert_eq(a->kind, b->kind);
    cr_assert_eq(a->header_len, b->header_len);
    cr_assert_eq(a->has_headers, b->has_headers);
    expect_same_place(a->subject, a_base, b->subject, b_base);
    expect_same_place(a->reply, a_base, b->reply, b_base);
    expect_same_place(a->queue, a_base, b->queue, b_base);
    expect_same_place(a->sid, a_base, b->sid, b_base);
    expect_same_place(a->args, a_base, b->args, b_base);
    expect_same_place(a->payload, a_base, b->payload, b_base);
    expect_same_place(a->tail, a_base, b->tail, b_base);
}

Test(parser, upper_and_lower_case_publishes_are_read_alike)
{
    const uint64_t seed = 20261121;
    static char upper[4096];
    static char lower[4096];
    struct random r;
    int wholes = 0;

    random_init(&r, seed);
    for (int i = 0; i < 50000; i++) {
        size_t len = make_publish(&r, upper, sizeof upper);
        struct parser_limits limits = usual;
        struct bytes in_upper = at_the_edge(bytes_of(upper, len));
        struct bytes in_lower = bytes_of(lower, len);
        const char *base = in_upper.data;
        struct event a;
        struct event b;
        enum status st;

        limits.control_line_max = random_below(&r, 8) == 0 ? 20 : 4096;
        memcpy(lower, upper, len);
        if (len > 0)
            lower[0] = (char)(lower[0] | 0x20); /* the fast path knows "PUB" and "HPUB" only */
        st = parser_next(&limits, &in_upper, &a);
        cr_assert_eq(parser_next(&limits, &in_lower, &b), st, "seed %llu, round %d",
                     (unsigned long long)seed, i);
        expect_same_place(in_upper, base, in_lower, lower);
        if (st == STATUS_OK) {
            expect_same_event(&a, base, &b, lower);
            wholes++;
        }
    }
    cr_expect_gt(wholes, 15000, "most rounds must compare something");
}
