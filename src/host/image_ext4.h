#ifndef HOST_IMAGE_EXT4_H
#define HOST_IMAGE_EXT4_H

#include "host/image_tree.h"

/**
 * Write a tree as a raw ext4 image. mke2fs makes the empty file system; the files are put in
 * through libext2fs in the order of the tree, because mke2fs's own `-d` takes them in the order of
 * the host's folders and needs them unpacked with their owners, which is root's work. The same
 * tree gives the same bytes.
 */
struct image_ext4_request {
    const struct image_tree *tree; /* borrowed, sorted */
    const char *path;              /* replaced when it exists */
    const char *label;             /* at most 16 bytes */
    const char *uuid;              /* of the file system and its hash seed */
    uint64_t spare_bytes;          /* room beside the files */
    uint64_t time_seconds;         /* when the file system says that it was made */
    bool has_journal;              /* no for images that are only ever read */
    /* Called now and then with bytes done and in all; may be NULL. */
    void (*on_progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

bool image_ext4_write(const struct image_ext4_request *request, struct error *error);

#endif
