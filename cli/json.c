#include "cli/json.h"

#include "cli/headers.h"
#include "lib/base/bytes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* RFC 4648, with padding. NULL when memory is out; the caller frees it. */
static char *encode_base64(struct bytes in)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = malloc((in.len + 2) / 3 * 4 + 1);
    char *end = out;

    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < in.len; i += 3) {
        size_t left = in.len - i;
        uint32_t three = (uint32_t)(unsigned char)in.data[i] << 16;

        if (left > 1)
            three |= (uint32_t)(unsigned char)in.data[i + 1] << 8;
        if (left > 2)
            three |= (unsigned char)in.data[i + 2];
        *end++ = digits[three >> 18];
        *end++ = digits[three >> 12 & 63];
        *end++ = left > 1 ? digits[three >> 6 & 63] : '=';
        *end++ = left > 2 ? digits[three & 63] : '=';
    }
    *end = '\0';
    return out;
}

/* A JSON string of <text>: as UTF-8 if it is, else byte by byte as Latin-1. */
static json_t *make_text(const char *text)
{
    size_t len = strlen(text);
    json_t *string = json_stringn(text, len); /* NULL when not UTF-8 */
    char *utf8 = string == NULL ? malloc(2 * len + 1) : NULL;
    char *end = utf8;

    if (utf8 == NULL)
        return string;
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte >= 0x80)
            *end++ = (char)(0xc0 | byte >> 6);
        *end++ = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3f) : byte);
    }
    string = json_stringn(utf8, (size_t)(end - utf8));
    free(utf8);
    return string;
}

/* The json_..._new functions take the reference of what they are given, and refuse NULL. */
static bool add_payload(json_t *object, struct bytes payload)
{
    json_t *text = json_stringn(payload.len > 0 ? payload.data : "", payload.len);
    char *encoded;
    int failed;

    if (text != NULL)
        return json_object_set_new(object, "payload", text) == 0;
    encoded = encode_base64(payload);
    if (encoded == NULL)
        return false;
    failed = json_object_set_new(object, "payload_base64", json_string_nocheck(encoded));
    free(encoded);
    return failed == 0;
}

/* The headers as they grow: {"Key":["value","second value"]}. */
struct header_object {
    json_t *object; /* NULL until there is one */
    bool is_out_of_memory;
};

static void add_header(const char *key, const char *const *values, int value_count, void *arg)
{
    struct header_object *headers = arg;
    json_t *name = make_text(key);
    json_t *list = json_array();

    if (headers->object == NULL)
        headers->object = json_object();
    for (int i = 0; i < value_count; i++)
        if (json_array_append_new(list, make_text(values[i])) != 0)
            headers->is_out_of_memory = true;
    if (json_object_set_new(headers->object, json_string_value(name), list) != 0)
        headers->is_out_of_memory = true;
    json_decref(name);
}

static bool add_headers(json_t *object, natsMsg *msg)
{
    struct header_object headers = {0};
    bool is_visited = headers_visit(msg, add_header, &headers) == NATS_OK;

    if (headers.object != NULL && json_object_set_new(object, "headers", headers.object) != 0)
        return false;
    return is_visited && !headers.is_out_of_memory;
}

static bool fill_object(json_t *object, const struct output_message *m)
{
    const char *reply = natsMsg_GetReply(m->msg);
    struct bytes payload = bytes_of(natsMsg_GetData(m->msg), (size_t)natsMsg_GetDataLength(m->msg));

    if (json_object_set_new(object, "subject", make_text(natsMsg_GetSubject(m->msg))) != 0)
        return false;
    if (reply != NULL && *reply != '\0' &&
        json_object_set_new(object, "reply", make_text(reply)) != 0)
        return false;
    if (!add_headers(object, m->msg))
        return false;
    if (m->rtt_ms >= 0 && json_object_set_new(object, "rtt_ms", json_real(m->rtt_ms)) != 0)
        return false;
    return add_payload(object, payload);
}

bool json_print_message(const struct output_message *m)
{
    json_t *object = json_object();
    bool is_printed = object != NULL && fill_object(object, m) &&
                      json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)) == 0 &&
                      putchar('\n') != EOF;

    json_decref(object);
    return is_printed;
}
