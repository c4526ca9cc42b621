#include "cli/headers.h"

#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static natsStatus visit_key(natsMsg *msg, const char *key, headers_visit_fn *visit, void *arg)
{
    const char **values = NULL;
    int count = 0;
    natsStatus s = natsMsgHeader_Values(msg, key, &values, &count);

    if (s == NATS_OK)
        visit(key, values, count, arg);
    free(values);
    return s;
}

natsStatus headers_visit(natsMsg *msg, headers_visit_fn *visit, void *arg)
{
    const char **keys = NULL;
    int count = 0;
    natsStatus s = natsMsgHeader_Keys(msg, &keys, &count);

    if (s == NATS_NOT_FOUND)
        return NATS_OK;
    if (s == NATS_OK)
        qsort(keys, (size_t)count, sizeof keys[0], compare_keys);
    for (int i = 0; s == NATS_OK && i < count; i++)
        s = visit_key(msg, keys[i], visit, arg);
    free(keys);
    return s;
}
