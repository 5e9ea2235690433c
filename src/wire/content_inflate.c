#include "wire/content_coding.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <zlib.h>

enum { WINDOW_BITS = 15, GZIP_WRAPPER = 16, HEAD_BYTES = 2 };

struct inflater {
    z_stream stream;
    bool is_open;   /* `stream` is */
    bool is_gzip;   /* may have several members */
    bool is_ended;  /* behind the end of a member or stream */
    size_t members; /* complete ones */
    uint8_t head[HEAD_BYTES];
    size_t head_length; /* of deflate: as far as read */
};

static void open_stream(struct inflater *inflater, int window_bits)
{
    CHECK(inflateInit2(&inflater->stream, window_bits) == Z_OK);
    inflater->is_open = true;
}

static void *open_gzip(size_t window_bytes)
{
    struct inflater *inflater = memory_new(sizeof(*inflater));
    inflater->is_gzip = true;
    open_stream(inflater, WINDOW_BITS + GZIP_WRAPPER);
    return inflater;
}

static void *open_deflate(size_t window_bytes)
{
    return memory_new(sizeof(struct inflater));
}

static void close_inflater(void *state)
{
    struct inflater *inflater = state;
    if (inflater->is_open)
        inflateEnd(&inflater->stream);
    free(inflater);
}

static enum content_reason reason_of(struct inflater *inflater, int result)
{
    CHECK(result != Z_MEM_ERROR && result != Z_STREAM_ERROR);
    if (result == Z_STREAM_END) {
        inflater->is_ended = true;
        inflater->members++;
        return CONTENT_FINE;
    }
    if (result == Z_OK || result == Z_BUF_ERROR)
        return CONTENT_FINE;
    /* Behind a member, what does not begin with the magic bytes is no other member. */
    bool is_magic = inflater->stream.total_in > HEAD_BYTES;
    return inflater->members && !is_magic ? CONTENT_TRAILING : CONTENT_CORRUPT;
}

static enum content_reason inflate_part(struct inflater *inflater, struct bytes *input,
                                        uint8_t *out, size_t room, size_t *written)
{
    z_stream *stream = &inflater->stream;
    size_t taken = input->length < UINT32_MAX ? input->length : UINT32_MAX;
    stream->next_in = (z_const Bytef *)input->data;
    stream->avail_in = (uInt)taken;
    stream->next_out = out;
    stream->avail_out = (uInt)room;
    int result = inflate(stream, Z_SYNC_FLUSH);
    *written += room - stream->avail_out;
    *input = bytes_from(*input, taken - stream->avail_in);
    return reason_of(inflater, result);
}

static enum content_reason feed_gzip(void *state, struct bytes *input, uint8_t *out, size_t room,
                                     size_t *written)
{
    struct inflater *inflater = state;
    if (inflater->is_ended && input->length == 0)
        return CONTENT_FINE;
    if (inflater->is_ended)
        CHECK(inflateReset(&inflater->stream) == Z_OK);
    inflater->is_ended = false;
    return inflate_part(inflater, input, out, room, written);
}

/*
 * "deflate" means zlib's wrapper (RFC 1950), and some send bare deflate (RFC 1951). A wrapper
 * begins with method 8, a window of at most 32 KiB, no dictionary, and is divisible by 31.
 */
static bool is_wrapped(const uint8_t head[HEAD_BYTES])
{
    return (head[0] & 0x0f) == Z_DEFLATED && head[0] >> 4 <= WINDOW_BITS - 8 && !(head[1] & 0x20) &&
           (head[0] << 8 | head[1]) % 31 == 0;
}

static enum content_reason feed_deflate(void *state, struct bytes *input, uint8_t *out, size_t room,
                                        size_t *written)
{
    struct inflater *inflater = state;
    if (inflater->is_ended)
        return input->length ? CONTENT_TRAILING : CONTENT_FINE;
    while (!inflater->is_open && input->length) {
        inflater->head[inflater->head_length++] = input->data[0];
        *input = bytes_from(*input, 1);
        if (inflater->head_length < HEAD_BYTES)
            continue;
        open_stream(inflater, is_wrapped(inflater->head) ? WINDOW_BITS : -WINDOW_BITS);
        struct bytes head = {inflater->head, HEAD_BYTES};
        enum content_reason reason = inflate_part(inflater, &head, out, room, written);
        if (reason != CONTENT_FINE)
            return reason;
        if (head.length) /* the stream ended in its first byte */
            return CONTENT_TRAILING;
        if (inflater->is_ended || input->length == 0)
            return CONTENT_FINE;
    }
    if (!inflater->is_open)
        return CONTENT_FINE;
    return inflate_part(inflater, input, out + *written, room - *written, written);
}

static bool is_inflater_complete(const void *state)
{
    const struct inflater *inflater = state;
    bool is_empty = inflater->is_gzip ? inflater->members == 0 && inflater->stream.total_in == 0
                                      : inflater->head_length == 0;
    return inflater->is_ended || is_empty;
}

static size_t held_by_inflater(const void *state)
{
    enum { WINDOW_AND_TABLES = 44 * 1024 };
    const struct inflater *inflater = state;
    return sizeof(*inflater) + (inflater->is_open ? WINDOW_AND_TABLES : 0);
}

const struct content_coding content_gzip = {
    "gzip", "x-gzip", open_gzip, feed_gzip, is_inflater_complete, held_by_inflater, close_inflater};
const struct content_coding content_deflate = {
    "deflate",        NULL,          open_deflate, feed_deflate, is_inflater_complete,
    held_by_inflater, close_inflater};
