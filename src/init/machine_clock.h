#ifndef INIT_MACHINE_CLOCK_H
#define INIT_MACHINE_CLOCK_H

#include "base/bytes.h"
#include "base/error.h"

/**
 * Whether the clock is off by more than a second when the host said `host_ms` (since 1970) a moment
 * ago; `*now_ms` is the time that it should show.
 */
bool machine_clock_is_off(uint64_t host_ms, uint64_t *now_ms);

/**
 * Set the clock to the host's when they differ by more than a second: certificates and request
 * signatures depend on it, and a guest's clock stands still while the host sleeps. `*was_set` says
 * whether it was off.
 */
bool machine_clock_correct(uint64_t host_seconds, bool *was_set, struct error *error);

/** `rootcell-init set-clock SECONDS`: the same from the command line. Returns the exit status. */
int machine_clock_run(int count, char *const *arguments);

#endif
