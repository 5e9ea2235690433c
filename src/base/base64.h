#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buffer.h"

/** The two alphabets of RFC 4648: section 4 with `+/`, section 5 with `-_`. */
enum base64_alphabet { BASE64_STANDARD, BASE64_URL };

/** Letters that `length` bytes take, with padding. */
size_t base64_encoded_length(size_t length);

/**
 * Append the text of `bytes`: padded in the standard alphabet, without padding in the other.
 * False, with nothing appended, when `out` has no room.
 */
bool base64_encode(struct buffer *out, struct bytes bytes, enum base64_alphabet alphabet)
    __attribute__((warn_unused_result));

/**
 * Append the bytes that `text` says. Strict: no white space, no letters of the other alphabet, no
 * bits left over, padding complete (in the URL alphabet complete or absent). False, with nothing
 * appended, for any other text and when `out` has no room.
 */
bool base64_decode(struct buffer *out, struct bytes text, enum base64_alphabet alphabet)
    __attribute__((warn_unused_result));

#endif
