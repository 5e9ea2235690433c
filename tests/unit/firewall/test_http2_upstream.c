#include "test.h"

#include "firewall/http2_upstream.h"
#include "harness/lone_upstream.h"
#include "system/stream.h"

#include <sys/socket.h>
#include <unistd.h>

/* A server whose frames are written by hand. */

static struct lone_upstream upstream;

static int start(void **state)
{
    lone_upstream_start(&upstream, http2_upstream_new);
    return 0;
}

static int stop(void **state)
{
    lone_upstream_stop(&upstream);
    return 0;
}

/* A request that is sent at once. */
static struct exchange_side ask(const char *method, enum http_body body)
{
    struct exchange_side side = lone_upstream_ask(&upstream, method, body);
    lone_upstream_turn(&upstream);
    lone_upstream_drain(&upstream);
    return side;
}

/* Frames (RFC 9113 section 4.1): length, type, flags, stream, payload. */
#define SETTINGS "\0\0\0\x04\0\0\0\0\0"
#define OK_OF_STREAM_1 "\0\0\x01\x01\x04\0\0\0\x01\x88"
#define END_OF_STREAM_1 "\0\0\0\0\x01\0\0\0\x01"
/* Of the connection, and of streams that begin after it. */
#define WIDE_WINDOWS                                                                               \
    "\0\0\x04\x08\0\0\0\0\0\x10\0\0\0"                                                             \
    "\0\0\x06\x04\0\0\0\0\0\0\x04\x10\0\0\0"
#define HALF_A_HEAD "\0\0\x01\x01\0\0\0\0\x01\x88"
#define GOAWAY_AFTER_1 "\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"
#define REFUSED_STREAM_1 "\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07"
#define SAY(frames) lone_upstream_say(&upstream, BYTES_LITERAL(frames))

static void gives_up_where_no_settings_come(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    lone_upstream_advance(&upstream, 6);
    assert_string_equal(lone_upstream_story(), "");
    lone_upstream_advance(&upstream, 6);
    assert_string_equal(lone_upstream_story(), "gone timeout-unanswered ");
}

static void gives_up_on_a_head_that_does_not_end(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    SAY(SETTINGS HALF_A_HEAD);
    lone_upstream_advance(&upstream, 6);
    assert_string_equal(lone_upstream_story(), "room ");
    lone_upstream_advance(&upstream, 6);
    assert_string_equal(lone_upstream_story(), "room gone timeout-unanswered ");
}

static void gives_up_on_a_stream_after_fifteen_minutes_of_silence(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    SAY(SETTINGS OK_OF_STREAM_1);
    for (int minute = 0; minute < 14; minute++)
        lone_upstream_advance(&upstream, 60);
    assert_string_equal(lone_upstream_story(), "room 200 ");
    lone_upstream_advance(&upstream, 66);
    /* The stream goes, the connection does not. */
    assert_string_equal(lone_upstream_story(), "room 200 timeout-answered idle ");
}

static void does_not_take_an_upload_that_goes_on_for_silence(void **state)
{
    struct exchange_side side = ask("POST", HTTP_BODY_STREAM);
    SAY(SETTINGS);
    for (int minute = 0; minute < 20; minute++) {
        side.operations->send_body(side.object, BYTES_LITERAL("a little"));
        side.operations->flush(side.object);
        lone_upstream_advance(&upstream, 60);
    }
    assert_string_equal(lone_upstream_story(), "room ");
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
}

static void closes_after_a_minute_of_idleness(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    lone_upstream_advance(&upstream, 5);
    SAY(SETTINGS OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(lone_upstream_story(), "room 200 end idle ");
    lone_upstream_advance(&upstream, 58);
    assert_string_equal(lone_upstream_story(), "room 200 end idle ");
    lone_upstream_advance(&upstream, 7);
    assert_string_equal(lone_upstream_story(), "room 200 end idle gone ");
}

static void takes_one_exchange_before_the_server_has_said_how_many(void **state)
{
    const struct upstream_connection *connection = upstream.connection;
    assert_true(connection->operations->is_ready(connection));
    struct exchange_side side = ask("GET", HTTP_BODY_NONE);
    assert_false(connection->operations->is_ready(connection));
    SAY(SETTINGS);
    assert_true(connection->operations->is_ready(connection));
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
}

static void finishes_what_runs_at_goaway_and_takes_no_more(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    SAY(SETTINGS GOAWAY_AFTER_1);
    assert_string_equal(lone_upstream_story(), "room gone ");
    assert_false(upstream.connection->operations->is_ready(upstream.connection));
    SAY(OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(lone_upstream_story(), "room gone 200 end ");
}

static void says_that_a_refused_stream_was_not_touched(void **state)
{
    ask("POST", HTTP_BODY_NONE);
    SAY(SETTINGS REFUSED_STREAM_1);
    assert_string_equal(lone_upstream_story(), "room lost-untouched idle ");
}

static void believes_no_refusal_of_what_was_answered(void **state)
{
    ask("POST", HTTP_BODY_NONE);
    SAY(SETTINGS OK_OF_STREAM_1 REFUSED_STREAM_1);
    assert_string_equal(lone_upstream_story(), "room 200 lost-answered idle ");
}

static void says_that_an_end_leaves_the_request_unanswered(void **state)
{
    ask("GET", HTTP_BODY_NONE);
    SAY(SETTINGS);
    shutdown(upstream.server, SHUT_WR);
    lone_upstream_turn(&upstream);
    assert_string_equal(lone_upstream_story(), "room gone lost-unanswered ");
}

/* HEADERS of a stream in whole frames. */
static bool has_head(struct bytes frames, uint8_t stream)
{
    enum { HEADER_BYTES = 9, TYPE_HEADERS = 1 };
    while (frames.length >= HEADER_BYTES) {
        const uint8_t *header = frames.data;
        if (header[3] == TYPE_HEADERS && header[8] == stream)
            return true;
        size_t length = (size_t)header[0] << 16 | (size_t)header[1] << 8 | header[2];
        frames = bytes_from(frames, HEADER_BYTES + length);
    }
    return false;
}

/* Everything that the connection sends, once the server reads again. */
static struct bytes receive_all(void)
{
    static uint8_t received[2 * 1024 * 1024];
    size_t length = 0;
    for (int i = 0; i < 200; i++) {
        ssize_t count;
        while ((count = read(upstream.server, received + length, sizeof(received) - length)) > 0)
            length += (size_t)count;
        uv_run(&upstream.loop, UV_RUN_NOWAIT);
    }
    return (struct bytes){received, length};
}

/* An upload of which the kernel takes no more: what is sent now waits behind it. */
static struct exchange_side ask_stuck(void)
{
    SAY(SETTINGS WIDE_WINDOWS);
    struct exchange_side upload = lone_upstream_ask(&upstream, "POST", HTTP_BODY_STREAM);
    static const uint8_t block[16 * 1024];
    const struct body_budget *bodies = stream_loop_bodies(upstream.proxy.streams);
    for (int i = 0; i < 60 && bodies->used == 0; i++) {
        upload.operations->send_body(upload.object, (struct bytes){block, sizeof(block)});
        upload.operations->flush(upload.object);
        uv_run(&upstream.loop, UV_RUN_NOWAIT);
    }
    assert_true(bodies->used > 0 && bodies->used < sizeof(block) + 1024);
    lone_upstream_forget();
    return upload;
}

static void a_head_that_a_reload_forbids_does_not_leave_behind_an_upload(void **state)
{
    ask_stuck();
    struct exchange_side side = lone_upstream_ask(&upstream, "GET", HTTP_BODY_NONE);
    uv_run(&upstream.loop, UV_RUN_NOWAIT);
    side.operations->reset(side.object, EXCHANGE_POLICY_CHANGED);
    struct bytes frames = receive_all();
    assert_true(has_head(frames, 1) && !has_head(frames, 3));
    /* The upload shared the connection, which is given up whole. */
    assert_string_equal(lone_upstream_story(), "gone given-up-unanswered ");
}

static void a_head_whose_agent_has_gone_does_not_leave_after_a_reload(void **state)
{
    ask_stuck();
    struct exchange_side side = lone_upstream_ask(&upstream, "GET", HTTP_BODY_NONE);
    uv_run(&upstream.loop, UV_RUN_NOWAIT);
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
    uv_run(&upstream.loop, UV_RUN_NOWAIT);
    /* Nobody knows any more whether the new policy allows what the agent asked for. */
    upstream.connection->operations->retire(upstream.connection);
    struct bytes frames = receive_all();
    assert_true(has_head(frames, 1) && !has_head(frames, 3));
    assert_string_equal(lone_upstream_story(), "room gone given-up-unanswered ");
}

static void a_request_that_has_left_is_reset_alone(void **state)
{
    SAY(SETTINGS WIDE_WINDOWS);
    ask("GET", HTTP_BODY_NONE);
    struct exchange_side side = ask("GET", HTTP_BODY_NONE);
    side.operations->reset(side.object, EXCHANGE_POLICY_CHANGED);
    lone_upstream_turn(&upstream);
    SAY(OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(lone_upstream_story(), "idle idle room 200 end idle ");
}

#define WITH_CONNECTION(test) cmocka_unit_test_setup_teardown(test, start, stop)

RUN_TESTS(WITH_CONNECTION(gives_up_where_no_settings_come),
          WITH_CONNECTION(gives_up_on_a_head_that_does_not_end),
          WITH_CONNECTION(gives_up_on_a_stream_after_fifteen_minutes_of_silence),
          WITH_CONNECTION(does_not_take_an_upload_that_goes_on_for_silence),
          WITH_CONNECTION(closes_after_a_minute_of_idleness),
          WITH_CONNECTION(takes_one_exchange_before_the_server_has_said_how_many),
          WITH_CONNECTION(finishes_what_runs_at_goaway_and_takes_no_more),
          WITH_CONNECTION(believes_no_refusal_of_what_was_answered),
          WITH_CONNECTION(a_head_that_a_reload_forbids_does_not_leave_behind_an_upload),
          WITH_CONNECTION(a_head_whose_agent_has_gone_does_not_leave_after_a_reload),
          WITH_CONNECTION(a_request_that_has_left_is_reset_alone),
          WITH_CONNECTION(says_that_a_refused_stream_was_not_touched),
          WITH_CONNECTION(says_that_an_end_leaves_the_request_unanswered))
