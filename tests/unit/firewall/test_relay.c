#include "test.h"

#include "firewall/relay.h"
#include "harness/fake_loop.h"
#include "harness/fake_stream.h"

#include <stdlib.h>
#include <uv.h>

/* A tunnel between two peers that the test plays, under its clock. */

enum { IDLE_MS = 2 * 60 * 60 * 1000 };

static uv_loop_t loop;
static struct stream_loop *streams;
static struct fake_peer *agent;
static struct fake_peer *upstream;
static struct relay *relay;
static unsigned end_count;
static enum relay_end last_end;
static uint64_t last_sent;
static uint64_t last_received;

static void on_end(void *owner, enum relay_end end, uint64_t sent, uint64_t received)
{
    end_count++;
    last_end = end;
    last_sent = sent;
    last_received = received;
}

static void on_stream(void *owner, enum stream_event event)
{
}

static void start(void)
{
    fake_loop_start(&loop, fake_stream_turn);
    streams = stream_loop_new(&loop);
    agent = fake_peer_new(streams);
    upstream = fake_peer_new(streams);
    stream_set_owner(agent->stream, on_stream, NULL);
    stream_set_owner(upstream->stream, on_stream, NULL);
    end_count = 0;
    relay = relay_new(streams, agent->stream, upstream->stream, IDLE_MS, on_end, NULL);
    relay_start(relay);
    fake_loop_settle();
}

/* The relay has ended. */
static void stop(void)
{
    fake_peer_take(agent, FAKE_ROOM_ENDLESS);
    fake_peer_take(upstream, FAKE_ROOM_ENDLESS);
    fake_loop_settle();
    assert_int_equal(fake_loop_handle_count(), 0);
    fake_peer_free(agent);
    fake_peer_free(upstream);
    stream_loop_free(streams);
}

static void say(struct fake_peer *peer, const char *text)
{
    fake_peer_push(peer, bytes_from_text(text));
    fake_loop_settle();
}

static void ends_a_tunnel_that_is_idle_for_two_hours(void **state)
{
    start();
    fake_loop_advance(IDLE_MS - 1);
    say(upstream, "x");
    fake_loop_advance(IDLE_MS - 1);
    assert_int_equal(end_count, 0);
    fake_loop_advance(1);
    assert_int_equal(end_count, 1);
    assert_int_equal(last_end, RELAY_END_IDLE);
    /* Without TLS a reset is the only end that does not look like one. */
    assert_int_equal(agent->ending, STREAM_ENDING_RESET);
    assert_int_equal(upstream->ending, STREAM_ENDING_RESET);
    stop();
}

static void the_loss_of_one_side_is_no_clean_end_for_the_other(void **state)
{
    start();
    say(agent, "half");
    fake_peer_end(upstream, STREAM_LOST);
    fake_loop_settle();
    assert_int_equal(last_end, RELAY_END_UPSTREAM_LOST);
    assert_int_equal(agent->ending, STREAM_ENDING_RESET);
    stop();
    start();
    fake_peer_break(agent);
    fake_loop_settle();
    assert_int_equal(last_end, RELAY_END_AGENT_LOST);
    assert_int_equal(upstream->ending, STREAM_ENDING_RESET);
    stop();
}

static void an_end_of_one_side_leaves_the_other_direction_open(void **state)
{
    start();
    say(agent, "question");
    fake_peer_end(agent, STREAM_END);
    fake_loop_settle();
    assert_true(upstream->is_finished);
    assert_int_equal(end_count, 0);
    say(upstream, "answer");
    assert_bytes(buffer_bytes(&agent->received), "answer");
    fake_peer_end(upstream, STREAM_END);
    fake_loop_settle();
    assert_int_equal(end_count, 1);
    assert_int_equal(last_end, RELAY_END_FINISHED);
    assert_int_equal(last_sent, 8);
    assert_int_equal(last_received, 6);
    assert_int_equal(agent->ending, STREAM_ENDING_CLEAN);
    stop();
}

static void a_side_that_takes_nothing_stops_the_other_ones_reading(void **state)
{
    static uint8_t block[1024 * 1024];
    start();
    upstream->room = 0;
    fake_peer_push(agent, (struct bytes){block, sizeof(block)});
    fake_loop_settle();
    size_t taken = sizeof(block) - buffer_length(&agent->arriving);
    assert_in_range(taken, 1, 64 * 1024);
    /* The other direction flows. */
    say(upstream, "back");
    assert_bytes(buffer_bytes(&agent->received), "back");
    fake_peer_take(upstream, FAKE_ROOM_ENDLESS);
    fake_loop_settle();
    assert_int_equal(upstream->received_bytes, sizeof(block));
    relay_cut(relay);
    stop();
}

static void what_was_read_before_is_passed_first_and_counted(void **state)
{
    start();
    relay_pass_to_upstream(relay, BYTES_LITERAL("SSH-2.0-a\r\n"));
    say(agent, "more");
    assert_bytes(buffer_bytes(&upstream->received), "SSH-2.0-a\r\nmore");
    assert_int_equal(relay_sent(relay), 15);
    relay_cut(relay);
    stop();
}

static void a_cut_resets_both_sides_and_tells_nobody(void **state)
{
    start();
    upstream->room = 0;
    say(agent, "not to leave");
    relay_cut(relay);
    assert_int_equal(end_count, 0);
    assert_int_equal(agent->ending, STREAM_ENDING_RESET);
    assert_int_equal(upstream->ending, STREAM_ENDING_RESET);
    fake_peer_take(upstream, FAKE_ROOM_ENDLESS);
    assert_int_equal(upstream->received_bytes, 0);
    stop();
}

RUN_TESTS(cmocka_unit_test(ends_a_tunnel_that_is_idle_for_two_hours),
          cmocka_unit_test(the_loss_of_one_side_is_no_clean_end_for_the_other),
          cmocka_unit_test(an_end_of_one_side_leaves_the_other_direction_open),
          cmocka_unit_test(a_side_that_takes_nothing_stops_the_other_ones_reading),
          cmocka_unit_test(what_was_read_before_is_passed_first_and_counted),
          cmocka_unit_test(a_cut_resets_both_sides_and_tells_nobody))
