#include "lib/nats/server_info.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>

enum type { TEXT, NUMBER, ID, FLAG, URLS };

struct field {
    const char *name;
    enum type type;
    bool always; /* written even when it is empty, 0 or false */
    size_t offset;
};

/* In the order in which they are written. */
static const struct field fields[] = {
#define FIELD(name, type, always)                                                                  \
    {                                                                                              \
#name, type, always, offsetof(struct server_info, name)                                    \
    }
    FIELD(server_id, TEXT, true),
    FIELD(server_name, TEXT, true),
    FIELD(version, TEXT, true),
    FIELD(proto, NUMBER, true),
    FIELD(git_commit, TEXT, false),
    FIELD(go, TEXT, false),
    FIELD(host, TEXT, true),
    FIELD(port, NUMBER, true),
    FIELD(headers, FLAG, true),
    FIELD(auth_required, FLAG, false),
    FIELD(tls_required, FLAG, false),
    FIELD(tls_verify, FLAG, false),
    FIELD(tls_available, FLAG, false),
    FIELD(max_payload, NUMBER, true),
    FIELD(ip, TEXT, false),
    FIELD(client_id, ID, false),
    FIELD(client_ip, TEXT, false),
    FIELD(nonce, TEXT, false),
    FIELD(cluster, TEXT, false),
    FIELD(cluster_dynamic, FLAG, false),
    FIELD(connect_urls, URLS, false),
    FIELD(ws_connect_urls, URLS, false),
    FIELD(ldm, FLAG, false),
#undef FIELD
};

#define FIELD_COUNT (sizeof fields / sizeof fields[0])

/* ---- writing ---- */

static json_t *urls_to_json(const struct server_urls *urls)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < urls->count; i++) {
        if (json_array_append_new(list, json_string(urls->items[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static bool is_empty(const struct field *f, const void *value)
{
    switch (f->type) {
    case TEXT:
        return *(const char *const *)value == NULL || **(const char *const *)value == '\0';
    case NUMBER:
        return *(const int64_t *)value == 0;
    case ID:
        return *(const uint64_t *)value == 0;
    case FLAG:
        return !*(const bool *)value;
    case URLS:
        return ((const struct server_urls *)value)->count == 0;
    }
    return true;
}

static json_t *value_to_json(const struct field *f, const void *value)
{
    switch (f->type) {
    case TEXT:
        return json_string(is_empty(f, value) ? "" : *(const char *const *)value);
    case NUMBER:
        return json_integer(*(const int64_t *)value);
    case ID:
        return json_integer((int64_t)(*(const uint64_t *)value));
    case FLAG:
        return json_boolean(*(const bool *)value);
    case URLS:
        return urls_to_json(value);
    }
    return NULL;
}

static json_t *info_to_json(const struct server_info *info)
{
    json_t *object = json_object();

    for (size_t i = 0; object != NULL && i < FIELD_COUNT; i++) {
        const struct field *f = &fields[i];
        const void *value = (const char *)info + f->offset;

        if (!f->always && is_empty(f, value))
            continue;
        if (json_object_set_new_nocheck(object, f->name, value_to_json(f, value)) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

size_t server_info_write(const struct server_info *info, char *out, size_t cap)
{
    static const char head[] = "INFO ";
    static const char tail[] = " \r\n"; /* the blank is the reference's, and some wait for it */
    const size_t head_len = sizeof head - 1;
    const size_t tail_len = sizeof tail - 1;
    size_t room;
    size_t len;
    json_t *object;

    if (cap <= head_len + tail_len)
        return 0;
    object = info_to_json(info);
    if (object == NULL)
        return 0;
    room = cap - head_len - tail_len;
    len = json_dumpb(object, out + head_len, room, JSON_COMPACT);
    json_decref(object);
    if (len == 0 || len > room)
        return 0;
    memcpy(out, head, head_len);
    memcpy(out + head_len + len, tail, tail_len);
    return head_len + len + tail_len;
}

/* ---- reading ---- */

/* One block holds the pointers of the lists and then the texts. */
struct store {
    const char **next_item;
    char *next_text;
};

static bool is_list_of_strings(const json_t *value)
{
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_string(json_array_get(value, i)))
            return false;
    }
    return true;
}

static bool has_type(const json_t *value, enum type type)
{
    switch (type) {
    case TEXT:
        return json_is_string(value);
    case NUMBER:
        return json_is_integer(value);
    case ID:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case FLAG:
        return json_is_boolean(value);
    case URLS:
        return is_list_of_strings(value);
    }
    return false;
}

/* Checks the types of all fields that are there, and counts the items of the lists. */
static bool check_fields(const json_t *object, size_t *item_count)
{
    *item_count = 0;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const json_t *value = json_object_get(object, fields[i].name);

        if (value == NULL || json_is_null(value))
            continue;
        if (!has_type(value, fields[i].type))
            return false;
        if (fields[i].type == URLS)
            *item_count += json_array_size(value);
    }
    return true;
}

static const char *store_text(struct store *store, const json_t *value)
{
    size_t size = json_string_length(value) + 1;
    char *text = store->next_text;

    memcpy(text, json_string_value(value), size);
    store->next_text += size;
    return text;
}

static struct server_urls store_urls(struct store *store, const json_t *value)
{
    struct server_urls urls = {store->next_item, json_array_size(value)};

    for (size_t i = 0; i < urls.count; i++)
        *store->next_item++ = store_text(store, json_array_get(value, i));
    return urls;
}

static void store_field(struct store *store, const json_t *value, enum type type, void *out)
{
    switch (type) {
    case TEXT:
        *(const char **)out = store_text(store, value);
        break;
    case NUMBER:
        *(int64_t *)out = json_integer_value(value);
        break;
    case ID:
        *(uint64_t *)out = (uint64_t)json_integer_value(value);
        break;
    case FLAG:
        *(bool *)out = json_is_true(value);
        break;
    case URLS:
        *(struct server_urls *)out = store_urls(store, value);
        break;
    }
}

/* A text's quotes in <json> leave room for its NUL, and unescaping never lengthens it: so all texts
 * together need no more than the JSON itself. */
static enum status read_object(const json_t *object, size_t json_len, struct server_info *out)
{
    struct server_info info = {.memory = NULL};
    struct store store;
    size_t item_count;

    if (!json_is_object(object) || !check_fields(object, &item_count))
        return STATUS_BAD_ARGUMENTS;
    info.memory = malloc(item_count * sizeof(char *) + json_len);
    if (info.memory == NULL)
        return STATUS_OUT_OF_MEMORY;
    store.next_item = info.memory;
    store.next_text = (char *)info.memory + item_count * sizeof(char *);
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const json_t *value = json_object_get(object, fields[i].name);

        if (value != NULL && !json_is_null(value))
            store_field(&store, value, fields[i].type, (char *)&info + fields[i].offset);
    }
    *out = info;
    return STATUS_OK;
}

/* The library names every fault of the text; where it names none it had no memory. */
static enum status why_not(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);

    return code == json_error_unknown || code == json_error_out_of_memory ? STATUS_OUT_OF_MEMORY
                                                                          : STATUS_BAD_ARGUMENTS;
}

enum status server_info_read(struct bytes json, struct server_info *out)
{
    json_error_t error = {.text = ""};
    json_t *object = json_loadb(json.data, json.len, 0, &error);
    enum status st;

    if (object == NULL)
        return why_not(&error);
    st = read_object(object, json.len, out);
    json_decref(object);
    return st;
}

void server_info_fini(struct server_info *info)
{
    free(info->memory);
    *info = (struct server_info){.memory = NULL};
}
