#ifndef SYSTEM_PATH_EXCHANGE_H
#define SYSTEM_PATH_EXCHANGE_H

#include <stdbool.h>

/**
 * Two paths of one file system change places in one step: at no moment is either of them missing.
 * False, and nothing has changed, where the file system or the kernel cannot do that.
 */
bool path_exchange(const char *one, const char *other);

#endif
