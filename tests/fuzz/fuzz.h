#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/buffer.h"
#include "base/check.h"

/**
 * A fuzz target: fuzz_NAME.c defines this one function over corpus/NAME. Linked with libFuzzer it
 * searches; linked with replay.c it runs over files. Properties are CHECKed, so that a violation
 * ends either of them.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The part before the first line feed taken off `*rest`: targets with several inputs. */
static inline struct bytes fuzz_take_line(struct bytes *rest)
{
    size_t end = bytes_index_of(*rest, '\n');
    struct bytes line = bytes_first(*rest, end);
    *rest = bytes_from(*rest, end + 1);
    return line;
}

#endif
