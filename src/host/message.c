#include "host/message.h"

#include <stdarg.h>
#include <stdio.h>

void message_error(const struct error *error)
{
    fprintf(stderr, "rootcell: %s\n", error->text);
}

void message_note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("rootcell: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}
