#include "test.h"

#include "base/memory.h"
#include "firewall/link_watch.h"
#include "firewall/listeners.h"
#include "firewall/proxy.h"
#include "harness/fake_clock.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* The watch before datagrams of the agent that the test makes, under its clock. */

enum { FIRST_PORT = 5000, OURS = 0xc0a86402, AGENT = 0xc0a86403, NETMASK = 0xffffff00 };

static uv_loop_t loop;
static struct proxy proxy;
static struct link_watch *watch;
static int watched;
static int link_end;

static unsigned record_count;
static uint32_t counted; /* in the last record */
static uint16_t last_port;

ssize_t __real_recvfrom(int descriptor, void *into, size_t room, int flags,
                        struct sockaddr *address, socklen_t *size);
ssize_t __wrap_recvfrom(int descriptor, void *into, size_t room, int flags,
                        struct sockaddr *address, socklen_t *size);

/* As a packet socket has it. */
ssize_t __wrap_recvfrom(int descriptor, void *into, size_t room, int flags,
                        struct sockaddr *address, socklen_t *size)
{
    struct sockaddr_ll from = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0800)};
    memcpy(address, &from, sizeof(from));
    return __real_recvfrom(descriptor, into, room, flags, NULL, NULL);
}

void record_queue_send(struct proxy *of, const struct audit_record *record)
{
    record_count++;
    counted = record->count;
    last_port = record->port;
}

const uint16_t *listeners_ports(const struct listeners *listeners, size_t *count)
{
    *count = 0;
    return NULL;
}

static void start(void)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    assert_int_equal(uv_loop_init(&loop), 0);
    proxy = (struct proxy){.loop = &loop};
    record_count = 0;
    watch = link_watch_new(&proxy, OURS, NETMASK);
    link_watch_start(watch, ends[0]);
    watched = ends[0];
    link_end = ends[1];
}

static void close_handle(uv_handle_t *handle, void *context)
{
    uv_close(handle, NULL);
}

static void stop(void)
{
    uv_walk(&loop, close_handle, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&loop), 0);
    close(watched);
    close(link_end);
    free(watch);
}

static void send_datagram(uint16_t port)
{
    uint8_t packet[28] = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17};
    uint32_t source = htonl(AGENT), destination = htonl(OURS);
    uint16_t to = htons(port);
    memcpy(packet + 12, &source, 4);
    memcpy(packet + 16, &destination, 4);
    memcpy(packet + 22, &to, 2);
    assert_int_equal(send(link_end, packet, sizeof(packet), 0), sizeof(packet));
}

static void try_port(uint16_t port)
{
    send_datagram(port);
    fake_clock_advance(&loop, 0);
}

static void records_the_first_attempt_of_a_minute_and_counts_the_others(void **state)
{
    start();
    try_port(FIRST_PORT);
    assert_int_equal(record_count, 1);
    assert_int_equal(last_port, FIRST_PORT);
    for (int i = 0; i < 7; i++)
        try_port(FIRST_PORT);
    try_port(FIRST_PORT + 1);
    assert_int_equal(record_count, 2);
    fake_clock_advance(&loop, LINK_WATCH_WINDOW_MS - 1);
    try_port(FIRST_PORT);
    assert_int_equal(record_count, 2);
    fake_clock_advance(&loop, 1);
    try_port(FIRST_PORT);
    assert_int_equal(record_count, 3);
    assert_int_equal(counted, 8);
    stop();
}

static void remembers_so_many_attempts_and_none_of_them_costs_more(void **state)
{
    start();
    for (uint16_t i = 0; i < LINK_WATCH_ATTEMPTS_MAX; i++)
        try_port((uint16_t)(FIRST_PORT + i));
    assert_int_equal(record_count, LINK_WATCH_ATTEMPTS_MAX);
    try_port(FIRST_PORT);
    assert_int_equal(record_count, LINK_WATCH_ATTEMPTS_MAX);
    /* One more takes the place of another, which is recorded once more. */
    try_port(FIRST_PORT + LINK_WATCH_ATTEMPTS_MAX);
    try_port(FIRST_PORT);
    assert_int_equal(record_count, LINK_WATCH_ATTEMPTS_MAX + 2);
    stop();
}

static void rests_after_so_many_packets(void **state)
{
    start();
    for (uint16_t port = 0; port < 2 * LINK_WATCH_PACKETS_PER_TURN; port++)
        send_datagram((uint16_t)(FIRST_PORT + port));
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(record_count, LINK_WATCH_PACKETS_PER_TURN);
    fake_clock_advance(&loop, LINK_WATCH_REST_MS - 1);
    assert_int_equal(record_count, LINK_WATCH_PACKETS_PER_TURN);
    fake_clock_advance(&loop, 1);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(record_count, 2 * LINK_WATCH_PACKETS_PER_TURN);
    stop();
}

RUN_TESTS(cmocka_unit_test(records_the_first_attempt_of_a_minute_and_counts_the_others),
          cmocka_unit_test(remembers_so_many_attempts_and_none_of_them_costs_more),
          cmocka_unit_test(rests_after_so_many_packets))
