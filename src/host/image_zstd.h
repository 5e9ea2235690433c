#ifndef HOST_IMAGE_ZSTD_H
#define HOST_IMAGE_ZSTD_H

#include "base/error.h"

#include <stdint.h>

/* Files of an image as they travel: zstd (RFC 8878). */

/**
 * Compress the file `from` into `to`, which is replaced; the same bytes for the same content.
 * `on_progress` (or NULL) is told the bytes read so far.
 */
bool image_zstd_compress(const char *from, const char *to,
                         void (*on_progress)(void *context, uint64_t done), void *context,
                         struct error *error);

/**
 * Unpack `from` into `to`, which is replaced. What is no zstd file, is cut short, or unpacks to
 * more than `limit_bytes` is an error.
 */
bool image_zstd_decompress(const char *from, const char *to, uint64_t limit_bytes,
                           struct error *error);

#endif
