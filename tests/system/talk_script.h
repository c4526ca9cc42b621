/* talk_script: a scripted conversation, read from a .talk file.
 *
 * The language is explained in tests/conversations/README.md. A script is a list of steps, one a
 * line, in the order in which they are played; reading it needs no server.
 *
 * Owns      its steps and texts.
 * Allocates when read. */
#ifndef NATTER_SYSTEM_TALK_SCRIPT_H
#define NATTER_SYSTEM_TALK_SCRIPT_H

#include "tests/system/talk_pattern.h"

#include <stdbool.h>

enum { SPEAKERS_MAX = 16, SPEAKER_NAME_MAX = 31 };

enum step_kind {
    STEP_CONNECTS,       /* A connects                      */
    STEP_SENDS,          /* A> PUB foo 0                    */
    STEP_RECEIVES,       /* A< MSG foo 1 0       or A|B<    */
    STEP_RECEIVES_MIXED, /* A<~ MSG foo 1 0                 */
    STEP_RECEIVES_INFO,  /* A< INFO {"proto":1}             */
    STEP_NOTHING_MORE,   /* A nothing more                  */
    STEP_NOTHING_FROM,   /* A hears nothing more from B     */
    STEP_CLOSED,         /* A closed                        */
    STEP_CUT_OFF,        /* A cut off                       */
    STEP_AGE,            /* A is 1900..3500 ms old          */
    STEP_WAITED,         /* A waited 100..1500 ms           */
    STEP_STANDS_STILL,   /* A stands still for 1000 ms      */
    STEP_LEAVES,         /* A leaves                        */
    STEP_REFUSED,        /* A refused                       */
    STEP_NODE_SIGNAL,    /* node gets SIGUSR2               */
    STEP_NODE_RELOADS,   /* node reloads max_payload: 10    */
    STEP_NODE_EXITS      /* node exits 0                    */
};

enum listener { ANY_NODE, REFERENCE_ONLY, NATTER_ONLY };

struct step {
    enum step_kind kind;
    enum listener only; /* on which program the step is played */
    int line;           /* in the file, from 1 */
    int speaker;        /* index into the names */
    int other;          /* the second connection, or -1 */
    long times;         /* how often it is sent */
    long low, high;     /* bounds in milliseconds; or a signal or an exit status in <low> */
    struct pattern pattern;
    char *text; /* the JSON of an INFO, or a configuration */
};

struct script {
    char *config; /* the configuration file's text, or NULL */
    char names[SPEAKERS_MAX][SPEAKER_NAME_MAX + 1];
    int name_count;
    struct step *steps;
    size_t step_count;
};

/* Reads <path>; says on standard error what is wrong with it and returns false. */
bool script_read(struct script *script, const char *path);
void script_fini(struct script *script);

#endif
