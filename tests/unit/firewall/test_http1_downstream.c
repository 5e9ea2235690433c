#include "test.h"

#include "firewall/http1_downstream.h"
#include "harness/fake_world.h"

#include <stdio.h>

/* One agent of HTTP/1.1 against the real exchange and pool; the clock is the test's. */

#define HOST "Host: a.example.com\r\n"
#define GET "GET /pub/a HTTP/1.1\r\n" HOST "\r\n"

enum { ALMOST_MS = 1 };

static struct fake_world world;
static struct fake_agent *agent;

static void start(const char *rules)
{
    fake_world_start(&world, "a.example.com", rules);
    agent = fake_world_open_agent(&world, 0, HTTP_PROTOCOL_1);
}

static void stop(void)
{
    fake_world_end(&world);
    fake_world_stop(&world);
}

static void say(const char *text)
{
    fake_peer_push(agent->peer, bytes_from_text(text));
    fake_loop_settle();
}

/* The server that was dialled last. */
static struct fake_peer *server(void)
{
    struct fake_dial *dial = fake_world_waiting_dial(&world);
    if (dial)
        fake_world_settle_dial(&world, dial, DIAL_CONNECTED, false);
    fake_loop_settle();
    assert_true(world.dial_count > 0);
    return world.dials[world.dial_count - 1].peer;
}

static void answer(const char *text)
{
    fake_peer_push(server(), bytes_from_text(text));
    fake_loop_settle();
}

static bool was_told(const struct fake_peer *peer, const char *text)
{
    struct bytes told = buffer_bytes(&peer->received);
    struct bytes wanted = bytes_from_text(text);
    for (size_t i = 0; i + wanted.length <= told.length; i++)
        if (bytes_start_with(bytes_from(told, i), wanted))
            return true;
    return false;
}

static bool is_closed(void)
{
    return agent->peer->is_closed;
}

/* --- deadlines ------------------------------------------------------------------------------ */

static void closes_a_connection_that_says_nothing_for_two_minutes(void **state)
{
    start("a.example.com\n");
    fake_loop_advance(HTTP1_KEEP_ALIVE_MS - ALMOST_MS);
    assert_false(is_closed());
    fake_loop_advance(ALMOST_MS);
    assert_true(is_closed());
    assert_int_equal(agent->peer->ending, STREAM_ENDING_CLEAN);
    assert_string_equal(world.records, "");
    stop();
}

static void counts_idleness_from_the_end_of_the_last_answer(void **state)
{
    start("a.example.com\n");
    fake_loop_advance(HTTP1_KEEP_ALIVE_MS - ALMOST_MS);
    say(GET);
    answer("HTTP/1.1 204 No Content\r\n\r\n");
    fake_loop_advance(HTTP1_KEEP_ALIVE_MS - ALMOST_MS);
    assert_false(is_closed());
    fake_loop_advance(ALMOST_MS);
    assert_true(is_closed());
    stop();
}

static void refuses_a_head_that_takes_longer_than_ten_seconds(void **state)
{
    start("a.example.com\n");
    say("GET /pub/a HTTP/1.1\r\n");
    /* Bytes that trickle win no time. */
    for (int i = 0; i < 9; i++) {
        fake_loop_advance(1000);
        say("X-Slow: 1\r\n");
    }
    fake_loop_advance(1000 - ALMOST_MS);
    assert_false(is_closed());
    fake_loop_advance(ALMOST_MS);
    assert_true(is_closed());
    assert_true(was_told(agent->peer, "HTTP/1.1 408 "));
    assert_string_equal(world.records, "deny 408 head not complete within 10 seconds;");
    assert_int_equal(world.dial_count, 0);
    stop();
}

static void gives_up_a_body_that_stands_still_for_130_seconds(void **state)
{
    start("a.example.com\n");
    say("POST /up/a HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nhello");
    struct fake_peer *peer = server();
    fake_loop_advance(HTTP1_BODY_SILENCE_MS - ALMOST_MS);
    say("x");
    fake_loop_advance(HTTP1_BODY_SILENCE_MS - ALMOST_MS);
    assert_false(is_closed());
    fake_loop_advance(ALMOST_MS);
    assert_true(is_closed());
    assert_true(was_told(agent->peer, "HTTP/1.1 408 "));
    assert_true(peer->is_closed);
    assert_int_equal(peer->ending, STREAM_ENDING_RESET);
    assert_non_null(strstr(world.records, "agent timed out;"));
    stop();
}

static void waits_for_a_model_that_thinks_and_gives_it_up_after_15_minutes(void **state)
{
    start("a.example.com\n");
    say(GET);
    server();
    fake_loop_advance(15 * 60 * 1000 - ALMOST_MS);
    assert_false(is_closed());
    assert_string_equal(world.records, "");
    fake_loop_advance(ALMOST_MS);
    assert_true(was_told(agent->peer, "HTTP/1.1 504 "));
    assert_string_equal(world.records, "allow 504 server timed out;");
    stop();
}

static void gives_up_an_agent_that_takes_nothing_of_an_answer_for_15_minutes(void **state)
{
    start("a.example.com\n");
    agent->peer->room = 0;
    say(GET);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    fake_loop_advance(HTTP1_READER_SILENCE_MS - ALMOST_MS);
    assert_false(is_closed());
    fake_loop_advance(ALMOST_MS);
    assert_true(is_closed());
    assert_int_not_equal(agent->peer->ending, STREAM_ENDING_CLEAN);
    stop();
}

static void says_continue_itself_after_a_second(void **state)
{
    start("a.example.com\n");
    say("PUT /up/a HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    server();
    fake_loop_advance(EXCHANGE_CONTINUE_WAIT_MS - ALMOST_MS);
    assert_int_equal(agent->peer->received_bytes, 0);
    fake_loop_advance(ALMOST_MS);
    assert_true(was_told(agent->peer, "HTTP/1.1 100 Continue\r\n\r\n"));
    /* The server's own comes too late to be passed on. */
    uint64_t told_bytes = agent->peer->received_bytes;
    answer("HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(agent->peer->received_bytes, told_bytes);
    stop();
}

static void keeps_an_idle_server_for_a_minute(void **state)
{
    start("a.example.com\n");
    say(GET);
    answer("HTTP/1.1 204 No Content\r\n\r\n");
    struct fake_peer *peer = server();
    fake_loop_advance(UPSTREAM_POOL_IDLE_MS - ALMOST_MS);
    assert_false(peer->is_closed);
    say(GET);
    assert_int_equal(world.dial_count, 1);
    answer("HTTP/1.1 204 No Content\r\n\r\n");
    fake_loop_advance(UPSTREAM_POOL_IDLE_MS);
    assert_true(peer->is_closed);
    say(GET);
    assert_int_equal(world.dial_count, 2);
    stop();
}

/* --- refusals ------------------------------------------------------------------------------- */

static void a_broken_request_is_the_last_of_its_connection(void **state)
{
    start("a.example.com\n");
    say("GET /pub/a HTTP/1.1\r\n" HOST "Host: b.example.com\r\n\r\n" GET);
    assert_true(was_told(agent->peer, "HTTP/1.1 400 "));
    assert_true(is_closed());
    assert_int_equal(world.dial_count, 0);
    stop();
}

static void a_request_that_no_rule_allows_dials_nobody_and_may_be_followed(void **state)
{
    start("a.example.com GET /pub/**\n");
    say("GET /private HTTP/1.1\r\n" HOST "\r\n");
    assert_true(was_told(agent->peer, "HTTP/1.1 403 "));
    assert_int_equal(world.dial_count, 0);
    assert_false(is_closed());
    say(GET);
    assert_int_equal(world.dial_count, 1);
    stop();
}

static void a_broken_body_reaches_no_server_as_a_whole_request(void **state)
{
    start("a.example.com\n");
    say("POST /up/a HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    struct fake_peer *peer = server();
    say("5;x=y\r\nworld\r\n0\r\n\r\n");
    assert_true(is_closed());
    assert_true(peer->is_closed);
    assert_false(was_told(peer, "0\r\n\r\n"));
    assert_non_null(strstr(world.records, "agent broke the protocol;"));
    stop();
}

static void a_reload_cuts_what_it_forbids_and_keeps_the_rest(void **state)
{
    start("a.example.com\n");
    say(GET);
    struct fake_peer *peer = server();
    fake_world_reload(&world, "a.example.com GET\n");
    assert_false(is_closed());
    fake_world_reload(&world, "a.example.com POST\n");
    assert_true(is_closed());
    assert_int_equal(agent->peer->ending, STREAM_ENDING_RESET);
    assert_true(peer->is_closed);
    stop();
}

/* --- endings -------------------------------------------------------------------------------- */

static void an_answer_that_breaks_off_never_looks_complete(void **state)
{
    start("a.example.com\n");
    say(GET);
    answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    fake_peer_end(server(), STREAM_END);
    fake_loop_settle();
    assert_true(is_closed());
    assert_int_not_equal(agent->peer->ending, STREAM_ENDING_CLEAN);
    assert_false(was_told(agent->peer, "0\r\n\r\n"));
    stop();
}

static void a_server_that_says_too_much_serves_nobody_else(void **state)
{
    start("a.example.com\n");
    say(GET);
    answer("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged");
    say(GET);
    assert_int_equal(world.dial_count, 2);
    assert_false(was_told(agent->peer, "forged"));
    stop();
}

/* --- what passes ---------------------------------------------------------------------------- */

static void requests_in_a_row_are_answered_in_their_order(void **state)
{
    start("a.example.com\n");
    say(GET "HEAD /pub/b HTTP/1.1\r\n" HOST "\r\n" GET);
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n");
    answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree");
    assert_int_equal(world.dial_count, 1);
    assert_int_equal(world.record_count, 3);
    assert_true(was_told(agent->peer, "one"));
    assert_true(was_told(agent->peer, "three"));
    stop();
}

static void a_server_that_takes_nothing_holds_the_agent_back(void **state)
{
    static uint8_t block[64 * 1024];
    start("a.example.com\n");
    say("POST /up/a HTTP/1.1\r\n" HOST "Content-Length: 1048576\r\n\r\n");
    struct fake_peer *peer = server();
    peer->room = 0;
    for (int i = 0; i < 16; i++)
        fake_peer_push(agent->peer, (struct bytes){block, sizeof(block)});
    fake_loop_settle();
    /* A window, and what stands between two looks at the credit. */
    size_t taken = 16 * sizeof(block) - buffer_length(&agent->peer->arriving);
    assert_in_range(taken, 1, 2 * EXCHANGE_WINDOW_BYTES + 16 * 1024);
    fake_peer_take(peer, FAKE_ROOM_ENDLESS);
    fake_loop_settle();
    assert_int_equal(buffer_length(&agent->peer->arriving), 0);
    stop();
}

RUN_TESTS(cmocka_unit_test(closes_a_connection_that_says_nothing_for_two_minutes),
          cmocka_unit_test(counts_idleness_from_the_end_of_the_last_answer),
          cmocka_unit_test(refuses_a_head_that_takes_longer_than_ten_seconds),
          cmocka_unit_test(gives_up_a_body_that_stands_still_for_130_seconds),
          cmocka_unit_test(waits_for_a_model_that_thinks_and_gives_it_up_after_15_minutes),
          cmocka_unit_test(gives_up_an_agent_that_takes_nothing_of_an_answer_for_15_minutes),
          cmocka_unit_test(says_continue_itself_after_a_second),
          cmocka_unit_test(keeps_an_idle_server_for_a_minute),
          cmocka_unit_test(a_broken_request_is_the_last_of_its_connection),
          cmocka_unit_test(a_request_that_no_rule_allows_dials_nobody_and_may_be_followed),
          cmocka_unit_test(a_broken_body_reaches_no_server_as_a_whole_request),
          cmocka_unit_test(a_reload_cuts_what_it_forbids_and_keeps_the_rest),
          cmocka_unit_test(an_answer_that_breaks_off_never_looks_complete),
          cmocka_unit_test(a_server_that_says_too_much_serves_nobody_else),
          cmocka_unit_test(requests_in_a_row_are_answered_in_their_order),
          cmocka_unit_test(a_server_that_takes_nothing_holds_the_agent_back))
