#ifndef TESTS_DECODE_EVENT_STREAM_BUILD_H
#define TESTS_DECODE_EVENT_STREAM_BUILD_H

#include "base/buffer.h"
#include "base/check.h"

/** CRC-32 of IEEE 802.3, a bit at a time: not the one that the reader uses. */
static inline uint32_t build_crc(struct bytes bytes)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.length; i++) {
        crc ^= bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

/** Append a message whose lengths are as stated, whatever headers and payload have. */
static inline void build_message(struct buffer *out, uint32_t total, uint32_t headers_length,
                                 struct bytes headers, struct bytes payload)
{
    size_t start = buffer_length(out);
    CHECK(buffer_append_u32(out, total));
    CHECK(buffer_append_u32(out, headers_length));
    CHECK(buffer_append_u32(out, build_crc(bytes_from(buffer_bytes(out), start))));
    CHECK(buffer_append(out, headers));
    CHECK(buffer_append(out, payload));
    CHECK(buffer_append_u32(out, build_crc(bytes_from(buffer_bytes(out), start))));
}

/** A legal frame around them. */
static inline void build_legal_message(struct buffer *out, struct bytes headers,
                                       struct bytes payload)
{
    build_message(out, (uint32_t)(16 + headers.length + payload.length), (uint32_t)headers.length,
                  headers, payload);
}

#endif
