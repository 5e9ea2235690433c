#include "test.h"

#include "base/memory.h"
#include "firewall/policy_bundle.h"
#include "firewall/proxy.h"
#include "firewall/ssh_service.h"
#include "harness/fake_network.h"
#include "policy/address_pool.h"
#include "system/linux_socket.h"
#include "wire/ssh_banner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

/* The SSH service with the real dialer and relay between clients and servers that the test plays,
 * under its clock. */

static const char banner[] = "SSH-2.0-test\r\n";

static uv_loop_t loop;
static struct fake_network network;
static struct proxy proxy;
static struct policy *policy;
static struct host_name name;
static struct fake_peer *clients[SSH_CONNECTIONS_MAX + 2];
static size_t client_count;
static unsigned released_count;
static unsigned record_count;
static char last_reason[64];

/* --- in the proxy's place ------------------------------------------------------------------- */

void record_queue_send(struct proxy *of, const struct audit_record *record)
{
    record_count++;
    size_t length = record->reason.length;
    assert_true(length < sizeof(last_reason));
    if (length > 0)
        memcpy(last_reason, record->reason.data, length);
    last_reason[length] = '\0';
}

void proxy_release_connection(struct proxy *of)
{
    released_count++;
}

static void on_closed(void *owner)
{
    released_count++;
}

struct stream *proxy_accept_stream(struct proxy *of, int descriptor, stream_event_fn *on_event,
                                   void *owner)
{
    struct fake_peer *client = fake_peer_new(network.streams);
    close(descriptor);
    stream_set_owner(client->stream, on_event, owner);
    stream_on_closed(client->stream, on_closed, of);
    clients[client_count++] = client;
    return client->stream;
}

bool linux_socket_dialled_address(int descriptor, uint32_t *address, uint16_t *port)
{
    *port = 22;
    return address_pool_address(proxy.pool, host_name_bytes(&name), address);
}

/* --- clients -------------------------------------------------------------------------------- */

static void start(void)
{
    struct buffer bundle;
    struct error error;
    buffer_init(&bundle, 4096);
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("https"), BYTES_EMPTY));
    assert_true(
        policy_bundle_append(&bundle, BYTES_LITERAL("ssh"), BYTES_LITERAL("git.example.com\n")));
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("dns"), BYTES_EMPTY));
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    buffer_done(&bundle);
    assert_int_equal(host_name_parse(BYTES_LITERAL("git.example.com"), &name), HOST_NAME_FINE);
    fake_network_start(&network, &loop);
    memset(&proxy, 0, sizeof(proxy));
    client_count = released_count = record_count = 0;
    proxy.loop = &loop;
    proxy.streams = network.streams;
    proxy.dialer = network.dialer;
    proxy.policy = policy;
    proxy.pool = address_pool_new(0xc6120000, 15);
    size_t count;
    const struct bytes *keys = policy_pool_keys(policy, &count);
    assert_int_equal(address_pool_update(proxy.pool, keys, count, 1), 0);
    proxy.ssh = ssh_service_new(&proxy);
}

/* All connections have ended. */
static void stop(void)
{
    fake_loop_settle();
    assert_int_equal(released_count, client_count);
    for (size_t i = 0; i < client_count; i++)
        fake_peer_free(clients[i]);
    fake_network_stop(&network);
    free(proxy.ssh);
    address_pool_free(proxy.pool);
    policy_free(policy);
}

static int open_nothing(void)
{
    int descriptor = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(descriptor >= 0);
    return descriptor;
}

/* A connection to the name's address; NULL when it was not taken. */
static struct fake_peer *connect_client(void)
{
    size_t count_before = client_count;
    ssh_service_accept(&proxy, open_nothing(), 22);
    fake_loop_settle();
    if (client_count > count_before)
        return clients[client_count - 1];
    assert_true(released_count > 0);
    released_count--; /* it never was a stream */
    return NULL;
}

/* The same through the CONNECT port, whose request was allowed. */
static struct fake_peer *connect_client_by_request(void)
{
    struct stream *stream = proxy_accept_stream(&proxy, open_nothing(), NULL, NULL);
    ssh_service_take(&proxy, stream, &name, 22);
    fake_loop_settle();
    return clients[client_count - 1];
}

static void gives_up_a_server_that_is_not_there_after_ten_seconds(void **state)
{
    start();
    struct fake_peer *client = connect_client();
    struct fake_peer *other = connect_client_by_request();
    fake_loop_advance(SSH_DIAL_MS - 1);
    assert_false(client->is_closed);
    assert_false(other->is_closed);
    fake_loop_advance(1);
    assert_true(client->is_closed);
    assert_int_equal(client->ending, STREAM_ENDING_RESET);
    assert_true(other->is_closed);
    assert_true(bytes_start_with(buffer_bytes(&other->received),
                                 BYTES_LITERAL("HTTP/1.1 502 Bad Gateway\r\n")));
    assert_int_equal(record_count, 2);
    assert_string_equal(last_reason, "connection timed out");
    stop();
}

static void takes_256_connections_and_refuses_a_further_one_with_a_record(void **state)
{
    start();
    for (int i = 0; i < SSH_CONNECTIONS_MAX; i++)
        assert_non_null(connect_client());
    assert_int_equal(record_count, 0);
    assert_null(connect_client());
    assert_int_equal(record_count, 1);
    assert_string_equal(last_reason, "too many SSH connections");
    struct fake_peer *other = connect_client_by_request();
    assert_true(other->is_closed);
    assert_int_equal(other->ending, STREAM_ENDING_RESET);
    assert_int_equal(record_count, 2);
    assert_int_equal(released_count, 1);
    assert_int_equal(network.connection_count, SSH_CONNECTIONS_MAX);
    /* When one has ended, there is room for another. */
    fake_peer_end(clients[0], STREAM_END);
    fake_loop_settle();
    assert_true(clients[0]->is_closed);
    struct fake_peer *next = connect_client();
    assert_non_null(next);
    assert_false(next->is_closed);
    fake_loop_advance(SSH_DIAL_MS);
    stop();
}

/* A side that talks before the other one does is read as far as the limit. */
static void assert_held(struct fake_peer *first, struct fake_peer *second)
{
    static const uint8_t more[3 * SSH_HELD_BYTES_MAX];
    fake_peer_push(first, bytes_from_text(banner));
    fake_loop_settle();
    fake_peer_push(first, (struct bytes){more, sizeof(more)});
    fake_loop_settle();
    size_t sent = sizeof(banner) - 1 + sizeof(more);
    assert_int_equal(sent - buffer_length(&first->arriving), SSH_HELD_BYTES_MAX);
    assert_true(second->received_bytes < sizeof(banner));
    fake_peer_push(second, bytes_from_text(banner));
    fake_loop_settle();
    assert_int_equal(second->received_bytes, sent);
    assert_bytes(buffer_bytes(&first->received), banner);
    fake_peer_end(first, STREAM_END);
    fake_peer_end(second, STREAM_END);
}

static void holds_four_kibibytes_of_a_side_before_the_relay_and_passes_them_then(void **state)
{
    start();
    struct fake_peer *client = connect_client();
    assert_held(client, fake_network_open_last(&network)->peer);
    client = connect_client();
    assert_held(fake_network_open_last(&network)->peer, client);
    stop();
}

RUN_TESTS(cmocka_unit_test(gives_up_a_server_that_is_not_there_after_ten_seconds),
          cmocka_unit_test(takes_256_connections_and_refuses_a_further_one_with_a_record),
          cmocka_unit_test(holds_four_kibibytes_of_a_side_before_the_relay_and_passes_them_then))
