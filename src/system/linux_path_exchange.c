#include "system/path_exchange.h"

#include <fcntl.h>
#include <stdio.h>

bool path_exchange(const char *one, const char *other)
{
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) == 0;
}
