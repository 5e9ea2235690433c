#ifndef WIRE_HTTP2_FRAMES_H
#define WIRE_HTTP2_FRAMES_H

#include "base/bytes.h"

/**
 * Frame headers of an HTTP/2 connection (RFC 9113 section 4.1), seen in passing: what counts
 * floods and heads that stand open looks at the wire itself, so that no frame escapes it because
 * a library ignores, merges or refuses it.
 */
enum http2_frame_type {
    HTTP2_FRAME_DATA = 0x0,
    HTTP2_FRAME_HEADERS = 0x1,
    HTTP2_FRAME_PRIORITY = 0x2,
    HTTP2_FRAME_RST_STREAM = 0x3,
    HTTP2_FRAME_SETTINGS = 0x4,
    HTTP2_FRAME_PUSH_PROMISE = 0x5,
    HTTP2_FRAME_PING = 0x6,
    HTTP2_FRAME_GOAWAY = 0x7,
    HTTP2_FRAME_WINDOW_UPDATE = 0x8,
    HTTP2_FRAME_CONTINUATION = 0x9,
};

enum {
    HTTP2_FRAME_HEADER_BYTES = 9,
    HTTP2_FRAME_END_STREAM = 0x1, /* flag of DATA and HEADERS */
    HTTP2_FRAME_ACK = 0x1,        /* flag of SETTINGS and PING */
    HTTP2_FRAME_END_HEADERS = 0x4,
    HTTP2_FRAME_PADDED = 0x8,
    HTTP2_PREFACE_BYTES = 24,
};

struct http2_frame {
    uint32_t length; /* of the payload */
    uint8_t type;    /* enum http2_frame_type or unknown */
    uint8_t flags;
    uint32_t stream_id;
};

struct http2_frames {
    /* below: private */
    size_t skip_bytes; /* of the preface or a payload */
    size_t header_bytes;
    uint8_t header[HTTP2_FRAME_HEADER_BYTES];
    struct http2_frame frame; /* the last one whose header is complete */
    bool has_frame;
};

/** A server's peer begins with the preface (section 3.4). */
void http2_frames_start(struct http2_frames *frames, bool has_preface);

/**
 * Go on over `input`, as it arrives, to the next frame header that becomes complete: true, and
 * `*frame` is filled. False: all of `input` was passed.
 */
bool http2_frames_next(struct http2_frames *frames, struct bytes *input, struct http2_frame *frame);

/**
 * A head (HEADERS or PUSH_PROMISE, up to the end of the frame with END_HEADERS) has begun and is
 * not complete.
 */
bool http2_frames_is_head_open(const struct http2_frames *frames);

#endif
