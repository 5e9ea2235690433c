#ifndef HOST_INSTANCE_NAME_H
#define HOST_INSTANCE_NAME_H

#include "base/error.h"

enum { INSTANCE_NAME_SIZE = 33 }; /* with the NUL */

#define INSTANCE_NAME_DEFAULT "default"

/**
 * Whether a text may name an instance: 1 to 32 of a-z, 0-9 and `-`, beginning and ending with a
 * letter or digit. It becomes a folder and a part of host names, so nothing else is taken.
 */
bool instance_name_check(const char *name, struct error *error);

#endif
