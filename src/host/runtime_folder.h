#ifndef HOST_RUNTIME_FOLDER_H
#define HOST_RUNTIME_FOLDER_H

#include "base/error.h"

/**
 * The folder of an instance's sockets: a path in the instance's own folder can be longer than a
 * Unix socket takes.
 *
 * `$XDG_RUNTIME_DIR/rootcell/HASH`; where that variable is unset /run/rootcell/HASH for root, and
 * rootcell-UID/HASH in $TMPDIR or /tmp for others, owned by the caller.
 */
char *runtime_folder_path(const char *instance_folder);

/**
 * Make it and the one above it with mode 0700. Refuses folders that are links, belong to somebody
 * else or are open to others: whoever can write there can speak for our VMs.
 */
bool runtime_folder_make(const char *path, struct error *error);

/** Whether it exists and is ours alone. */
bool runtime_folder_is_ours(const char *path, struct error *error);

#endif
