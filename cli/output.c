#include "cli/output.h"

#include "cli/headers.h"
#include "cli/json.h"
#include "cli/report.h"
#include "lib/base/bytes.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

#define BOLD "\033[1;36m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

static enum { FOR_PEOPLE, AS_PAYLOAD, AS_JSON } form;
static bool is_coloured;
static int write_errno; /* of the first write that failed */

bool output_open(const struct command_common *common)
{
    if (common->is_raw && common->is_json) {
        report_error("--raw and --json exclude each other");
        return false;
    }
    form = common->is_raw ? AS_PAYLOAD : common->is_json ? AS_JSON : FOR_PEOPLE;
    is_coloured = report_colour_suits(STDOUT_FILENO);
    setvbuf(stdout, NULL, _IOFBF, BUFFER_BYTES);
    return true;
}

static const char *colour(const char *sequence)
{
    return is_coloured ? sequence : "";
}

/* True for what a terminal may act upon: C0 but tab and line break, DEL, and C1 as UTF-8 writes it.
 */
static bool is_control(const unsigned char *at, const unsigned char *end)
{
    if (*at == '\t' || *at == '\n')
        return false;
    if (*at < ' ' || *at == 0x7f)
        return true;
    return *at == 0xc2 && at + 1 < end && at[1] >= 0x80 && at[1] < 0xa0;
}

static void print_for_people(struct bytes text)
{
    const unsigned char *at = (const unsigned char *)text.data;
    const unsigned char *end = at + text.len;

    for (; at < end; at++) {
        if (!is_control(at, end)) {
            putc_unlocked(*at, stdout);
            continue;
        }
        printf("\\x%02x", *at);
        if (*at == 0xc2)
            printf("\\x%02x", *++at);
    }
}

static void print_text(const char *text)
{
    print_for_people(bytes_of_str(text));
}

static void print_header(const char *key, const char *const *values, int value_count, void *arg)
{
    (void)arg;
    for (int i = 0; i < value_count; i++) {
        fputs(colour(DIM), stdout);
        print_text(key);
        fputs(": ", stdout);
        print_text(values[i]);
        printf("%s\n", colour(PLAIN));
    }
}

static void print_message_for_people(const struct output_message *m)
{
    const char *reply = natsMsg_GetReply(m->msg);
    struct bytes payload = bytes_of(natsMsg_GetData(m->msg), (size_t)natsMsg_GetDataLength(m->msg));

    printf("%s[#%" PRIu64 "] ", colour(BOLD), m->number);
    print_text(m->origin != NULL ? m->origin : natsMsg_GetSubject(m->msg));
    fputs(colour(PLAIN), stdout);
    if (reply != NULL && *reply != '\0') {
        fputs(", reply to ", stdout);
        print_text(reply);
    }
    putchar('\n');
    headers_visit(m->msg, print_header, NULL);
    print_for_people(payload);
    if (payload.len > 0 && payload.data[payload.len - 1] != '\n')
        putchar('\n');
    putchar('\n');
}

/* Remembers why, before anything else changes errno. */
static bool note_failure(bool is_written)
{
    if (!is_written && write_errno == 0)
        write_errno = errno;
    return is_written;
}

bool output_message(const struct output_message *m)
{
    switch (form) {
    case FOR_PEOPLE:
        print_message_for_people(m);
        break;
    case AS_PAYLOAD:
        fwrite(natsMsg_GetData(m->msg), 1, (size_t)natsMsg_GetDataLength(m->msg), stdout);
        putchar('\n');
        break;
    case AS_JSON:
        if (!json_print_message(m))
            return note_failure(false);
        break;
    }
    return note_failure(!ferror(stdout));
}

bool output_flush(void)
{
    return note_failure(fflush(stdout) == 0 && !ferror(stdout));
}

bool output_is_abandoned(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    if (poll(&out, 1, 0) != 1 || (out.revents & (POLLERR | POLLHUP)) == 0)
        return false;
    write_errno = EPIPE;
    return true;
}

void output_explain_failure(void)
{
    if (write_errno != EPIPE)
        report_error("cannot write to standard output: %s", strerror(write_errno));
}
