#ifndef HOST_IMAGE_NPM_H
#define HOST_IMAGE_NPM_H

#include "base/buffer.h"
#include "base/error.h"
#include "host/image_tree.h"
#include "record/manifest.h"

/* What an image takes from npm: packages pinned by version and sha512, as plain tarballs. */

/** A line of npm-packages.txt: `ROLE NAME VERSION INTEGRITY [ARCHITECTURE]`. */
struct image_npm_package {
    char role[32]; /* node, npm, pi: where its files go */
    struct manifest_package package;
};

/** The package that has this role on this architecture. */
bool image_npm_find_package(struct bytes list, const char *role, const char *architecture,
                            struct image_npm_package *package, struct error *error);

/**
 * The registry of this host, with a slash at the end, owned by the caller: npm's own variable, what
 * `npm config get registry` says, or what the user's or the system's npmrc says. NULL when none of
 * them knows one.
 */
char *image_npm_find_registry(void);

/** The default registry in the sources of the npm client (`definitions.js`), owned, or NULL. */
char *image_npm_default_registry(struct bytes definitions);

/**
 * Fetch the tarball into `folder` unless it is there, check its hash, and map its unpacked archive
 * into the tree for image_tree_add_tar.
 */
bool image_npm_fetch(const char *registry, const struct image_npm_package *package,
                     const char *folder, struct image_tree *tree, struct bytes *archive,
                     void (*on_progress)(void *context, uint64_t done, uint64_t total),
                     void *context, struct error *error);

/** The policy group that lets the guest's npm use this registry. */
bool image_npm_write_group(const char *registry, struct buffer *group, struct error *error);

#endif
