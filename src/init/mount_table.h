#ifndef INIT_MOUNT_TABLE_H
#define INIT_MOUNT_TABLE_H

#include <stddef.h>

#include "base/error.h"

/** The kernel's file systems that both machines need: /proc, /sys, /dev, /dev/pts and /run. */
bool mount_table_mount_kernel(struct error *error);

/** Move what mount_table_mount_kernel mounted below the new root (but for /run, which goes). */
bool mount_table_move_to(const char *root, struct error *error);

/**
 * The device file (`/dev/vda`) of the disk whose serial number is `serial`. Waits up to
 * `timeout_ms` for it to appear.
 */
bool mount_table_find_disk(const char *serial, int timeout_ms, char *device, size_t size,
                           struct error *error);

/** Mount the disk of that serial number, trying each of the NULL-terminated file system types. */
bool mount_table_mount_disk(const char *serial, const char *folder, const char *const *types,
                            unsigned long flags, struct error *error);

#endif
