#ifndef SYSTEM_WALL_CLOCK_H
#define SYSTEM_WALL_CLOCK_H

#include <stdint.h>

/** Milliseconds that only grow (they may stand still while the machine sleeps). */
int64_t wall_clock_monotonic_ms(void);
/** Milliseconds since 1970, UTC. */
int64_t wall_clock_now_ms(void);
/** Microseconds that only grow, and those that this process has computed for. */
int64_t wall_clock_monotonic_us(void);
int64_t wall_clock_computed_us(void);
void wall_clock_sleep_ms(int64_t duration_ms);

#endif
