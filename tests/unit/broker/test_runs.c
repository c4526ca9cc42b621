/* Delivery gathers messages to runs; nobody may notice: see delivery.h. */
#include "tests/unit/broker/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* What some clients hear of a story that is told in whatever pieces; one line at random after another, by
 * one of them at a time. Queue groups choose by chance and are left out. */

#define TELLERS 4
#define CHAPTERS 40

/* The world frees it from now on. */
static const char *keep(char *text)
{
    const char *kept = text_of("%s", text);

    free(text);
    return kept;
}

static const char *random_subject(struct random *r)
{
    static const char *const subjects[] = {"a", "a", "b", "a.b", "a..", "*", "in.1"};

    return subjects[random_below(r, 7)];
}

static const char *random_publish(struct random *r)
{
    static const size_t sizes[] = {0, 0, 1, 1, 2, 5, 16, 16, 300, 5000};
    size_t size = sizes[random_below(r, 10)];
    const char *subject = random_subject(r);
    const char *reply = random_below(r, 3) == 0 ? "in.7 " : "";
    const char *text = large((char)('a' + random_below(r, 26)), size);

    switch (random_below(r, 6)) {
    case 0:
        return text_of("HPUB %s %s12 %zu\r\nNATS/1.0\r\n\r\n%s\r\n", subject, reply, size + 12,
                       text);
    case 1:
        return text_of("PUB  %s %s0%zu\n%s\r\n", subject, reply, size, text);
    default:
        return text_of("PUB %s %s%zu\r\n%s\r\n", subject, reply, size, text);
    }
}

static const char *random_line(struct random *r)
{
    static const char *const patterns[] = {"a", "b", "*", "a.>", ">", "in.*", "b..c"};
    unsigned sid = random_below(r, 6);

    switch (random_below(r, 24)) {
    case 0:
    case 1:
        return text_of("SUB %s %u\r\n", patterns[random_below(r, 7)], sid);
    case 2:
        return text_of("UNSUB %u\r\n", sid);
    case 3:
        return text_of("UNSUB %u %u\r\n", sid, random_below(r, 8));
    case 4:
        return "PING\r\n";
    case 5:
        return text_of(
            "CONNECT {\"verbose\":%s,\"echo\":%s,\"headers\":true,"
            "\"no_responders\":%s,\"pedantic\":%s}\r\n",
            random_below(r, 8) == 0 ? "true" : "false", random_below(r, 4) == 0 ? "false" : "true",
            random_below(r, 2) == 0 ? "false" : "true", random_below(r, 8) == 0 ? "true" : "false");
    default:
        return random_publish(r);
    }
}

/* The world frees it. */
static const char *random_chapter(struct random *r)
{
    uint32_t lines = 1 + random_below(r, 30);
    char *text;
    size_t len;
    FILE *chapter = open_memstream(&text, &len);

    for (uint32_t i = 0; i < lines; i++) {
        const char *line = random_line(r);
        uint32_t times = random_below(r, 5) == 0 ? 1 + random_below(r, 9) : 1;

        for (uint32_t n = 0; n < times; n++)
            fputs(line, chapter);
    }
    fclose(chapter);
    return keep(text);
}

/* The end of the operation that <text> begins with. */
static const char *after_operation(const char *text)
{
    const char *end = strchr(text, '\n') + 1;

    if (strncmp(text, "PUB", 3) == 0 || strncmp(text, "HPUB", 4) == 0) {
        const char *size = end - 1;

        while (*size < '0' || *size > '9')
            size--;
        while (size[-1] >= '0' && size[-1] <= '9')
            size--;
        end += strtoul(size, NULL, 10) + 2;
    }
    return end;
}

static void tell_one_by_one(struct client *c, const char *chapter)
{
    while (*chapter != '\0') {
        const char *end = after_operation(chapter);

        say_bytes(c, bytes_of(chapter, (size_t)(end - chapter)));
        chapter = end;
    }
}

enum telling { IN_CHAPTERS, IN_CHAPTERS_COPIED, IN_OPERATIONS, TELLINGS };

/* All that the tellers hear; the caller's to free. */
static char *hear_story(uint64_t seed, enum telling telling)
{
    struct client *tellers[TELLERS];
    struct random r;
    char *text;
    size_t len;
    FILE *all = open_memstream(&text, &len);

    world_open(1);
    world.pieces = telling == IN_CHAPTERS ? WHOLE : WHOLE_COPIED;
    random_init(&r, seed);
    for (int i = 0; i < TELLERS; i++) {
        tellers[i] = i == 0 ? join_saying(0, "{\"verbose\":false}") : join(0);
        heard(tellers[i]);
    }
    for (int i = 0; i < CHAPTERS; i++) {
        struct client *c = tellers[random_below(&r, TELLERS)];
        const char *chapter = random_chapter(&r);

        if (telling == IN_OPERATIONS)
            tell_one_by_one(c, chapter);
        else
            say(c, chapter);
        for (int t = 0; t < TELLERS; t++)
            fprintf(all, "\n%d: %s", t, heard(tellers[t]));
    }
    fclose(all);
    world_close();
    return text;
}

Test(runs, are_heard_as_message_after_message_would_be)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        char *told[TELLINGS];

        for (int telling = 0; telling < TELLINGS; telling++)
            told[telling] = hear_story(seed, (enum telling)telling);
        cr_expect(is_text(told[IN_CHAPTERS], told[IN_OPERATIONS]), "seed %llu",
                  (unsigned long long)seed);
        cr_expect(is_text(told[IN_CHAPTERS_COPIED], told[IN_OPERATIONS]), "copied, seed %llu",
                  (unsigned long long)seed);
        cr_expect_gt(strlen(told[IN_CHAPTERS]), 10000);
        for (int telling = 0; telling < TELLINGS; telling++)
            free(told[telling]);
    }
}
