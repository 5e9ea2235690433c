#ifndef HOST_IMAGE_TREE_H
#define HOST_IMAGE_TREE_H

#include "base/bytes.h"
#include "base/error.h"
#include "record/tar_reader.h"

/**
 * The files of an image as a value: read from tar archives that stay mapped, with files added or
 * replaced, and then written as an ext4 image or an initramfs. No file is ever unpacked to the
 * host's disk, so neither root nor a user namespace is needed, and the order is always the same.
 */

struct image_node {
    char *path; /* owned; no leading slash */
    char *link; /* owned; links only, else NULL */
    enum tar_type type;
    uint32_t mode; /* permission bits */
    uint32_t user, group;
    uint64_t time_seconds;
    struct bytes content; /* borrowed from a mapping or a kept block */
};

struct image_tree {
    struct image_node *nodes; /* owned; unordered until image_tree_sort */
    size_t count, allocated;
    void **kept; /* owned blocks that contents point into */
    size_t kept_count;
    struct bytes *mapped; /* owned mappings */
    size_t mapped_count;
};

void image_tree_init(struct image_tree *tree);
void image_tree_done(struct image_tree *tree);

/** Map a file for as long as the tree lives. */
bool image_tree_map_file(struct image_tree *tree, const char *path, struct bytes *content,
                         struct error *error);
/** Hand over a block that was allocated; freed with the tree. */
void image_tree_keep(struct image_tree *tree, void *block);

/**
 * Add the entries of a tar archive whose path starts with `prefix`, put below `folder` instead
 * ("" for the root). Device files are left out. `owner_is_root` gives all to root and clears
 * set-id bits and times, for archives whose owners mean nothing.
 */
bool image_tree_add_tar(struct image_tree *tree, struct bytes archive, const char *prefix,
                        const char *folder, bool owner_is_root, struct error *error);

/* Add one; what has this path already is replaced when the tree is sorted. */
void image_tree_add_directory(struct image_tree *tree, const char *path, uint32_t mode);
void image_tree_add_file(struct image_tree *tree, const char *path, uint32_t mode,
                         struct bytes content);
void image_tree_add_symlink(struct image_tree *tree, const char *path, const char *target);
/** The copy of a text that may go away. */
void image_tree_add_text(struct image_tree *tree, const char *path, uint32_t mode,
                         const char *text);

/**
 * Add the files below a folder of the host; executable ones become 0755, others 0644, all owned by
 * root. Symbolic links are taken as they are.
 */
bool image_tree_add_folder(struct image_tree *tree, const char *host_folder, const char *folder,
                           struct error *error);

/** Take out what stands at `path`, and below it. */
void image_tree_remove(struct image_tree *tree, const char *path);

/** Give what stands at `path` and below to this user. */
void image_tree_set_owner(struct image_tree *tree, const char *path, uint32_t user, uint32_t group);

/**
 * Order by path, parents first; of several nodes with one path the last added stays; parents that
 * are missing are made (root, 0755). Set times to at most `latest_seconds`.
 */
void image_tree_sort(struct image_tree *tree, uint64_t latest_seconds);

/** The node of a sorted tree, borrowed, or NULL. */
const struct image_node *image_tree_find(const struct image_tree *tree, const char *path);

/** As image_tree_find, following symbolic links in every part, as the guest would. */
const struct image_node *image_tree_resolve(const struct image_tree *tree, const char *path);

#endif
