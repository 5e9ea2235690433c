#include "wire/content_coding.h"

#include "base/check.h"
#include "base/memory.h"

#include <brotli/decode.h>
#include <stdlib.h>

/*
 * The library asks for its history and tables by what the data says (RFC 7932), so its memory is
 * bounded where it asks: a block has at most the window and what the library reads beyond it, and
 * all of them twice the window (while it grows, the old one is still there) and the tables.
 */
enum { BLOCK_MARGIN = 1024, TABLES_BYTES = 4 * 1024 * 1024, TABLE_BYTES_MAX = 2 * 1024 * 1024 };

struct unbrotli {
    BrotliDecoderState *decoder; /* owned */
    size_t block_limit;
    size_t left;     /* bytes that it may still ask for */
    size_t held;     /* that it has got */
    bool is_refused; /* it asked for more */
    bool has_begun;
};

/* Stands before each block. */
struct block {
    size_t size;
    max_align_t bytes[];
};

static void *allocate(void *context, size_t size)
{
    struct unbrotli *unbrotli = context;
    if (size > unbrotli->block_limit || size > unbrotli->left) {
        unbrotli->is_refused = true;
        return NULL;
    }
    struct block *block = memory_new(sizeof(*block) + size);
    block->size = size;
    unbrotli->left -= size;
    unbrotli->held += size;
    return block->bytes;
}

static void release(void *context, void *bytes)
{
    struct unbrotli *unbrotli = context;
    if (bytes == NULL)
        return;
    struct block *block = (struct block *)((uint8_t *)bytes - offsetof(struct block, bytes));
    unbrotli->left += block->size;
    unbrotli->held -= block->size;
    free(block);
}

static void *open_brotli(size_t window_bytes)
{
    struct unbrotli *unbrotli = memory_new(sizeof(*unbrotli));
    CHECK(window_bytes <= SIZE_MAX / 4);
    unbrotli->block_limit =
        (window_bytes > TABLE_BYTES_MAX ? window_bytes : TABLE_BYTES_MAX) + BLOCK_MARGIN;
    unbrotli->left = 2 * window_bytes + TABLES_BYTES;
    unbrotli->decoder = BrotliDecoderCreateInstance(allocate, release, unbrotli);
    CHECK(unbrotli->decoder);
    return unbrotli;
}

static void close_brotli(void *state)
{
    struct unbrotli *unbrotli = state;
    BrotliDecoderDestroyInstance(unbrotli->decoder);
    free(unbrotli);
}

static enum content_reason feed_brotli(void *state, struct bytes *input, uint8_t *out, size_t room,
                                       size_t *written)
{
    struct unbrotli *unbrotli = state;
    size_t left = input->length;
    size_t out_left = room;
    const uint8_t *next = input->data;
    if (BrotliDecoderIsFinished(unbrotli->decoder))
        return input->length ? CONTENT_TRAILING : CONTENT_FINE;
    unbrotli->has_begun = unbrotli->has_begun || input->length;
    BrotliDecoderResult result =
        BrotliDecoderDecompressStream(unbrotli->decoder, &left, &next, &out_left, &out, NULL);
    *written = room - out_left;
    *input = bytes_from(*input, input->length - left);
    if (result != BROTLI_DECODER_RESULT_ERROR)
        return CONTENT_FINE;
    return unbrotli->is_refused ? CONTENT_WINDOW : CONTENT_CORRUPT;
}

static bool is_brotli_complete(const void *state)
{
    const struct unbrotli *unbrotli = state;
    return !unbrotli->has_begun || BrotliDecoderIsFinished(unbrotli->decoder);
}

static size_t held_by_brotli(const void *state)
{
    const struct unbrotli *unbrotli = state;
    return sizeof(*unbrotli) + unbrotli->held;
}

const struct content_coding content_brotli = {
    "br", NULL, open_brotli, feed_brotli, is_brotli_complete, held_by_brotli, close_brotli};
