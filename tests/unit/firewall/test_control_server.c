#include "test.h"

#include "base/memory.h"
#include "firewall/control_server.h"
#include "firewall/policy_reload.h"
#include "firewall/supervisor.h"
#include "harness/fake_clock.h"
#include "record/control_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The control socket before clients that the test plays, under its clock. */

enum { LENGTH = 4096 };

static const char policy_request[] = "policy\n{\"https\":\"\",\"ssh\":\"\",\"dns\":\"\"}";
static struct control_server *server;
static struct supervisor supervisor;
static char *path;
static int asked_timeout_ms;
static size_t added_count; /* rules that a reload is said to have added, of 4 KiB each */

/* --- in the supervisor's place -------------------------------------------------------------- */

void supervisor_refresh_counters(struct supervisor *of, int timeout_ms)
{
    asked_timeout_ms = timeout_ms;
}

/* Whoever asks is attached, and what it asked for is kept; or is refused. */
static struct control_capture wishes;
static int viewer = -1;

bool supervisor_capture_attach(struct supervisor *of, int client,
                               const struct control_capture *asked, struct error *error)
{
    if (viewer >= 0)
        return error_set(error, "somebody watches already");
    wishes = *asked;
    viewer = client;
    return true;
}

/* In force, with a long answer. */
bool policy_reload_bundle(struct supervisor *of, struct bytes text,
                          struct control_policy_answer *answer, struct error *error)
{
    *answer = (struct control_policy_answer){.epoch = 2, .added_count = added_count};
    answer->added = memory_new_array(added_count, sizeof(*answer->added));
    for (size_t i = 0; i < added_count; i++) {
        answer->added[i] = memory_new(LENGTH + 1);
        memset(answer->added[i], 'a', LENGTH);
    }
    return true;
}

/* --- clients -------------------------------------------------------------------------------- */

static void start(void)
{
    struct error error;
    path = memory_format("/tmp/rootcell-control-%d.sock", (int)getpid());
    server = control_server_new(path, &error);
    assert_non_null(server);
    supervisor.proxy.name = "proxy";
    supervisor.recorder.name = "recorder";
}

static void stop(void)
{
    control_server_free(server);
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

/* What the supervisor's loop does; returns the time until it would do it again. */
static int turn(void)
{
    struct pollfd polled[CONTROL_SERVER_POLLED];
    int timeout_ms = -1;
    control_server_prepare(server, polled, &timeout_ms);
    poll(polled, CONTROL_SERVER_POLLED, 0);
    control_server_handle(server, &supervisor, polled);
    timeout_ms = -1;
    control_server_prepare(server, polled, &timeout_ms);
    return timeout_ms;
}

static int connect_client(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    return client;
}

/* A whole request. */
static void say(int client, const char *request)
{
    assert_int_equal(send(client, request, strlen(request), 0), strlen(request));
    shutdown(client, SHUT_WR);
}

/* Bytes of an answer, which comes within a few turns. */
static void assert_answered(int client)
{
    char answer[1024];
    ssize_t got = -1;
    for (int i = 0; i < 20 && got <= 0; i++) {
        turn();
        got = recv(client, answer, sizeof(answer), MSG_DONTWAIT);
    }
    assert_true(got > 0);
}

static bool is_closed(int client)
{
    char byte;
    ssize_t got = recv(client, &byte, 1, MSG_DONTWAIT);
    assert_true(got == 0 || (got < 0 && (errno == EAGAIN || errno == ECONNRESET)));
    return got == 0 || errno == ECONNRESET;
}

static void does_not_take_the_place_of_a_firewall_that_listens(void **state)
{
    struct error error;
    start();
    uint64_t started_ms = fake_clock_now_ms();
    assert_null(control_server_new(path, &error));
    assert_non_null(strstr(error.text, "another firewall listens there"));
    assert_in_range(fake_clock_now_ms() - started_ms, CONTROL_SERVER_LEFTOVER_MS,
                    CONTROL_SERVER_LEFTOVER_MS + 10);
    stop();
}

/* It neither asks nor ends, and goes; whoever has waited behind it is heard. */
static void closes_a_client_that_stays_silent_after_ten_seconds(void **state)
{
    start();
    int client = connect_client();
    assert_int_equal(turn(), CONTROL_SERVER_CLIENT_MS);
    assert_int_equal(send(client, "stat", 4, 0), 4);
    int next = connect_client();
    assert_int_equal(send(next, "status\n", 7, 0), 7);
    fake_clock_skip(CONTROL_SERVER_CLIENT_MS - 1);
    assert_int_equal(turn(), 1);
    assert_false(is_closed(client));
    fake_clock_skip(1);
    turn();
    assert_true(is_closed(client));
    shutdown(next, SHUT_WR);
    assert_answered(next);
    close(client);
    close(next);
    stop();
}

static void closes_a_client_that_does_not_take_its_answer(void **state)
{
    start();
    added_count = 1000; /* more than a socket takes at once */
    int client = connect_client();
    turn();
    say(client, policy_request);
    turn();
    turn();
    fake_clock_skip(CONTROL_SERVER_CLIENT_MS - 1);
    assert_int_equal(turn(), 1);
    fake_clock_skip(1);
    assert_int_equal(turn(), -1);
    /* The next one is heard. */
    int next = connect_client();
    assert_int_equal(turn(), CONTROL_SERVER_CLIENT_MS);
    close(client);
    close(next);
    stop();
}

static void ends_a_request_that_is_longer_than_may_be_unread(void **state)
{
    static const uint8_t block[64 * 1024];
    size_t sent = 0;
    start();
    int client = connect_client();
    turn();
    ssize_t count;
    do {
        count = send(client, block, sizeof(block), MSG_NOSIGNAL);
        sent += count > 0 ? (size_t)count : 0;
        assert_true(sent <= CONTROL_REQUEST_BYTES_MAX + 16 * sizeof(block));
        turn();
    } while (count > 0 || errno == EAGAIN);
    assert_int_equal(errno, EPIPE);
    assert_true(sent > CONTROL_REQUEST_BYTES_MAX);
    close(client);
    stop();
}

static void says_so_where_the_answer_is_too_long(void **state)
{
    static const char wanted[] = "{\"ok\":false,\"error\":\"in force; the answer is too long";
    char answer[1024] = "";
    start();
    added_count = CONTROL_ANSWER_BYTES_MAX / LENGTH;
    int client = connect_client();
    say(client, policy_request);
    for (int i = 0; i < 20 && recv(client, answer, sizeof(answer), MSG_DONTWAIT) <= 0; i++)
        turn();
    assert_memory_equal(answer, wanted, sizeof(wanted) - 1);
    close(client);
    stop();
}

static void waits_a_fifth_of_a_second_for_counters_and_answers_without_them(void **state)
{
    start();
    int client = connect_client();
    turn();
    asked_timeout_ms = 0;
    say(client, "status\n");
    assert_answered(client);
    assert_int_equal(asked_timeout_ms, CONTROL_SERVER_COUNTERS_MS);
    close(client);
    stop();
}

RUN_TESTS(cmocka_unit_test(does_not_take_the_place_of_a_firewall_that_listens),
          cmocka_unit_test(closes_a_client_that_stays_silent_after_ten_seconds),
          cmocka_unit_test(closes_a_client_that_does_not_take_its_answer),
          cmocka_unit_test(says_so_where_the_answer_is_too_long),
          cmocka_unit_test(ends_a_request_that_is_longer_than_may_be_unread),
          cmocka_unit_test(waits_a_fifth_of_a_second_for_counters_and_answers_without_them))
