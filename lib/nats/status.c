#include "lib/nats/status.h"

#include <assert.h>
#include <stddef.h>

struct status_row {
    const char *name;
    const char *text;
    enum status_fate fate;
    const char *reason;
};

static const struct status_row rows[] = {
#define STATUS_ROW(name, text, fate, reason) [name] = {#name, text, fate, reason},
    STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

static const struct status_row *row_of(enum status st)
{
    assert((size_t)st < sizeof rows / sizeof rows[0]);
    return &rows[st];
}

const char *status_text(enum status st)
{
    return row_of(st)->text;
}

enum status_fate status_fate(enum status st)
{
    return row_of(st)->fate;
}

const char *status_reason(enum status st)
{
    return row_of(st)->reason;
}

const char *status_name(enum status st)
{
    return row_of(st)->name + sizeof "STATUS_" - 1;
}
