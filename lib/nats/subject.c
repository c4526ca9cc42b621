#include "lib/nats/subject.h"

static bool is_star(struct bytes token)
{
    return token.len == 1 && token.data[0] == '*';
}

static bool is_tail(struct bytes token)
{
    return token.len == 1 && token.data[0] == '>';
}

bool subject_next_token(struct bytes *rest, struct bytes *token)
{
    size_t n = 0;

    if (rest->data == NULL)
        return false;
    while (n < rest->len && rest->data[n] != '.')
        n++;
    *token = bytes_of(rest->data, n);
    *rest = n < rest->len ? bytes_after(*rest, n + 1) : bytes_of(NULL, 0);
    return true;
}

enum status subject_check_subscription(struct bytes pattern)
{
    struct bytes rest = pattern;
    struct bytes token = {NULL, 0};

    while (subject_next_token(&rest, &token)) {
        if (token.len == 0 || (is_tail(token) && rest.data != NULL))
            return STATUS_BAD_SUBJECT;
    }
    return token.len > 0 ? STATUS_OK : STATUS_BAD_SUBJECT;
}

enum status subject_check_publish(struct bytes subject)
{
    struct bytes rest = subject;
    struct bytes token = {NULL, 0};

    while (subject_next_token(&rest, &token)) {
        if (token.len == 0 || is_star(token) || is_tail(token))
            return STATUS_BAD_PUBLISH_SUBJECT;
    }
    return token.len > 0 ? STATUS_OK : STATUS_BAD_PUBLISH_SUBJECT;
}

bool subject_is_matchable(struct bytes subject)
{
    char before = '.';

    for (size_t i = 0; i < subject.len; i++) {
        if (before == '.' && subject.data[i] == '.')
            return false;
        before = subject.data[i];
    }
    return before != '.';
}

bool subject_has_wildcard(struct bytes pattern)
{
    struct bytes rest = pattern;
    struct bytes token;

    while (subject_next_token(&rest, &token)) {
        if (is_star(token) || (is_tail(token) && rest.data == NULL))
            return true;
    }
    return false;
}

size_t subject_token_count(struct bytes subject)
{
    size_t count = 1;

    if (subject.data == NULL)
        return 0;
    for (size_t i = 0; i < subject.len; i++)
        count += subject.data[i] == '.';
    return count;
}

bool subject_matches(struct bytes pattern, struct bytes literal)
{
    struct bytes wanted;
    struct bytes token;

    if (!subject_is_matchable(literal))
        return false;
    while (subject_next_token(&pattern, &wanted)) {
        if (!subject_next_token(&literal, &token))
            return false;
        if (is_tail(wanted) && pattern.data == NULL)
            return true;
        if (!is_star(wanted) && !bytes_equal(wanted, token))
            return false;
    }
    return literal.data == NULL;
}

bool subject_covers(struct bytes wide, struct bytes narrow)
{
    struct bytes wanted;
    struct bytes token;

    while (subject_next_token(&wide, &wanted)) {
        if (!subject_next_token(&narrow, &token))
            return false;
        if (is_tail(wanted))
            return true;
        if (is_tail(token)) /* any number of tokens, where <wide> allows one */
            return false;
        if (!is_star(wanted) && !bytes_equal(wanted, token))
            return false;
    }
    return narrow.data == NULL;
}

bool subject_overlap(struct bytes a, struct bytes b)
{
    struct bytes one;
    struct bytes other;

    while (subject_next_token(&a, &one)) {
        if (!subject_next_token(&b, &other))
            return false;
        if (is_tail(one) || is_tail(other))
            return true;
        if (!is_star(one) && !is_star(other) && !bytes_equal(one, other))
            return false;
    }
    return b.data == NULL;
}
