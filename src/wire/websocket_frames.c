#include "wire/websocket_frames.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "wire/websocket_inflate.h"

#include <stdlib.h>
#include <string.h>

/*
 * Theory of operation
 *
 *   HEAD (2 to 14 bytes) -> PAYLOAD -> HEAD ... -> CLOSED
 *
 * A head's first two bytes say how long it is. Payload is unmasked piece by piece as it comes. That
 * of a control frame has a place of its own, because it may stand between the fragments of a
 * message; that of a message goes into `message`, inflated where it was compressed, up to the
 * bound: what is beyond is inflated too, for the sake of the history, and dropped.
 */
enum state { HEAD, PAYLOAD, CLOSED };

enum {
    HEAD_BYTES_MAX = 14,
    PIECE_BYTES = 4096,
    INFLATED_BYTES = 16 * 1024,
    KEPT_BYTES = 64 * 1024,
    CONTINUATION = 0,
    FINAL = 0x80,
    RESERVED_1 = 0x40,
    RESERVED_2_AND_3 = 0x30,
    OPCODE = 0x0f,
    CONTROL = 0x08,
    MASKED = 0x80,
    LENGTH = 0x7f,
    LENGTH_16 = 126,
    LENGTH_64 = 127
};

struct websocket_frames {
    websocket_frames_emit *emit;
    void *context; /* borrowed */
    enum websocket_sender sender;
    struct websocket_limits limits;
    bool is_deflate_agreed;
    bool keeps_context;
    enum state state;
    enum websocket_frames_reason reason;
    uint64_t frame_position; /* in the stream */

    /* The frame. */
    uint8_t head[HEAD_BYTES_MAX];
    size_t head_length; /* as far as read */
    uint8_t mask[4];    /* begins with the byte for the next byte of payload */
    uint64_t payload_bytes;
    uint64_t left; /* of them, still to come */
    uint8_t control[WEBSOCKET_CONTROL_BYTES_MAX];
    size_t control_length;

    /* The message. */
    bool is_message_open; /* its last frame was not the final one */
    enum websocket_opcode opcode;
    bool is_compressed;
    struct buffer message;
    uint64_t message_bytes; /* also those that were cut */
    uint64_t message_position;
    uint64_t message_stream_bytes;

    /* All messages. */
    struct websocket_inflate *inflate; /* owned; NULL before the first compressed message */
    uint64_t compressed_bytes;
    uint64_t inflated_bytes;
};

static const char *const reasons[] = {
    [WEBSOCKET_FRAMES_FINE] = "fine",
    [WEBSOCKET_FRAMES_RESERVED_BITS] = "a reserved bit is set that means nothing here",
    [WEBSOCKET_FRAMES_OPCODE] = "the frame's opcode is not known",
    [WEBSOCKET_FRAMES_MASK] = "a client's frame is not masked, or a server's is",
    [WEBSOCKET_FRAMES_LENGTH] = "the frame's length is not in its shortest form, or too large",
    [WEBSOCKET_FRAMES_CONTROL] = "a control frame is in fragments or longer than 125 bytes",
    [WEBSOCKET_FRAMES_CLOSE] = "a close frame has half a code",
    [WEBSOCKET_FRAMES_CONTINUATION] = "a fragment continues no message",
    [WEBSOCKET_FRAMES_INTERLEAVED] = "a new message begins inside of another",
    [WEBSOCKET_FRAMES_DEFLATE] = "the compressed message is broken",
    [WEBSOCKET_FRAMES_RATIO] = "the compressed messages are too large for their bytes",
    [WEBSOCKET_FRAMES_TRUNCATED] = "the stream ends inside of a message",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == WEBSOCKET_FRAMES_REASON_COUNT,
               "one row a reason");

const char *websocket_frames_reason_text(enum websocket_frames_reason reason)
{
    return reasons[reason];
}

struct websocket_frames *websocket_frames_new(enum websocket_sender sender,
                                              const struct websocket_deflate *deflate,
                                              const struct websocket_limits *limits,
                                              websocket_frames_emit *emit, void *context)
{
    static const struct websocket_limits usual = {WEBSOCKET_MESSAGE_BYTES_MAX, WEBSOCKET_RATIO_MAX,
                                                  WEBSOCKET_RATIO_FREE_BYTES};
    struct websocket_frames *frames = memory_new(sizeof(*frames));
    *frames = (struct websocket_frames){
        .emit = emit, .context = context, .sender = sender, .limits = limits ? *limits : usual};
    if (deflate && deflate->is_on) {
        frames->is_deflate_agreed = true;
        frames->keeps_context = sender == WEBSOCKET_FROM_CLIENT ? deflate->client_keeps_context
                                                                : deflate->server_keeps_context;
    }
    buffer_init(&frames->message, frames->limits.message_bytes);
    return frames;
}

void websocket_frames_free(struct websocket_frames *frames)
{
    if (frames == NULL)
        return;
    websocket_inflate_free(frames->inflate);
    buffer_done_secret(&frames->message);
    free(frames);
}

enum websocket_frames_reason websocket_frames_reason(const struct websocket_frames *frames)
{
    return frames->reason;
}

uint64_t websocket_frames_position(const struct websocket_frames *frames)
{
    return frames->frame_position;
}

/* ---- messages ---- */

/* Bytes of a message: held as far as the bound allows. */
static void append(struct websocket_frames *frames, struct bytes bytes)
{
    frames->message_bytes += bytes.length;
    CHECK(buffer_append(&frames->message, bytes_first(bytes, buffer_room(&frames->message))));
}

static bool is_ratio_kept(const struct websocket_frames *frames)
{
    uint64_t paid = 0;
    return __builtin_mul_overflow(frames->compressed_bytes, frames->limits.ratio, &paid) ||
           __builtin_add_overflow(paid, frames->limits.ratio_free_bytes, &paid) ||
           frames->inflated_bytes <= paid;
}

static enum websocket_frames_reason append_inflated(struct websocket_frames *frames,
                                                    struct bytes compressed)
{
    uint8_t inflated[INFLATED_BYTES];
    size_t written = 0;
    if (frames->inflate == NULL)
        frames->inflate = websocket_inflate_new(frames->keeps_context);
    do {
        size_t before = compressed.length;
        if (!websocket_inflate_part(frames->inflate, &compressed, inflated, sizeof(inflated),
                                    &written))
            return WEBSOCKET_FRAMES_DEFLATE;
        frames->compressed_bytes += before - compressed.length;
        frames->inflated_bytes += written;
        if (!is_ratio_kept(frames))
            return WEBSOCKET_FRAMES_RATIO;
        append(frames, (struct bytes){inflated, written});
    } while (compressed.length || written == sizeof(inflated));
    return WEBSOCKET_FRAMES_FINE;
}

static void emit_message(struct websocket_frames *frames, bool is_truncated)
{
    const struct websocket_message message = {
        .opcode = frames->opcode,
        .data = buffer_bytes(&frames->message),
        .is_compressed = frames->is_compressed,
        .is_cut = frames->message_bytes > buffer_length(&frames->message),
        .is_truncated = is_truncated,
        .message_bytes = frames->message_bytes,
        .position = frames->message_position,
        .stream_bytes = frames->message_stream_bytes,
    };
    frames->emit(frames->context, &message);
    /* One long message is no reason to hold its memory for the next hour. */
    if (frames->message.allocated > KEPT_BYTES)
        buffer_done(&frames->message);
    buffer_clear(&frames->message);
    frames->message_bytes = 0;
    frames->is_message_open = false;
}

static enum websocket_frames_reason end_message(struct websocket_frames *frames)
{
    if (frames->is_compressed) {
        if (frames->inflate == NULL)
            frames->inflate = websocket_inflate_new(frames->keeps_context);
        if (!websocket_inflate_end_message(frames->inflate))
            return WEBSOCKET_FRAMES_DEFLATE;
    }
    emit_message(frames, false);
    return WEBSOCKET_FRAMES_FINE;
}

static enum websocket_frames_reason emit_control(struct websocket_frames *frames)
{
    struct reader data = reader_over((struct bytes){frames->control, frames->control_length});
    struct websocket_message message = {
        .opcode = (enum websocket_opcode)(frames->head[0] & OPCODE),
        .message_bytes = frames->control_length,
        .position = frames->frame_position,
        .stream_bytes = frames->head_length + frames->control_length,
    };
    if (message.opcode == WEBSOCKET_CLOSE) {
        if (frames->control_length == 1)
            return WEBSOCKET_FRAMES_CLOSE;
        message.close_code = frames->control_length ? reader_u16(&data) : WEBSOCKET_CODE_NONE;
        frames->state = CLOSED;
    }
    message.data = reader_take(&data, reader_left(&data));
    frames->emit(frames->context, &message);
    return WEBSOCKET_FRAMES_FINE;
}

/* ---- frames ---- */

static bool is_control(const struct websocket_frames *frames)
{
    return frames->head[0] & CONTROL;
}

/* How long the head is, by what is there of it. */
static size_t head_bytes(const struct websocket_frames *frames)
{
    if (frames->head_length < 2)
        return 2;
    size_t length = frames->head[1] & LENGTH;
    return 2U +
           (length == LENGTH_16   ? 2U
            : length == LENGTH_64 ? 8U
                                  : 0U) +
           (frames->head[1] & MASKED ? sizeof(frames->mask) : 0U);
}

/* What the first two bytes say on their own. */
static enum websocket_frames_reason check_frame(const struct websocket_frames *frames)
{
    unsigned first = frames->head[0];
    unsigned opcode = first & OPCODE;
    bool is_compressed = first & RESERVED_1;
    bool begins_message = opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_BINARY;
    bool is_masked = frames->head[1] & MASKED;
    if (first & RESERVED_2_AND_3 ||
        (is_compressed && !(frames->is_deflate_agreed && begins_message)))
        return WEBSOCKET_FRAMES_RESERVED_BITS;
    if ((opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG)
        return WEBSOCKET_FRAMES_OPCODE;
    if (is_masked != (frames->sender == WEBSOCKET_FROM_CLIENT))
        return WEBSOCKET_FRAMES_MASK;
    if (is_control(frames))
        return first & FINAL && (frames->head[1] & LENGTH) <= WEBSOCKET_CONTROL_BYTES_MAX
                   ? WEBSOCKET_FRAMES_FINE
                   : WEBSOCKET_FRAMES_CONTROL;
    if (begins_message && frames->is_message_open)
        return WEBSOCKET_FRAMES_INTERLEAVED;
    if (opcode == CONTINUATION && !frames->is_message_open)
        return WEBSOCKET_FRAMES_CONTINUATION;
    return WEBSOCKET_FRAMES_FINE;
}

static enum websocket_frames_reason take_length(struct websocket_frames *frames)
{
    struct reader head = reader_over((struct bytes){frames->head, frames->head_length});
    reader_u8(&head);
    uint64_t length = reader_u8(&head) & LENGTH;
    if (length == LENGTH_16) {
        length = reader_u16(&head);
        if (length < LENGTH_16)
            return WEBSOCKET_FRAMES_LENGTH;
    } else if (length == LENGTH_64) {
        length = (uint64_t)reader_u32(&head) << 32;
        length |= reader_u32(&head);
        if (length <= UINT16_MAX || length > INT64_MAX)
            return WEBSOCKET_FRAMES_LENGTH;
    }
    struct bytes mask = reader_take(&head, reader_left(&head));
    memset(frames->mask, 0, sizeof(frames->mask));
    if (mask.length)
        memcpy(frames->mask, mask.data, sizeof(frames->mask));
    frames->payload_bytes = frames->left = length;
    return WEBSOCKET_FRAMES_FINE;
}

static void begin_payload(struct websocket_frames *frames)
{
    frames->state = PAYLOAD;
    frames->control_length = 0;
    if (is_control(frames))
        return;
    if (!frames->is_message_open) {
        frames->opcode = (enum websocket_opcode)(frames->head[0] & OPCODE);
        frames->is_compressed = frames->head[0] & RESERVED_1;
        frames->message_position = frames->frame_position;
        frames->message_stream_bytes = 0;
    }
    frames->is_message_open = true;
    frames->message_stream_bytes += frames->head_length + frames->payload_bytes;
}

static enum websocket_frames_reason take_head(struct websocket_frames *frames, struct bytes *input)
{
    enum websocket_frames_reason reason = WEBSOCKET_FRAMES_FINE;
    while (reason == WEBSOCKET_FRAMES_FINE && frames->head_length < head_bytes(frames)) {
        if (input->length == 0)
            return WEBSOCKET_FRAMES_FINE;
        frames->head[frames->head_length++] = input->data[0];
        *input = bytes_from(*input, 1);
        if (frames->head_length == 2)
            reason = check_frame(frames);
    }
    if (reason == WEBSOCKET_FRAMES_FINE)
        reason = take_length(frames);
    if (reason == WEBSOCKET_FRAMES_FINE)
        begin_payload(frames);
    return reason;
}

/* Eight bytes at a time; the mask is turned so that it begins with the next byte's. */
static void unmask(struct websocket_frames *frames, struct bytes masked, uint8_t *plain)
{
    uint8_t twice[8];
    uint64_t mask = 0;
    size_t i = 0;
    memcpy(twice, frames->mask, 4);
    memcpy(twice + 4, frames->mask, 4);
    memcpy(&mask, twice, sizeof(mask));
    for (; i + sizeof(mask) <= masked.length; i += sizeof(mask)) {
        uint64_t word = 0;
        memcpy(&word, masked.data + i, sizeof(word));
        word ^= mask;
        memcpy(plain + i, &word, sizeof(word));
    }
    for (; i < masked.length; i++)
        plain[i] = masked.data[i] ^ twice[i % 4];
    memcpy(frames->mask, twice + masked.length % 4, 4);
}

static enum websocket_frames_reason take_payload(struct websocket_frames *frames,
                                                 struct bytes *input)
{
    uint8_t plain[PIECE_BYTES];
    struct bytes piece =
        bytes_first(*input, frames->left < PIECE_BYTES ? (size_t)frames->left : PIECE_BYTES);
    unmask(frames, piece, plain);
    *input = bytes_from(*input, piece.length);
    frames->left -= piece.length;
    piece.data = plain;
    if (is_control(frames)) {
        CHECK(piece.length <= sizeof(frames->control) - frames->control_length);
        memcpy(frames->control + frames->control_length, plain, piece.length);
        frames->control_length += piece.length;
        return WEBSOCKET_FRAMES_FINE;
    }
    if (frames->is_compressed)
        return append_inflated(frames, piece);
    append(frames, piece);
    return WEBSOCKET_FRAMES_FINE;
}

/* All of the payload came. */
static enum websocket_frames_reason end_frame(struct websocket_frames *frames)
{
    enum websocket_frames_reason reason = WEBSOCKET_FRAMES_FINE;
    frames->state = HEAD;
    if (is_control(frames))
        reason = emit_control(frames);
    else if (frames->head[0] & FINAL)
        reason = end_message(frames);
    if (reason == WEBSOCKET_FRAMES_FINE)
        frames->frame_position += frames->head_length + frames->payload_bytes;
    frames->head_length = 0;
    return reason;
}

static enum parse_status status_of(const struct websocket_frames *frames)
{
    if (frames->reason != WEBSOCKET_FRAMES_FINE)
        return PARSE_BAD;
    return frames->state == CLOSED ? PARSE_OK : PARSE_NEED_MORE;
}

enum parse_status websocket_frames_feed(struct websocket_frames *frames, struct bytes input)
{
    while (input.length && status_of(frames) == PARSE_NEED_MORE) {
        frames->reason =
            frames->state == HEAD ? take_head(frames, &input) : take_payload(frames, &input);
        if (frames->reason == WEBSOCKET_FRAMES_FINE && frames->state == PAYLOAD &&
            frames->left == 0)
            frames->reason = end_frame(frames);
    }
    return status_of(frames);
}

enum parse_status websocket_frames_end(struct websocket_frames *frames)
{
    enum parse_status status = status_of(frames);
    if (status != PARSE_NEED_MORE)
        return status;
    if (frames->state == HEAD && frames->head_length == 0 && !frames->is_message_open)
        return PARSE_OK;
    frames->reason = WEBSOCKET_FRAMES_TRUNCATED;
    if (frames->is_message_open)
        emit_message(frames, true);
    return PARSE_BAD;
}

size_t websocket_frames_held(const struct websocket_frames *frames)
{
    return frames->message.allocated + (frames->inflate ? WEBSOCKET_INFLATE_SIZE : 0);
}
