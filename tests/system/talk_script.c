#include "tests/system/talk_script.h"

#include <assert.h>
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static int speaker_index(struct script *script, const char *name, size_t len)
{
    for (int i = 0; i < script->name_count; i++) {
        if (strlen(script->names[i]) == len && memcmp(script->names[i], name, len) == 0)
            return i;
    }
    if (script->name_count == SPEAKERS_MAX || len == 0 || len > SPEAKER_NAME_MAX)
        return -1;
    memcpy(script->names[script->name_count], name, len);
    script->names[script->name_count][len] = '\0';
    return script->name_count++;
}

static char *copy_text(const char *text)
{
    char *copy = strdup(text);

    assert(copy != NULL);
    return copy;
}

/* The text after "A> ": one blank belongs to the notation, further ones to the text. */
static const char *argument(const char *mark)
{
    return *mark == ' ' ? mark + 1 : mark;
}

static const char *parse_received(struct step *step, const char *text)
{
    if (starts_with(text, "INFO {")) {
        step->kind = STEP_RECEIVES_INFO;
        step->text = copy_text(text + strlen("INFO "));
        return NULL;
    }
    step->kind = STEP_RECEIVES;
    return pattern_init(&step->pattern, text);
}

/* What follows a name at once: "> ...", "< ...", "<~ ...", "|B< ...". */
static const char *parse_mark(struct script *script, struct step *step, const char *at)
{
    if (at[0] == '|') {
        size_t len = strspn(at + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        step->other = speaker_index(script, at + 1, len);
        step->kind = STEP_RECEIVES;
        if (step->other < 0 || at[1 + len] != '<')
            return "expected A|B<";
        return pattern_init(&step->pattern, argument(at + len + 2));
    }
    if (at[0] == '>') {
        step->kind = STEP_SENDS;
        return pattern_init(&step->pattern, argument(at + 1));
    }
    if (at[1] == '~') {
        step->kind = STEP_RECEIVES_MIXED;
        return pattern_init(&step->pattern, argument(at + 2));
    }
    return parse_received(step, argument(at + 1));
}

/* What follows a name and a blank: a sentence. */
static const char *parse_sentence(struct script *script, struct step *step, const char *text)
{
    static const struct {
        const char *words;
        enum step_kind kind;
    } plain[] = {{"connects", STEP_CONNECTS}, {"nothing more", STEP_NOTHING_MORE},
                 {"closed", STEP_CLOSED},     {"cut off", STEP_CUT_OFF},
                 {"leaves", STEP_LEAVES},     {"refused", STEP_REFUSED}};
    static const char from[] = "hears nothing more from ";
    int end = 0;

    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(text, plain[i].words) == 0) {
            step->kind = plain[i].kind;
            return NULL;
        }
    }
    if (starts_with(text, from)) {
        const char *name = text + strlen(from);
        step->kind = STEP_NOTHING_FROM;
        step->other = speaker_index(script, name, strlen(name));
        return step->other < 0 ? "expected a name" : NULL;
    }
    if (sscanf(text, "is %ld..%ld ms old%n", &step->low, &step->high, &end) == 2 && end > 0) {
        step->kind = STEP_AGE;
        return NULL;
    }
    if (sscanf(text, "waited %ld..%ld ms%n", &step->low, &step->high, &end) == 2 && end > 0) {
        step->kind = STEP_WAITED;
        return NULL;
    }
    if (sscanf(text, "stands still for %ld ms%n", &step->low, &end) == 1 && end > 0) {
        step->kind = STEP_STANDS_STILL;
        return NULL;
    }
    return "no such sentence";
}

static const char *parse_node(struct step *step, const char *text)
{
    static const struct {
        const char *name;
        int number;
    } signals[] = {
        {"SIGUSR2", SIGUSR2}, {"SIGTERM", SIGTERM}, {"SIGINT", SIGINT}, {"SIGHUP", SIGHUP}};

    if (starts_with(text, "exits ")) {
        step->kind = STEP_NODE_EXITS;
        step->low = strtol(text + strlen("exits "), NULL, 10);
        return NULL;
    }
    if (starts_with(text, "reloads ")) {
        step->kind = STEP_NODE_RELOADS;
        step->text = copy_text(text + strlen("reloads "));
        return NULL;
    }
    if (!starts_with(text, "gets "))
        return "no such sentence about the node";
    step->kind = STEP_NODE_SIGNAL;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        if (strcmp(text + strlen("gets "), signals[i].name) == 0) {
            step->low = signals[i].number;
            return NULL;
        }
    }
    return "no such signal";
}

static const char *parse_step(struct script *script, struct step *step, const char *text)
{
    static const struct {
        const char *prefix;
        enum listener only;
    } listeners[] = {{"reference: ", REFERENCE_ONLY}, {"natter: ", NATTER_ONLY}};
    int end = 0;

    for (size_t i = 0; i < sizeof listeners / sizeof listeners[0]; i++) {
        if (starts_with(text, listeners[i].prefix)) {
            step->only = listeners[i].only;
            text += strlen(listeners[i].prefix);
        }
    }
    if (starts_with(text, "node "))
        return parse_node(step, text + strlen("node "));
    if (sscanf(text, "%ld times %n", &step->times, &end) == 1 && end > 0)
        text += end;
    size_t len = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    step->speaker = speaker_index(script, text, len);
    if (step->speaker < 0)
        return "expected the name of a connection, in capitals";
    if (text[len] == '>' || text[len] == '<' || text[len] == '|')
        return parse_mark(script, step, text + len);
    return parse_sentence(script, step, text + len + strspn(text + len, " "));
}

static void add_config(struct script *script, const char *line)
{
    size_t old = script->config == NULL ? 0 : strlen(script->config);
    size_t size = old + strlen(line) + 2;

    script->config = realloc(script->config, size);
    assert(script->config != NULL);
    snprintf(script->config + old, size - old, "%s\n", line);
}

static const char *parse_line(struct script *script, const char *line, int number)
{
    struct step step = {.line = number, .other = -1, .times = 1};

    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return NULL;
    if (starts_with(line, "config>")) {
        add_config(script, argument(line + strlen("config>")));
        return script->step_count > 0 ? "the configuration comes first" : NULL;
    }
    const char *wrong = parse_step(script, &step, line);
    script->steps = realloc(script->steps, (script->step_count + 1) * sizeof step);
    assert(script->steps != NULL);
    script->steps[script->step_count++] = step;
    return wrong;
}

bool script_read(struct script *script, const char *path)
{
    FILE *file = fopen(path, "re");
    const char *wrong = NULL;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;

    *script = (struct script){0};
    if (file == NULL) {
        perror(path);
        return false;
    }
    for (int number = 1; wrong == NULL && (len = getline(&line, &size, file)) >= 0; number++) {
        if (len > 0 && line[len - 1] == '\n')
            line[len - 1] = '\0';
        wrong = parse_line(script, line, number);
        if (wrong != NULL)
            fprintf(stderr, "%s:%d: %s: %s\n", path, number, wrong, line);
    }
    free(line);
    fclose(file);
    return wrong == NULL;
}

void script_fini(struct script *script)
{
    for (size_t i = 0; i < script->step_count; i++) {
        pattern_fini(&script->steps[i].pattern);
        free(script->steps[i].text);
    }
    free(script->steps);
    free(script->config);
}
