#include "host/disk_header.h"

#include "base/memory.h"
#include "base/reader.h"
#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 0x514649fb, VERSION_LOW = 2, VERSION_HIGH = 3 };

static uint64_t read_u64(struct reader *reader)
{
    uint64_t high = reader_u32(reader);
    return high << 32 | reader_u32(reader);
}

bool disk_header_parse(struct bytes start, struct disk_header *header, struct error *error)
{
    struct reader reader = reader_over(start);
    uint32_t magic = reader_u32(&reader), version = reader_u32(&reader);
    uint64_t backing_offset = read_u64(&reader);
    uint32_t backing_length = reader_u32(&reader);
    reader_u32(&reader); /* cluster bits */
    struct disk_header found = {.size_bytes = read_u64(&reader)};
    if (reader_is_failed(&reader) || magic != MAGIC || version < VERSION_LOW ||
        version > VERSION_HIGH)
        return error_set(error, "not a qcow2 disk");
    if (backing_offset >= start.length || backing_length >= sizeof(found.backing_file) ||
        backing_length > start.length - backing_offset)
        return error_set(error, "the name of the image below lies outside the header");
    if (backing_offset > 0 && backing_length > 0)
        memcpy(found.backing_file, start.data + backing_offset, backing_length);
    *header = found;
    return true;
}

bool disk_header_read(const char *path, struct disk_header *header, struct error *error)
{
    CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", path);
    CLEANUP_FREE uint8_t *block = memory_new(DISK_HEADER_BYTES);
    ssize_t got = pread(fd, block, DISK_HEADER_BYTES, 0);
    if (got < 0)
        return error_set_errno(error, errno, "%s", path);
    return disk_header_parse((struct bytes){block, (size_t)got}, header, error) ||
           error_add_context(error, "%s", path);
}
