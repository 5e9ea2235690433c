#include "system/wall_clock.h"

#include <errno.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t read_ms(clockid_t clock)
{
    return read_us(clock) / 1000;
}

int64_t wall_clock_monotonic_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t wall_clock_now_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

int64_t wall_clock_monotonic_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t wall_clock_computed_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

void wall_clock_sleep_ms(int64_t duration_ms)
{
    struct timespec left = {.tv_sec = (time_t)(duration_ms / 1000),
                            .tv_nsec = (long)(duration_ms % 1000) * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}
