#ifndef SYSTEM_LINUX_LANDLOCK_H
#define SYSTEM_LINUX_LANDLOCK_H

#include "base/error.h"

enum linux_landlock_network {
    LINUX_LANDLOCK_CONNECT_ONLY, /* TCP connections out, no TCP listener */
    LINUX_LANDLOCK_NO_NETWORK,   /* neither */
};

/** Version of the kernel's Landlock, 0 for none. */
int linux_landlock_version(void);

/**
 * Shut this process out of every file system, of binding TCP ports, and, as far as the kernel has
 * it, of connecting, of abstract Unix sockets and of signals to others, for good. Needs
 * no_new_privs. A kernel without Landlock is no error: it is a second wall behind the first.
 */
bool linux_landlock_enter(enum linux_landlock_network network, struct error *error);

#endif
