#include "lib/net/net_error.h"

#include <stdarg.h>
#include <stdio.h>

void net_error_set(struct net_error *error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
}
