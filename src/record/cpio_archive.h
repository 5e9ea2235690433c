#ifndef RECORD_CPIO_ARCHIVE_H
#define RECORD_CPIO_ARCHIVE_H

#include "base/buffer.h"

/**
 * A writer of `newc` archives, the only kind that Linux unpacks as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's tree).
 *
 * Everything is owned by root and dated to the epoch, so the same entries give the same bytes.
 * Parents are not made by themselves: add a directory before what is in it.
 *
 * The kernel unpacks several archives that stand one after the other, each compressed or not; an
 * uncompressed one must start at a multiple of 4 bytes. cpio_archive_finish pads to
 * CPIO_ARCHIVE_ALIGNMENT, and so are the initramfs files of an image, so the archive of an instance
 * is simply written behind them. Later entries replace earlier ones of the same path.
 */
struct cpio_archive {
    struct buffer *out;  /* borrowed */
    uint32_t next_inode; /* each entry is a file of its own */
    size_t start;        /* buffer_length(out) where the archive began */
};

enum { CPIO_ARCHIVE_ALIGNMENT = 512 };

/** Start an archive at the end of `out`, whose cap is the largest size that it may have. */
void cpio_archive_init(struct cpio_archive *archive, struct buffer *out);

/*
 * Entries. `path` has no leading slash and no `.` or `..` part (CHECK); `mode` holds permission
 * bits only. False when the cap of the buffer would be exceeded; the archive is then of no use.
 */
bool cpio_archive_add_directory(struct cpio_archive *archive, const char *path, uint32_t mode)
    __attribute__((warn_unused_result));
bool cpio_archive_add_file(struct cpio_archive *archive, const char *path, uint32_t mode,
                           struct bytes content) __attribute__((warn_unused_result));
bool cpio_archive_add_symlink(struct cpio_archive *archive, const char *path, const char *target)
    __attribute__((warn_unused_result));
/** A character device: the kernel wants /dev/console before anything is mounted. */
bool cpio_archive_add_character_device(struct cpio_archive *archive, const char *path,
                                       uint32_t mode, uint32_t major, uint32_t minor)
    __attribute__((warn_unused_result));

/** The end mark and the padding. */
bool cpio_archive_finish(struct cpio_archive *archive) __attribute__((warn_unused_result));

#endif
