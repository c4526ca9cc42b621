#include "lib/nats/subject.h"

#include <criterion/criterion.h>

static struct bytes text(const char *s)
{
    return bytes_of_str(s);
}

static bool matches(const char *pattern, const char *literal)
{
    return subject_matches(text(pattern), text(literal));
}

static bool covers(const char *wide, const char *narrow)
{
    return subject_covers(text(wide), text(narrow));
}

/* Both ways round, which must say the same. */
static bool overlap(const char *a, const char *b)
{
    bool forth = subject_overlap(text(a), text(b));

    cr_expect_eq(subject_overlap(text(b), text(a)), forth, "%s and %s", a, b);
    return forth;
}

Test(subject, may_be_subscribed_to_when_no_token_is_empty_and_the_full_wildcard_is_last)
{
    static const char *const good[] = {"a",   "a.b", "*",    ">",      "a.*.b",   "*.*", "a.>",
                                       "*.>", "f*o", "foo>", "a.b>",   ">a",      "**",  ">>",
                                       "$a",  "a. ", "\xff", "a.>b.c", "_INBOX.x"};
    static const char *const bad[] = {"",    ".",  ".a",    "a.",  "a..b", "..",
                                      ">.a", ">.", "a.>.b", ">.>", "a.>.", ">.*"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect_eq(subject_check_subscription(text(good[i])), STATUS_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(subject_check_subscription(text(bad[i])), STATUS_BAD_SUBJECT, "%s", bad[i]);
    cr_expect_eq(subject_check_subscription(bytes_of(NULL, 0)), STATUS_BAD_SUBJECT);
}

Test(subject, may_be_published_to_when_no_token_is_empty_or_a_wildcard)
{
    static const char *const good[] = {"a", "a.b", "f*o", "foo>", ">a.b", "**", "a.>>"};
    static const char *const bad[] = {"",    ".",   ".a", "a.",  "a..b",  "*",
                                      "a.*", "*.a", ">",  "a.>", "a.>.b", ">.>"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_expect_eq(subject_check_publish(text(good[i])), STATUS_OK, "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_expect_eq(subject_check_publish(text(bad[i])), STATUS_BAD_PUBLISH_SUBJECT, "%s", bad[i]);
    cr_expect_eq(subject_check_publish(bytes_of(NULL, 0)), STATUS_BAD_PUBLISH_SUBJECT);
}

Test(subject, with_an_empty_token_cannot_be_matched)
{
    cr_expect(subject_is_matchable(text("a")));
    cr_expect(subject_is_matchable(text("a.b.*.>.c")));
    cr_expect_not(subject_is_matchable(text("")));
    cr_expect_not(subject_is_matchable(text(".")));
    cr_expect_not(subject_is_matchable(text(".a")));
    cr_expect_not(subject_is_matchable(text("a.")));
    cr_expect_not(subject_is_matchable(text("a..b")));
    cr_expect_not(subject_is_matchable(bytes_of(NULL, 0)));
}

Test(subject, wildcards_are_whole_tokens)
{
    cr_expect(subject_has_wildcard(text("*")));
    cr_expect(subject_has_wildcard(text("a.*.b")));
    cr_expect(subject_has_wildcard(text("a.b.>")));
    cr_expect_not(subject_has_wildcard(text("a.b")));
    cr_expect_not(subject_has_wildcard(text("a*.b>.>c.**")));
}

Test(subject, tokens_are_what_stands_between_dots)
{
    struct bytes rest = text("one..three");
    struct bytes token;

    cr_assert(subject_next_token(&rest, &token));
    cr_expect(bytes_equal_str(token, "one"));
    cr_assert(subject_next_token(&rest, &token));
    cr_expect(bytes_equal_str(token, ""));
    cr_expect_not_null(rest.data);
    cr_assert(subject_next_token(&rest, &token));
    cr_expect(bytes_equal_str(token, "three"));
    cr_expect_null(rest.data, "it was the last one");
    cr_expect_not(subject_next_token(&rest, &token));

    cr_expect_eq(subject_token_count(text("one..three")), 3);
    cr_expect_eq(subject_token_count(text("one")), 1);
    cr_expect_eq(subject_token_count(text("one.")), 2);
    cr_expect_eq(subject_token_count(bytes_of(NULL, 0)), 0);
}

Test(subject, a_literal_pattern_matches_itself_only)
{
    cr_expect(matches("foo.bar", "foo.bar"));
    cr_expect_not(matches("foo.bar", "foo.BAR"));
    cr_expect_not(matches("foo.bar", "foo.ba"));
    cr_expect_not(matches("foo.bar", "foo"));
    cr_expect_not(matches("foo", "foo.bar"));
    cr_expect_not(matches("foo", "fo"));
    cr_expect(matches("f*o", "f*o"));
    cr_expect_not(matches("f*o", "foo"));
    cr_expect_not(matches("foo>", "foo.bar"));
}

Test(subject, a_star_stands_for_exactly_one_token)
{
    cr_expect(matches("*", "foo"));
    cr_expect(matches("foo.*", "foo.bar"));
    cr_expect(matches("*.bar", "foo.bar"));
    cr_expect(matches("a.*.c", "a.b.c"));
    cr_expect_not(matches("*", "foo.bar"));
    cr_expect_not(matches("foo.*", "foo"));
    cr_expect_not(matches("foo.*", "foo.bar.baz"));
    cr_expect_not(matches("a.*.c", "a.b.d"));
}

Test(subject, the_full_wildcard_needs_at_least_one_token)
{
    cr_expect(matches(">", "foo"));
    cr_expect(matches(">", "foo.bar.baz"));
    cr_expect(matches("foo.>", "foo.bar"));
    cr_expect(matches("foo.>", "foo.bar.baz"));
    cr_expect(matches("*.>", "foo.bar"));
    cr_expect_not(matches("foo.>", "foo"));
    cr_expect_not(matches("*.>", "foo"));
    cr_expect_not(matches("foo.>", "fob.bar"));
}

Test(subject, a_published_wildcard_is_a_token_like_any_other)
{
    cr_expect(matches("foo.*", "foo.*"));
    cr_expect(matches("foo.>", "foo.*"));
    cr_expect_not(matches("foo.bar", "foo.*"));
    cr_expect(matches(">", ">"));
    cr_expect(matches("*", ">"));
    cr_expect_not(matches("foo", ">"));
    cr_expect(matches("foo.*.x", "foo.>.x"));
}

Test(subject, with_an_empty_token_matches_nothing)
{
    cr_expect_not(matches(">", "foo."));
    cr_expect_not(matches(">", ""));
    cr_expect_not(matches("*.*", "foo."));
    cr_expect_not(matches("foo.*.bar", "foo..bar"));
}

Test(subject, a_pattern_covers_another_that_can_match_nothing_else)
{
    cr_expect(covers("foo", "foo"));
    cr_expect(covers("foo.*", "foo.bar"));
    cr_expect(covers("foo.*", "foo.*"));
    cr_expect(covers("foo.>", "foo.*"));
    cr_expect(covers("foo.>", "foo.>"));
    cr_expect(covers("foo.>", "foo.*.>"));
    cr_expect(covers(">", "*"));
    cr_expect(covers(">", "foo.bar.>"));
    cr_expect(covers("*.*", "foo.*"));
}

Test(subject, a_pattern_does_not_cover_one_that_reaches_further)
{
    cr_expect_not(covers("foo", "*"));
    cr_expect_not(covers("foo.bar", "foo.*"));
    cr_expect_not(covers("foo.*", "foo.>"));
    cr_expect_not(covers("*", ">"));
    cr_expect_not(covers("foo.*", "*.*"));
    cr_expect_not(covers("foo.>", "foo"));
    cr_expect_not(covers("foo.>", ">"));
    cr_expect_not(covers("foo.*.>", "foo.>"));
    cr_expect_not(covers("foo.*", "foo.bar.baz"));
    cr_expect_not(covers("foo.bar", "foo"));
}

Test(subject, patterns_overlap_when_one_subject_matches_both)
{
    cr_expect(overlap("foo", "foo"));
    cr_expect(overlap("foo.*", "*.bar"));
    cr_expect(overlap("foo.>", "*.bar.baz"));
    cr_expect(overlap(">", "*"));
    cr_expect(overlap("a.*.c", "a.b.*"));
    cr_expect(overlap("*.>", "foo.>"));
    cr_expect_not(overlap("foo", "bar"));
    cr_expect_not(overlap("foo", "foo.bar"));
    cr_expect_not(overlap("foo.>", "foo"));
    cr_expect_not(overlap("foo.*", "bar.*"));
    cr_expect_not(overlap("*.a", "*.b"));
    cr_expect_not(overlap("*.*", "*"));
}

/* All patterns and subjects of up to three tokens from a small alphabet: the relations must agree.
 */
static size_t make_all(char out[][16], bool wildcards)
{
    static const char *const tokens[] = {"a", "b", "*", ">"};
    const size_t kinds = wildcards ? 4 : 2;
    size_t n = 0;

    for (size_t depth = 1; depth <= 3; depth++) {
        size_t count = depth == 1 ? kinds : depth == 2 ? kinds * kinds : kinds * kinds * kinds;

        for (size_t i = 0; i < count; i++) {
            size_t digits = i;
            size_t len = 0;

            for (size_t at = 0; at < depth; at++, digits /= kinds) {
                if (at > 0)
                    out[n][len++] = '.';
                out[n][len++] = tokens[digits % kinds][0];
            }
            out[n][len] = '\0';
            if (subject_check_subscription(text(out[n])) == STATUS_OK)
                n++;
        }
    }
    return n;
}

Test(subject, covering_and_overlapping_agree_with_matching)
{
    static char patterns[128][16];
    static char literals[128][16];
    size_t pattern_count = make_all(patterns, true);
    size_t literal_count = make_all(literals, false);

    for (size_t i = 0; i < pattern_count; i++) {
        for (size_t j = 0; j < pattern_count; j++) {
            bool all = true;
            bool some = false;

            for (size_t k = 0; k < literal_count; k++) {
                bool first = matches(patterns[i], literals[k]);
                bool second = matches(patterns[j], literals[k]);

                all = all && (first || !second);
                some = some || (first && second);
            }
            if (covers(patterns[i], patterns[j]))
                cr_expect(all, "%s covers %s", patterns[i], patterns[j]);
            cr_expect_eq(overlap(patterns[i], patterns[j]), some, "%s and %s", patterns[i],
                         patterns[j]);
        }
    }
}
