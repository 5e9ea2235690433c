#ifndef HOST_BOOT_FILES_H
#define HOST_BOOT_FILES_H

#include "host/instance.h"

/**
 * What a VM gets at its start beside the image: its configuration, keys, CA and policy, as a second
 * archive behind the image's initramfs, in one file of mode 0600 in the runtime folder.
 *
 * `layers` are the names of the agent's layer disks. Remove the file once the VM runs.
 */
bool boot_files_write(const struct instance *instance, enum vm_role role,
                      const char *image_initramfs, const char *const *layers, size_t layer_count,
                      const char *path, struct error *error);

/** The PEM file of the CAs that upstream servers are checked with; owned by the caller. */
char *boot_files_find_upstream_ca(const struct settings *settings, struct error *error);

#endif
