#include "test.h"

#include "firewall/exchange.h"
#include "firewall/http2_upstream.h"
#include "firewall/proxy.h"
#include "system/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/*
 * A connection over a socket pair to a server whose frames are written by hand, an exchange and a
 * pool that write down what they are told, and a clock that the test turns.
 */

static int64_t clock_ahead_ms;

/* In the place of libc's: libuv asks this one. */
int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    time->tv_sec += clock_ahead_ms / 1000;
    return result;
}

static char story[1024];

static void tell(const char *text)
{
    size_t length = strlen(story);
    snprintf(story + length, sizeof(story) - length, "%s ", text);
}

void upstream_pool_changed(struct upstream_connection *connection)
{
    tell(connection->running ? "room" : "idle");
}

void upstream_pool_forget(struct upstream_connection *connection)
{
    if (!strstr(story, "gone "))
        tell("gone");
}

void exchange_response_head(struct exchange *exchange, struct http_head *head)
{
    char text[16];
    snprintf(text, sizeof(text), "%u", head->status);
    tell(text);
}

void exchange_response_body(struct exchange *exchange, struct bytes body)
{
    tell("body");
}

void exchange_response_end(struct exchange *exchange, const struct http_head *trailers)
{
    tell("end");
}

void exchange_response_flush(struct exchange *exchange)
{
}

void exchange_request_credit(struct exchange *exchange, size_t bytes)
{
}

void exchange_upstream_failed(struct exchange *exchange, enum exchange_failure failure,
                              enum exchange_progress progress, const char *detail)
{
    static const char *const words[] = {
        [EXCHANGE_ANSWERED] = "-answered",
        [EXCHANGE_UNANSWERED] = "-unanswered",
        [EXCHANGE_UNTOUCHED] = "-untouched",
    };
    char text[64];
    snprintf(text, sizeof(text), "%s%s",
             failure == EXCHANGE_UPSTREAM_TIMEOUT    ? "timeout"
             : failure == EXCHANGE_UPSTREAM_GIVEN_UP ? "given-up"
             : failure == EXCHANGE_UPSTREAM_PROTOCOL ? "protocol"
                                                     : "lost",
             words[progress]);
    tell(text);
}

struct fixture {
    uv_loop_t loop;
    struct proxy proxy;
    struct upstream_connection *connection;
    struct exchange_side side;
    int server;
};

static void turn(struct fixture *fixture)
{
    char sink[4096];
    for (int i = 0; i < 4; i++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    while (read(fixture->server, sink, sizeof(sink)) > 0)
        continue;
}

static void advance(struct fixture *fixture, int64_t seconds)
{
    clock_ahead_ms += seconds * 1000;
    turn(fixture);
}

static int start(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    uv_loop_init(&fixture->loop);
    fixture->proxy.loop = &fixture->loop;
    fixture->proxy.streams = stream_loop_new(&fixture->loop);
    fixture->proxy.bodies = stream_loop_bodies(fixture->proxy.streams);
    struct upstream_key key = {.port = 443};
    struct stream *stream = stream_new(fixture->proxy.streams, ends[0], NULL, NULL);
    fixture->connection = http2_upstream_new(NULL, &fixture->proxy, &key, stream);
    fixture->server = ends[1];
    story[0] = '\0';
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    if (!strstr(story, "gone "))
        fixture->connection->operations->retire(fixture->connection);
    turn(fixture);
    close(fixture->server);
    turn(fixture);
    stream_loop_free(fixture->proxy.streams);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture);
    return 0;
}

static struct exchange_side start_request(struct fixture *fixture, const char *method,
                                          enum http_body body)
{
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    http_head_set_method(&head, bytes_from_text(method));
    http_head_set_scheme(&head, BYTES_LITERAL("https"));
    http_head_set_authority(&head, BYTES_LITERAL("api.example.com"));
    http_head_set_path(&head, BYTES_LITERAL("/"));
    head.body = body;
    struct exchange_side side =
        fixture->connection->operations->start(fixture->connection, (struct exchange *)fixture);
    side.operations->send_head(side.object, &head);
    if (body == HTTP_BODY_NONE)
        side.operations->send_end(side.object, NULL);
    side.operations->flush(side.object);
    side.operations->give_credit(side.object, EXCHANGE_WINDOW_BYTES);
    http_head_done(&head);
    return side;
}

/* The connection takes up an exchange whose request is sent. */
static struct exchange_side ask(struct fixture *fixture, const char *method, enum http_body body)
{
    struct exchange_side side = start_request(fixture, method, body);
    turn(fixture);
    return side;
}

static void send_bytes(struct fixture *fixture, const char *bytes, size_t length)
{
    assert_int_equal(write(fixture->server, bytes, length), (ssize_t)length);
    turn(fixture);
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
#define SEND(fixture, frames) send_bytes(fixture, frames, sizeof(frames) - 1)

static void gives_up_where_no_settings_come(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    advance(fixture, 6);
    assert_string_equal(story, "");
    advance(fixture, 6);
    assert_string_equal(story, "gone timeout-unanswered ");
}

static void gives_up_on_a_head_that_does_not_end(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS HALF_A_HEAD);
    advance(fixture, 6);
    assert_string_equal(story, "room ");
    advance(fixture, 6);
    assert_string_equal(story, "room gone timeout-unanswered ");
}

static void gives_up_on_a_stream_after_fifteen_minutes_of_silence(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS OK_OF_STREAM_1);
    for (int minute = 0; minute < 14; minute++)
        advance(fixture, 60);
    assert_string_equal(story, "room 200 ");
    advance(fixture, 66);
    /* The stream goes, the connection does not. */
    assert_string_equal(story, "room 200 timeout-answered idle ");
}

static void does_not_take_an_upload_that_goes_on_for_silence(void **state)
{
    struct fixture *fixture = *state;
    struct exchange_side side = ask(fixture, "POST", HTTP_BODY_STREAM);
    SEND(fixture, SETTINGS);
    for (int minute = 0; minute < 20; minute++) {
        side.operations->send_body(side.object, BYTES_LITERAL("a little"));
        side.operations->flush(side.object);
        advance(fixture, 60);
    }
    assert_string_equal(story, "room ");
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
}

static void closes_after_a_minute_of_idleness(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    advance(fixture, 5);
    SEND(fixture, SETTINGS OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(story, "room 200 end idle ");
    advance(fixture, 58);
    assert_string_equal(story, "room 200 end idle ");
    advance(fixture, 7);
    assert_string_equal(story, "room 200 end idle gone ");
}

static void takes_one_exchange_before_the_server_has_said_how_many(void **state)
{
    struct fixture *fixture = *state;
    const struct upstream_connection *connection = fixture->connection;
    assert_true(connection->operations->is_ready(connection));
    struct exchange_side side = ask(fixture, "GET", HTTP_BODY_NONE);
    assert_false(connection->operations->is_ready(connection));
    SEND(fixture, SETTINGS);
    assert_true(connection->operations->is_ready(connection));
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
}

static void finishes_what_runs_at_goaway_and_takes_no_more(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS GOAWAY_AFTER_1);
    assert_string_equal(story, "room gone ");
    assert_false(fixture->connection->operations->is_ready(fixture->connection));
    SEND(fixture, OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(story, "room gone 200 end ");
}

static void says_that_a_refused_stream_was_not_touched(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "POST", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS REFUSED_STREAM_1);
    assert_string_equal(story, "room lost-untouched idle ");
}

static void believes_no_refusal_of_what_was_answered(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "POST", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS OK_OF_STREAM_1 REFUSED_STREAM_1);
    assert_string_equal(story, "room 200 lost-answered idle ");
}

static void says_that_an_end_leaves_the_request_unanswered(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    SEND(fixture, SETTINGS);
    shutdown(fixture->server, SHUT_WR);
    turn(fixture);
    assert_string_equal(story, "room gone lost-unanswered ");
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
static struct bytes receive_all(struct fixture *fixture)
{
    static uint8_t received[2 * 1024 * 1024];
    size_t length = 0;
    for (int i = 0; i < 200; i++) {
        ssize_t count;
        while ((count = read(fixture->server, received + length, sizeof(received) - length)) > 0)
            length += (size_t)count;
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    return (struct bytes){received, length};
}

/* An upload of which the kernel takes no more: what is sent now waits behind it. */
static struct exchange_side ask_stuck(struct fixture *fixture)
{
    SEND(fixture, SETTINGS WIDE_WINDOWS);
    struct exchange_side upload = start_request(fixture, "POST", HTTP_BODY_STREAM);
    static const uint8_t block[16 * 1024];
    const struct body_budget *bodies = stream_loop_bodies(fixture->proxy.streams);
    for (int i = 0; i < 60 && bodies->used == 0; i++) {
        upload.operations->send_body(upload.object, (struct bytes){block, sizeof(block)});
        upload.operations->flush(upload.object);
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    assert_true(bodies->used > 0 && bodies->used < sizeof(block) + 1024);
    story[0] = '\0';
    return upload;
}

static void a_head_that_a_reload_forbids_does_not_leave_behind_an_upload(void **state)
{
    struct fixture *fixture = *state;
    ask_stuck(fixture);
    struct exchange_side side = start_request(fixture, "GET", HTTP_BODY_NONE);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    side.operations->reset(side.object, EXCHANGE_POLICY_CHANGED);
    struct bytes frames = receive_all(fixture);
    assert_true(has_head(frames, 1) && !has_head(frames, 3));
    /* The upload shared the connection, which is given up whole. */
    assert_string_equal(story, "gone given-up-unanswered ");
}

static void a_head_whose_agent_has_gone_does_not_leave_after_a_reload(void **state)
{
    struct fixture *fixture = *state;
    ask_stuck(fixture);
    struct exchange_side side = start_request(fixture, "GET", HTTP_BODY_NONE);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    side.operations->reset(side.object, EXCHANGE_AGENT_GONE);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    /* Nobody knows any more whether the new policy allows what the agent asked for. */
    fixture->connection->operations->retire(fixture->connection);
    struct bytes frames = receive_all(fixture);
    assert_true(has_head(frames, 1) && !has_head(frames, 3));
    assert_string_equal(story, "room gone given-up-unanswered ");
}

static void a_request_that_has_left_is_reset_alone(void **state)
{
    struct fixture *fixture = *state;
    SEND(fixture, SETTINGS WIDE_WINDOWS);
    ask(fixture, "GET", HTTP_BODY_NONE);
    struct exchange_side side = ask(fixture, "GET", HTTP_BODY_NONE);
    side.operations->reset(side.object, EXCHANGE_POLICY_CHANGED);
    turn(fixture);
    SEND(fixture, OK_OF_STREAM_1 END_OF_STREAM_1);
    assert_string_equal(story, "idle idle room 200 end idle ");
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
