#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool error_set(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_errno(struct error *error, int number, const char *format, ...)
{
    char context[ERROR_TEXT_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    return error_set(error, "%s: %s", context, strerror(number));
}

bool error_add_context(struct error *error, const char *format, ...)
{
    char context[ERROR_TEXT_SIZE / 2];
    char cause[ERROR_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(context, sizeof(context), format, arguments);
    va_end(arguments);
    memcpy(cause, error->text, sizeof(cause));
    snprintf(error->text, sizeof(error->text), "%s: %.*s", context,
             (int)(sizeof(error->text) - sizeof(context) - 3), cause);
    return false;
}
