/* talk: plays scripted conversations with a real node, over real sockets.
 *
 *     talk [--split N] FILE.talk ...
 *
 * Each script gets a node of its own and is played twice: with each line sent whole, and with
 * everything sent in pieces of N bytes (1 if not told), which shows that the node understands what
 * it reads however it is cut. Exit status 0 if everything was as written. */
#include "tests/system/node.h"
#include "tests/system/talk_script.h"
#include "tests/system/wire.h"

#include <assert.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CUT_OFF_RECEIVE_BYTES = 65536, /* keeps the kernel from hiding a consumer's slowness */
    EXIT_DEADLINE_MS = 10000,
    RELOAD_TEXT_BYTES = 4096
};

struct speaker {
    struct wire wire;
    bool connected;
    bool met;   /* its INFO has been taken */
    bool ended; /* closed by either side, and noted */
};

struct play {
    const struct script *script;
    const char *path;
    size_t split;
    struct node *node;
    struct speaker speakers[SPEAKERS_MAX];
    int64_t step_began_ms;
    int marks;  /* of "hears nothing more from", to tell one from the next */
    bool exits; /* the script has seen the node's end */
};

static bool complain(const struct play *play, const struct step *step, const char *what)
{
    fprintf(stderr, "%s:%d: (%s) %s\n", play->path, step->line,
            play->split == 0 ? "sent whole" : "sent in pieces", what);
    return false;
}

static bool unexpected(const struct play *play, const struct step *step,
                       const struct speaker *speaker, enum wire_state state)
{
    complain(play, step,
             state == WIRE_CLOSED ? "the node closed the connection"
             : state == WIRE_LATE ? "it did not come in time"
                                  : "something else came");
    fprintf(stderr, "    received: ");
    wire_print(speaker->wire.data, speaker->wire.len);
    fprintf(stderr, "\n");
    return false;
}

/* Reads more; the deadline begins with the step. */
static enum wire_state more(const struct play *play, struct speaker *speaker)
{
    return wire_more(&speaker->wire, play->step_began_ms + NODE_DEADLINE_MS);
}

static bool connect_speaker(struct play *play, const struct step *step, struct speaker *speaker)
{
    if (speaker->connected)
        return true;
    if (!wire_open(&speaker->wire, node_port(play->node), CUT_OFF_RECEIVE_BYTES))
        return complain(play, step, "the connection was refused");
    speaker->wire.split = play->split;
    speaker->connected = true;
    return true;
}

/* The length of the line that came in, its end included; 0 if it did not. */
static size_t line_length(const struct wire *wire)
{
    const char *end = wire->len == 0 ? NULL : memchr(wire->data, '\n', wire->len);

    return end == NULL ? 0 : (size_t)(end + 1 - wire->data);
}

/* Takes one INFO line, and hands out its JSON to be released by the caller. */
static bool take_info(struct play *play, const struct step *step, struct speaker *speaker,
                      json_t **info)
{
    static const char tail[] = "} \r\n"; /* the blank is the reference's habit, and so ours */
    struct wire *wire = &speaker->wire;
    size_t len;

    while ((len = line_length(wire)) == 0) {
        enum wire_state state = more(play, speaker);
        if (state != WIRE_OPEN)
            return unexpected(play, step, speaker, state);
    }
    if (len < 10 || memcmp(wire->data, "INFO {", 6) != 0 ||
        memcmp(wire->data + len - strlen(tail), tail, strlen(tail)) != 0)
        return unexpected(play, step, speaker, WIRE_OPEN);
    *info = json_loadb(wire->data + 5, len - 5 - 3, JSON_REJECT_DUPLICATES, NULL);
    if (*info == NULL)
        return complain(play, step, "the INFO is not JSON");
    wire_take(wire, len);
    speaker->met = true;
    return true;
}

static bool is_of_type(const char *type, const json_t *value)
{
    if (strcmp(type, "<absent>") == 0)
        return value == NULL;
    if (strcmp(type, "<string>") == 0)
        return json_is_string(value) && json_string_length(value) > 0;
    if (strcmp(type, "<integer>") == 0)
        return json_is_integer(value);
    return false;
}

/* Whether a field of the INFO is as the script says: equal, or of the type named in <...>. */
static bool field_agrees(const struct play *play, json_t *wanted, const json_t *value)
{
    const char *text = json_string_value(wanted);

    if (text != NULL && strcmp(text, "<port>") == 0)
        return json_is_integer(value) && json_integer_value(value) == node_port(play->node);
    if (text != NULL && text[0] == '<')
        return is_of_type(text, value);
    return value != NULL && json_equal(wanted, value);
}

static bool receive_info(struct play *play, const struct step *step, struct speaker *speaker)
{
    json_t *wanted = json_loads(step->text, 0, NULL);
    json_t *info = NULL;
    json_t *field;
    const char *name;
    bool good = wanted != NULL && take_info(play, step, speaker, &info);

    if (wanted == NULL)
        complain(play, step, "the expected INFO is not JSON");
    json_object_foreach(wanted, name, field)
    {
        json_t *value = json_object_get(info, name);
        if (!good || field_agrees(play, field, value))
            continue;
        char *text = json_dumps(value, JSON_ENCODE_ANY);
        complain(play, step, "a field of the INFO differs");
        fprintf(stderr, "    %s: %s\n", name, text == NULL ? "absent" : text);
        free(text);
        good = false;
    }
    json_decref(info);
    json_decref(wanted);
    return good;
}

/* Takes the first INFO if the script did not ask to see it. */
static bool meet(struct play *play, const struct step *step, struct speaker *speaker)
{
    json_t *info = NULL;

    if (speaker->met)
        return true;
    if (!connect_speaker(play, step, speaker) || !take_info(play, step, speaker, &info))
        return false;
    json_decref(info);
    return true;
}

static bool receive(struct play *play, const struct step *step, const struct pattern *pattern,
                    struct speaker *speaker)
{
    if (!meet(play, step, speaker))
        return false;
    for (;;) {
        size_t used;
        enum match found = pattern_match(pattern, speaker->wire.data, speaker->wire.len, &used);
        if (found == MATCHES) {
            wire_take(&speaker->wire, used);
            return true;
        }
        if (found == DIFFERS && !wire_answer_ping(&speaker->wire))
            return unexpected(play, step, speaker, WIRE_OPEN);
        enum wire_state state = found == DIFFERS ? WIRE_OPEN : more(play, speaker);
        if (state != WIRE_OPEN)
            return unexpected(play, step, speaker, state);
    }
}

static bool receive_text(struct play *play, const struct step *step, const char *text,
                         struct speaker *speaker)
{
    struct pattern pattern;
    const char *wrong = pattern_init(&pattern, text);

    assert(wrong == NULL);
    (void)wrong;
    bool good = receive(play, step, &pattern, speaker);
    pattern_fini(&pattern);
    return good;
}

/* A|B< ...: whichever of both hears first has to hear exactly that. */
static bool receive_either(struct play *play, const struct step *step)
{
    struct speaker *either[2] = {&play->speakers[step->speaker], &play->speakers[step->other]};

    if (!meet(play, step, either[0]) || !meet(play, step, either[1]))
        return false;
    while (now_ms() < play->step_began_ms + NODE_DEADLINE_MS) {
        for (int i = 0; i < 2; i++) {
            wire_more(&either[i]->wire, now_ms() + 1);
            while (wire_answer_ping(&either[i]->wire))
                continue;
            if (either[i]->wire.len > 0)
                return receive(play, step, &step->pattern, either[i]);
        }
    }
    return complain(play, step, "neither of both heard it");
}

/* A<~ ...: the steps of one run of such lines, in any order. <count> of them are consumed. */
static bool receive_mixed(struct play *play, const struct step *steps, size_t count)
{
    struct speaker *speaker = &play->speakers[steps[0].speaker];
    bool *done = calloc(count, sizeof *done);
    bool good = done != NULL && meet(play, &steps[0], speaker);

    for (size_t left = count; good && left > 0;) {
        bool needs_more = false;
        size_t before = left;
        for (size_t i = 0; i < count && left == before; i++) {
            size_t used;
            enum match found = done[i] ? DIFFERS
                                       : pattern_match(&steps[i].pattern, speaker->wire.data,
                                                       speaker->wire.len, &used);
            needs_more = needs_more || found == NEEDS_MORE;
            if (found != MATCHES)
                continue;
            wire_take(&speaker->wire, used);
            done[i] = true;
            left--;
        }
        if (left < before || (!needs_more && wire_answer_ping(&speaker->wire)))
            continue;
        enum wire_state state = needs_more ? more(play, speaker) : WIRE_OPEN;
        if (!needs_more || state != WIRE_OPEN)
            good = unexpected(play, &steps[0], speaker, state);
    }
    free(done);
    return good;
}

static bool nothing_more(struct play *play, const struct step *step, struct speaker *speaker)
{
    if (!meet(play, step, speaker))
        return false;
    wire_send_text(&speaker->wire, "PING\r\n");
    return receive_text(play, step, "PONG", speaker);
}

/* What a publisher sent before reaches a subscriber before what it sends later: so a message sent
 * now shows that nothing else was on its way. */
static bool nothing_from(struct play *play, const struct step *step)
{
    struct speaker *subscriber = &play->speakers[step->speaker];
    struct speaker *publisher = &play->speakers[step->other];
    char text[128];
    int mark = 1000000 + ++play->marks;

    snprintf(text, sizeof text, "SUB talk.end.%d %d\r\n", mark, mark);
    wire_send_text(&subscriber->wire, text);
    wire_send_text(&subscriber->wire, "PING\r\n");
    if (!receive_text(play, step, "PONG", subscriber) || !meet(play, step, publisher))
        return false;
    snprintf(text, sizeof text, "PUB talk.end.%d 0\r\n\r\n", mark);
    wire_send_text(&publisher->wire, text);
    snprintf(text, sizeof text, "MSG talk.end.%d %d 0\\r\\n", mark, mark);
    if (!receive_text(play, step, text, subscriber))
        return false;
    snprintf(text, sizeof text, "UNSUB %d\r\n", mark);
    wire_send_text(&subscriber->wire, text);
    return true;
}

static bool send_step(struct play *play, const struct step *step, struct speaker *speaker)
{
    if (!connect_speaker(play, step, speaker))
        return false;
    struct text bytes = pattern_bytes(&step->pattern);
    for (long i = 0; i < step->times; i++)
        wire_send(&speaker->wire, bytes.data, bytes.len);
    free(bytes.data);
    return true;
}

static bool closed(struct play *play, const struct step *step, struct speaker *speaker)
{
    if (!meet(play, step, speaker))
        return false;
    while (wire_answer_ping(&speaker->wire))
        continue;
    enum wire_state state = speaker->wire.len > 0 ? WIRE_OPEN : more(play, speaker);
    if (state != WIRE_CLOSED)
        return unexpected(play, step, speaker, state);
    speaker->ended = true;
    return true;
}

static bool cut_off(struct play *play, const struct step *step, struct speaker *speaker)
{
    speaker->ended = true;
    return wire_cut_off(&speaker->wire) || complain(play, step, "it was not cut off silently");
}

static bool refused(struct play *play, const struct step *step)
{
    struct wire wire;

    if (!node_refuses(play->node) || wire_open(&wire, node_port(play->node), 0))
        return complain(play, step, "the node still listens");
    return true;
}

static bool between(struct play *play, const struct step *step, int64_t ms)
{
    if (ms >= step->low && ms <= step->high)
        return true;
    complain(play, step, "not at that time");
    fprintf(stderr, "    it was %lld ms\n", (long long)ms);
    return false;
}

static bool reload(struct play *play, const struct step *step)
{
    char config[RELOAD_TEXT_BYTES];

    snprintf(config, sizeof config, "%s\n%s\n",
             play->script->config == NULL ? "" : play->script->config, step->text);
    node_configure(play->node, config);
    node_signal(play->node, SIGHUP);
    return !node_is_reference() || node_logs(play->node, "Reloaded server configuration") ||
           complain(play, step, "the reference did not reload");
}

static bool node_step(struct play *play, const struct step *step)
{
    if (step->kind == STEP_NODE_SIGNAL) {
        node_signal(play->node, (int)step->low);
        return true;
    }
    if (step->kind == STEP_NODE_RELOADS)
        return reload(play, step);
    play->exits = true;
    int status = node_wait(play->node, EXIT_DEADLINE_MS);
    if (status == step->low)
        return true;
    complain(play, step, "the node did not exit so");
    fprintf(stderr, "    its exit status: %d\n", status);
    return false;
}

static bool do_step(struct play *play, const struct step *step)
{
    struct speaker *speaker = &play->speakers[step->speaker];

    switch (step->kind) {
    case STEP_CONNECTS:
        return meet(play, step, speaker);
    case STEP_SENDS:
        return send_step(play, step, speaker);
    case STEP_RECEIVES:
        return step->other >= 0 ? receive_either(play, step)
                                : receive(play, step, &step->pattern, speaker);
    case STEP_RECEIVES_INFO:
        return connect_speaker(play, step, speaker) && receive_info(play, step, speaker);
    case STEP_NOTHING_MORE:
        return nothing_more(play, step, speaker);
    case STEP_NOTHING_FROM:
        return nothing_from(play, step);
    case STEP_CLOSED:
        return closed(play, step, speaker);
    case STEP_CUT_OFF:
        return cut_off(play, step, speaker);
    case STEP_AGE:
        return between(play, step, speaker->wire.heard_ms - speaker->wire.opened_ms);
    case STEP_WAITED:
        return between(play, step, speaker->wire.heard_ms - speaker->wire.heard_before_ms);
    case STEP_STANDS_STILL: /* it is time itself that has to pass */
        sleep_ms((int)step->low);
        return true;
    case STEP_LEAVES:
        wire_close(&speaker->wire);
        speaker->ended = true;
        return true;
    case STEP_REFUSED:
        return refused(play, step);
    default:
        return node_step(play, step);
    }
}

static bool is_for_this_node(const struct step *step)
{
    return step->only == ANY_NODE || (step->only == REFERENCE_ONLY) == node_is_reference();
}

static size_t mixed_run(const struct step *steps, size_t left)
{
    size_t count = 1;

    while (count < left && steps[count].kind == STEP_RECEIVES_MIXED &&
           steps[count].speaker == steps[0].speaker)
        count++;
    return count;
}

/* At the end of every script, whoever is still connected has heard all that it was to hear. */
static bool all_is_said(struct play *play)
{
    struct step end = {.line = (int)play->script->steps[play->script->step_count - 1].line + 1};

    for (int i = 0; i < SPEAKERS_MAX && !play->exits; i++) {
        struct speaker *speaker = &play->speakers[i];
        play->step_began_ms = now_ms();
        if (speaker->connected && !speaker->ended && !nothing_more(play, &end, speaker))
            return false;
    }
    return true;
}

static bool play_steps(struct play *play)
{
    const struct script *script = play->script;
    bool good = true;

    for (size_t i = 0; good && i < script->step_count;) {
        const struct step *step = &script->steps[i];
        size_t count = 1;
        play->step_began_ms = now_ms();
        if (step->kind == STEP_RECEIVES_MIXED) {
            count = mixed_run(step, script->step_count - i);
            good = receive_mixed(play, step, count);
        } else if (is_for_this_node(step)) {
            good = do_step(play, step);
        }
        i += count;
    }
    return good && all_is_said(play);
}

static bool play_script(const struct script *script, const char *path, size_t split)
{
    struct play play = {.script = script, .path = path, .split = split};

    play.node = node_start(script->config);
    bool good = play_steps(&play);
    if (!good)
        node_print_log(play.node);
    for (int i = 0; i < SPEAKERS_MAX; i++) {
        if (play.speakers[i].connected)
            wire_close(&play.speakers[i].wire);
    }
    return node_stop(play.node) && good;
}

int main(int argc, char *argv[])
{
    static const struct option options[] = {{"split", required_argument, NULL, 's'}, {0}};
    size_t split = 1;
    int failures = 0;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option != 's' || (split = strtoul(optarg, NULL, 10)) == 0) {
            fprintf(stderr, "usage: %s [--split N] FILE.talk ...\n", argv[0]);
            return EXIT_FAILURE;
        }
    }
    for (int i = optind; i < argc; i++) {
        struct script script;
        bool good = script_read(&script, argv[i]);
        good = good && play_script(&script, argv[i], 0);
        good = good && play_script(&script, argv[i], split);
        failures += good ? 0 : 1;
        printf("%s %s\n", good ? "as written" : "DIFFERENT ", argv[i]);
        script_fini(&script);
    }
    return failures == 0 && optind < argc ? EXIT_SUCCESS : EXIT_FAILURE;
}
