#include "host/instance_name.h"

#include "base/printable.h"

#include <string.h>

static bool is_allowed(const char *name, size_t length)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    return length > 0 && length < INSTANCE_NAME_SIZE && strspn(name, alphabet) == length &&
           name[0] != '-' && name[length - 1] != '-';
}

bool instance_name_check(const char *name, struct error *error)
{
    if (is_allowed(name, strlen(name)))
        return true;
    char shown[80];
    return error_set(error,
                     "instance name \"%s\": not allowed; use 1 to %d of a-z, 0-9 and -, with a "
                     "letter or digit at both ends",
                     printable_text(bytes_from_text(name), shown, sizeof(shown)),
                     INSTANCE_NAME_SIZE - 1);
}
