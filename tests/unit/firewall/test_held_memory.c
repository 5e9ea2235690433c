#include "test.h"

#include "firewall/http1_downstream.h"
#include "firewall/http2_session.h"
#include "harness/fake_http2.h"
#include "harness/fake_server.h"
#include "wire/http1.h"

#include <stdio.h>
#include <stdlib.h>

/* What waits in memory because a peer has not sent the rest: counted, and bounded for all. */

#define HOST "Host: a.example.com\r\n"

static struct fake_world world;
static struct fake_server servers[FAKE_DIALS_MAX];

static struct fake_http2 http2_server; /* one at most */

static void on_connected(struct fake_world *its, struct fake_dial *dial)
{
    if (dial->peer->is_http2)
        fake_http2_start(&http2_server, its, dial->peer, dial);
    else
        fake_server_start(&servers[dial - its->dials], its, dial);
}

static int start(void **state)
{
    fake_world_start(&world, "a.example.com", "a.example.com\n");
    world.on_connected = on_connected;
    return 0;
}

static int stop(void **state)
{
    fake_world_end(&world);
    for (size_t i = 0; i < world.dial_count; i++) {
        if (world.dials[i].peer && world.dials[i].peer->is_http2)
            fake_http2_done(&http2_server);
        else if (world.dials[i].peer)
            fake_server_done(&servers[i]);
    }
    fake_world_stop(&world);
    return 0;
}

static struct fake_agent *open_agent(size_t index)
{
    return fake_world_open_agent(&world, index, HTTP_PROTOCOL_1);
}

static void say(struct fake_agent *agent, const char *text)
{
    fake_peer_push(agent->peer, bytes_from_text(text));
    fake_world_settle(&world);
}

static void say_bytes(struct fake_agent *agent, size_t length)
{
    uint8_t *bytes = malloc(length);
    memset(bytes, 'x', length);
    fake_peer_push(agent->peer, (struct bytes){bytes, length});
    free(bytes);
    fake_world_settle(&world);
}

static struct fake_server *connect_server(void)
{
    struct fake_dial *dial = fake_world_waiting_dial(&world);
    assert_non_null(dial);
    fake_world_settle_dial(&world, dial, DIAL_CONNECTED, false);
    fake_world_settle(&world);
    return &servers[dial - world.dials];
}

static bool was_told(const struct fake_agent *agent, const char *text)
{
    struct bytes told = buffer_bytes(&agent->peer->received);
    return told.length && memmem(told.data, told.length, text, strlen(text));
}

/* --- memory --------------------------------------------------------------------------------- */

static void limit_memory(size_t bytes)
{
    world.proxy.bodies->limit = bytes;
}

static void heads_that_do_not_end_are_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *first = open_agent(0);
    struct fake_agent *second = open_agent(1);
    limit_memory(8 * 1024);
    say(first, "GET / HTTP/1.1\r\n" HOST "x-long: ");
    say_bytes(first, 6 * 1024);
    assert_non_null(first->connection);
    assert_true(world.proxy.bodies->used >= 6 * 1024);
    say(second, "GET / HTTP/1.1\r\n" HOST "x-long: ");
    say_bytes(second, 4 * 1024);
    assert_null(second->connection);
    assert_true(was_told(second, "HTTP/1.1 503 "));
    assert_non_null(first->connection);
    assert_true(world.proxy.bodies->used < 8 * 1024);
}

static void heads_that_wait_for_a_server_are_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *first = open_agent(0);
    struct fake_agent *second = open_agent(1);
    limit_memory(16 * 1024);
    char head[8 * 1024];
    int length =
        snprintf(head, sizeof(head), "GET / HTTP/1.1\r\n" HOST "x-long: %06000d\r\n\r\n", 7);
    assert_in_range(length, 6000, sizeof(head) - 1);
    say(first, head);
    assert_non_null(fake_world_waiting_dial(&world));
    assert_true(world.proxy.bodies->used >= 6000);
    say(second, head);
    assert_true(was_told(second, "HTTP/1.1 503 "));
    assert_string_equal(world.records,
                        "allow 503 too many bytes wait for peers that do not take them;");
}

static void what_is_sent_behind_a_request_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    limit_memory(32 * 1024);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    say_bytes(agent, 16 * 1024);
    assert_non_null(agent->connection);
    say_bytes(agent, 16 * 1024);
    assert_null(agent->connection);
    assert_true(was_told(agent, "HTTP/1.1 503 "));
    assert_true(world.proxy.bodies->used == 0);
}

static void a_server_s_head_that_does_not_end_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    struct fake_server *server = connect_server();
    limit_memory(8 * 1024);
    fake_server_say(server, BYTES_LITERAL("HTTP/1.1 200 OK\r\nx-long: "));
    fake_world_settle(&world);
    assert_false(was_told(agent, "HTTP/1.1 503 "));
    uint8_t letters[8 * 1024 - 16];
    memset(letters, 'x', sizeof(letters));
    fake_server_say(server, (struct bytes){letters, sizeof(letters)});
    fake_world_settle(&world);
    assert_true(was_told(agent, "HTTP/1.1 503 "));
}

static void more_than_one_pipeline_is_not_read(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    say_bytes(agent, 4 * HTTP1_PIPELINE_BYTES);
    size_t waiting = buffer_length(&agent->peer->arriving);
    assert_in_range(waiting, 2 * HTTP1_PIPELINE_BYTES, 3 * HTTP1_PIPELINE_BYTES);
}

/* --- counts ------------------------------------------------------------------------------------
 */

static void more_than_sixteen_interim_answers_end_the_request(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    struct fake_server *server = connect_server();
    for (int i = 0; i < EXCHANGE_INTERIM_MAX; i++)
        fake_server_say(server, BYTES_LITERAL("HTTP/1.1 103 Early Hints\r\n\r\n"));
    fake_world_settle(&world);
    assert_false(was_told(agent, "HTTP/1.1 502 "));
    fake_server_say(server, BYTES_LITERAL("HTTP/1.1 103 Early Hints\r\n\r\n"));
    fake_world_settle(&world);
    assert_true(was_told(agent, "HTTP/1.1 502 "));
}

/* --- HTTP/2 --------------------------------------------------------------------------------- */

#define HEAD ":method: GET\n:scheme: https\n:authority: a.example.com\n:path: /\n"

static void a_head_over_http2_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = fake_world_open_agent(&world, 0, HTTP_PROTOCOL_2);
    struct fake_http2 end;
    fake_http2_start(&end, &world, agent->peer, NULL);
    fake_world_settle(&world);
    limit_memory(4 * 1024);
    char lines[8 * 1024];
    snprintf(lines, sizeof(lines), HEAD "x-long: %06000d\n", 7);
    fake_http2_say_head(&end, FAKE_HTTP2_END_STREAM, 1, lines);
    fake_world_settle(&world);
    assert_string_equal(world.records,
                        "allow 503 too many bytes wait for peers that do not take them;");
    assert_non_null(agent->connection);
    assert_null(fake_world_waiting_dial(&world));
    assert_true(world.proxy.bodies->used < 4 * 1024);
    /* One that fits is served on the same connection. */
    fake_http2_say_head(&end, FAKE_HTTP2_END_STREAM, 3, HEAD);
    fake_world_settle(&world);
    assert_non_null(fake_world_waiting_dial(&world));
    assert_true(world.proxy.bodies->used > 0);
    fake_world_end(&world);
    fake_http2_done(&end);
}

/* A literal field (RFC 7541 section 6.2.2) whose value of 60,000 bytes is to come. */
static const uint8_t long_field[] = {0, 1, 'x', 0x7f, 0xe1, 0xd3, 3};

static void a_head_that_the_library_holds_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = fake_world_open_agent(&world, 0, HTTP_PROTOCOL_2);
    struct fake_http2 end;
    fake_http2_start(&end, &world, agent->peer, NULL);
    fake_world_settle(&world);
    limit_memory(16 * 1024);
    assert_int_equal(world.proxy.bodies->used, 0);
    fake_http2_say(&end, FAKE_HTTP2_HEADERS, 0, 1, (struct bytes){long_field, sizeof(long_field)});
    fake_world_settle(&world);
    assert_null(agent->connection);
    assert_string_equal(world.records,
                        "deny 0 too many bytes wait for peers that do not take them;");
    assert_int_equal(end.goaway_count, 1);
    assert_int_equal(world.proxy.bodies->used, 0);
    fake_world_end(&world);
    fake_http2_done(&end);
}

static void a_server_s_head_over_http2_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    struct fake_http2 *end = &http2_server;
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    fake_world_settle_dial(&world, fake_world_waiting_dial(&world), DIAL_CONNECTED, true);
    fake_world_settle(&world);
    limit_memory(8 * 1024);
    char lines[8 * 1024];
    snprintf(lines, sizeof(lines), ":status: 200\nx-long: %06000d\nx-more: 1\n", 7);
    fake_http2_say_head(end, FAKE_HTTP2_END_STREAM, 1, lines);
    fake_world_settle(&world);
    assert_true(was_told(agent, "HTTP/1.1 503 "));
    assert_int_equal(end->reset_count, 1);
    assert_int_equal(world.proxy.bodies->used, 0);
}

static void a_server_s_head_that_the_library_holds_is_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    fake_world_settle_dial(&world, fake_world_waiting_dial(&world), DIAL_CONNECTED, true);
    fake_world_settle(&world);
    limit_memory(16 * 1024);
    fake_http2_say(&http2_server, FAKE_HTTP2_HEADERS, 0, 1,
                   (struct bytes){long_field, sizeof(long_field)});
    fake_world_settle(&world);
    assert_true(was_told(agent, "HTTP/1.1 503 "));
    assert_true(world.dials[0].peer->is_closed);
    assert_int_equal(world.proxy.bodies->used, 0);
}

/* Lines of trailers, each below the limit of a line, together below that of trailers. */
static const char trailer_line[] = "x-long: %03000d\r\n";

static void trailers_of_a_request_are_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n");
    connect_server();
    limit_memory(8 * 1024);
    char lines[4 * 1024];
    snprintf(lines, sizeof(lines), trailer_line, 7);
    say(agent, lines);
    assert_non_null(agent->connection);
    assert_true(world.proxy.bodies->used >= 3000);
    say(agent, lines);
    say(agent, lines);
    assert_null(agent->connection);
    assert_true(was_told(agent, "HTTP/1.1 503 "));
}

static void trailers_of_a_response_are_not_kept_beyond_the_budget(void **state)
{
    struct fake_agent *agent = open_agent(0);
    say(agent, "GET / HTTP/1.1\r\n" HOST "\r\n");
    struct fake_server *server = connect_server();
    limit_memory(8 * 1024);
    fake_server_say(server,
                    BYTES_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"));
    char lines[4 * 1024];
    snprintf(lines, sizeof(lines), trailer_line, 7);
    fake_server_say(server, bytes_from_text(lines));
    fake_world_settle(&world);
    assert_non_null(agent->connection);
    assert_true(world.proxy.bodies->used >= 3000);
    fake_server_say(server, bytes_from_text(lines));
    fake_server_say(server, bytes_from_text(lines));
    fake_world_settle(&world);
    assert_null(agent->connection);
    assert_string_equal(world.records,
                        "allow 200 too many bytes wait for peers that do not take them;");
    assert_int_equal(world.proxy.bodies->used, 0);
}

/* --- windows of connections ------------------------------------------------------------------ */

#define UPLOAD ":method: POST\n:scheme: https\n:authority: a.example.com\n:path: /\n"

static void an_agent_s_connection_holds_no_more_than_its_window(void **state)
{
    enum { STREAMS = HTTP2_CONNECTION_WINDOW_BYTES / HTTP2_WINDOW_BYTES };
    struct fake_agent *agent = fake_world_open_agent(&world, 0, HTTP_PROTOCOL_2);
    struct fake_http2 end;
    fake_http2_start(&end, &world, agent->peer, NULL);
    fake_world_settle(&world);
    assert_int_equal(end.got_window, HTTP2_CONNECTION_WINDOW_BYTES);
    assert_int_equal(end.got_initial_window, HTTP2_WINDOW_BYTES);
    /* No server is there yet: nobody takes anything. */
    for (uint32_t i = 0; i <= STREAMS; i++)
        fake_http2_say_head(&end, 0, 1 + 2 * i, UPLOAD);
    for (uint32_t i = 0; i < STREAMS; i++)
        fake_http2_say_data(&end, 0, 1 + 2 * i, HTTP2_WINDOW_BYTES);
    fake_world_settle(&world);
    assert_non_null(agent->connection);
    assert_true(world.proxy.bodies->used >= HTTP2_CONNECTION_WINDOW_BYTES);
    assert_int_equal(end.got_window, HTTP2_CONNECTION_WINDOW_BYTES);
    fake_http2_say_data(&end, 0, 1 + 2 * STREAMS, 1);
    fake_world_settle(&world);
    assert_null(agent->connection);
    assert_int_equal(world.proxy.bodies->used, 0);
    fake_world_end(&world);
    fake_http2_done(&end);
}

static uint64_t room_of(const struct fake_http2_stream *stream, uint64_t said)
{
    return http2_server.got_initial_window + stream->got_bytes - said;
}

/* Streams whose windows have grown hold less, all together, than a connection's window allows. */
static void a_server_s_connection_holds_no_more_than_its_window(void **state)
{
    enum { STREAMS = 20, PIECE = 16 * 1024 };
    uint64_t said[STREAMS] = {0};
    uint64_t total = 0;
    struct fake_agent *agent = fake_world_open_agent(&world, 0, HTTP_PROTOCOL_2);
    struct fake_http2 end;
    limit_memory(BODY_BUDGET_BYTES_MAX);
    fake_http2_start(&end, &world, agent->peer, NULL);
    /* The agent's windows are of no account here. */
    static const uint8_t wide[] = {0, 4, 0x7f, 0xff, 0xff, 0xff};
    fake_http2_say(&end, FAKE_HTTP2_SETTINGS, 0, 0, (struct bytes){wide, sizeof(wide)});
    fake_http2_say_window(&end, 0, 0x7fff0000);
    for (uint32_t i = 0; i < STREAMS; i++)
        fake_http2_say_head(&end, FAKE_HTTP2_END_STREAM, 1 + 2 * i, HEAD);
    fake_world_settle(&world);
    fake_world_settle_dial(&world, fake_world_waiting_dial(&world), DIAL_CONNECTED, true);
    fake_world_settle(&world);
    assert_int_equal(http2_server.stream_count, STREAMS);
    for (uint32_t i = 0; i < STREAMS; i++)
        fake_http2_say_head(&http2_server, 0, 1 + 2 * i, ":status: 200\n");
    /* While the agent takes everything the windows of the streams grow. */
    bool is_wide = false;
    for (int round = 0; round < 4000 && !is_wide; round++) {
        is_wide = true;
        for (uint32_t i = 0; i < STREAMS; i++) {
            const struct fake_http2_stream *stream = &http2_server.streams[i];
            fake_http2_say_data(&http2_server, 0, stream->id, PIECE);
            said[i] += PIECE;
            total += PIECE;
            is_wide = is_wide && room_of(stream, said[i]) > BODY_BUDGET_WIDE_WINDOW - 2 * PIECE;
        }
        fake_world_settle(&world);
    }
    assert_true(is_wide);
    /* Then it takes nothing more. */
    agent->peer->room = 0;
    for (uint32_t i = 0; i < STREAMS; i++)
        for (const struct fake_http2_stream *stream = &http2_server.streams[i];
             room_of(stream, said[i]) >= PIECE && http2_server.got_window - total >= PIECE;
             said[i] += PIECE, total += PIECE) {
            fake_http2_say_data(&http2_server, 0, stream->id, PIECE);
            fake_world_settle(&world);
        }
    uint64_t left = http2_server.got_window - total;
    assert_true(left < PIECE);
    assert_true(room_of(&http2_server.streams[STREAMS - 1], said[STREAMS - 1]) > PIECE);
    /* What was taken comes back once it is half of the window. */
    assert_in_range(world.proxy.bodies->used, HTTP2_CLIENT_CONNECTION_WINDOW_BYTES / 2,
                    HTTP2_CLIENT_CONNECTION_WINDOW_BYTES + 1024 * 1024);
    assert_int_equal(http2_server.goaway_count, 0);
    /* More than that is no HTTP/2. */
    fake_http2_say_data(&http2_server, 0, http2_server.streams[STREAMS - 1].id, PIECE);
    fake_world_settle(&world);
    assert_true(world.dials[0].peer->is_closed);
    fake_world_end(&world);
    fake_http2_done(&end);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, start, stop)

RUN_TESTS(IN_A_WORLD(a_head_over_http2_is_not_kept_beyond_the_budget),
          IN_A_WORLD(an_agent_s_connection_holds_no_more_than_its_window),
          IN_A_WORLD(a_server_s_connection_holds_no_more_than_its_window),
          IN_A_WORLD(a_head_that_the_library_holds_is_not_kept_beyond_the_budget),
          IN_A_WORLD(a_server_s_head_that_the_library_holds_is_not_kept_beyond_the_budget),
          IN_A_WORLD(a_server_s_head_over_http2_is_not_kept_beyond_the_budget),
          IN_A_WORLD(trailers_of_a_request_are_not_kept_beyond_the_budget),
          IN_A_WORLD(trailers_of_a_response_are_not_kept_beyond_the_budget),
          IN_A_WORLD(heads_that_do_not_end_are_not_kept_beyond_the_budget),
          IN_A_WORLD(heads_that_wait_for_a_server_are_not_kept_beyond_the_budget),
          IN_A_WORLD(what_is_sent_behind_a_request_is_not_kept_beyond_the_budget),
          IN_A_WORLD(a_server_s_head_that_does_not_end_is_not_kept_beyond_the_budget),
          IN_A_WORLD(more_than_one_pipeline_is_not_read),
          IN_A_WORLD(more_than_sixteen_interim_answers_end_the_request))
