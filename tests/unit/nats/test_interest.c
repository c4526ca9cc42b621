#include "lib/nats/interest.h"

#include "lib/base/random.h"
#include "lib/nats/subject.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- how the tests speak ---- */

#define WANTS_MAX 256
#define TEXT_MAX 64

/* Somebody who wants something. */
struct want {
    struct interest_entry entry; /* first: an entry found is a want found */
    char pattern[TEXT_MAX];
    bool is_in;
};

static struct interest table;
static struct want wants[WANTS_MAX];

static void begin(void)
{
    cr_assert(interest_init(&table, offsetof(struct want, pattern)));
}

static void end(void)
{
    for (size_t i = 0; i < WANTS_MAX; i++) {
        if (wants[i].is_in)
            interest_remove(&table, &wants[i].entry);
        wants[i].is_in = false;
    }
    interest_check(&table);
    interest_fini(&table);
}

TestSuite(interest, .init = begin, .fini = end);

static struct want *add(struct want *w, const char *pattern)
{
    snprintf(w->pattern, sizeof w->pattern, "%s", pattern);
    w->entry = (struct interest_entry){.pattern_len = (uint32_t)strlen(w->pattern)};
    w->is_in = interest_add(&table, &w->entry) == STATUS_OK;
    interest_check(&table);
    return w;
}

static struct want *subscribe(const char *pattern)
{
    struct want *w = wants;

    while (w->is_in)
        cr_assert_lt(++w, wants + WANTS_MAX);
    return add(w, pattern);
}

static void unsubscribe(struct want *w)
{
    interest_remove(&table, &w->entry);
    w->is_in = false;
    interest_check(&table);
}

static bool collect(struct interest_entry *entry, void *arg)
{
    const char **found = arg;

    while (*found != NULL)
        found++;
    *found = ((struct want *)entry)->pattern;
    return true;
}

static int compare_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The patterns that match, in order, with a blank between. */
static const char *matches(const char *subject)
{
    static char text[WANTS_MAX * TEXT_MAX];
    const char *found[WANTS_MAX + 1] = {0};
    size_t count = 0;
    size_t len = 0;

    cr_assert(interest_match(&table, bytes_of_str(subject), collect, found));
    while (found[count] != NULL)
        count++;
    qsort(found, count, sizeof *found, compare_text);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "", found[i]);
    return text;
}

static uint64_t stamp_of(const char *subject)
{
    struct bytes b = bytes_of_str(subject);

    return interest_stamp(&table, interest_stamp_at(b, bytes_hash(b)));
}

/* Does an answer kept for <subject> feel that somebody comes to want <pattern>, and goes again? */
static bool feels(const char *subject, const char *pattern)
{
    uint64_t before = stamp_of(subject);
    struct want *w = subscribe(pattern);
    uint64_t between = stamp_of(subject);

    unsubscribe(w);
    cr_expect_eq(before != between, between != stamp_of(subject), "coming and going are alike");
    return before != between;
}

/* ---- matching ---- */

Test(interest, nothing_is_wanted_at_first)
{
    cr_expect_str_eq(matches("orders"), "");
    cr_expect_eq(table.entry_count, 0);
}

Test(interest, a_literal_matches_itself_alone)
{
    subscribe("orders.paid");
    cr_expect_str_eq(matches("orders.paid"), "orders.paid");
    cr_expect_str_eq(matches("orders"), "");
    cr_expect_str_eq(matches("orders.paid.late"), "");
    cr_expect_str_eq(matches("Orders.paid"), "");
}

Test(interest, a_star_stands_for_one_token)
{
    subscribe("orders.*.paid");
    subscribe("*");
    cr_expect_str_eq(matches("orders.eu.paid"), "orders.*.paid");
    cr_expect_str_eq(matches("orders.paid"), "");
    cr_expect_str_eq(matches("orders.eu.de.paid"), "");
    cr_expect_str_eq(matches("orders"), "*");
}

Test(interest, full_wildcard_needs_at_least_one_token)
{
    subscribe("logs.>");
    cr_expect_str_eq(matches("logs.web.error"), "logs.>");
    cr_expect_str_eq(matches("logs.web"), "logs.>");
    cr_expect_str_eq(matches("logs"), "");
}

Test(interest, all_kinds_of_patterns_match_together)
{
    subscribe("a.b");
    subscribe("a.*");
    subscribe("*.b");
    subscribe("a.>");
    subscribe(">");
    subscribe("*.*.>");
    cr_expect_str_eq(matches("a.b"), "*.b > a.* a.> a.b");
    cr_expect_str_eq(matches("a.b.c"), "*.*.> > a.>");
}

Test(interest, a_wildcard_inside_a_token_is_a_letter)
{
    subscribe("foo*");
    subscribe("foo>");
    subscribe("a.b>");
    cr_expect_str_eq(matches("foo*"), "foo*");
    cr_expect_str_eq(matches("foo>"), "foo>");
    cr_expect_str_eq(matches("foox"), "");
    cr_expect_str_eq(matches("a.b>"), "a.b>");
    cr_expect_str_eq(matches("a.b.c"), "");
}

Test(interest, in_a_published_subject_nothing_is_a_wildcard)
{
    subscribe("foo.*");
    subscribe("foo.bar");
    subscribe("foo.>");
    subscribe(">");
    cr_expect_str_eq(matches("foo.*"), "> foo.* foo.>");
    cr_expect_str_eq(matches(">"), ">");
    cr_expect_str_eq(matches("foo.>"), "> foo.* foo.>");
}

Test(interest, a_subject_with_an_empty_token_matches_nothing)
{
    subscribe(">");
    subscribe("*.*");
    subscribe("a.>");
    cr_expect_str_eq(matches("a."), "");
    cr_expect_str_eq(matches(".a"), "");
    cr_expect_str_eq(matches("a..b"), "");
    cr_expect_str_eq(matches("."), "");
    cr_expect_str_eq(matches(""), "");
}

Test(interest, any_byte_may_be_in_a_token)
{
    subscribe("h\xc3\xa9llo.w\x01rld");
    subscribe("h\xc3\xa9llo.*");
    cr_expect_str_eq(matches("h\xc3\xa9llo.w\x01rld"), "h\xc3\xa9llo.* h\xc3\xa9llo.w\x01rld");
}

Test(interest, refuses_what_is_no_pattern_and_stays_as_it_was)
{
    static const char *const bad[] = {"", ".", "a.", ".a", "a..b", ">.a", "a.>.b", "*.>.*"};

    subscribe("a.>");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct want w = {.entry = {.pattern_len = (uint32_t)strlen(bad[i])}};

        snprintf(w.pattern, sizeof w.pattern, "%s", bad[i]);
        cr_expect_eq(interest_add(&table, &w.entry), STATUS_BAD_SUBJECT, "\"%s\"", bad[i]);
        interest_check(&table);
    }
    cr_expect_eq(table.entry_count, 1);
    cr_expect_str_eq(matches("a.b"), "a.>");
}

/* ---- many who want the same ---- */

Test(interest, who_want_the_same_are_all_found)
{
    for (int i = 0; i < 3; i++) {
        subscribe("same");
        subscribe("same.*");
    }
    cr_expect_str_eq(matches("same"), "same same same");
    cr_expect_str_eq(matches("same.x"), "same.* same.* same.*");
}

Test(interest, any_of_those_who_want_the_same_may_leave_first)
{
    static const char *const patterns[] = {"same", "*.same", "same.>"};
    static const char *const subjects[] = {"same", "x.same", "same.x"};

    for (size_t kind = 0; kind < 3; kind++) {
        for (int first = 0; first < 3; first++) {
            struct want *w[3];

            for (int i = 0; i < 3; i++)
                w[i] = subscribe(patterns[kind]);
            for (int i = 0; i < 3; i++) {
                cr_expect_str_neq(matches(subjects[kind]), "");
                unsubscribe(w[(first + i) % 3]);
            }
            cr_expect_str_eq(matches(subjects[kind]), "");
        }
    }
}

Test(interest, nothing_stays_behind_when_all_have_left)
{
    struct want *deep = subscribe("a.b.*.d.>");
    struct want *side = subscribe("a.b.*.x");
    struct want *literal = subscribe("a.b.c");

    unsubscribe(deep);
    cr_expect_str_eq(matches("a.b.c.x"), "a.b.*.x", "a branch keeps what another needs");
    unsubscribe(side);
    unsubscribe(literal);
    cr_expect_eq(table_count(&table.edges), 0, "no node is left");
    cr_expect_eq(table_count(&table.literals), 0);
    cr_expect_eq(table.entry_count, 0);
}

Test(interest, a_node_in_the_middle_of_a_longer_one_outlives_it)
{
    struct want *longer = subscribe("a.*.c.*");

    subscribe("a.*");
    unsubscribe(longer);
    cr_expect_str_eq(matches("a.b"), "a.*");
    cr_expect_eq(table_count(&table.edges), 1, "of the token a alone");
}

static bool stop_at_second(struct interest_entry *entry, void *arg)
{
    int *visits = arg;

    (void)entry;
    return ++*visits < 2;
}

Test(interest, a_visitor_ends_the_walk)
{
    int visits = 0;

    for (int i = 0; i < 3; i++) {
        subscribe("a");
        subscribe("*");
        subscribe(">");
    }
    cr_expect_not(interest_match(&table, bytes_of_str("a"), stop_at_second, &visits));
    cr_expect_eq(visits, 2);
}

/* ---- stamps: who feels a change ---- */

/* The names here share no counter; that a stranger's may be shared is allowed, and not shown. */

Test(interest, of_a_literal_only_its_subject_feels_a_change)
{
    cr_expect(feels("orders.paid", "orders.paid"));
    cr_expect_not(feels("orders.new", "orders.paid"));
    cr_expect_not(feels("orders", "orders.paid"));
    cr_expect_not(feels("logs", "orders.paid"));
}

Test(interest, of_a_wildcard_subjects_with_the_same_first_token_feel_a_change)
{
    cr_expect(feels("orders.paid", "orders.*"));
    cr_expect(feels("orders.eu.paid", "orders.>"));
    cr_expect_not(feels("logs.web", "orders.*"));
    cr_expect_not(feels("logs.web", "orders.>"));
    cr_expect_not(feels("_INBOX.abc.1", "_OTHER.abc.*"));
}

Test(interest, of_a_pattern_that_begins_with_a_wildcard_all_feel_a_change)
{
    cr_expect(feels("orders.paid", "*.paid"));
    cr_expect(feels("logs", "*.paid"));
    cr_expect(feels("logs", ">"));
}

Test(interest, touching_is_felt_like_a_change)
{
    struct want *literal = subscribe("orders.paid");
    struct want *wild = subscribe("orders.*");
    struct want *all = subscribe(">");
    uint64_t before = stamp_of("orders.paid");

    interest_touch(&table, &literal->entry);
    cr_expect_neq(stamp_of("orders.paid"), before);
    before = stamp_of("orders.new");
    interest_touch(&table, &literal->entry);
    cr_expect_eq(stamp_of("orders.new"), before);
    interest_touch(&table, &wild->entry);
    cr_expect_neq(stamp_of("orders.new"), before);
    before = stamp_of("logs");
    interest_touch(&table, &all->entry);
    cr_expect_neq(stamp_of("logs"), before);
    cr_expect_str_eq(matches("orders.paid"), "> orders.* orders.paid");
}

Test(interest, touching_all_is_felt_by_every_subject)
{
    uint64_t orders = stamp_of("orders.paid");
    uint64_t logs = stamp_of("logs");

    interest_touch_all(&table);
    cr_expect_neq(stamp_of("orders.paid"), orders);
    cr_expect_neq(stamp_of("logs"), logs);
}

Test(interest, a_refused_pattern_is_felt_by_nobody)
{
    uint64_t before = stamp_of("a.b");
    struct want w = {.entry = {.pattern_len = 4}, .pattern = "a..b"};

    interest_add(&table, &w.entry);
    cr_expect_eq(stamp_of("a.b"), before);
}

/* ---- beside a naive model ---- */

#define STEPS 6000
#define KEPT_MAX 64

static struct random chance;

/* A few letters and wildcards, so that patterns meet often. */
static void random_name(char *out, const char *const *tokens, uint32_t kinds)
{
    uint32_t count = 1 + random_below(&chance, 4);

    out[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        const char *token = tokens[random_below(&chance, kinds)];
        size_t len = strlen(out);

        snprintf(out + len, TEXT_MAX - len, "%s%s", i > 0 ? "." : "", token);
        if (strcmp(token, ">") == 0)
            return;
    }
}

static const char *random_pattern(void)
{
    static const char *const tokens[] = {"a", "b", "cc", "a*", "*", "*", ">"};
    static char out[TEXT_MAX];

    random_name(out, tokens, 7);
    return out;
}

static const char *random_subject(void)
{
    static const char *const tokens[] = {"a", "b", "cc", "a*", "*", ">", "d"};
    static char out[TEXT_MAX];

    random_name(out, tokens, 7);
    return out;
}

/* What ought to match, said by looking at each pattern. */
static const char *expected(const char *subject)
{
    static char text[WANTS_MAX * TEXT_MAX];
    const char *found[WANTS_MAX];
    size_t count = 0;
    size_t len = 0;

    for (size_t i = 0; i < WANTS_MAX; i++) {
        if (wants[i].is_in &&
            subject_matches(bytes_of_str(wants[i].pattern), bytes_of_str(subject)))
            found[count++] = wants[i].pattern;
    }
    qsort(found, count, sizeof *found, compare_text);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "", found[i]);
    return text;
}

/* Answers kept with their stamps, as a plan cache would. */
static struct kept {
    char subject[TEXT_MAX];
    char answer[WANTS_MAX * TEXT_MAX];
    uint64_t stamp;
} kept[KEPT_MAX];

static void keep(struct kept *k, const char *subject)
{
    snprintf(k->subject, sizeof k->subject, "%s", subject);
    k->stamp = stamp_of(subject);
    snprintf(k->answer, sizeof k->answer, "%s", matches(subject));
}

static unsigned expect_kept_answers_hold(void)
{
    unsigned held = 0;

    for (size_t i = 0; i < KEPT_MAX; i++) {
        if (kept[i].subject[0] == '\0' || stamp_of(kept[i].subject) != kept[i].stamp)
            continue;
        cr_assert_str_eq(kept[i].answer, expected(kept[i].subject),
                         "kept for %s, and its stamp did not change", kept[i].subject);
        held++;
    }
    return held;
}

static void come_or_go(void)
{
    struct want *w = &wants[random_below(&chance, WANTS_MAX)];

    if (w->is_in)
        unsubscribe(w);
    else
        add(w, random_pattern());
}

Test(interest, is_what_looking_at_each_pattern_would_say)
{
    unsigned held = 0;

    random_init(&chance, 7);
    for (int step = 0; step < STEPS; step++) {
        char subject[TEXT_MAX];

        come_or_go();
        snprintf(subject, sizeof subject, "%s", random_subject());
        cr_assert_str_eq(matches(subject), expected(subject), "%s at step %d", subject, step);
        held += expect_kept_answers_hold();
        keep(&kept[random_below(&chance, KEPT_MAX)], subject);
    }
    cr_expect_gt(held, STEPS, "answers are really kept");
}
