#ifndef BASE_READER_H
#define BASE_READER_H

#include "base/bytes.h"

/**
 * A cursor over borrowed bytes. Reading past the end makes it fail, once and for good: later
 * reads return zero and empty runs, so a parser may check `reader_is_failed` at the end.
 */
struct reader {
    struct bytes whole;
    size_t position;
    bool is_failed;
};

struct reader reader_over(struct bytes bytes);
bool reader_is_failed(const struct reader *reader);
/** True at the end and not failed. */
bool reader_is_at_end(const struct reader *reader);
size_t reader_left(const struct reader *reader);

/** Big-endian unsigned integers. */
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u24(struct reader *reader);
uint32_t reader_u32(struct reader *reader);

/** The next `length` bytes, borrowed from the input. */
struct bytes reader_take(struct reader *reader, size_t length);
/** A run with a one- or two-byte length before it (TLS vectors, RFC 8446 section 3.4). */
struct bytes reader_vector8(struct reader *reader);
struct bytes reader_vector16(struct reader *reader);

#endif
