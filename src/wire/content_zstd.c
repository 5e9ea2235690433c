#include "wire/content_coding.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <zstd.h>

/*
 * Theory of operation
 *
 *   HEAD (magic and frame header) -> FRAME -> HEAD ...
 *
 * The library decodes the frames; which frames it gets to see is decided here, because it knows
 * older formats too, and whether it minds a large window depends on how the input is cut. So each
 * frame's header (RFC 8878 section 3.1.1.1) is gathered and read before it is passed on.
 */
enum state { HEAD, FRAME };

enum {
    MAGIC_BYTES = 4,
    HEAD_BYTES_MAX = 18,
    SINGLE_SEGMENT = 0x20,
    WINDOW_LOG_MIN = 10,
    WINDOW_LOG_MAX = 31
};

struct unzstd {
    ZSTD_DCtx *context; /* owned */
    size_t window_bytes;
    enum state state;
    size_t frames; /* begun */
    uint8_t head[HEAD_BYTES_MAX];
    size_t head_length; /* as far as read */
};

static void *open_zstd(size_t window_bytes)
{
    struct unzstd *unzstd = memory_new(sizeof(*unzstd));
    int window_log = WINDOW_LOG_MIN;
    while (window_log < WINDOW_LOG_MAX && UINT64_C(1) << window_log < window_bytes)
        window_log++;
    unzstd->window_bytes = window_bytes;
    unzstd->context = ZSTD_createDCtx();
    CHECK(unzstd->context);
    CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(unzstd->context, ZSTD_d_windowLogMax, window_log)));
    return unzstd;
}

static void close_zstd(void *state)
{
    struct unzstd *unzstd = state;
    ZSTD_freeDCtx(unzstd->context);
    free(unzstd);
}

static bool is_skippable(const uint8_t *magic)
{
    return (magic[0] & 0xf0) == 0x50 && magic[1] == 0x2a && magic[2] == 0x4d && magic[3] == 0x18;
}

static bool is_magic(const uint8_t *magic)
{
    return magic[0] == 0x28 && magic[1] == 0xb5 && magic[2] == 0x2f && magic[3] == 0xfd;
}

/* Bytes of the content's size in a frame header. */
static size_t size_width(uint8_t descriptor)
{
    static const uint8_t widths[] = {0, 2, 4, 8};
    unsigned flag = descriptor >> 6;
    return flag == 0 && descriptor & SINGLE_SEGMENT ? 1 : widths[flag];
}

/* Where the content's size stands in a head: behind window or nothing, and dictionary. */
static size_t size_offset(uint8_t descriptor)
{
    static const uint8_t widths[] = {0, 1, 2, 4};
    return MAGIC_BYTES + 1U + (descriptor & SINGLE_SEGMENT ? 0U : 1U) + widths[descriptor & 3];
}

/* How long the head is, by what is there of it. */
static size_t head_bytes(const struct unzstd *unzstd)
{
    if (unzstd->head_length < MAGIC_BYTES || is_skippable(unzstd->head))
        return MAGIC_BYTES;
    if (unzstd->head_length == MAGIC_BYTES)
        return MAGIC_BYTES + 1;
    uint8_t descriptor = unzstd->head[MAGIC_BYTES];
    return size_offset(descriptor) + size_width(descriptor);
}

/* The history that the frame asks for: all of it where it is a single segment. */
static uint64_t window_of(const uint8_t *head)
{
    uint8_t descriptor = head[MAGIC_BYTES];
    uint64_t window = 0;
    if (descriptor & SINGLE_SEGMENT) {
        size_t width = size_width(descriptor);
        for (size_t i = 0; i < width; i++)
            window |= (uint64_t)head[size_offset(descriptor) + i] << 8 * i;
        return window;
    }
    window = UINT64_C(1) << (WINDOW_LOG_MIN + (head[MAGIC_BYTES + 1] >> 3));
    return window + window / 8 * (head[MAGIC_BYTES + 1] & 7);
}

static enum content_reason check_head(const struct unzstd *unzstd)
{
    if (is_skippable(unzstd->head))
        return CONTENT_FINE;
    if (!is_magic(unzstd->head))
        return unzstd->frames ? CONTENT_TRAILING : CONTENT_CORRUPT;
    if (unzstd->head_length == MAGIC_BYTES)
        return CONTENT_FINE;
    return window_of(unzstd->head) > unzstd->window_bytes ? CONTENT_WINDOW : CONTENT_FINE;
}

static enum content_reason decompress(struct unzstd *unzstd, struct bytes *input, uint8_t *out,
                                      size_t room, size_t *written)
{
    ZSTD_inBuffer in = {input->data, input->length, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t left = ZSTD_decompressStream(unzstd->context, &to, &in);
    *written = to.pos;
    *input = bytes_from(*input, in.pos);
    if (ZSTD_isError(left))
        return CONTENT_CORRUPT;
    if (left == 0) {
        unzstd->state = HEAD;
        unzstd->head_length = 0;
    }
    return CONTENT_FINE;
}

/* Up to the end of the head, which is then passed on; it has no output. */
static enum content_reason take_head(struct unzstd *unzstd, struct bytes *input)
{
    uint8_t none[1];
    size_t written = 0;
    while (unzstd->head_length < head_bytes(unzstd)) {
        if (input->length == 0)
            return CONTENT_FINE;
        unzstd->head[unzstd->head_length++] = input->data[0];
        *input = bytes_from(*input, 1);
        if (unzstd->head_length == MAGIC_BYTES && check_head(unzstd) != CONTENT_FINE)
            return check_head(unzstd);
    }
    enum content_reason reason = check_head(unzstd);
    if (reason != CONTENT_FINE)
        return reason;
    unzstd->frames++;
    unzstd->state = FRAME;
    struct bytes head = {unzstd->head, unzstd->head_length};
    while (reason == CONTENT_FINE && head.length)
        reason = decompress(unzstd, &head, none, 0, &written);
    return reason;
}

static enum content_reason feed_zstd(void *state, struct bytes *input, uint8_t *out, size_t room,
                                     size_t *written)
{
    struct unzstd *unzstd = state;
    enum content_reason reason = CONTENT_FINE;
    if (unzstd->state == HEAD)
        reason = take_head(unzstd, input);
    if (reason == CONTENT_FINE && unzstd->state == FRAME)
        reason = decompress(unzstd, input, out, room, written);
    return reason;
}

static bool is_zstd_complete(const void *state)
{
    const struct unzstd *unzstd = state;
    return unzstd->state == HEAD && unzstd->head_length == 0;
}

static size_t held_by_zstd(const void *state)
{
    const struct unzstd *unzstd = state;
    return sizeof(*unzstd) + ZSTD_sizeof_DCtx(unzstd->context);
}

const struct content_coding content_zstd = {"zstd",           NULL,         open_zstd, feed_zstd,
                                            is_zstd_complete, held_by_zstd, close_zstd};
