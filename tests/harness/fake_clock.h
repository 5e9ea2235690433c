#ifndef TESTS_HARNESS_FAKE_CLOCK_H
#define TESTS_HARNESS_FAKE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A clock that moves only when it is told to, under the real libuv, c-ares and sockets:
 * fake_clock.c takes the place of clock_gettime for a program that is linked with it, its shared
 * libraries included. Whoever sleeps, or polls for what is not there, moves the clock by that.
 */

struct uv_loop_s;

/** Milliseconds since the clock's beginning. */
uint64_t fake_clock_now_ms(void);

/** The clock goes forward; nobody is told. */
void fake_clock_skip(uint64_t duration_ms);

/** The clock goes forward, stopping at each timer of the loop on the way. */
void fake_clock_advance(struct uv_loop_s *loop, uint64_t duration_ms);

/** Run the loop while the clock stands still, until it `is_done`; false after half a minute. */
bool fake_clock_run(struct uv_loop_s *loop, bool (*is_done)(void *context), void *context);

#endif
