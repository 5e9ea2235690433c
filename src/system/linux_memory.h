#ifndef SYSTEM_LINUX_MEMORY_H
#define SYSTEM_LINUX_MEMORY_H

#include <stddef.h>

/** Bytes of memory that this machine has. */
size_t linux_memory_bytes(void);

#endif
