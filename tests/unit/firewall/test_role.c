#include "test.h"

#include "firewall/role.h"
#include "harness/fake_clock.h"
#include "system/wall_clock.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Roles that end as they should, and that do not, under the test's clock. */

/* `context` is the exit status; NULL: it does not end when it is told to. */
static int role_main(void *context, int channel)
{
    const int *status = context;
    if (status)
        return *status;
    signal(SIGTERM, SIG_IGN);
    if (write(channel, "x", 1) != 1)
        return 1;
    for (;;)
        pause();
}

static struct role start(int *status)
{
    struct role role = {.name = "test", .channel = -1};
    struct error error;
    int none = -1;
    char byte;
    assert_true(role_start(&role, role_main, status, &none, 1, &error));
    if (status) {
        /* It has ended, and waits to be reaped. */
        siginfo_t how;
        assert_int_equal(waitid(P_PID, (id_t)role.process, &how, WEXITED | WNOWAIT), 0);
    } else {
        /* It is deaf from here on. */
        while (recv(role.channel, &byte, 1, 0) != 1)
            continue;
    }
    return role;
}

static void a_role_that_does_not_end_is_killed_when_its_time_is_over(void **state)
{
    struct role role = start(NULL);
    uint64_t started_ms = fake_clock_now_ms();
    role_end(&role, 1000);
    assert_int_equal(role.process, 0);
    assert_true(fake_clock_now_ms() - started_ms >= 1000);
}

static void waits_for_an_exit_no_longer_than_it_is_told(void **state)
{
    int status = 2;
    struct role role = start(NULL);
    uint64_t started_ms = fake_clock_now_ms();
    assert_int_equal(role_await_exit(&role, 200), -1);
    assert_in_range(fake_clock_now_ms() - started_ms, 200, 201);
    role_end(&role, 0);
    role = start(&status);
    started_ms = fake_clock_now_ms();
    assert_int_equal(role_await_exit(&role, 200), 2);
    assert_int_equal(fake_clock_now_ms(), started_ms);
}

/* When, after its death at that age, another may follow. */
static int64_t pause_after(uint64_t restart_count, int64_t age_ms)
{
    int status = 1;
    char how[32];
    struct role role = start(&status);
    role.restart_count = restart_count;
    int64_t now_ms = role.started_ms + age_ms;
    assert_true(role_reap(&role, now_ms, how));
    assert_string_equal(how, "status 1");
    return role.restart_at_ms - now_ms;
}

static void a_role_that_dies_young_again_is_followed_after_a_pause(void **state)
{
    assert_int_equal(pause_after(1, ROLE_QUICK_DEATH_MS - 1), ROLE_RESTART_PAUSE_MS);
    assert_int_equal(pause_after(7, 0), ROLE_RESTART_PAUSE_MS);
    assert_int_equal(pause_after(0, 0), 0);
    assert_int_equal(pause_after(1, ROLE_QUICK_DEATH_MS), 0);
}

RUN_TESTS(cmocka_unit_test(a_role_that_does_not_end_is_killed_when_its_time_is_over),
          cmocka_unit_test(waits_for_an_exit_no_longer_than_it_is_told),
          cmocka_unit_test(a_role_that_dies_young_again_is_followed_after_a_pause))
