#ifndef SYSTEM_LINUX_SECRET_H
#define SYSTEM_LINUX_SECRET_H

#include "base/bytes.h"
#include "base/error.h"

/*
 * A secret from a file, in pages of its own: locked where the system's limit allows it, left out
 * of every dump, and empty in each process that is forked, unless it is shared with that one.
 */

enum { LINUX_SECRET_BYTES_MAX = 16 * 1024 };

struct linux_secret {
    uint8_t *pages; /* owned; NULL: none */
    size_t length;
};

/** Read a regular file of at most LINUX_SECRET_BYTES_MAX bytes. */
bool linux_secret_read(const char *path, struct linux_secret *secret, struct error *error);

/** Is a process that is forked from now on to have it, too? */
bool linux_secret_share(const struct linux_secret *secret, bool is_shared, struct error *error);

struct bytes linux_secret_bytes(const struct linux_secret *secret);

/** Give the pages back. */
void linux_secret_done(struct linux_secret *secret);

#endif
