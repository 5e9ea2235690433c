#ifndef SYSTEM_FILE_H
#define SYSTEM_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <sys/types.h>

/** Close a file descriptor when its variable leaves scope; -1 is none. */
void file_close_cleanup(int *fd);
#define CLEANUP_FD __attribute__((cleanup(file_close_cleanup)))

/** Anything at all stands at this path (a dangling link counts). */
bool file_exists(const char *path);
bool file_is_directory(const char *path);
/** Bytes of the regular file, or -1. */
int64_t file_size(const char *path);

/**
 * Append the whole regular file to `contents`. Fails when it cannot be read, is no regular file,
 * or does not fit under the buffer's cap.
 */
bool file_read(const char *path, struct buffer *contents, struct error *error);

/** All bytes to a descriptor, over partial writes and signals. */
bool file_write_all(int fd, struct bytes contents, struct error *error);

/**
 * Replace the file: written beside it, synced, renamed over it, so a reader or a crash sees the old
 * contents or the new, never a part. The old file stays on failure (a full disk, for one).
 */
bool file_write_atomic(const char *path, struct bytes contents, mode_t mode, struct error *error);
/** The same, but nothing is written when the file is there as it should be: a full disk is no
 * obstacle then. */
bool file_update_atomic(const char *path, struct bytes contents, mode_t mode, struct error *error);

/** Remove what writers that were killed have left beside their files in this folder. */
void file_remove_leftovers(const char *folder);

/** Make the folder and those above it that are missing; existing ones keep their mode. */
bool file_make_directories(const char *path, mode_t mode, struct error *error);

/** Copy a regular file atomically into `to`, sparse where it has holes. */
bool file_copy(const char *from, const char *to, mode_t mode, struct error *error);
/** Copy a folder's files, folders and symbolic links; what stands in `to` already is kept. */
bool file_copy_tree(const char *from, const char *to, struct error *error);

/** Delete a file or folder with all below it, following no link. Nothing there is success. */
bool file_remove_tree(const char *path, struct error *error);

/** Bytes that an ordinary user may still write on the file system of `path`. */
bool file_free_bytes(const char *path, uint64_t *free_bytes, struct error *error);

#endif
