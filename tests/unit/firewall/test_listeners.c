#include "test.h"

#include "firewall/dns_service.h"
#include "firewall/listeners.h"
#include "firewall/proxy.h"
#include "firewall/wall_sockets.h"
#include "harness/fake_clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

/* Listeners on a real port, under the test's clock, where accepting fails when the test wants it.
 */

static uv_loop_t loop;
static struct proxy proxy;
static struct sockaddr_in server;
static int failure; /* of accept4(); 0: none */
static unsigned attempt_count;
static unsigned accepted_count;

int __real_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);
int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags);

int __wrap_accept4(int descriptor, struct sockaddr *address, socklen_t *size, int flags)
{
    attempt_count++;
    errno = failure;
    return failure ? -1 : __real_accept4(descriptor, address, size, flags);
}

/* --- in the services' place ----------------------------------------------------------------- */

void record_queue_send(struct proxy *of, const struct audit_record *record)
{
}

void proxy_release_connection(struct proxy *of)
{
    of->agent_connections--;
    listeners_resume(of->listeners);
}

static void end_connection(struct proxy *of, int descriptor)
{
    accepted_count++;
    close(descriptor);
    proxy_release_connection(of);
}

void dns_service_accept(struct proxy *of, int descriptor)
{
    end_connection(of, descriptor);
}

void https_service_accept(struct proxy *of, int descriptor, uint16_t port)
{
    end_connection(of, descriptor);
}

void ssh_service_accept(struct proxy *of, int descriptor, uint16_t port)
{
    end_connection(of, descriptor);
}

void connect_service_accept(struct proxy *of, int descriptor, uint16_t port)
{
    end_connection(of, descriptor);
}

/* --- clients -------------------------------------------------------------------------------- */

static void start(void)
{
    socklen_t size = sizeof(server);
    assert_int_equal(uv_loop_init(&loop), 0);
    failure = 0;
    attempt_count = accepted_count = 0;
    proxy = (struct proxy){.loop = &loop, .agent_connection_limit = 64};
    proxy.listeners = listeners_new(&proxy);
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&server, sizeof(server)), 0);
    assert_int_equal(listen(listener, 64), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&server, &size), 0);
    listeners_add(proxy.listeners, listener, WALL_PORT_CONNECT);
}

static void on_closed(uv_handle_t *handle, void *context)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void stop(void)
{
    listeners_remove(proxy.listeners, WALL_PORT_CONNECT);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_walk(&loop, on_closed, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&loop), 0);
    free(proxy.listeners);
}

static void connect_once(void)
{
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&server, sizeof(server)), 0);
    close(client);
}

static bool has_tried(void *count)
{
    return attempt_count >= *(const unsigned *)count;
}

static bool has_accepted(void *count)
{
    return accepted_count >= *(const unsigned *)count;
}

static void rests_for_a_tenth_of_a_second_where_descriptors_run_out(void **state)
{
    static const int failures[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        unsigned one = 1, two = 2;
        start();
        failure = failures[i];
        connect_once();
        assert_true(fake_clock_run(&loop, has_tried, &one));
        for (int turn = 0; turn < 100; turn++)
            uv_run(&loop, UV_RUN_NOWAIT);
        fake_clock_advance(&loop, LISTENERS_PAUSE_MS - 1);
        assert_int_equal(attempt_count, 1);
        fake_clock_advance(&loop, 1);
        assert_true(fake_clock_run(&loop, has_tried, &two));
        assert_int_equal(attempt_count, 2);
        /* The connection has waited meanwhile. */
        failure = 0;
        fake_clock_advance(&loop, LISTENERS_PAUSE_MS);
        assert_true(fake_clock_run(&loop, has_accepted, &one));
        stop();
    }
}

static void lets_others_have_their_turn_after_so_many_accepts(void **state)
{
    unsigned all = LISTENERS_ACCEPTS_PER_TURN + 1, before = 0;
    start();
    for (unsigned i = 0; i < all; i++)
        connect_once();
    for (int turn = 0; turn < 1000 && accepted_count < all; turn++) {
        before = accepted_count;
        uv_run(&loop, UV_RUN_NOWAIT);
        assert_true(accepted_count - before <= LISTENERS_ACCEPTS_PER_TURN);
    }
    assert_true(fake_clock_run(&loop, has_accepted, &all));
    stop();
}

static void has_room_for_every_port_that_two_policies_can_name(void **state)
{
    start();
    for (uint16_t i = 0; i < WALL_LISTENERS_MAX - 1; i++) {
        int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(descriptor >= 0);
        listeners_add(proxy.listeners, descriptor, (uint16_t)(10000 + i));
    }
    size_t count;
    listeners_ports(proxy.listeners, &count);
    assert_int_equal(count, WALL_LISTENERS_MAX);
    for (uint16_t i = 0; i < WALL_LISTENERS_MAX - 1; i++)
        listeners_remove(proxy.listeners, (uint16_t)(10000 + i));
    stop();
}

RUN_TESTS(cmocka_unit_test(rests_for_a_tenth_of_a_second_where_descriptors_run_out),
          cmocka_unit_test(lets_others_have_their_turn_after_so_many_accepts),
          cmocka_unit_test(has_room_for_every_port_that_two_policies_can_name))
