#ifndef WIRE_CONTENT_CODING_H
#define WIRE_CONTENT_CODING_H

#include "wire/content_decoder.h"

/** One content coding, as content_decoder.c uses it. */
struct content_coding {
    const char *name;
    const char *other_name; /* NULL: none */

    /** New state for one body; `window_bytes` of history at most. */
    void *(*open)(size_t window_bytes);

    /**
     * Decode from the front of `*input` into `out`; again while `*input` has bytes or `*written`
     * was `room`. CONTENT_FINE, _CORRUPT, _TRAILING or _WINDOW; `*written` bytes count in any case.
     */
    enum content_reason (*feed)(void *state, struct bytes *input, uint8_t *out, size_t room,
                                size_t *written);

    /** The coded data is complete, or nothing came at all. */
    bool (*is_complete)(const void *state);

    /** Memory that it takes now, in bytes. */
    size_t (*held)(const void *state);

    void (*close)(void *state);
};

extern const struct content_coding content_gzip;
extern const struct content_coding content_deflate;
extern const struct content_coding content_brotli;
extern const struct content_coding content_zstd;

#endif
