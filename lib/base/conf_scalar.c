/* The texts that numbers, booleans and durations are written in. */
#include "lib/base/clock.h"
#include "lib/base/conf.h"

#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool equal_ignoring_case(struct bytes text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

bool conf_parse_bool(struct bytes text, bool *out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},
                 {"false", false}, {"no", false}, {"off", false}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (equal_ignoring_case(text, words[i].word)) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

/* What a size suffix multiplies by; 0 when it is none. "k" counts in thousands, "kb", "ki" and
 * "kib" in 1024s; each further letter of "kmgtpe" once more. */
static int64_t suffix_factor(struct bytes suffix)
{
    static const char letters[] = "kmgtpe";
    int64_t base = 1000;
    int64_t factor = 1;
    const char *letter;

    if (suffix.len == 0)
        return 1;
    letter = memchr(letters, suffix.data[0] | 0x20, sizeof letters - 1);
    if (letter == NULL)
        return 0;
    if (suffix.len > 1) {
        struct bytes rest = bytes_after(suffix, 1);

        if (!equal_ignoring_case(rest, "b") && !equal_ignoring_case(rest, "i") &&
            !equal_ignoring_case(rest, "ib"))
            return 0;
        base = 1024;
    }
    for (const char *l = letters; l <= letter; l++)
        factor *= base; /* at most 1024^6, which is 2^60 */
    return factor;
}

bool conf_parse_integer(struct bytes text, int64_t *out)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    struct bytes digits = is_negative ? bytes_after(text, 1) : text;
    struct bytes suffix = digits;
    uint64_t magnitude;
    int64_t factor;
    int64_t value;

    while (suffix.len > 0 && is_digit(suffix.data[0]))
        suffix = bytes_after(suffix, 1);
    digits.len -= suffix.len;
    factor = suffix_factor(suffix);
    if (factor == 0 || !bytes_to_u64(digits, (uint64_t)INT64_MAX, &magnitude))
        return false;
    value = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return !__builtin_mul_overflow(value, factor, out);
}

/* Takes the unit off the front of <text>: its nanoseconds, or 0 when there is none. */
static uint64_t take_unit(struct bytes *text)
{
    static const struct {
        const char *name; /* of two that begin alike the longer first */
        uint64_t ns;
    } units[] = {
        {"ns", 1},
        {"us", CLOCK_NS_A_US},
        {"\xc2\xb5s", CLOCK_NS_A_US}, /* the micro sign */
        {"\xce\xbcs", CLOCK_NS_A_US}, /* the Greek letter mu */
        {"ms", CLOCK_NS_A_MS},
        {"s", CLOCK_NS_A_SECOND},
        {"m", 60 * CLOCK_NS_A_SECOND},
        {"h", 3600 * CLOCK_NS_A_SECOND},
    };

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        struct bytes name = bytes_of_str(units[i].name);

        if (bytes_start_with(*text, name)) {
            *text = bytes_after(*text, name.len);
            return units[i].ns;
        }
    }
    return 0;
}

/* Takes digits off the front of <text>; false when they say more than fits. */
static bool take_digits(struct bytes *text, uint64_t *value, size_t *count)
{
    const char *from = text->data;

    while (text->len > 0 && is_digit(text->data[0]))
        *text = bytes_after(*text, 1);
    *count = (size_t)(text->data - from);
    *value = 0;
    return *count == 0 || bytes_to_u64(bytes_of(from, *count), (uint64_t)INT64_MAX, value);
}

/* Takes one number with its unit, such as "1.5h", off the front of <text>. */
static bool take_part(struct bytes *text, int64_t *out_ns)
{
    uint64_t whole;
    size_t whole_digits;
    struct bytes fraction = {NULL, 0};
    double part = 0;
    double scale = 1;
    uint64_t unit;
    int64_t whole_ns;

    if (!take_digits(text, &whole, &whole_digits))
        return false;
    if (text->len > 0 && text->data[0] == '.') {
        fraction = *text = bytes_after(*text, 1);
        while (text->len > 0 && is_digit(text->data[0]))
            *text = bytes_after(*text, 1);
        fraction.len -= text->len;
    }
    unit = take_unit(text);
    if (whole_digits + fraction.len == 0 || unit == 0)
        return false;
    for (size_t i = 0; i < fraction.len && i < 18; i++) {
        scale /= 10;
        part += (fraction.data[i] - '0') * scale;
    }
    return !__builtin_mul_overflow((int64_t)whole, (int64_t)unit, &whole_ns) &&
           !__builtin_add_overflow(whole_ns, (int64_t)(part * (double)unit + 0.5), out_ns);
}

bool conf_parse_duration(struct bytes text, int64_t *out_ns)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    int64_t total = 0;

    if (text.len > 0 && (text.data[0] == '-' || text.data[0] == '+'))
        text = bytes_after(text, 1);
    if (text.len == 0)
        return false;
    if (bytes_equal_str(text, "0")) { /* the one that needs no unit */
        *out_ns = 0;
        return true;
    }
    while (text.len > 0) {
        int64_t part;

        if (!take_part(&text, &part) || __builtin_add_overflow(total, part, &total))
            return false;
    }
    *out_ns = is_negative ? -total : total;
    return true;
}
