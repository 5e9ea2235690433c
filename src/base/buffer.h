#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"

/**
 * A growable run of bytes that cannot be made without a cap. Bytes are appended at the end and
 * consumed from the front.
 */
struct buffer {
    uint8_t *data;    /* owned */
    size_t start;     /* first byte not yet consumed */
    size_t end;       /* one past the last byte */
    size_t allocated; /* bytes in data */
    size_t cap;       /* buffer_length never exceeds it */
};

void buffer_init(struct buffer *buffer, size_t cap);
/** Release the memory; the buffer stays usable and empty with the same cap. */
void buffer_done(struct buffer *buffer);
/** As buffer_done, overwriting the bytes first: for keys and tokens. */
void buffer_done_secret(struct buffer *buffer);

size_t buffer_length(const struct buffer *buffer);
/** How many bytes may still be appended. */
size_t buffer_room(const struct buffer *buffer);
/** The unconsumed bytes, borrowed until the next change of the buffer. */
struct bytes buffer_bytes(const struct buffer *buffer);

/** Append all or nothing. False when the cap would be exceeded. */
bool buffer_append(struct buffer *buffer, struct bytes bytes) __attribute__((warn_unused_result));
bool buffer_append_text(struct buffer *buffer, const char *text)
    __attribute__((warn_unused_result));
bool buffer_append_byte(struct buffer *buffer, uint8_t byte) __attribute__((warn_unused_result));
/** Big-endian integers, all or nothing. */
bool buffer_append_u16(struct buffer *buffer, uint16_t value) __attribute__((warn_unused_result));
bool buffer_append_u32(struct buffer *buffer, uint32_t value) __attribute__((warn_unused_result));
/** printf; all or nothing. */
bool buffer_append_format(struct buffer *buffer, const char *format, ...)
    __attribute__((format(printf, 2, 3), warn_unused_result));

/**
 * Space for up to `wanted` bytes written in place; `*room` says how many really fit (0 at the
 * cap). Follow with buffer_commit.
 */
uint8_t *buffer_reserve(struct buffer *buffer, size_t wanted, size_t *room);
void buffer_commit(struct buffer *buffer, size_t written);

/** Drop `length` bytes from the front (CHECK: there are that many). */
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_clear(struct buffer *buffer);

#endif
