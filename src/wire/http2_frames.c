#include "wire/http2_frames.h"

#include "base/reader.h"

#include <string.h>

void http2_frames_start(struct http2_frames *frames, bool has_preface)
{
    *frames = (struct http2_frames){.skip_bytes = has_preface ? HTTP2_PREFACE_BYTES : 0};
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool http2_frames_next(struct http2_frames *frames, struct bytes *input, struct http2_frame *frame)
{
    size_t skipped = smaller(frames->skip_bytes, input->length);
    frames->skip_bytes -= skipped;
    *input = bytes_from(*input, skipped);
    size_t wanted = HTTP2_FRAME_HEADER_BYTES - frames->header_bytes;
    struct bytes part = bytes_first(*input, wanted);
    if (part.length == 0)
        return false;
    memcpy(&frames->header[frames->header_bytes], part.data, part.length);
    frames->header_bytes += part.length;
    *input = bytes_from(*input, part.length);
    if (frames->header_bytes < HTTP2_FRAME_HEADER_BYTES)
        return false;
    struct reader reader = reader_over((struct bytes){frames->header, sizeof(frames->header)});
    frames->frame.length = reader_u24(&reader);
    frames->frame.type = reader_u8(&reader);
    frames->frame.flags = reader_u8(&reader);
    frames->frame.stream_id = reader_u32(&reader) & 0x7fffffff;
    frames->has_frame = true;
    frames->header_bytes = 0;
    frames->skip_bytes = frames->frame.length;
    *frame = frames->frame;
    return true;
}

bool http2_frames_is_head_open(const struct http2_frames *frames)
{
    uint8_t type = frames->frame.type;
    bool is_head =
        frames->has_frame && (type == HTTP2_FRAME_HEADERS || type == HTTP2_FRAME_PUSH_PROMISE ||
                              type == HTTP2_FRAME_CONTINUATION);
    return is_head &&
           (frames->skip_bytes > 0 || (frames->frame.flags & HTTP2_FRAME_END_HEADERS) == 0);
}
