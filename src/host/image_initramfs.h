#ifndef HOST_IMAGE_INITRAMFS_H
#define HOST_IMAGE_INITRAMFS_H

#include "host/image_tree.h"

/**
 * The initramfs of a VM: a tree of the few files that it needs, packed as a cpio archive and
 * compressed. Padded, so that the archive of an instance can be written behind it.
 */

/**
 * Add to `initramfs` the kernel modules that the text names (one a line, `#` comments) and those
 * that they need, from the module tree of `system`, as /modules/NAME.ko, with /modules/list in the
 * order in which they must be loaded. Modules built into the kernel are left out; one that is
 * neither is an error. `kernel` is the kernel's version.
 */
bool image_initramfs_add_modules(struct image_tree *initramfs, const struct image_tree *system,
                                 const char *kernel, struct bytes names, struct error *error);

/**
 * Add the files that the text names (one path a line, `#` comments; @TRIPLE@ and @LOADER@ stand for
 * the architecture's) from `system`, following links. Paths in /bin, /sbin and /lib go below /usr.
 */
bool image_initramfs_add_files(struct image_tree *initramfs, const struct image_tree *system,
                               const char *architecture, struct bytes names, struct error *error);

/** Add a link in /usr/bin to busybox for each name in the text. */
void image_initramfs_add_applets(struct image_tree *initramfs, struct bytes names);

/**
 * Pack the sorted tree into the file `path`, behind the contents of the file `base` (or NULL),
 * whose entries it replaces where both have one.
 */
bool image_initramfs_write(const struct image_tree *initramfs, const char *base, const char *path,
                           struct error *error);

/** The next name of such a text; false at its end. */
bool image_initramfs_next_name(struct bytes *rest, struct bytes *name);

#endif
