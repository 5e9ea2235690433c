#ifndef INIT_GUEST_FILE_H
#define INIT_GUEST_FILE_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Files that are set at each boot. Unlike file_write_atomic nothing is synced: what a crash loses
 * is written again by the next boot.
 */

/** Make `path` hold these bytes with this mode; a file that does so already is left alone. */
bool guest_file_write(const char *path, mode_t mode, struct bytes content, struct error *error);

/** The same with a text made by printf. */
bool guest_file_write_format(const char *path, mode_t mode, struct error *error, const char *format,
                             ...) __attribute__((format(printf, 4, 5)));

/** Copy a file of at most GUEST_FILE_LIMIT bytes, without syncing. */
bool guest_file_copy(const char *from, const char *to, mode_t mode, struct error *error);

/**
 * The content of a file that is deleted once it is read, as a sealed descriptor that no path leads
 * to. -1 on failure.
 */
int guest_file_take_secret(const char *path, struct error *error);

enum { GUEST_FILE_LIMIT = 4 * 1024 * 1024 };

#endif
