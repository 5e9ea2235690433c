#include "test.h"

#include "firewall/http2_downstream.h"
#include "harness/fake_http2.h"
#include "harness/fake_server.h"

/* An agent and a server whose frames and bytes are written by hand, and a clock of the test's. */

#define ASK(method, path)                                                                          \
    ":method: " method "\n:scheme: https\n:authority: a.example.com\n:path: " path "\n"

static const struct bytes answer_head = BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 100000"
                                                      "\r\n\r\n");

static struct fake_world world;
static struct fake_http2 agent;
static struct fake_server server;
static bool is_greeting;

static void on_connected(struct fake_world *its, struct fake_dial *dial)
{
    fake_server_start(&server, its, dial);
}

static void open_agent(bool is_greeted)
{
    fake_world_start(&world, "a.example.com", "a.example.com\n");
    world.on_connected = on_connected;
    fake_world_open_agent(&world, 0, HTTP_PROTOCOL_2);
    is_greeting = is_greeted;
    if (is_greeted)
        fake_http2_start(&agent, &world, world.agents[0].peer, NULL);
    fake_loop_settle();
}

static int start(void **state)
{
    open_agent(true);
    return 0;
}

static int start_silent(void **state)
{
    open_agent(false);
    return 0;
}

static int stop(void **state)
{
    fake_world_end(&world);
    if (is_greeting)
        fake_http2_done(&agent);
    if (world.dial_count > 0)
        fake_server_done(&server);
    fake_world_stop(&world);
    return 0;
}

/* A request, whose dial is answered. Its stream. */
static uint32_t ask(const char *lines, bool is_end)
{
    uint32_t stream = agent.next_stream;
    fake_http2_say_head(&agent, is_end ? FAKE_HTTP2_END_STREAM : 0, stream, lines);
    fake_loop_settle();
    struct fake_dial *dial = fake_world_waiting_dial(&world);
    if (dial)
        fake_world_settle_dial(&world, dial, DIAL_CONNECTED, false);
    fake_loop_settle();
    return stream;
}

static void pass(uint64_t seconds)
{
    fake_loop_advance(seconds * 1000);
    fake_loop_settle();
}

static bool is_connected(void)
{
    return world.agents[0].connection != NULL;
}

static bool is_ended(uint32_t stream)
{
    return fake_http2_find(&agent, stream)->phase == FAKE_HTTP2_ENDED;
}

static void say_ping(void)
{
    fake_http2_say(&agent, FAKE_HTTP2_PING, 0, 0, BYTES_LITERAL("12345678"));
}

/* ---- what is let go ---- */

static void lets_go_of_an_agent_that_never_speaks_after_ten_seconds(void **state)
{
    pass(9);
    assert_true(is_connected());
    pass(2);
    assert_false(is_connected());
    assert_non_null(strstr(world.records, "deny 0 agent timed out;"));
}

static void lets_go_of_an_idle_connection_after_two_minutes_with_goaway(void **state)
{
    pass(119);
    assert_true(is_connected());
    assert_int_equal(agent.goaway_count, 0);
    pass(2);
    assert_false(is_connected());
    assert_int_equal(agent.goaway_count, 1);
    assert_int_equal(world.agents[0].peer->ending, STREAM_ENDING_CLEAN);
    assert_string_equal(world.records, "");
}

static void pings_do_not_keep_an_idle_connection(void **state)
{
    for (int i = 0; i < 13 && is_connected(); i++) {
        say_ping();
        pass(10);
    }
    assert_false(is_connected());
}

static void a_request_begins_the_two_minutes_again(void **state)
{
    pass(100);
    ask(ASK("GET", "/"), true);
    fake_server_say(&server, BYTES_LITERAL("HTTP/1.1 204 No Content\r\n\r\n"));
    pass(100);
    assert_true(is_connected());
    pass(30);
    assert_false(is_connected());
}

static void a_head_held_open_ends_the_connection_whatever_else_runs(void **state)
{
    uint32_t running = ask(ASK("GET", "/"), true);
    uint8_t nothing[] = {0, 1, 'a', 1, 'b'};
    fake_http2_say(&agent, FAKE_HTTP2_HEADERS, FAKE_HTTP2_END_STREAM, agent.next_stream,
                   (struct bytes){nothing, sizeof(nothing)});
    for (int i = 0; i < 9; i++)
        pass(1);
    assert_true(is_connected());
    assert_false(is_ended(running));
    pass(2);
    assert_false(is_connected());
    assert_non_null(strstr(world.records, "agent timed out;"));
}

static void a_body_that_stands_still_is_reset_alone_after_130_seconds(void **state)
{
    uint32_t silent = ask(ASK("POST", "/"), false);
    pass(125);
    assert_false(is_ended(silent));
    pass(12);
    assert_true(is_ended(silent));
    assert_int_equal(agent.reset_count, 1);
    assert_true(is_connected());
    assert_non_null(strstr(world.records, "agent timed out;"));
}

static void a_body_that_comes_slowly_is_left_alone(void **state)
{
    uint32_t slow = ask(ASK("POST", "/"), false);
    for (int i = 0; i < 10; i++) {
        pass(100);
        fake_http2_say_data(&agent, 0, slow, 1);
        fake_loop_settle();
    }
    assert_false(is_ended(slow));
    assert_int_equal(agent.reset_count, 0);
}

/* Say more than the agent's window holds; it gives no more. */
static uint32_t fill_window(bool is_whole)
{
    static uint8_t body[100000];
    uint32_t stream = ask(ASK("GET", "/"), true);
    fake_server_say(&server, answer_head);
    fake_server_say(&server, (struct bytes){body, is_whole ? sizeof(body) : sizeof(body) - 1});
    fake_loop_settle();
    assert_int_equal(fake_http2_find(&agent, stream)->data_bytes, 65535);
    return stream;
}

static void an_agent_that_reads_no_more_of_a_response_loses_it(void **state)
{
    uint32_t stream = fill_window(false);
    pass(14 * 60);
    assert_int_equal(agent.reset_count, 0);
    pass(70);
    assert_true(is_ended(stream));
    assert_int_equal(agent.reset_count, 1);
    assert_true(is_connected());
}

static void an_agent_that_reads_no_more_of_a_complete_response_loses_it(void **state)
{
    uint32_t stream = fill_window(true);
    assert_false(is_ended(stream));
    pass(14 * 60);
    assert_int_equal(agent.reset_count, 0);
    pass(70);
    assert_int_equal(agent.reset_count, 1);
    pass(125);
    assert_false(is_connected());
}

static void an_agent_whose_network_takes_nothing_is_let_go(void **state)
{
    uint32_t stream = ask(ASK("GET", "/"), true);
    world.agents[0].peer->room = 0;
    fake_server_say(&server, BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    pass(14 * 60);
    assert_true(is_connected());
    pass(75);
    assert_false(is_connected());
    assert_int_equal(fake_http2_find(&agent, stream)->data_bytes, 0);
    assert_non_null(strstr(world.records, "agent timed out;"));
}

/* ---- what is not ---- */

static void a_response_that_pauses_for_ten_minutes_goes_on(void **state)
{
    uint32_t stream = ask(ASK("GET", "/"), true);
    fake_server_say(&server, BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"));
    pass(600);
    assert_true(is_connected());
    fake_server_say(&server, BYTES_LITERAL("k"));
    fake_loop_settle();
    assert_true(is_ended(stream));
    assert_int_equal(fake_http2_find(&agent, stream)->data_bytes, 2);
    assert_int_equal(agent.reset_count, 0);
}

static void a_response_goes_on_where_its_agent_reads_again(void **state)
{
    uint32_t stream = fill_window(true);
    pass(600);
    fake_http2_say_window(&agent, 0, 100000);
    fake_http2_say_window(&agent, stream, 100000);
    fake_loop_settle();
    assert_true(is_ended(stream));
    assert_int_equal(fake_http2_find(&agent, stream)->data_bytes, 100000);
    assert_int_equal(agent.reset_count, 0);
}

static void after_the_agents_goaway_its_streams_are_served_and_the_connection_ends(void **state)
{
    static const uint8_t nothing[8];
    uint32_t stream = ask(ASK("GET", "/"), true);
    fake_http2_say(&agent, FAKE_HTTP2_GOAWAY, 0, 0, (struct bytes){nothing, sizeof(nothing)});
    fake_loop_settle();
    pass(60);
    assert_true(is_connected());
    fake_server_say(&server, BYTES_LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    fake_loop_settle();
    assert_true(is_ended(stream));
    assert_int_equal(fake_http2_find(&agent, stream)->data_bytes, 2);
    assert_false(is_connected());
}

static void the_record_of_a_refused_connect_shows_no_status_that_nobody_got(void **state)
{
    uint32_t stream = ask(":method: CONNECT\n:authority: a.example.com\n", true);
    assert_true(is_ended(stream));
    assert_int_equal(agent.reset_count, 1);
    assert_string_equal(world.records, "deny 0 CONNECT is not served;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

RUN_TESTS(cmocka_unit_test_setup_teardown(lets_go_of_an_agent_that_never_speaks_after_ten_seconds,
                                          start_silent, stop),
          TEST(lets_go_of_an_idle_connection_after_two_minutes_with_goaway),
          TEST(the_record_of_a_refused_connect_shows_no_status_that_nobody_got),
          TEST(pings_do_not_keep_an_idle_connection), TEST(a_request_begins_the_two_minutes_again),
          TEST(a_head_held_open_ends_the_connection_whatever_else_runs),
          TEST(a_body_that_stands_still_is_reset_alone_after_130_seconds),
          TEST(a_body_that_comes_slowly_is_left_alone),
          TEST(an_agent_that_reads_no_more_of_a_response_loses_it),
          TEST(an_agent_that_reads_no_more_of_a_complete_response_loses_it),
          TEST(an_agent_whose_network_takes_nothing_is_let_go),
          TEST(a_response_that_pauses_for_ten_minutes_goes_on),
          TEST(a_response_goes_on_where_its_agent_reads_again),
          TEST(after_the_agents_goaway_its_streams_are_served_and_the_connection_ends))
