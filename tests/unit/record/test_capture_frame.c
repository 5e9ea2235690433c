#include "test.h"

#include "base/memory.h"
#include "record/capture_frame.h"

#include <stdlib.h>

static struct capture_frame begin_frame(struct buffer *fields)
{
    const struct capture_field field = {BYTES_LITERAL("accept"), BYTES_LITERAL("*/*")};
    buffer_init(fields, CAPTURE_FIELD_BYTES_MAX);
    assert_true(capture_frame_add_field(fields, &field));
    return (struct capture_frame){
        .kind = CAPTURE_BEGIN,
        .generation = 3,
        .exchange = UINT64_C(0x100000002),
        .time_ms = UINT64_C(1700000000123),
        .protocol = CAPTURE_HTTP2,
        .provider = BYTES_LITERAL("anthropic"),
        .api = BYTES_LITERAL("anthropic-messages"),
        .host = BYTES_LITERAL("api.anthropic.com"),
        .method = BYTES_LITERAL("POST"),
        .path = BYTES_LITERAL("/v1/messages"),
        .fields = buffer_bytes(fields),
    };
}

/* One frame of each kind, with all that it can have. */
static struct capture_frame frame_of(enum capture_frame_kind kind, struct buffer *fields)
{
    struct capture_frame frame = begin_frame(fields);
    if (kind == CAPTURE_BEGIN)
        return frame;
    return (struct capture_frame){
        .kind = kind,
        .generation = 3,
        .exchange = kind == CAPTURE_MISSED ? 0 : 7,
        .time_ms = 9,
        .status = kind == CAPTURE_RESPONSE_HEAD ? 200 : 0,
        .fields = kind == CAPTURE_RESPONSE_HEAD ? buffer_bytes(fields) : BYTES_EMPTY,
        .side = kind == CAPTURE_LOST ? CAPTURE_SIDE_RESPONSE : CAPTURE_SIDE_REQUEST,
        .count = kind == CAPTURE_LOST || kind == CAPTURE_MISSED ? UINT64_C(5000000000) : 0,
        .body = kind == CAPTURE_REQUEST_BODY || kind == CAPTURE_RESPONSE_BODY
                    ? BYTES_LITERAL("data: {}\n\n")
                    : BYTES_EMPTY,
        .text = kind == CAPTURE_END ? BYTES_LITERAL("server timed out") : BYTES_EMPTY,
    };
}

static void assert_same(const struct capture_frame *a, const struct capture_frame *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->generation, b->generation);
    assert_int_equal(a->exchange, b->exchange);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->protocol, b->protocol);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->side, b->side);
    assert_int_equal(a->count, b->count);
    assert_true(bytes_equal(a->provider, b->provider));
    assert_true(bytes_equal(a->api, b->api));
    assert_true(bytes_equal(a->host, b->host));
    assert_true(bytes_equal(a->method, b->method));
    assert_true(bytes_equal(a->path, b->path));
    assert_true(bytes_equal(a->fields, b->fields));
    assert_true(bytes_equal(a->body, b->body));
    assert_true(bytes_equal(a->text, b->text));
}

/* A datagram with one frame of the kind. */
static void encode(enum capture_frame_kind kind, struct buffer *datagram)
{
    struct buffer fields;
    struct capture_frame frame = frame_of(kind, &fields);
    buffer_init(datagram, CAPTURE_DATAGRAM_MAX);
    assert_true(capture_frame_encode(&frame, datagram));
    buffer_done(&fields);
}

static void refuses_every_truncation_of_every_kind(void **state)
{
    for (int kind = 0; kind < CAPTURE_FRAME_KIND_COUNT; kind++) {
        struct buffer datagram;
        struct capture_frame frame;
        encode((enum capture_frame_kind)kind, &datagram);
        for (size_t length = 1; length < buffer_length(&datagram); length++) {
            struct reader reader = reader_over(bytes_first(buffer_bytes(&datagram), length));
            assert_false(capture_frame_next(&reader, &frame));
            assert_true(reader_is_failed(&reader));
        }
        buffer_done(&datagram);
    }
}

/* The length in front says one byte more than the kind can have. */
static void refuses_surplus_bytes_where_a_kind_has_an_end(void **state)
{
    static const enum capture_frame_kind kinds[] = {CAPTURE_REQUEST_END, CAPTURE_LOST,
                                                    CAPTURE_MISSED};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct buffer datagram;
        struct capture_frame frame;
        encode(kinds[i], &datagram);
        assert_true(buffer_append_byte(&datagram, 0));
        datagram.data[datagram.start + 3]++;
        struct reader reader = reader_over(buffer_bytes(&datagram));
        assert_false(capture_frame_next(&reader, &frame));
        assert_true(reader_is_failed(&reader));
        buffer_done(&datagram);
    }
}

static void assert_refused_with(enum capture_frame_kind kind, size_t place, uint8_t byte)
{
    struct buffer datagram;
    struct capture_frame frame;
    encode(kind, &datagram);
    datagram.data[datagram.start + place] = byte;
    struct reader reader = reader_over(buffer_bytes(&datagram));
    assert_false(capture_frame_next(&reader, &frame));
    buffer_done(&datagram);
}

static void refuses_values_that_no_frame_has(void **state)
{
    enum { VERSION = 4, KIND = 5, GENERATION_END = 9, EXCHANGE_END = 17, PAYLOAD = 26 };
    assert_refused_with(CAPTURE_REQUEST_END, VERSION, 2);
    assert_refused_with(CAPTURE_REQUEST_END, KIND, CAPTURE_FRAME_KIND_COUNT);
    assert_refused_with(CAPTURE_REQUEST_END, GENERATION_END, 0);
    assert_refused_with(CAPTURE_REQUEST_END, EXCHANGE_END, 0);
    assert_refused_with(CAPTURE_MISSED, EXCHANGE_END, 1);
    assert_refused_with(CAPTURE_BEGIN, PAYLOAD, CAPTURE_PROTOCOL_COUNT);
    assert_refused_with(CAPTURE_LOST, PAYLOAD, CAPTURE_SIDE_COUNT);
    assert_refused_with(CAPTURE_RESPONSE_HEAD, PAYLOAD, 0xff);
    assert_refused_with(CAPTURE_REQUEST_END, 0, 0xff);
}

static void refuses_to_write_what_is_too_long(void **state)
{
    static uint8_t many[CAPTURE_FIELD_BYTES_MAX + 1];
    struct buffer out, fields;
    buffer_init(&out, 1024 * 1024);
    const struct capture_frame good = begin_frame(&fields);
    struct capture_frame frame = good;
    frame.path = (struct bytes){many, CAPTURE_PATH_MAX + 1};
    assert_false(capture_frame_encode(&frame, &out));
    frame = good;
    frame.provider = (struct bytes){many, CAPTURE_NAME_MAX + 1};
    assert_false(capture_frame_encode(&frame, &out));
    frame = good;
    frame.fields = (struct bytes){many, CAPTURE_FIELD_BYTES_MAX + 1};
    assert_false(capture_frame_encode(&frame, &out));
    frame = (struct capture_frame){.kind = CAPTURE_RESPONSE_BODY, .generation = 1, .exchange = 1};
    frame.body = (struct bytes){many, CAPTURE_BODY_MAX + 1};
    assert_false(capture_frame_encode(&frame, &out));
    frame = (struct capture_frame){.kind = CAPTURE_END, .generation = 1, .exchange = 1};
    frame.text = (struct bytes){many, CAPTURE_REASON_MAX + 1};
    assert_false(capture_frame_encode(&frame, &out));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
    buffer_done(&fields);
}

static void leaves_a_buffer_without_room_as_it_was(void **state)
{
    struct buffer out, fields;
    buffer_init(&out, 60);
    struct capture_frame frame = begin_frame(&fields);
    assert_false(capture_frame_encode(&frame, &out));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
    buffer_done(&fields);
}

static void refuses_fields_that_are_cut_or_too_many(void **state)
{
    struct capture_field fields[CAPTURE_FIELDS_MAX];
    size_t count = 0;
    assert_false(capture_frame_fields(BYTES_LITERAL("\0\1a\0"), fields, &count));
    assert_false(capture_frame_fields(BYTES_LITERAL("\0\1a\0\2b"), fields, &count));
    struct buffer many;
    buffer_init(&many, CAPTURE_FIELD_BYTES_MAX);
    const struct capture_field field = {BYTES_LITERAL("a"), BYTES_LITERAL("b")};
    for (int i = 0; i < CAPTURE_FIELDS_MAX; i++)
        assert_true(capture_frame_add_field(&many, &field));
    assert_true(capture_frame_fields(buffer_bytes(&many), fields, &count));
    assert_int_equal(count, CAPTURE_FIELDS_MAX);
    assert_true(capture_frame_add_field(&many, &field));
    assert_false(capture_frame_fields(buffer_bytes(&many), fields, &count));
    buffer_done(&many);
}

static void refuses_a_field_beyond_the_room_of_a_head(void **state)
{
    static uint8_t value[CAPTURE_FIELD_BYTES_MAX];
    struct buffer fields;
    buffer_init(&fields, 1024 * 1024);
    const struct capture_field half = {BYTES_LITERAL("a"), {value, CAPTURE_FIELD_BYTES_MAX / 2}};
    assert_true(capture_frame_add_field(&fields, &half));
    assert_false(capture_frame_add_field(&fields, &half));
    const struct capture_field huge = {BYTES_LITERAL("a"), {value, UINT16_MAX + 1}};
    buffer_clear(&fields);
    assert_false(capture_frame_add_field(&fields, &huge));
    assert_int_equal(buffer_length(&fields), 0);
    buffer_done(&fields);
}

static void reads_what_was_written_one_after_the_other(void **state)
{
    struct buffer datagram, fields;
    buffer_init(&datagram, CAPTURE_DATAGRAM_MAX);
    for (int kind = 0; kind < CAPTURE_FRAME_KIND_COUNT; kind++) {
        struct capture_frame frame = frame_of((enum capture_frame_kind)kind, &fields);
        assert_true(capture_frame_encode(&frame, &datagram));
        buffer_done(&fields);
    }
    struct reader reader = reader_over(buffer_bytes(&datagram));
    for (int kind = 0; kind < CAPTURE_FRAME_KIND_COUNT; kind++) {
        struct capture_frame expected = frame_of((enum capture_frame_kind)kind, &fields), read;
        assert_true(capture_frame_next(&reader, &read));
        assert_same(&expected, &read);
        buffer_done(&fields);
    }
    struct capture_frame none;
    assert_false(capture_frame_next(&reader, &none));
    assert_true(reader_is_at_end(&reader));
    buffer_done(&datagram);
}

static void reads_the_fields_of_a_head(void **state)
{
    struct buffer fields;
    struct capture_field read[CAPTURE_FIELDS_MAX];
    size_t count = 9;
    assert_true(capture_frame_fields(BYTES_EMPTY, read, &count));
    assert_int_equal(count, 0);
    struct capture_frame frame = begin_frame(&fields);
    assert_true(capture_frame_fields(frame.fields, read, &count));
    assert_int_equal(count, 1);
    assert_bytes(read[0].name, "accept");
    assert_bytes(read[0].value, "*/*");
    buffer_done(&fields);
}

static void the_longest_head_and_the_longest_body_fit(void **state)
{
    static uint8_t many[CAPTURE_FIELD_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, CAPTURE_FRAME_MAX);
    struct capture_frame frame = {
        .kind = CAPTURE_BEGIN,
        .generation = 1,
        .exchange = 1,
        .provider = {many, CAPTURE_NAME_MAX},
        .api = {many, CAPTURE_NAME_MAX},
        .host = {many, CAPTURE_HOST_MAX},
        .method = {many, CAPTURE_METHOD_MAX},
        .path = {many, CAPTURE_PATH_MAX},
        .fields = {many, CAPTURE_FIELD_BYTES_MAX},
    };
    struct capture_frame read;
    assert_true(capture_frame_encode(&frame, &out));
    struct reader reader = reader_over(buffer_bytes(&out));
    assert_true(capture_frame_next(&reader, &read));
    buffer_clear(&out);
    frame = (struct capture_frame){.kind = CAPTURE_REQUEST_BODY, .generation = 1, .exchange = 1};
    frame.body = (struct bytes){many, CAPTURE_BODY_MAX};
    assert_true(capture_frame_encode(&frame, &out));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(refuses_every_truncation_of_every_kind),
          cmocka_unit_test(refuses_surplus_bytes_where_a_kind_has_an_end),
          cmocka_unit_test(refuses_values_that_no_frame_has),
          cmocka_unit_test(refuses_to_write_what_is_too_long),
          cmocka_unit_test(leaves_a_buffer_without_room_as_it_was),
          cmocka_unit_test(refuses_fields_that_are_cut_or_too_many),
          cmocka_unit_test(refuses_a_field_beyond_the_room_of_a_head),
          cmocka_unit_test(reads_what_was_written_one_after_the_other),
          cmocka_unit_test(reads_the_fields_of_a_head),
          cmocka_unit_test(the_longest_head_and_the_longest_body_fit))
