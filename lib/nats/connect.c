#include "lib/nats/connect.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

enum type { FLAG, NUMBER, TEXT, SECRET };

struct field {
    const char *name;
    enum type type;
    size_t offset;
};

static const struct field fields[] = {
#define FIELD(name, type)                                                                          \
    {                                                                                              \
#name, type, offsetof(struct connect_options, name)                                        \
    }
    FIELD(verbose, FLAG),     FIELD(pedantic, FLAG),      FIELD(echo, FLAG),
    FIELD(headers, FLAG),     FIELD(no_responders, FLAG), FIELD(tls_required, FLAG),
    FIELD(new_account, FLAG), FIELD(protocol, NUMBER),    FIELD(name, TEXT),
    FIELD(lang, TEXT),        FIELD(version, TEXT),       FIELD(user, TEXT),
    FIELD(pass, SECRET),      FIELD(auth_token, SECRET),  FIELD(nkey, TEXT),
    FIELD(sig, SECRET),       FIELD(jwt, SECRET),         FIELD(account, TEXT),
#undef FIELD
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static bool owns_text(const struct field *f)
{
    return f->type == TEXT || f->type == SECRET;
}

static char **text_of(struct connect_options *options, const struct field *f)
{
    return (char **)(void *)((char *)options + f->offset);
}

static void drop_text(char *text, const struct field *f)
{
    if (text != NULL && f->type == SECRET)
        explicit_bzero(text, strlen(text));
    free(text);
}

void connect_init(struct connect_options *options)
{
    *options = (struct connect_options){.verbose = true, .pedantic = true, .echo = true};
}

void connect_fini(struct connect_options *options)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (owns_text(&fields[i]))
            drop_text(*text_of(options, &fields[i]), &fields[i]);
    }
    connect_init(options);
}

void connect_forget_secrets(struct connect_options *options)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (fields[i].type != SECRET)
            continue;
        drop_text(*text_of(options, &fields[i]), &fields[i]);
        *text_of(options, &fields[i]) = NULL;
    }
}

static const struct field *find_field(const char *name)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcasecmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

/* Frees the texts in <a> that are not those of <b>. */
static void drop_difference(struct connect_options *a, struct connect_options *b)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];

        if (owns_text(f) && *text_of(a, f) != *text_of(b, f))
            drop_text(*text_of(a, f), f);
    }
}

/* A text with a NUL inside would be cut there, and a password must not be. */
static enum status copy_text(const json_t *value, char **out)
{
    struct bytes text;

    if (!json_is_string(value))
        return STATUS_BAD_CONNECT;
    text = bytes_of(json_string_value(value), json_string_length(value));
    *out = NULL;
    if (text.len == 0)
        return STATUS_OK;
    if (memchr(text.data, '\0', text.len) != NULL)
        return STATUS_BAD_CONNECT;
    *out = bytes_dup(text);
    return *out != NULL ? STATUS_OK : STATUS_OUT_OF_MEMORY;
}

/* Sets one field of <next>, whose texts may still be those of <current>. */
static enum status set_field(const struct field *f, const json_t *value,
                             struct connect_options *current, struct connect_options *next)
{
    char *text;
    enum status st;

    switch (f->type) {
    case FLAG:
        if (!json_is_boolean(value))
            return STATUS_BAD_CONNECT;
        *(bool *)((char *)next + f->offset) = json_is_true(value);
        return STATUS_OK;
    case NUMBER:
        if (!json_is_integer(value))
            return STATUS_BAD_CONNECT;
        *(int64_t *)(void *)((char *)next + f->offset) = json_integer_value(value);
        return STATUS_OK;
    case TEXT:
    case SECRET:
        st = copy_text(value, &text);
        if (st != STATUS_OK)
            return st;
        if (*text_of(next, f) != *text_of(current, f)) /* named twice */
            drop_text(*text_of(next, f), f);
        *text_of(next, f) = text;
        return STATUS_OK;
    }
    return STATUS_BAD_CONNECT;
}

static enum status read_object(json_t *object, struct connect_options *current,
                               struct connect_options *next)
{
    const char *name;
    json_t *value;

    if (json_is_null(object)) /* names nothing, and is accepted by the reference */
        return STATUS_OK;
    if (!json_is_object(object))
        return STATUS_BAD_CONNECT;
    json_object_foreach(object, name, value)
    {
        const struct field *f = find_field(name);
        enum status st = STATUS_OK;

        if (f != NULL && !json_is_null(value))
            st = set_field(f, value, current, next);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

/* The library names every fault of the text; where it names none it had no memory. */
static enum status why_not(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    return code == json_error_unknown || code == json_error_out_of_memory ? STATUS_OUT_OF_MEMORY
                                                                          : STATUS_BAD_CONNECT;
}

enum status connect_read(struct bytes json, struct connect_options *options)
{
    struct connect_options next = *options;
    json_error_t error = {.text = ""};
    json_t *object = json_loadb(json.data, json.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    enum status st;

    if (object == NULL)
        return why_not(&error);
    st = read_object(object, options, &next);
    json_decref(object);
    if (st != STATUS_OK) {
        drop_difference(&next, options);
        return st;
    }
    drop_difference(options, &next);
    *options = next;
    return STATUS_OK;
}
