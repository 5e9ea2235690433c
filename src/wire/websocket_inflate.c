#include "wire/websocket_inflate.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <zlib.h>

/*
 * The window is always the largest. A smaller one that was agreed on would save a few KiB, and
 * whether a distance beyond it is refused would depend on how the input was cut.
 */
enum { WINDOW_BITS = 15, AT_BLOCK_END = 128, BITS_LEFT = 63 };

struct websocket_inflate {
    z_stream stream;
    bool keeps_context;
};

struct websocket_inflate *websocket_inflate_new(bool keeps_context)
{
    struct websocket_inflate *history = memory_new(sizeof(*history));
    history->keeps_context = keeps_context;
    CHECK(inflateInit2(&history->stream, -WINDOW_BITS) == Z_OK);
    return history;
}

void websocket_inflate_free(struct websocket_inflate *history)
{
    if (history == NULL)
        return;
    inflateEnd(&history->stream);
    free(history);
}

/* Legal so far. Behind a final block more blocks may follow, with the same history. */
static bool is_fine(struct websocket_inflate *history, int result)
{
    CHECK(result != Z_MEM_ERROR && result != Z_STREAM_ERROR);
    if (result == Z_STREAM_END)
        return inflateResetKeep(&history->stream) == Z_OK;
    return result == Z_OK || result == Z_BUF_ERROR;
}

bool websocket_inflate_part(struct websocket_inflate *history, struct bytes *input, uint8_t *out,
                            size_t room, size_t *written)
{
    z_stream *stream = &history->stream;
    size_t taken = input->length < UINT32_MAX ? input->length : UINT32_MAX;
    stream->next_in = (z_const Bytef *)input->data;
    stream->avail_in = (uInt)taken;
    stream->next_out = out;
    stream->avail_out = (uInt)room;
    int result = inflate(stream, Z_SYNC_FLUSH);
    *written = room - stream->avail_out;
    *input = bytes_from(*input, taken - stream->avail_in);
    return is_fine(history, result);
}

bool websocket_inflate_end_message(struct websocket_inflate *history)
{
    static const uint8_t tail[] = {0x00, 0x00, 0xff, 0xff};
    z_stream *stream = &history->stream;
    uint8_t none[1];
    stream->next_in = (z_const Bytef *)tail;
    stream->avail_in = sizeof(tail);
    stream->next_out = none;
    stream->avail_out = sizeof(none);
    int result = Z_OK;
    while (stream->avail_in && result == Z_OK)
        result = inflate(stream, Z_BLOCK);
    bool is_ended = result == Z_OK && stream->avail_out == sizeof(none) &&
                    (stream->data_type & AT_BLOCK_END) && !(stream->data_type & BITS_LEFT);
    if (!history->keeps_context)
        inflateReset(stream);
    return is_ended;
}
