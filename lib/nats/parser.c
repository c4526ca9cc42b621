#include "lib/nats/parser.h"

#include <stddef.h>

/* What may stand between an operation's name and the end of its line. */
enum grammar {
    ARGUMENTS,         /* at least one blank, then the arguments */
    ARGUMENTS_AT_ONCE, /* the blanks may be left out */
    WHATEVER           /* nothing in it matters */
};

/* Fills in what is particular to one operation. <args> have no blanks around them; *body is what
 * follows the line, and what the operation takes of it is taken off its front. */
typedef enum status read_fn(const struct parser_limits *limits, struct bytes args,
                            struct bytes *body, struct event *event);

struct operation {
    const char *name; /* none is the beginning of another */
    enum grammar grammar;
    enum event_kind kind;
    read_fn *read; /* NULL when the name says it all */
};

/* A control line in the making. */
struct line {
    const struct operation *operation;
    struct bytes args; /* without the blanks around them and the line's end */
    size_t len;        /* of the whole line, its LF included */
};

#define ARGUMENTS_MAX 4 /* HPUB subject reply header-size total-size */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- arguments: the general path ---- */

/* Splits <args> at blanks. A count above ARGUMENTS_MAX means there are more than that. A CR that is
 * not the line's end would end the line of a message that repeats it, so it is no argument's. */
static enum status split(struct bytes args, struct bytes out[ARGUMENTS_MAX], size_t *count)
{
    size_t i = 0;

    *count = 0;
    if (args.len > 0 && memchr(args.data, '\r', args.len) != NULL)
        return STATUS_BAD_ARGUMENTS;
    while (i < args.len) {
        size_t begin = i;

        while (i < args.len && !is_blank(args.data[i]))
            i++;
        if (*count < ARGUMENTS_MAX)
            out[*count] = bytes_of(args.data + begin, i - begin);
        ++*count;
        while (i < args.len && is_blank(args.data[i]))
            i++;
    }
    return STATUS_OK;
}

static bool read_size(struct bytes text, uint32_t *size)
{
    uint64_t value;

    if (text.len > PARSER_SIZE_DIGITS_MAX || !bytes_to_u64(text, UINT32_MAX, &value))
        return false;
    *size = (uint32_t)value;
    return true;
}

/* Waits for <size> bytes and CR LF at the front of *body, and takes them. What is there already is
 * checked at once, so that a peer out of step is not listened to for long. */
static enum status take_payload(struct bytes *body, size_t size, struct event *event)
{
    if (body->len > size && body->data[size] != '\r')
        return STATUS_UNKNOWN_OPERATION;
    if (body->len > size + 1 && body->data[size + 1] != '\n')
        return STATUS_UNKNOWN_OPERATION;
    if (body->len < size + 2)
        return STATUS_MORE;
    event->payload = bytes_of(body->data, size);
    *body = bytes_after(*body, size + 2);
    return STATUS_OK;
}

/* True when <a> is followed by exactly one space and then <b>. */
static bool is_one_space_apart(struct bytes a, struct bytes b)
{
    const char *end = a.data + a.len;

    return b.data == end + 1 && *end == ' ';
}

static bool is_canonical_size(struct bytes text)
{
    return text.len == 1 || text.data[0] != '0';
}

/* The publisher's text after the subject, if a message may repeat it as it is: single spaces, sizes
 * without leading zeros, CR LF, and no size that a message without header block does not have. */
static struct bytes verbatim_tail(const struct bytes *words, size_t count, size_t size_count,
                                  struct bytes payload)
{
    struct bytes last = words[count - 1];
    const char *begin = words[1].data;

    for (size_t i = 1; i < count; i++) {
        if (!is_one_space_apart(words[i - 1], words[i]))
            return bytes_of(NULL, 0);
    }
    for (size_t i = count - size_count; i < count; i++) {
        if (!is_canonical_size(words[i]))
            return bytes_of(NULL, 0);
    }
    if (memcmp(last.data + last.len, "\r\n", 2) != 0) /* trailing blanks, or a bare LF */
        return bytes_of(NULL, 0);
    return bytes_of(begin, (size_t)(payload.data - begin) + payload.len + 2);
}

/* What a line of PUB or HPUB says. */
struct publish {
    struct bytes words[ARGUMENTS_MAX]; /* subject, perhaps reply, sizes */
    size_t count;
    uint32_t header_len;
    uint32_t total_len;
};

/* Reads the line alone; the order of refusals is the reference's. */
static enum status read_publish_line(const struct parser_limits *limits, struct bytes args,
                                     size_t size_count, struct publish *pub)
{
    enum status st = split(args, pub->words, &pub->count);

    if (st != STATUS_OK)
        return st;
    if (pub->count != 1 + size_count && pub->count != 2 + size_count)
        return STATUS_BAD_ARGUMENTS;
    pub->header_len = 0;
    if (size_count == 2 && !read_size(pub->words[pub->count - 2], &pub->header_len))
        return STATUS_BAD_ARGUMENTS;
    if (!read_size(pub->words[pub->count - 1], &pub->total_len))
        return STATUS_BAD_ARGUMENTS;
    if (pub->header_len > pub->total_len)
        return STATUS_BAD_ARGUMENTS;
    if (pub->total_len > limits->payload_max)
        return STATUS_PAYLOAD_TOO_LARGE;
    return STATUS_OK;
}

static enum status read_publish(const struct parser_limits *limits, struct bytes args,
                                size_t size_count, struct bytes *body, struct event *event)
{
    struct publish pub;
    enum status st = read_publish_line(limits, args, size_count, &pub);

    if (st == STATUS_OK)
        st = take_payload(body, pub.total_len, event);
    if (st != STATUS_OK)
        return st;
    event->subject = pub.words[0];
    if (pub.count == 2 + size_count)
        event->reply = pub.words[1];
    event->header_len = pub.header_len;
    event->has_headers = pub.header_len > 0;
    if (size_count == 1 || event->has_headers)
        event->tail = verbatim_tail(pub.words, pub.count, size_count, event->payload);
    return STATUS_OK;
}

static enum status read_pub(const struct parser_limits *limits, struct bytes args,
                            struct bytes *body, struct event *event)
{
    return read_publish(limits, args, 1, body, event);
}

static enum status read_hpub(const struct parser_limits *limits, struct bytes args,
                             struct bytes *body, struct event *event)
{
    if (!limits->headers_allowed)
        return STATUS_HEADERS_NOT_NEGOTIATED;
    return read_publish(limits, args, 2, body, event);
}

static enum status read_sub(const struct parser_limits *limits, struct bytes args,
                            struct bytes *body, struct event *event)
{
    struct bytes words[ARGUMENTS_MAX];
    size_t count;
    enum status st = split(args, words, &count);

    (void)limits, (void)body;
    if (st != STATUS_OK)
        return st;
    if (count != 2 && count != 3)
        return STATUS_BAD_ARGUMENTS;
    event->subject = words[0];
    if (count == 3)
        event->queue = words[1];
    event->sid = words[count - 1];
    return STATUS_OK;
}

static enum status read_unsub(const struct parser_limits *limits, struct bytes args,
                              struct bytes *body, struct event *event)
{
    struct bytes words[ARGUMENTS_MAX];
    size_t count;
    enum status st = split(args, words, &count);

    (void)limits, (void)body;
    if (st != STATUS_OK)
        return st;
    if (count != 1 && count != 2)
        return STATUS_BAD_ARGUMENTS;
    event->sid = words[0];
    if (count == 2)
        event->args = words[1];
    return STATUS_OK;
}

static enum status read_connect(const struct parser_limits *limits, struct bytes args,
                                struct bytes *body, struct event *event)
{
    (void)limits, (void)body;
    event->args = args;
    return STATUS_OK;
}

static enum status read_error(const struct parser_limits *limits, struct bytes args,
                              struct bytes *body, struct event *event)
{
    (void)limits, (void)args, (void)body, (void)event;
    return STATUS_PEER_ERROR;
}

/* ---- the line ---- */

static const struct operation operations[] = {
    {"PUB", ARGUMENTS, EVENT_PUBLISH, read_pub},
    {"HPUB", ARGUMENTS, EVENT_PUBLISH, read_hpub},
    {"SUB", ARGUMENTS, EVENT_SUBSCRIBE, read_sub},
    {"UNSUB", ARGUMENTS, EVENT_UNSUBSCRIBE, read_unsub},
    {"PING", WHATEVER, EVENT_PING, NULL},
    {"PONG", WHATEVER, EVENT_PONG, NULL},
    {"CONNECT", ARGUMENTS_AT_ONCE, EVENT_CONNECT, read_connect},
    {"+OK", WHATEVER, EVENT_IGNORED, NULL},
    {"INFO", WHATEVER, EVENT_IGNORED, NULL},
    {"-ERR", ARGUMENTS, EVENT_IGNORED, read_error},
};

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* How many of the first bytes of <in> are those of <name>, in any case. */
static size_t common_len(struct bytes in, const char *name)
{
    size_t n = 0;

    while (n < in.len && name[n] != '\0' && upper(in.data[n]) == name[n])
        n++;
    return n;
}

/* Finds the operation that <in> begins with; MORE while several bytes could still make it one. */
static enum status find_operation(struct bytes in, const struct operation **out, size_t *name_len)
{
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        size_t n = common_len(in, operations[i].name);

        if (operations[i].name[n] == '\0') {
            *out = &operations[i];
            *name_len = n;
            return STATUS_OK;
        }
        if (n == in.len)
            return STATUS_MORE;
    }
    return STATUS_UNKNOWN_OPERATION;
}

/* Finds the end of the line whose arguments begin at <begin>, and what is within. */
static enum status find_end(const struct parser_limits *limits, struct bytes in, size_t begin,
                            struct line *line)
{
    struct bytes rest = bytes_after(in, begin);
    const char *lf = rest.len > 0 ? memchr(rest.data, '\n', rest.len) : NULL;
    struct bytes args = bytes_of(rest.data, lf != NULL ? (size_t)(lf - rest.data) : rest.len);

    if (args.len > 0 && args.data[args.len - 1] == '\r')
        args.len--;
    if (args.len > limits->control_line_max)
        return STATUS_LINE_TOO_LONG;
    if (lf == NULL)
        return STATUS_MORE;
    while (args.len > 0 && is_blank(args.data[args.len - 1]))
        args.len--;
    line->args = args;
    line->len = (size_t)(lf + 1 - in.data);
    return STATUS_OK;
}

static enum status read_line(const struct parser_limits *limits, struct bytes in, struct line *line)
{
    size_t name_len;
    size_t at;
    enum status st = find_operation(in, &line->operation, &name_len);

    if (st != STATUS_OK)
        return st;
    at = name_len;
    if (line->operation->grammar != WHATEVER) {
        while (at < in.len && is_blank(in.data[at]))
            at++;
    }
    if (at - name_len > limits->control_line_max)
        return STATUS_LINE_TOO_LONG;
    if (at == in.len)
        return STATUS_MORE;
    if (line->operation->grammar == ARGUMENTS && at == name_len)
        return STATUS_UNKNOWN_OPERATION;
    return find_end(limits, in, at, line);
}

/* The compiler's own choice doubles the instructions of the hottest path. */
#define FAST static inline __attribute__((always_inline))
#define OUTLINED __attribute__((noinline))

/* Field by field: the compiler clears a whole struct by an instruction that takes longer than all the
 * rest of a PING. */
FAST void clear(struct event *event, enum event_kind kind)
{
    const struct bytes none = {NULL, 0};

    event->kind = kind;
    event->subject = none;
    event->reply = none;
    event->queue = none;
    event->sid = none;
    event->args = none;
    event->payload = none;
    event->header_len = 0;
    event->has_headers = false;
    event->tail = none;
}

/* The long way, and the only one that can say why not. */
__attribute__((noinline)) static enum status general_next(const struct parser_limits *limits,
                                                          struct bytes *in, struct event *event)
{
    struct line line;
    struct bytes body;
    enum status st = read_line(limits, *in, &line);

    if (st != STATUS_OK)
        return st;
    body = bytes_after(*in, line.len);
    clear(event, line.operation->kind);
    if (line.operation->read != NULL)
        st = line.operation->read(limits, line.args, &body, event);
    if (st == STATUS_OK)
        *in = body;
    return st;
}

/* ---- the fast path: a whole publish, written as clients write it ---- */

/* The first byte in begin..end that is a space or below it; NULL when there is none. Eight at a
 * time: the subtraction borrows into a byte's top bit only if the byte, or one before it, is below
 * 0x21, so the lowest bit that is set belongs to the first such byte. */
FAST const char *word_end(const char *begin, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    while (end - begin >= 8) {
        uint64_t eight;
        uint64_t hits;

        memcpy(&eight, begin, sizeof eight);
        hits = (eight - UINT64_C(0x2121212121212121)) & ~eight & UINT64_C(0x8080808080808080);
        if (hits != 0)
            return begin + (size_t)__builtin_ctzll(hits) / 8;
        begin += 8;
    }
#endif
    for (; begin < end; begin++) {
        if ((unsigned char)*begin <= ' ')
            return begin;
    }
    return NULL;
}

/* Reads a canonical size and returns where it ends; NULL when there is none. */
FAST const char *fast_size(const char *begin, const char *end, uint32_t *size)
{
    const char *p = begin;
    uint32_t value = 0;

    for (; p < end; p++) {
        unsigned digit = (unsigned)(unsigned char)*p - '0';

        if (digit > 9)
            break;
        value = value * 10 + digit;
    }
    if ((size_t)(p - begin) - 1 >= PARSER_SIZE_DIGITS_MAX || (*begin == '0' && p != begin + 1))
        return NULL;
    *size = value;
    return p;
}

/* Reads "total\r\npayload\r\n", or with headers "header total\r\n...", and returns what follows;
 * NULL when it is not whole, or written in another way. */
FAST const char *fast_body(const char *p, const char *end, bool has_headers, struct event *event)
{
    uint32_t total_len;

    event->header_len = 0;
    if (has_headers) {
        p = fast_size(p, end, &event->header_len);
        if (p == NULL || p == end || *p++ != ' ')
            return NULL;
    }
    p = fast_size(p, end, &total_len);
    if (p == NULL || end - p < 2 + (ptrdiff_t)total_len + 2 || memcmp(p, "\r\n", 2) != 0)
        return NULL;
    event->payload = bytes_of(p + 2, total_len);
    p += 2 + (size_t)total_len;
    return memcmp(p, "\r\n", 2) == 0 ? p + 2 : NULL;
}

/* Takes a publish whose arguments begin at <args> if it is whole, allowed, and canonical. False
 * means nothing but that the general path must look; *event is scratch then. It is filled as it
 * becomes known, which leaves more registers to the rest. */
FAST bool fast_publish(const struct parser_limits *limits, const char *args, bool has_headers,
                       struct bytes *in, struct event *event)
{
    const char *end = in->data + in->len;
    const char *p = word_end(args, end);
    const char *tail;

    if (p == NULL || *p != ' ' || p == args)
        return false;
    clear(event, EVENT_PUBLISH);
    event->subject = bytes_of(args, (size_t)(p - args));
    event->has_headers = has_headers;
    tail = p + 1;
    p = fast_body(tail, end, has_headers, event);
    if (p == NULL) {
        const char *reply_end = word_end(tail, end);

        if (reply_end == NULL || *reply_end != ' ' || reply_end == tail)
            return false;
        event->reply = bytes_of(tail, (size_t)(reply_end - tail));
        p = fast_body(reply_end + 1, end, has_headers, event);
        if (p == NULL)
            return false;
    }
    if (event->payload.len > limits->payload_max ||
        (size_t)(event->payload.data - args) > limits->control_line_max + 2)
        return false;
    if (has_headers && (event->header_len == 0 || event->header_len > event->payload.len))
        return false;
    event->tail = bytes_of(tail, (size_t)(p - tail));
    *in = bytes_of(p, (size_t)(end - p));
    return true;
}

/* A function each, so that neither pays for what only the other needs. */
OUTLINED static enum status pub_next(const struct parser_limits *limits, struct bytes *in,
                                     struct event *event)
{
    if (fast_publish(limits, in->data + sizeof "PUB", false, in, event))
        return STATUS_OK;
    return general_next(limits, in, event);
}

OUTLINED static enum status hpub_next(const struct parser_limits *limits, struct bytes *in,
                                      struct event *event)
{
    if (limits->headers_allowed && fast_publish(limits, in->data + sizeof "HPUB", true, in, event))
        return STATUS_OK;
    return general_next(limits, in, event);
}

enum status parser_next(const struct parser_limits *limits, struct bytes *in, struct event *event)
{
    if (in->len >= sizeof "HPUB") {
        if (memcmp(in->data, "PUB ", sizeof "PUB") == 0)
            return pub_next(limits, in, event);
        if (memcmp(in->data, "HPUB ", sizeof "HPUB") == 0)
            return hpub_next(limits, in, event);
    }
    return in->len == 0 ? STATUS_MORE : general_next(limits, in, event);
}

size_t parser_need(const struct parser_limits *limits, struct bytes in)
{
    struct line line;
    struct publish pub;
    size_t size_count;

    if (in.len == 0 || read_line(limits, in, &line) != STATUS_OK)
        return in.len + 1;
    if (line.operation->read == read_pub)
        size_count = 1;
    else if (line.operation->read == read_hpub)
        size_count = 2;
    else
        return in.len + 1;
    if (read_publish_line(limits, line.args, size_count, &pub) != STATUS_OK)
        return in.len + 1;
    return line.len + pub.total_len + 2;
}
