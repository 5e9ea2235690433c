#include "test.h"

#include "base/buffer.h"
#include "firewall/policy_bundle.h"
#include "firewall/wall_sockets.h"
#include "system/linux_socket.h"

#include <fcntl.h>
#include <unistd.h>

/* The supervisor's set of listeners; the sockets themselves are no matter here. */

static unsigned made_count;
static unsigned made_before_failure; /* 0: none fails */

int linux_socket_listen(const char *interface, uint16_t port, int backlog, struct error *error)
{
    if (made_before_failure > 0 && made_count == made_before_failure) {
        error_set(error, "port %u: as the test says", port);
        return -1;
    }
    made_count++;
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int linux_socket_datagram(const char *interface, uint16_t port, struct error *error)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int linux_socket_packet(const char *interface, const struct sock_filter *filter,
                        unsigned short filter_length, struct error *error)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* A policy of as many ports as may be, none of them our own. */
static size_t widest_ports(unsigned first, uint16_t ports[LINK_RULES_PORTS_MAX])
{
    struct buffer lists[2], bundle;
    struct policy *policy = NULL;
    struct error error;
    buffer_init(&bundle, 65536);
    for (unsigned kind = 0; kind < 2; kind++) {
        buffer_init(&lists[kind], 16384);
        for (unsigned i = 0; i < POLICY_PORTS_MAX; i++)
            assert_true(buffer_append_format(&lists[kind], "n%u.example.com:%u\n", i,
                                             first + kind * POLICY_PORTS_MAX + i));
    }
    assert_true(policy_bundle_append(&bundle, BYTES_LITERAL("https"), buffer_bytes(&lists[0])) &&
                policy_bundle_append(&bundle, BYTES_LITERAL("ssh"), buffer_bytes(&lists[1])) &&
                policy_bundle_append(&bundle, BYTES_LITERAL("dns"), BYTES_EMPTY));
    assert_true(policy_bundle_compile(buffer_bytes(&bundle), &policy, &error));
    size_t count = wall_sockets_ports(policy, ports);
    policy_free(policy);
    buffer_done(&bundle);
    buffer_done(&lists[0]);
    buffer_done(&lists[1]);
    return count;
}

static void a_failure_leaves_the_listeners_that_were_there(void **state)
{
    static struct wall_sockets sockets;
    static const uint16_t before[] = {22, 53, 443}, more[] = {22, 443, 8443, 9443};
    struct error error;
    made_count = made_before_failure = 0;
    wall_sockets_init(&sockets);
    assert_true(wall_sockets_add(&sockets, "link", before, 3, &error));
    made_before_failure = 4;
    assert_false(wall_sockets_add(&sockets, "link", more, 4, &error));
    assert_string_equal(error.text, "port 9443: as the test says");
    assert_int_equal(sockets.listener_count, 3);
    uint16_t gone[WALL_LISTENERS_MAX];
    assert_int_equal(wall_sockets_remove(&sockets, NULL, 0, gone), 3);
}

static void has_room_for_the_widest_policy_beside_the_one_before(void **state)
{
    static struct wall_sockets sockets;
    uint16_t before[LINK_RULES_PORTS_MAX], after[LINK_RULES_PORTS_MAX], gone[WALL_LISTENERS_MAX];
    struct error error;
    made_count = made_before_failure = 0;
    size_t before_count = widest_ports(10000, before);
    size_t after_count = widest_ports(20000, after);
    assert_int_equal(before_count, 2 * POLICY_PORTS_MAX + 4);
    assert_true(before_count <= LINK_RULES_PORTS_MAX);
    wall_sockets_init(&sockets);
    assert_true(wall_sockets_add(&sockets, "link", before, before_count, &error));
    assert_true(wall_sockets_add(&sockets, "link", after, after_count, &error));
    assert_int_equal(sockets.listener_count, 4 * POLICY_PORTS_MAX + 4);
    assert_true(sockets.listener_count <= WALL_LISTENERS_MAX);
    assert_int_equal(wall_sockets_remove(&sockets, after, after_count, gone), 2 * POLICY_PORTS_MAX);
    assert_int_equal(wall_sockets_remove(&sockets, NULL, 0, gone), after_count);
}

RUN_TESTS(cmocka_unit_test(a_failure_leaves_the_listeners_that_were_there),
          cmocka_unit_test(has_room_for_the_widest_policy_beside_the_one_before))
