#include "test.h"

#include "firewall/supervisor.h"
#include "harness/fake_clock.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The supervisor's waiting for roles that do not do their part, under the test's clock. */

static struct supervisor supervisor;
static int proxy_end;

static void start(void)
{
    int ends[2];
    struct error error;
    assert_true(descriptor_channel_open(ends, &error));
    memset(&supervisor, 0, sizeof(supervisor));
    supervisor.proxy = (struct role){.name = "proxy", .channel = ends[0], .process = getpid()};
    proxy_end = ends[1];
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                                supervisor.record_sockets),
                     0);
}

static void stop(void)
{
    close(supervisor.proxy.channel);
    close(proxy_end);
    close(supervisor.record_sockets[0]);
    close(supervisor.record_sockets[1]);
}

static void gives_up_a_proxy_that_does_not_start_after_thirty_seconds(void **state)
{
    start();
    uint64_t started_ms = fake_clock_now_ms();
    supervisor_begin_talk(&supervisor, SUPERVISOR_READY_MS);
    assert_false(supervisor_await_policy(&supervisor, 1));
    assert_int_equal(fake_clock_now_ms() - started_ms, SUPERVISOR_READY_MS);
    stop();
}

/* However many messages there are: each of them finds the same end. */
static void a_proxy_that_takes_no_messages_is_waited_for_once(void **state)
{
    struct error error;
    start();
    uint64_t started_ms = fake_clock_now_ms();
    supervisor_begin_talk(&supervisor, ROLE_MESSAGE_SEND_MS);
    int taken = 0;
    while (supervisor_tell_proxy(&supervisor, ROLE_MESSAGE_LISTENER_GONE, 443, -1, &error))
        assert_true(taken++ < 1000000);
    assert_int_equal(fake_clock_now_ms() - started_ms, ROLE_MESSAGE_SEND_MS);
    for (int i = 0; i < 100; i++)
        assert_false(
            supervisor_tell_proxy(&supervisor, ROLE_MESSAGE_LISTENER_GONE, 443, -1, &error));
    assert_int_equal(fake_clock_now_ms() - started_ms, ROLE_MESSAGE_SEND_MS);
    assert_string_equal(error.text, "send to role: it takes no message");
    stop();
}

static void a_record_of_its_own_waits_a_tenth_of_a_second_for_room_and_is_counted(void **state)
{
    static const uint8_t block[4096];
    start();
    while (send(supervisor.record_sockets[0], block, sizeof(block), MSG_DONTWAIT) > 0)
        continue;
    uint64_t started_ms = fake_clock_now_ms();
    supervisor_record(&supervisor, AUDIT_CONTROL, AUDIT_INFO, "as the test says", "");
    assert_int_equal(fake_clock_now_ms() - started_ms, SUPERVISOR_RECORD_MS);
    assert_int_equal(supervisor.records_dropped, 1);
    stop();
}

RUN_TESTS(cmocka_unit_test(gives_up_a_proxy_that_does_not_start_after_thirty_seconds),
          cmocka_unit_test(a_proxy_that_takes_no_messages_is_waited_for_once),
          cmocka_unit_test(a_record_of_its_own_waits_a_tenth_of_a_second_for_room_and_is_counted))
