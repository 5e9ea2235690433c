#include "wire/event_stream.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <zlib.h>

/*
 * Theory of operation
 *
 *   PRELUDE (12 bytes) -> CONTENT (headers and payload) -> CHECKSUM (4 bytes) -> PRELUDE ...
 *
 * A message that arrives in one piece is read where it lies. Any other is gathered in `held`:
 * prelude, headers, and of the payload as much as the bound allows; the checksum runs over all of
 * it. Memory grows with the bytes that came, never with a length that was only claimed.
 */
enum state { PRELUDE, CONTENT, CHECKSUM };

enum { PRELUDE_BYTES = 12, CHECKSUM_BYTES = 4, KEPT_BYTES = 64 * 1024 };

struct event_stream {
    event_stream_emit *emit;
    void *context; /* borrowed */
    size_t payload_limit;
    enum state state;
    enum event_stream_reason reason;
    struct buffer held;   /* prelude, headers and payload of the message, as far as kept */
    size_t headers_bytes; /* from the prelude */
    size_t payload_bytes; /* from the prelude */
    size_t content_left;  /* bytes of both that are still to come */
    uint32_t checksum;    /* of the message so far */
    uint32_t stated;      /* as far as read, of CHECKSUM */
    size_t stated_length; /* bytes of it */
    uint64_t position;    /* of the message */
};

static const char *const reasons[] = {
    [EVENT_STREAM_FINE] = "fine",
    [EVENT_STREAM_PRELUDE_CRC] = "the checksum of the message's lengths is wrong",
    [EVENT_STREAM_LENGTHS] = "the message's lengths do not fit each other",
    [EVENT_STREAM_HEADERS_TOO_LONG] = "the message's headers are longer than 128 KiB",
    [EVENT_STREAM_TOO_LONG] = "the message's payload is longer than 16 MiB",
    [EVENT_STREAM_MESSAGE_CRC] = "the checksum of the message is wrong",
    [EVENT_STREAM_HEADER] = "a header of the message is broken",
    [EVENT_STREAM_TRUNCATED] = "the stream ends inside of a message",
};
_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == EVENT_STREAM_REASON_COUNT,
               "one row a reason");

const char *event_stream_reason_text(enum event_stream_reason reason)
{
    return reasons[reason];
}

struct event_stream *event_stream_new(const struct event_stream_limits *limits,
                                      event_stream_emit *emit, void *context)
{
    struct event_stream *stream = memory_new(sizeof(*stream));
    size_t limit = limits ? limits->payload_bytes : EVENT_STREAM_PAYLOAD_HELD_BYTES_MAX;
    if (limit > EVENT_STREAM_PAYLOAD_BYTES_MAX)
        limit = EVENT_STREAM_PAYLOAD_BYTES_MAX;
    *stream = (struct event_stream){.emit = emit, .context = context, .payload_limit = limit};
    buffer_init(&stream->held, PRELUDE_BYTES + EVENT_STREAM_HEADERS_BYTES_MAX + limit);
    return stream;
}

void event_stream_free(struct event_stream *stream)
{
    if (stream == NULL)
        return;
    buffer_done_secret(&stream->held);
    free(stream);
}

enum event_stream_reason event_stream_reason(const struct event_stream *stream)
{
    return stream->reason;
}

uint64_t event_stream_position(const struct event_stream *stream)
{
    return stream->position;
}

/* ---- headers ---- */

/* Length of a value of fixed size, by type. */
static const uint8_t widths[] = {
    [EVENT_STREAM_TRUE] = 0,   [EVENT_STREAM_FALSE] = 0,   [EVENT_STREAM_BYTE] = 1,
    [EVENT_STREAM_SHORT] = 2,  [EVENT_STREAM_INTEGER] = 4, [EVENT_STREAM_LONG] = 8,
    [EVENT_STREAM_BINARY] = 0, [EVENT_STREAM_STRING] = 0,  [EVENT_STREAM_TIMESTAMP] = 8,
    [EVENT_STREAM_UUID] = 16,
};

/* Two's complement of any width up to eight bytes. */
static int64_t signed_number(struct bytes wire)
{
    uint64_t number = wire.length && wire.data[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < wire.length; i++)
        number = number << 8 | wire.data[i];
    return (int64_t)number;
}

bool event_stream_next_header(struct reader *headers, struct event_stream_header *header)
{
    if (reader_left(headers) == 0)
        return false;
    *header = (struct event_stream_header){.name = reader_vector8(headers)};
    uint8_t type = reader_u8(headers);
    if (header->name.length == 0 || type > EVENT_STREAM_UUID) {
        headers->is_failed = true;
        return false;
    }
    header->type = (enum event_stream_type)type;
    if (type == EVENT_STREAM_BINARY || type == EVENT_STREAM_STRING)
        header->value = reader_vector16(headers);
    else
        header->value = reader_take(headers, widths[type]);
    if (type == EVENT_STREAM_TRUE)
        header->number = 1;
    else if (type != EVENT_STREAM_UUID && widths[type])
        header->number = signed_number(header->value);
    return !reader_is_failed(headers);
}

bool event_stream_find_text(const struct event_stream_message *message, const char *name,
                            struct bytes *value)
{
    struct reader headers = reader_over(message->headers);
    struct event_stream_header header;
    while (event_stream_next_header(&headers, &header)) {
        if (!bytes_equal_text(header.name, name))
            continue;
        if (header.type == EVENT_STREAM_STRING)
            *value = header.value;
        return header.type == EVENT_STREAM_STRING;
    }
    return false;
}

static bool are_headers_legal(struct bytes wire)
{
    struct reader headers = reader_over(wire);
    struct event_stream_header header;
    while (event_stream_next_header(&headers, &header))
        ;
    return reader_is_at_end(&headers);
}

/* ---- messages ---- */

/* The lengths, once their checksum is right. */
static enum event_stream_reason take_prelude(struct event_stream *stream, struct bytes wire)
{
    struct reader reader = reader_over(wire);
    size_t total = reader_u32(&reader);
    size_t headers = reader_u32(&reader);
    if (reader_u32(&reader) != crc32_z(0, wire.data, PRELUDE_BYTES - CHECKSUM_BYTES))
        return EVENT_STREAM_PRELUDE_CRC;
    if (total < EVENT_STREAM_OVERHEAD || headers > total - EVENT_STREAM_OVERHEAD)
        return EVENT_STREAM_LENGTHS;
    if (headers > EVENT_STREAM_HEADERS_BYTES_MAX)
        return EVENT_STREAM_HEADERS_TOO_LONG;
    if (total - EVENT_STREAM_OVERHEAD - headers > EVENT_STREAM_PAYLOAD_BYTES_MAX)
        return EVENT_STREAM_TOO_LONG;
    stream->headers_bytes = headers;
    stream->payload_bytes = total - EVENT_STREAM_OVERHEAD - headers;
    return EVENT_STREAM_FINE;
}

/* `kept` is the message without its checksum, perhaps cut. */
static enum event_stream_reason finish_message(struct event_stream *stream, struct bytes kept,
                                               uint32_t checksum, uint32_t stated)
{
    struct bytes content = bytes_from(kept, PRELUDE_BYTES);
    struct bytes headers = bytes_first(content, stream->headers_bytes);
    size_t stream_bytes = EVENT_STREAM_OVERHEAD + stream->headers_bytes + stream->payload_bytes;
    if (checksum != stated)
        return EVENT_STREAM_MESSAGE_CRC;
    if (!are_headers_legal(headers))
        return EVENT_STREAM_HEADER;
    const struct event_stream_message message = {
        .headers = headers,
        .payload = bytes_from(content, stream->headers_bytes),
        .payload_bytes = stream->payload_bytes,
        .position = stream->position,
        .stream_bytes = stream_bytes,
    };
    stream->emit(stream->context, &message);
    stream->position += stream_bytes;
    return EVENT_STREAM_FINE;
}

/* A whole message at the start of the input, read where it lies. False: gather it. */
static bool take_whole(struct event_stream *stream, struct bytes *input)
{
    if (input->length < EVENT_STREAM_OVERHEAD)
        return false;
    stream->reason = take_prelude(stream, bytes_first(*input, PRELUDE_BYTES));
    if (stream->reason != EVENT_STREAM_FINE)
        return true;
    size_t length = PRELUDE_BYTES + stream->headers_bytes + stream->payload_bytes;
    if (input->length < length + CHECKSUM_BYTES || stream->payload_bytes > stream->payload_limit)
        return false;
    struct reader stated = reader_over(bytes_from(*input, length));
    stream->reason = finish_message(stream, bytes_first(*input, length),
                                    (uint32_t)crc32_z(0, input->data, length), reader_u32(&stated));
    *input = bytes_from(*input, length + CHECKSUM_BYTES);
    return true;
}

/* Up to `wanted` bytes go from the input into `held`, up to `kept` of them, and the checksum. */
static size_t gather(struct event_stream *stream, struct bytes *input, size_t wanted, size_t kept)
{
    struct bytes part = bytes_first(*input, wanted);
    stream->checksum = (uint32_t)crc32_z(stream->checksum, part.data, part.length);
    CHECK(buffer_append(&stream->held, bytes_first(part, kept)));
    *input = bytes_from(*input, part.length);
    return part.length;
}

static void gather_prelude(struct event_stream *stream, struct bytes *input)
{
    size_t missing = PRELUDE_BYTES - buffer_length(&stream->held);
    if (gather(stream, input, missing, missing) < missing)
        return;
    stream->reason = take_prelude(stream, buffer_bytes(&stream->held));
    stream->content_left = stream->headers_bytes + stream->payload_bytes;
    stream->state = stream->content_left ? CONTENT : CHECKSUM;
}

static void gather_content(struct event_stream *stream, struct bytes *input)
{
    size_t payload = stream->payload_bytes < stream->payload_limit ? stream->payload_bytes
                                                                   : stream->payload_limit;
    size_t room = PRELUDE_BYTES + stream->headers_bytes + payload - buffer_length(&stream->held);
    stream->content_left -= gather(stream, input, stream->content_left, room);
    if (stream->content_left == 0)
        stream->state = CHECKSUM;
}

static void gather_checksum(struct event_stream *stream, struct bytes *input)
{
    stream->stated = stream->stated << 8 | input->data[0];
    *input = bytes_from(*input, 1);
    if (++stream->stated_length < CHECKSUM_BYTES)
        return;
    stream->reason =
        finish_message(stream, buffer_bytes(&stream->held), stream->checksum, stream->stated);
    /* One long message is no reason to hold its memory for the next hour. */
    if (stream->held.allocated > KEPT_BYTES)
        buffer_done(&stream->held);
    buffer_clear(&stream->held);
    stream->checksum = 0;
    stream->stated_length = 0;
    stream->state = PRELUDE;
}

enum parse_status event_stream_feed(struct event_stream *stream, struct bytes input)
{
    while (input.length && stream->reason == EVENT_STREAM_FINE) {
        switch (stream->state) {
        case PRELUDE:
            if (buffer_length(&stream->held) || !take_whole(stream, &input))
                gather_prelude(stream, &input);
            break;
        case CONTENT:
            gather_content(stream, &input);
            break;
        case CHECKSUM:
            gather_checksum(stream, &input);
            break;
        }
    }
    return stream->reason == EVENT_STREAM_FINE ? PARSE_NEED_MORE : PARSE_BAD;
}

enum parse_status event_stream_end(struct event_stream *stream)
{
    bool is_between = stream->state == PRELUDE && buffer_length(&stream->held) == 0;
    if (stream->reason == EVENT_STREAM_FINE && !is_between)
        stream->reason = EVENT_STREAM_TRUNCATED;
    return stream->reason == EVENT_STREAM_FINE ? PARSE_OK : PARSE_BAD;
}

size_t event_stream_held(const struct event_stream *stream)
{
    return stream->held.allocated;
}
