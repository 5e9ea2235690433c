#ifndef TESTS_HARNESS_FAKE_LOOP_H
#define TESTS_HARNESS_FAKE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A clock that moves only when it is told to: fake_loop.c takes the place of libuv's timers and
 * closing of handles for a program that is linked with it. One loop a process.
 */

struct uv_loop_s;

/** Anything that wants a turn of its own; returns true when it did something. */
typedef bool fake_loop_turn_fn(void);

/** Begin at some hour, with no handle. `more` is run once in each turn. */
void fake_loop_start(struct uv_loop_s *loop, fake_loop_turn_fn *more);
/** Due timers, what `more` does, closed handles: until nothing happens any more. */
void fake_loop_settle(void);
/** The clock goes forward, stopping at each timer on the way. */
void fake_loop_advance(uint64_t duration_ms);
/** Handles that were initialised and whose closing has not been told. */
unsigned fake_loop_handle_count(void);

#endif
