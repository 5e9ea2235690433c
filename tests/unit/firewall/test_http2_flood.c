#include "test.h"

#include "firewall/http2_flood.h"

enum { NOW_MS = 1000 * 1000 };

struct kind_row {
    struct http2_frame frame;
    enum http2_flood flood;
    uint32_t burst;
};

static const struct kind_row kinds[] = {
    {{0, HTTP2_FRAME_RST_STREAM, 0, 1}, HTTP2_FLOOD_RESETS, HTTP2_RESETS_BURST},
    {{8, HTTP2_FRAME_PING, 0, 0}, HTTP2_FLOOD_PINGS, HTTP2_PINGS_BURST},
    {{8, HTTP2_FRAME_PING, HTTP2_FRAME_ACK, 0}, HTTP2_FLOOD_PINGS, HTTP2_PINGS_BURST},
    {{0, HTTP2_FRAME_SETTINGS, 0, 0}, HTTP2_FLOOD_SETTINGS, HTTP2_SETTINGS_BURST},
    {{0, HTTP2_FRAME_DATA, 0, 1}, HTTP2_FLOOD_EMPTY_DATA, HTTP2_EMPTY_DATA_BURST},
    {{200, HTTP2_FRAME_DATA, HTTP2_FRAME_PADDED, 1},
     HTTP2_FLOOD_EMPTY_DATA,
     HTTP2_EMPTY_DATA_BURST},
    {{1, HTTP2_FRAME_CONTINUATION, 0, 1}, HTTP2_FLOOD_CONTINUATIONS, HTTP2_CONTINUATIONS_BURST},
    {{4, HTTP2_FRAME_WINDOW_UPDATE, 0, 1}, HTTP2_FLOOD_WINDOW_UPDATES, HTTP2_WINDOW_UPDATES_BURST},
    {{5, HTTP2_FRAME_PRIORITY, 0, 1}, HTTP2_FLOOD_PRIORITIES, HTTP2_PRIORITIES_BURST},
    {{8, HTTP2_FRAME_GOAWAY, 0, 0}, HTTP2_FLOOD_GOAWAYS, HTTP2_GOAWAYS_BURST},
    {{5, 0xee, 0, 1}, HTTP2_FLOOD_UNKNOWN, HTTP2_UNKNOWN_BURST},
};

static void refuses_what_goes_beyond_the_burst_and_names_it(void **state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct http2_flood_meter meter = {0};
        enum http2_flood flood = HTTP2_FLOOD_COUNT;
        for (uint32_t count = 0; count < kinds[i].burst; count++)
            assert_true(http2_flood_add_frame(&meter, &kinds[i].frame, NOW_MS, &flood));
        assert_false(http2_flood_add_frame(&meter, &kinds[i].frame, NOW_MS, &flood));
        assert_int_equal(flood, kinds[i].flood);
    }
}

static void time_brings_the_level_down(void **state)
{
    struct http2_flood_meter meter = {0};
    for (int i = 0; i < HTTP2_PINGS_BURST; i++)
        assert_true(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS));
    assert_false(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS + 999));
    /* One step beyond the burst was counted, too. */
    for (int i = 0; i < HTTP2_PINGS_PER_SECOND - 1; i++)
        assert_true(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS + 1000));
    assert_false(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS + 1000));
    /* A long silence forgives all, without an overflow. */
    assert_true(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS + ((uint64_t)1 << 60)));
}

static void a_ping_every_ten_seconds_is_never_a_flood(void **state)
{
    struct http2_flood_meter meter = {0};
    for (uint64_t i = 0; i < 100000; i++)
        assert_true(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS + i * 10000));
}

static void answers_to_our_data_are_no_flood(void **state)
{
    struct http2_flood_meter meter = {0};
    for (int i = 0; i < 100000; i++) {
        http2_flood_sent_data(&meter, 16384);
        for (int k = 0; k < 8; k++)
            assert_true(http2_flood_add(&meter, HTTP2_FLOOD_WINDOW_UPDATES, NOW_MS));
        assert_true(http2_flood_add(&meter, HTTP2_FLOOD_PINGS, NOW_MS));
    }
}

static void requests_and_their_bodies_are_no_flood(void **state)
{
    static const struct http2_frame frames[] = {
        {20, HTTP2_FRAME_HEADERS, 4, 1},
        {20, HTTP2_FRAME_CONTINUATION, 4, 1},
        {100, HTTP2_FRAME_DATA, 0, 1},
        {0, HTTP2_FRAME_DATA, HTTP2_FRAME_END_STREAM, 1},
    };
    struct http2_flood_meter meter = {0};
    enum http2_flood flood;
    for (int i = 0; i < 10000; i++)
        for (size_t k = 0; k < sizeof(frames) / sizeof(frames[0]); k++)
            assert_true(http2_flood_add_frame(&meter, &frames[k], NOW_MS, &flood));
}

static void every_kind_has_a_text(void **state)
{
    for (int flood = 0; flood < HTTP2_FLOOD_COUNT; flood++)
        assert_true(strlen(http2_flood_text((enum http2_flood)flood)) > 3);
}

RUN_TESTS(cmocka_unit_test(refuses_what_goes_beyond_the_burst_and_names_it),
          cmocka_unit_test(time_brings_the_level_down),
          cmocka_unit_test(a_ping_every_ten_seconds_is_never_a_flood),
          cmocka_unit_test(answers_to_our_data_are_no_flood),
          cmocka_unit_test(requests_and_their_bodies_are_no_flood),
          cmocka_unit_test(every_kind_has_a_text))
