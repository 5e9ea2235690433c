#include "test.h"

#include "firewall/exchange.h"
#include "firewall/http1_upstream.h"
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
 * A connection over a socket pair, an exchange and a pool that write down what they are told, and
 * a clock that the test turns.
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
    tell("idle");
}

void upstream_pool_forget(struct upstream_connection *connection)
{
    tell("gone");
}

void exchange_response_head(struct exchange *exchange, struct http_head *head)
{
    tell("head");
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
    tell("credit");
}

void exchange_upstream_failed(struct exchange *exchange, enum exchange_failure failure,
                              enum exchange_progress progress, const char *detail)
{
    tell(failure == EXCHANGE_UPSTREAM_TIMEOUT ? "timeout" : "failed");
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
    for (int i = 0; i < 4; i++)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
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
    fixture->connection = http1_upstream_new(NULL, &fixture->proxy, &key, stream);
    fixture->server = ends[1];
    story[0] = '\0';
    *state = fixture;
    return 0;
}

static int stop(void **state)
{
    struct fixture *fixture = *state;
    close(fixture->server);
    stream_loop_free(fixture->proxy.streams);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture);
    return 0;
}

/* The connection takes up an exchange whose request is sent. */
static void ask(struct fixture *fixture, const char *method, enum http_body body)
{
    struct http_head head;
    http_head_init(&head, HTTP_REQUEST);
    http_head_set_method(&head, bytes_from_text(method));
    http_head_set_scheme(&head, BYTES_LITERAL("https"));
    http_head_set_authority(&head, BYTES_LITERAL("api.example.com"));
    http_head_set_path(&head, BYTES_LITERAL("/"));
    head.body = body;
    fixture->side =
        fixture->connection->operations->start(fixture->connection, (struct exchange *)fixture);
    fixture->side.operations->send_head(fixture->side.object, &head);
    if (body == HTTP_BODY_NONE)
        fixture->side.operations->send_end(fixture->side.object, NULL);
    fixture->side.operations->flush(fixture->side.object);
    fixture->side.operations->give_credit(fixture->side.object, EXCHANGE_WINDOW_BYTES);
    http_head_done(&head);
}

static void answer(struct fixture *fixture, const char *text)
{
    assert_int_equal(write(fixture->server, text, strlen(text)), (ssize_t)strlen(text));
    turn(fixture);
}

static void closes_after_a_minute_of_idleness_that_began_long_after_its_start(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    /* The timer fires in the middle of the exchange, where 15 minutes are the limit. */
    advance(fixture, 61);
    answer(fixture, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_string_equal(story, "head body end idle ");
    advance(fixture, 58);
    assert_string_equal(story, "head body end idle ");
    advance(fixture, 3);
    assert_string_equal(story, "head body end idle gone ");
}

static void gives_up_after_fifteen_minutes_of_silence(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "GET", HTTP_BODY_NONE);
    for (int minute = 0; minute < 14; minute++)
        advance(fixture, 60);
    assert_string_equal(story, "");
    advance(fixture, 61);
    assert_string_equal(story, "gone timeout ");
}

static void does_not_take_an_upload_that_goes_on_for_silence(void **state)
{
    struct fixture *fixture = *state;
    ask(fixture, "POST", HTTP_BODY_STREAM);
    char sink[4096];
    for (int minute = 0; minute < 20; minute++) {
        fixture->side.operations->send_body(fixture->side.object, BYTES_LITERAL("a little"));
        fixture->side.operations->flush(fixture->side.object);
        /* The kernel takes all of it at once. */
        assert_true(read(fixture->server, sink, sizeof(sink)) > 0);
        advance(fixture, 60);
    }
    assert_null(strstr(story, "timeout"));
    fixture->side.operations->reset(fixture->side.object, EXCHANGE_AGENT_GONE);
}

#define WITH_CONNECTION(test) cmocka_unit_test_setup_teardown(test, start, stop)

RUN_TESTS(WITH_CONNECTION(gives_up_after_fifteen_minutes_of_silence),
          WITH_CONNECTION(closes_after_a_minute_of_idleness_that_began_long_after_its_start),
          WITH_CONNECTION(does_not_take_an_upload_that_goes_on_for_silence))
