#include "cli/outgoing.h"

#include "cli/headers.h"
#include "cli/report.h"
#include "lib/nats/subject.h"

#include <stdlib.h>
#include <string.h>

static bool has_blank(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

static bool is_wildcard(struct bytes token)
{
    return bytes_equal_str(token, "*") || bytes_equal_str(token, ">");
}

/* What is wrong with one token of a subject; NULL when nothing is. */
static const char *find_fault(struct bytes token, bool is_last, enum outgoing_subject_use use)
{
    if (token.len == 0)
        return "has an empty part";
    if (has_blank(token))
        return "has a blank or a control character in it";
    if (use == OUTGOING_TO_PUBLISH && is_wildcard(token))
        return "has a wildcard in it, which only a subscription may have";
    if (bytes_equal_str(token, ">") && !is_last)
        return "has a '>' that is not its last part";
    return NULL;
}

bool outgoing_check_subject(const char *what, const char *subject, enum outgoing_subject_use use)
{
    struct bytes rest = bytes_of_str(subject);
    struct bytes token;
    const char *fault = rest.len == 0 ? "is empty" : NULL;

    while (fault == NULL && subject_next_token(&rest, &token))
        fault = find_fault(token, rest.data == NULL, use);
    if (fault != NULL)
        report_error("%s '%s' %s", what, subject, fault);
    return fault == NULL;
}

bool outgoing_check_queue(const char *queue)
{
    if (*queue != '\0' && !has_blank(bytes_of_str(queue)))
        return true;
    report_error("--queue '%s' is empty or has a blank in it", queue);
    return false;
}

bool outgoing_check_headers(const struct args_list *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        const char *header = headers->items[i];
        size_t key_len = strcspn(header, ":");

        if (key_len == 0 || header[key_len] == '\0' || strcspn(header, " \t") < key_len ||
            strpbrk(header, "\r\n") != NULL) {
            report_error("a header is written 'Key: value' on one line, not '%s'", header);
            return false;
        }
    }
    return true;
}

static natsStatus add_header(natsMsg *msg, const char *header)
{
    size_t key_len = strcspn(header, ":");
    const char *value = header + key_len + 1;
    char *key = bytes_dup(bytes_of(header, key_len));
    natsStatus s;

    if (key == NULL)
        return NATS_NO_MEMORY;
    value += strspn(value, " \t");
    s = natsMsgHeader_Add(msg, key, value);
    free(key);
    return s;
}

struct header_copy {
    natsMsg *to;
    natsStatus status;
};

static void copy_header(const char *key, const char *const *values, int value_count, void *arg)
{
    struct header_copy *copy = arg;

    for (int i = 0; copy->status == NATS_OK && i < value_count; i++)
        copy->status = natsMsgHeader_Add(copy->to, key, values[i]);
}

static natsStatus copy_headers(natsMsg *to, natsMsg *from)
{
    struct header_copy copy = {.to = to, .status = NATS_OK};
    natsStatus s = headers_visit(from, copy_header, &copy);

    return s != NATS_OK ? s : copy.status;
}

natsStatus outgoing_publish(natsConnection *nats, const struct outgoing *out, natsMsg *copied)
{
    natsMsg *msg = NULL;
    natsStatus s =
        natsMsg_Create(&msg, out->subject, out->reply, out->payload.data, (int)out->payload.len);

    if (s == NATS_OK && copied != NULL)
        s = copy_headers(msg, copied);
    for (size_t i = 0; s == NATS_OK && i < out->headers->count; i++)
        s = add_header(msg, out->headers->items[i]);
    if (s == NATS_OK)
        s = natsConnection_PublishMsg(nats, msg);
    natsMsg_Destroy(msg);
    return s;
}
