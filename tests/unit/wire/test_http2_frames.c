#include "test.h"

#include "wire/http2_frames.h"

static const uint8_t wire[] = {
    0,    0,    2,   HTTP2_FRAME_HEADERS,
    0,    0,    0,   0,
    1,    'a',  'b', /* no END_HEADERS */
    0,    0,    0,   HTTP2_FRAME_CONTINUATION,
    4,    0,    0,   0,
    1, /* the end */
    0,    0,    8,   HTTP2_FRAME_PING,
    1,    0x80, 0,   0,
    0,    1,    2,   3,
    4,    5,    6,   7,
    8,    1,    0,   0,
    0xee, 0,    0,   0,
    0,    3,
};

static const uint8_t expected_types[] = {HTTP2_FRAME_HEADERS, HTTP2_FRAME_CONTINUATION,
                                         HTTP2_FRAME_PING, 0xee};

static void sees_every_frame_however_it_arrives(void **state)
{
    for (size_t step = 1; step <= sizeof(wire); step++) {
        struct http2_frames frames;
        struct http2_frame frame;
        size_t count = 0;
        http2_frames_start(&frames, false);
        for (size_t at = 0; at < sizeof(wire); at += step) {
            struct bytes input = {wire + at, sizeof(wire) - at < step ? sizeof(wire) - at : step};
            while (http2_frames_next(&frames, &input, &frame)) {
                assert_true(count < sizeof(expected_types));
                assert_int_equal(frame.type, expected_types[count++]);
            }
            assert_int_equal(input.length, 0);
        }
        assert_int_equal(count, sizeof(expected_types));
        assert_int_equal(frame.length, 0x10000);
        assert_int_equal(frame.stream_id, 3);
    }
}

static void a_head_is_open_until_its_last_byte(void **state)
{
    struct http2_frames frames;
    struct http2_frame frame;
    http2_frames_start(&frames, false);
    assert_false(http2_frames_is_head_open(&frames));
    for (size_t i = 0; i < sizeof(wire); i++) {
        struct bytes input = {wire + i, 1};
        http2_frames_next(&frames, &input, &frame);
        /* From the header of HEADERS to the empty CONTINUATION's header: bytes 8 to 18. */
        assert_int_equal(http2_frames_is_head_open(&frames), i >= 8 && i < 19);
    }
}

static void passes_over_the_preface(void **state)
{
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct http2_frames frames;
    struct http2_frame frame;
    struct bytes input = {preface, sizeof(preface) - 1};
    http2_frames_start(&frames, true);
    assert_true(http2_frames_next(&frames, &input, &frame));
    assert_int_equal(frame.type, HTTP2_FRAME_SETTINGS);
    assert_false(http2_frames_next(&frames, &input, &frame));
}

RUN_TESTS(cmocka_unit_test(sees_every_frame_however_it_arrives),
          cmocka_unit_test(a_head_is_open_until_its_last_byte),
          cmocka_unit_test(passes_over_the_preface))
