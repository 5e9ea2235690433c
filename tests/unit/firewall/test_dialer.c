#include "test.h"

#include "firewall/dialer.h"
#include "firewall/resolver.h"
#include "harness/fake_network.h"

#include <uv.h>

/* The dialer before names whose servers are not there, under the test's clock. */

static uv_loop_t loop;
static struct fake_network network;
static unsigned done_count;
static enum dial_outcome last_outcome;

static void on_done(void *owner, enum dial_outcome outcome, struct stream *stream,
                    const char *detail)
{
    done_count++;
    last_outcome = outcome;
    assert_null(stream);
}

static void start_dial(enum dial_security security)
{
    struct dial_request request = {
        .name = BYTES_LITERAL("server.example.com"), .port = 443, .security = security};
    done_count = 0;
    assert_non_null(dial_start(network.dialer, &request, on_done, NULL));
    fake_loop_settle();
}

/* Nothing comes of it before the thirty seconds are over. */
static void assert_given_up_after_thirty_seconds(enum dial_outcome outcome)
{
    fake_loop_advance(DIAL_TIMEOUT_MS - 1);
    assert_int_equal(done_count, 0);
    fake_loop_advance(1);
    assert_int_equal(done_count, 1);
    assert_int_equal(last_outcome, outcome);
}

static void gives_up_a_server_that_does_not_answer_after_thirty_seconds(void **state)
{
    fake_network_start(&network, &loop);
    start_dial(DIAL_PLAIN);
    assert_int_equal(network.connection_count, 1);
    assert_given_up_after_thirty_seconds(DIAL_TIMED_OUT);
    assert_int_equal(network.connections[0].peer->ending, STREAM_ENDING_RESET);
    fake_network_stop(&network);
}

static void gives_up_a_handshake_that_does_not_end_after_thirty_seconds(void **state)
{
    fake_network_start(&network, &loop);
    start_dial(DIAL_TLS_HTTP_2);
    fake_network_open_last(&network);
    assert_given_up_after_thirty_seconds(DIAL_TIMED_OUT);
    fake_network_stop(&network);
}

static void gives_up_a_resolver_that_does_not_answer_after_thirty_seconds(void **state)
{
    fake_network_start(&network, &loop);
    network.is_resolver_silent = true;
    start_dial(DIAL_TLS_HTTP_1);
    assert_given_up_after_thirty_seconds(DIAL_NAME_UNRESOLVED);
    assert_int_equal(network.connection_count, 0);
    fake_network_stop(&network);
}

static void each_address_has_a_second_at_least_however_many_there_are(void **state)
{
    fake_network_start(&network, &loop);
    network.address_count = RESOLVER_ADDRESSES_MAX;
    start_dial(DIAL_PLAIN);
    fake_loop_advance(DIAL_TIMEOUT_MS + DIAL_ATTEMPT_MIN_MS);
    assert_int_equal(done_count, 1);
    assert_int_equal(last_outcome, DIAL_TIMED_OUT);
    uint64_t shortest_ms = DIAL_TIMEOUT_MS;
    for (size_t i = 1; i < network.connection_count; i++) {
        const struct fake_connection *connections = network.connections;
        uint64_t time_ms = connections[i].began_ms - connections[i - 1].began_ms;
        assert_int_not_equal(connections[i].address.sin_addr.s_addr,
                             connections[i - 1].address.sin_addr.s_addr);
        shortest_ms = time_ms < shortest_ms ? time_ms : shortest_ms;
    }
    assert_int_equal(shortest_ms, DIAL_ATTEMPT_MIN_MS);
    /* The first ones had a third of the time that was left. */
    assert_int_equal(network.connections[1].began_ms - network.connections[0].began_ms,
                     DIAL_TIMEOUT_MS / 3);
    fake_network_stop(&network);
}

RUN_TESTS(cmocka_unit_test(gives_up_a_server_that_does_not_answer_after_thirty_seconds),
          cmocka_unit_test(gives_up_a_handshake_that_does_not_end_after_thirty_seconds),
          cmocka_unit_test(gives_up_a_resolver_that_does_not_answer_after_thirty_seconds),
          cmocka_unit_test(each_address_has_a_second_at_least_however_many_there_are))
