#include "record/capture_frame.h"

#include <assert.h>

#include "base/check.h"

/*
 * A frame, all integers big-endian:
 *
 *   u32 length of what follows   u8 version   u8 kind   u32 generation   u64 exchange   u64 time_ms
 *
 *   CAPTURE_BEGIN          u8 protocol, provider, api, host, method, path (each u16 length),
 *                          fields (the rest)
 *   both kinds of body     the rest
 *   CAPTURE_RESPONSE_HEAD  u16 status, fields (the rest)
 *   CAPTURE_LOST           u8 side, u64 count
 *   CAPTURE_END            text (the rest)
 *   CAPTURE_MISSED         u64 count
 *
 * Fields: for each its name and its value, each after its length (u16).
 */
enum { FRAME_VERSION = 1, LENGTH_BYTES = 4, PREFIX_BYTES = 22, TEXT_COUNT = 5 };

static_assert((int)CAPTURE_DATAGRAM_MAX > (int)CAPTURE_FRAME_MAX, "every frame fits a datagram");
static_assert(1024 > LENGTH_BYTES + PREFIX_BYTES + 1 + 2 * TEXT_COUNT + 2 * CAPTURE_NAME_MAX +
                         CAPTURE_HOST_MAX + CAPTURE_METHOD_MAX,
              "the longest head fits CAPTURE_FRAME_MAX");
static_assert((int)CAPTURE_FRAME_MAX > LENGTH_BYTES + PREFIX_BYTES + CAPTURE_BODY_MAX,
              "a body fits CAPTURE_FRAME_MAX");

static const size_t text_limits[TEXT_COUNT] = {CAPTURE_NAME_MAX, CAPTURE_NAME_MAX, CAPTURE_HOST_MAX,
                                               CAPTURE_METHOD_MAX, CAPTURE_PATH_MAX};

static void append_u64(struct buffer *out, uint64_t value)
{
    CHECK(buffer_append_u32(out, (uint32_t)(value >> 32)) &&
          buffer_append_u32(out, (uint32_t)value));
}

static uint64_t read_u64(struct reader *reader)
{
    uint64_t high = reader_u32(reader);
    return high << 32 | reader_u32(reader);
}

/* --- fields --------------------------------------------------------------------------------- */

bool capture_frame_add_field(struct buffer *fields, const struct capture_field *field)
{
    size_t wanted = 4 + field->name.length + field->value.length;
    if (field->name.length > UINT16_MAX || field->value.length > UINT16_MAX ||
        buffer_length(fields) + wanted > CAPTURE_FIELD_BYTES_MAX || buffer_room(fields) < wanted)
        return false;
    CHECK(buffer_append_u16(fields, (uint16_t)field->name.length) &&
          buffer_append(fields, field->name) &&
          buffer_append_u16(fields, (uint16_t)field->value.length) &&
          buffer_append(fields, field->value));
    return true;
}

bool capture_frame_fields(struct bytes encoded, struct capture_field *fields, size_t *count)
{
    struct reader reader = reader_over(encoded);
    size_t found = 0;
    while (reader_left(&reader) > 0 && !reader_is_failed(&reader)) {
        struct bytes name = reader_vector16(&reader);
        struct bytes value = reader_vector16(&reader);
        if (reader_is_failed(&reader) || found == CAPTURE_FIELDS_MAX)
            return false;
        fields[found++] = (struct capture_field){name, value};
    }
    if (reader_is_failed(&reader))
        return false;
    *count = found;
    return true;
}

/* --- writing -------------------------------------------------------------------------------- */

static void begin_texts(const struct capture_frame *frame, struct bytes texts[TEXT_COUNT])
{
    texts[0] = frame->provider;
    texts[1] = frame->api;
    texts[2] = frame->host;
    texts[3] = frame->method;
    texts[4] = frame->path;
}

/* Of what stands behind the prefix, or SIZE_MAX for a frame that may not be. */
static size_t payload_bytes(const struct capture_frame *frame)
{
    struct bytes texts[TEXT_COUNT];
    size_t length = 1;
    switch (frame->kind) {
    case CAPTURE_BEGIN:
        begin_texts(frame, texts);
        for (int i = 0; i < TEXT_COUNT; i++) {
            if (texts[i].length > text_limits[i])
                return SIZE_MAX;
            length += 2 + texts[i].length;
        }
        return frame->fields.length > CAPTURE_FIELD_BYTES_MAX ? SIZE_MAX
                                                              : length + frame->fields.length;
    case CAPTURE_REQUEST_BODY:
    case CAPTURE_RESPONSE_BODY:
        return frame->body.length > CAPTURE_BODY_MAX ? SIZE_MAX : frame->body.length;
    case CAPTURE_RESPONSE_HEAD:
        return frame->fields.length > CAPTURE_FIELD_BYTES_MAX ? SIZE_MAX : 2 + frame->fields.length;
    case CAPTURE_LOST:
        return 1 + 8;
    case CAPTURE_END:
        return frame->text.length > CAPTURE_REASON_MAX ? SIZE_MAX : frame->text.length;
    case CAPTURE_MISSED:
        return 8;
    case CAPTURE_REQUEST_END:
        return 0;
    case CAPTURE_FRAME_KIND_COUNT:
        break;
    }
    return SIZE_MAX;
}

static void append_payload(const struct capture_frame *frame, struct buffer *out)
{
    struct bytes texts[TEXT_COUNT];
    switch (frame->kind) {
    case CAPTURE_BEGIN:
        CHECK(buffer_append_byte(out, (uint8_t)frame->protocol));
        begin_texts(frame, texts);
        for (int i = 0; i < TEXT_COUNT; i++)
            CHECK(buffer_append_u16(out, (uint16_t)texts[i].length) &&
                  buffer_append(out, texts[i]));
        CHECK(buffer_append(out, frame->fields));
        return;
    case CAPTURE_REQUEST_BODY:
    case CAPTURE_RESPONSE_BODY:
        CHECK(buffer_append(out, frame->body));
        return;
    case CAPTURE_RESPONSE_HEAD:
        CHECK(buffer_append_u16(out, frame->status) && buffer_append(out, frame->fields));
        return;
    case CAPTURE_LOST:
        CHECK(buffer_append_byte(out, (uint8_t)frame->side));
        append_u64(out, frame->count);
        return;
    case CAPTURE_END:
        CHECK(buffer_append(out, frame->text));
        return;
    case CAPTURE_MISSED:
        append_u64(out, frame->count);
        return;
    case CAPTURE_REQUEST_END:
    case CAPTURE_FRAME_KIND_COUNT:
        return;
    }
}

bool capture_frame_encode(const struct capture_frame *frame, struct buffer *out)
{
    size_t payload = payload_bytes(frame);
    if (payload == SIZE_MAX || buffer_room(out) < LENGTH_BYTES + PREFIX_BYTES + payload)
        return false;
    CHECK(buffer_append_u32(out, (uint32_t)(PREFIX_BYTES + payload)) &&
          buffer_append_byte(out, FRAME_VERSION) && buffer_append_byte(out, (uint8_t)frame->kind) &&
          buffer_append_u32(out, frame->generation));
    append_u64(out, frame->exchange);
    append_u64(out, frame->time_ms);
    append_payload(frame, out);
    return true;
}

/* --- reading -------------------------------------------------------------------------------- */

static bool read_begin(struct reader *reader, struct capture_frame *frame)
{
    uint8_t protocol = reader_u8(reader);
    struct bytes *const texts[TEXT_COUNT] = {&frame->provider, &frame->api, &frame->host,
                                             &frame->method, &frame->path};
    for (int i = 0; i < TEXT_COUNT; i++) {
        *texts[i] = reader_vector16(reader);
        if (texts[i]->length > text_limits[i])
            return false;
    }
    frame->protocol = (enum capture_protocol)protocol;
    frame->fields = reader_take(reader, reader_left(reader));
    return protocol < CAPTURE_PROTOCOL_COUNT && frame->fields.length <= CAPTURE_FIELD_BYTES_MAX;
}

static bool read_payload(struct reader *reader, struct capture_frame *frame)
{
    uint8_t side = 0;
    switch (frame->kind) {
    case CAPTURE_BEGIN:
        return read_begin(reader, frame);
    case CAPTURE_REQUEST_BODY:
    case CAPTURE_RESPONSE_BODY:
        frame->body = reader_take(reader, reader_left(reader));
        return frame->body.length <= CAPTURE_BODY_MAX;
    case CAPTURE_RESPONSE_HEAD:
        frame->status = reader_u16(reader);
        frame->fields = reader_take(reader, reader_left(reader));
        return frame->status >= 100 && frame->status <= 999 &&
               frame->fields.length <= CAPTURE_FIELD_BYTES_MAX;
    case CAPTURE_LOST:
        side = reader_u8(reader);
        frame->side = (enum capture_side)side;
        frame->count = read_u64(reader);
        return side < CAPTURE_SIDE_COUNT;
    case CAPTURE_END:
        frame->text = reader_take(reader, reader_left(reader));
        return frame->text.length <= CAPTURE_REASON_MAX;
    case CAPTURE_MISSED:
        frame->count = read_u64(reader);
        return true;
    case CAPTURE_REQUEST_END:
    case CAPTURE_FRAME_KIND_COUNT:
        break;
    }
    return true;
}

static bool read_frame(struct bytes encoded, struct capture_frame *frame)
{
    struct reader reader = reader_over(encoded);
    struct capture_frame read = {0};
    uint8_t version = reader_u8(&reader);
    uint8_t kind = reader_u8(&reader);
    read.generation = reader_u32(&reader);
    read.exchange = read_u64(&reader);
    read.time_ms = read_u64(&reader);
    if (version != FRAME_VERSION || kind >= CAPTURE_FRAME_KIND_COUNT || read.generation == 0)
        return false;
    read.kind = (enum capture_frame_kind)kind;
    if ((read.exchange == 0) != (read.kind == CAPTURE_MISSED))
        return false;
    if (!read_payload(&reader, &read) || !reader_is_at_end(&reader))
        return false;
    *frame = read;
    return true;
}

bool capture_frame_next(struct reader *datagram, struct capture_frame *frame)
{
    if (reader_is_failed(datagram) || reader_left(datagram) == 0)
        return false;
    uint32_t length = reader_u32(datagram);
    struct bytes encoded = reader_take(datagram, length);
    if (reader_is_failed(datagram) || length > CAPTURE_FRAME_MAX - LENGTH_BYTES ||
        !read_frame(encoded, frame)) {
        datagram->is_failed = true;
        return false;
    }
    return true;
}
