#ifndef HOST_DISK_HEADER_H
#define HOST_DISK_HEADER_H

#include "base/bytes.h"
#include "base/error.h"

enum { DISK_HEADER_BYTES = 64 * 1024, DISK_HEADER_PATH_SIZE = 1024 };

/** What the start of a qcow2 disk says (docs/interop/qcow2.txt of QEMU). */
struct disk_header {
    uint64_t size_bytes;                      /* of the disk, as the guest sees it */
    char backing_file[DISK_HEADER_PATH_SIZE]; /* the image below it; empty for none */
};

/** Read the first bytes of a disk (at most DISK_HEADER_BYTES are looked at). */
bool disk_header_parse(struct bytes start, struct disk_header *header, struct error *error);

/** The same from a file. */
bool disk_header_read(const char *path, struct disk_header *header, struct error *error);

#endif
