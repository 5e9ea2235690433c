#ifndef WIRE_CONTENT_DECODER_H
#define WIRE_CONTENT_DECODER_H

#include "base/bytes.h"
#include "wire/parse_status.h"

/**
 * A body without its content codings (RFC 9110 section 8.4), as it arrives, cut anywhere: identity,
 * gzip, x-gzip, deflate (with zlib's wrapper or bare), br and zstd, also one inside of another.
 *
 * What can be decoded of the bytes so far is given out at once, so a body that is flushed but not
 * finished, or broken off, yields what it says up to there.
 */
enum {
    CONTENT_CODINGS_MAX = 4,                       /* of one body */
    CONTENT_DECODED_BYTES_MAX = 256 * 1024 * 1024, /* of one body, by default */
    CONTENT_WINDOW_BYTES_MAX = 8 * 1024 * 1024,    /* RFC 8878 section 3.1.1.1.2, by default */
    CONTENT_RATIO_MAX = 200,                       /* decoded to coded bytes, by default */
    CONTENT_RATIO_FREE_BYTES = 1024 * 1024         /* decoded before the ratio counts */
};

enum content_reason {
    CONTENT_FINE,
    CONTENT_CODING_UNKNOWN,
    CONTENT_CODINGS_TOO_MANY,
    CONTENT_CORRUPT,   /* no legal coded data, or a checksum is wrong */
    CONTENT_TRAILING,  /* bytes behind the end of the coded data */
    CONTENT_WINDOW,    /* asks for more history than we hold */
    CONTENT_TOO_LONG,  /* more decoded bytes than the bound */
    CONTENT_RATIO,     /* more decoded bytes for the coded ones than the bound */
    CONTENT_TRUNCATED, /* the body ended inside of the coded data */
    CONTENT_REASON_COUNT
};

/** A clause for people: "the content coding is not known". */
const char *content_reason_text(enum content_reason reason);

struct content_limits {
    uint64_t decoded_bytes;
    size_t window_bytes;     /* history that br and zstd may hold, each coding */
    unsigned ratio;          /* decoded bytes of any coding for each byte of the body ... */
    size_t ratio_free_bytes; /* ... beyond so many */
};

/** The bytes are borrowed for the call. */
typedef void content_emit(void *context, struct bytes decoded);

struct content_decoder;

/**
 * `encodings` is the value of Content-Encoding, values of several fields joined by commas; empty:
 * identity. `limits` NULL: the default. A coding that is not known, or too many of them, is told by
 * content_decoder_reason at once and by the first feed. `context` is borrowed.
 */
struct content_decoder *content_decoder_new(struct bytes encodings,
                                            const struct content_limits *limits, content_emit *emit,
                                            void *context);
void content_decoder_free(struct content_decoder *decoder);

/** The next bytes of the body. PARSE_NEED_MORE, or PARSE_BAD from the first mistake on. */
enum parse_status content_decoder_feed(struct content_decoder *decoder, struct bytes input);

/** The body is over. PARSE_OK when it was complete or empty, else PARSE_BAD. */
enum parse_status content_decoder_end(struct content_decoder *decoder);

enum content_reason content_decoder_reason(const struct content_decoder *decoder);
/** The coding that stopped it, as we name it: "zstd"; the value's own text when it is unknown. */
struct bytes content_decoder_coding(const struct content_decoder *decoder);
uint64_t content_decoder_coded_bytes(const struct content_decoder *decoder);
uint64_t content_decoder_decoded_bytes(const struct content_decoder *decoder);

/** Memory that it takes now, in bytes: the history of its codings. */
size_t content_decoder_held(const struct content_decoder *decoder);

/** True when nothing is coded: the body may be used as it is. */
bool content_decoder_is_identity(const struct content_decoder *decoder);

#endif
