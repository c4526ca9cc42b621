/* The options that commands share, and the ones of the program itself. */
#include "cli/command.h"

#define FIELD(name) offsetof(struct command_common, name)

static const struct args_option common_options[] = {
    {'s', "server", "URL", ARGS_TEXT, 0, FIELD(server),
     "nats://[user:password@]host[:port]; several with commas"},
    {0, "quiet", NULL, ARGS_FLAG, 0, FIELD(is_quiet), "say nothing but errors on standard error"},
    {'h', "help", NULL, ARGS_FLAG, 0, FIELD(wants_help), "print this"},
};

const struct args_group command_common_group = {
    "Common options",
    common_options,
    sizeof common_options / sizeof common_options[0],
};

static const struct args_option output_options[] = {
    {'r', "raw", NULL, ARGS_FLAG, 0, FIELD(is_raw), "print payloads only, each with a line break"},
    {'j', "json", NULL, ARGS_FLAG, 0, FIELD(is_json),
     "print one JSON object a line: subject, reply, headers,\n"
     "payload (payload_base64 when it is not UTF-8)"},
};

const struct args_group command_output_group = {
    "Output",
    output_options,
    sizeof output_options / sizeof output_options[0],
};

static const struct args_option program_options[] = {
    {'V', "version", NULL, ARGS_FLAG, 0, FIELD(wants_version), "print the version"},
};

const struct args_group command_program_group = {
    "Program",
    program_options,
    sizeof program_options / sizeof program_options[0],
};
