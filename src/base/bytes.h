#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A borrowed run of bytes. Remote data is always one of these, never a C string. */
struct bytes {
    const uint8_t *data; /* borrowed; may be NULL when length is 0 */
    size_t length;
};

#define BYTES_EMPTY ((struct bytes){NULL, 0})
#define BYTES_LITERAL(text) ((struct bytes){(const uint8_t *)(text), sizeof(text) - 1})

/** The bytes of a NUL-terminated text, without the NUL. */
struct bytes bytes_from_text(const char *text);

bool bytes_equal(struct bytes a, struct bytes b);
bool bytes_equal_text(struct bytes a, const char *text);
/** Equal when ASCII letters are compared without case. */
bool bytes_equal_ignore_case(struct bytes a, struct bytes b);
bool bytes_start_with(struct bytes whole, struct bytes prefix);
bool bytes_end_with(struct bytes whole, struct bytes suffix);

/** Order as memcmp, the shorter first when one is a prefix of the other. */
int bytes_compare(struct bytes a, struct bytes b);

/** From `offset` to the end; empty when offset is at or past the end. */
struct bytes bytes_from(struct bytes whole, size_t offset);
/** The first `length` bytes, or all where there are fewer. */
struct bytes bytes_first(struct bytes whole, size_t length);

/** Index of the first `byte`, or whole.length when there is none. */
size_t bytes_index_of(struct bytes whole, uint8_t byte);

/** Without ASCII spaces and tabs at both ends. */
struct bytes bytes_trim(struct bytes whole);

/**
 * Take the next token before `separator` off the front of `rest`.
 * Returns false when `rest` was exhausted (`*token` is then empty). An empty input has one empty
 * token; "a,,b" has three.
 */
bool bytes_next_token(struct bytes *rest, uint8_t separator, struct bytes *token);

/** FNV-1a, 64 bits: stable over runs and machines, so it may be stored or shown. */
uint64_t bytes_hash(struct bytes whole);

/** New NUL-terminated copy, owned by the caller. The bytes may not contain NUL (CHECK). */
char *bytes_copy_text(struct bytes whole);

#endif
