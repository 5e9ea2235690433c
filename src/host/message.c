#include "host/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void message_error(const struct error *error)
{
    /* The one cause that has the same remedy wherever it strikes. */
    bool is_full = strstr(error->text, strerror(ENOSPC)) != NULL;
    fprintf(stderr, "rootcell: %s%s\n", error->text,
            is_full ? "; free some space, then run the same command again" : "");
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
