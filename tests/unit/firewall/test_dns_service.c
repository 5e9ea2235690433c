#include "test.h"

#include "firewall/dns_service.h"
#include "firewall/policy_bundle.h"
#include "firewall/proxy.h"
#include "harness/fake_loop.h"
#include "harness/fake_stream.h"
#include "policy/address_pool.h"
#include "system/linux_socket.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* DNS over TCP between connections that the test plays, under its clock. */

static uv_loop_t loop;
static struct stream_loop *streams;
static struct proxy proxy;
static struct policy *policy;
static struct fake_peer *clients[DNS_TCP_CONNECTIONS_MAX + 1];
static size_t client_count;
static unsigned reset_count;
static unsigned released_count;

/* --- in the proxy's place ------------------------------------------------------------------- */

void record_queue_send(struct proxy *of, const struct audit_record *record)
{
}

void proxy_release_connection(struct proxy *of)
{
    released_count++;
}

struct stream *proxy_accept_stream(struct proxy *of, int descriptor, stream_event_fn *on_event,
                                   void *owner)
{
    struct fake_peer *client = fake_peer_new(streams);
    close(descriptor);
    stream_set_owner(client->stream, on_event, owner);
    clients[client_count++] = client;
    return client->stream;
}

void linux_socket_reset(int descriptor)
{
    close(descriptor);
    reset_count++;
}

/* --- clients -------------------------------------------------------------------------------- */

static void start(void)
{
    fake_loop_start(&loop, fake_stream_turn);
    streams = stream_loop_new(&loop);
    policy = policy_new_empty();
    memset(&proxy, 0, sizeof(proxy));
    client_count = reset_count = released_count = 0;
    proxy.loop = &loop;
    proxy.streams = streams;
    proxy.policy = policy;
    proxy.pool = address_pool_new(0xc6120000, 15);
    proxy.dns = dns_service_new(&proxy);
}

/* All connections have been idle for long enough. */
static void stop(void)
{
    fake_loop_advance(DNS_TCP_IDLE_MS);
    assert_int_equal(fake_loop_handle_count(), 0);
    for (size_t i = 0; i < client_count; i++)
        fake_peer_free(clients[i]);
    stream_loop_free(streams);
    free(proxy.dns);
    address_pool_free(proxy.pool);
    policy_free(policy);
}

static struct fake_peer *connect_client(void)
{
    size_t count_before = client_count;
    int descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    dns_service_accept(&proxy, descriptor);
    fake_loop_settle();
    return client_count > count_before ? clients[client_count - 1] : NULL;
}

/* A question for example.com of so many bytes in all, which follow it as they may not. */
static void say_question(struct fake_peer *client, size_t length)
{
    static const uint8_t question[] = {0x12, 0x34, 1,   0,   0,   1,   0,   0,   0,   0,
                                       0,    0,    7,   'e', 'x', 'a', 'm', 'p', 'l', 'e',
                                       3,    'c',  'o', 'm', 0,   0,   1,   0,   1};
    static uint8_t message[2 + DNS_TCP_QUERY_BYTES_MAX + 1];
    memset(message, 0, sizeof(message));
    message[0] = (uint8_t)(length >> 8);
    message[1] = (uint8_t)length;
    memcpy(message + 2, question, sizeof(question));
    fake_peer_push(client, (struct bytes){message, 2 + length});
    fake_loop_settle();
}

static void resets_a_connection_beyond_the_limit_until_another_has_ended(void **state)
{
    start();
    for (int i = 0; i < DNS_TCP_CONNECTIONS_MAX; i++)
        assert_non_null(connect_client());
    assert_int_equal(reset_count, 0);
    assert_null(connect_client());
    assert_int_equal(reset_count, 1);
    assert_int_equal(released_count, 1);
    fake_peer_end(clients[0], STREAM_END);
    fake_loop_settle();
    assert_true(clients[0]->is_closed);
    struct fake_peer *next = connect_client();
    assert_non_null(next);
    say_question(next, 29);
    assert_true(next->received_bytes > 12);
    stop();
}

static void closes_a_connection_that_announces_more_than_four_kibibytes(void **state)
{
    start();
    struct fake_peer *client = connect_client();
    /* As long as may be, and answered. */
    say_question(client, DNS_TCP_QUERY_BYTES_MAX);
    assert_false(client->is_closed);
    assert_true(client->received_bytes > 12);
    uint64_t received_before = client->received_bytes;
    say_question(client, DNS_TCP_QUERY_BYTES_MAX + 1);
    assert_true(client->is_closed);
    assert_int_equal(client->ending, STREAM_ENDING_RESET);
    assert_int_equal(client->received_bytes, received_before);
    stop();
}

static void closes_a_connection_after_ten_seconds_without_a_question(void **state)
{
    start();
    struct fake_peer *client = connect_client();
    fake_loop_advance(DNS_TCP_IDLE_MS - 1);
    say_question(client, 29);
    fake_loop_advance(DNS_TCP_IDLE_MS - 1);
    assert_false(client->is_closed);
    fake_loop_advance(1);
    assert_true(client->is_closed);
    stop();
}

RUN_TESTS(cmocka_unit_test(resets_a_connection_beyond_the_limit_until_another_has_ended),
          cmocka_unit_test(closes_a_connection_that_announces_more_than_four_kibibytes),
          cmocka_unit_test(closes_a_connection_after_ten_seconds_without_a_question))
