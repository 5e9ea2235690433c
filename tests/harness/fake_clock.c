#include "harness/fake_clock.h"

#include "base/check.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

enum { START_MS = 3600 * 1000, PATIENCE_S = 30, REST_NS = 1000 * 1000 };

static uint64_t clock_ms = START_MS;

/* In libc's place. All clocks are the same one. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
    *now = (struct timespec){.tv_sec = (time_t)(clock_ms / 1000),
                             .tv_nsec = (long)(clock_ms % 1000) * 1000000};
    return 0;
}

int nanosleep(const struct timespec *duration, struct timespec *left)
{
    clock_ms += (uint64_t)duration->tv_sec * 1000 + (uint64_t)duration->tv_nsec / 1000000;
    sched_yield(); /* whoever is waited for may be another process */
    return 0;
}

int ppoll(struct pollfd *polled, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec none = {0};
    int ready = (int)syscall(SYS_ppoll, polled, count, &none, NULL, (size_t)0);
    CHECK(ready != 0 || timeout != NULL);
    if (ready == 0)
        nanosleep(timeout, NULL);
    return ready;
}

int poll(struct pollfd *polled, nfds_t count, int timeout_ms)
{
    struct timespec timeout = {.tv_sec = timeout_ms / 1000,
                               .tv_nsec = timeout_ms % 1000 * 1000000L};
    return ppoll(polled, count, timeout_ms < 0 ? NULL : &timeout, NULL);
}

static void rest(void)
{
    const struct timespec pause = {.tv_nsec = REST_NS};
    syscall(SYS_nanosleep, &pause, NULL);
}

static time_t real_seconds(void)
{
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

uint64_t fake_clock_now_ms(void)
{
    return clock_ms;
}

void fake_clock_skip(uint64_t duration_ms)
{
    clock_ms += duration_ms;
}

void fake_clock_advance(struct uv_loop_s *loop, uint64_t duration_ms)
{
    uint64_t end_ms = clock_ms + duration_ms;
    uv_run(loop, UV_RUN_NOWAIT);
    while (clock_ms < end_ms) {
        int timer_ms = uv_backend_timeout(loop);
        uint64_t step_ms = timer_ms > 0 ? (uint64_t)timer_ms : end_ms - clock_ms;
        clock_ms = step_ms < end_ms - clock_ms ? clock_ms + step_ms : end_ms;
        uv_run(loop, UV_RUN_NOWAIT);
    }
}

bool fake_clock_run(struct uv_loop_s *loop, bool (*is_done)(void *context), void *context)
{
    time_t end_s = real_seconds() + PATIENCE_S;
    do {
        uv_run(loop, UV_RUN_NOWAIT);
        if (is_done(context))
            return true;
        rest();
    } while (real_seconds() < end_s);
    return false;
}
