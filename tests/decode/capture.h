#ifndef TESTS_DECODE_CAPTURE_H
#define TESTS_DECODE_CAPTURE_H

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>

enum { CAPTURE_BYTES_MAX = 1024 * 1024 };

/** The file tests/captures/NAME; release with buffer_done. */
static inline struct buffer capture_read(const char *name)
{
    CLEANUP_FREE char *path = memory_format("%s/%s", TEST_CAPTURES, name);
    struct buffer capture;
    size_t room = 0;
    buffer_init(&capture, CAPTURE_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    CHECK(file);
    uint8_t *space = buffer_reserve(&capture, CAPTURE_BYTES_MAX, &room);
    buffer_commit(&capture, fread(space, 1, room, file));
    CHECK(feof(file) && !ferror(file));
    fclose(file);
    return capture;
}

#endif
