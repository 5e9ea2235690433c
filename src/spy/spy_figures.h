#ifndef SPY_SPY_FIGURES_H
#define SPY_SPY_FIGURES_H

#include "spy/spy_store.h"

enum { SPY_FIGURE_SIZE = 40, SPY_FIGURES_SIZE = 400 };

/** "2026-01-02 03:04:05", in UTC or the user's zone. Returns `text`; so do all of these. */
const char *spy_figure_time(uint64_t time_ms, bool is_utc, char text[SPY_FIGURE_SIZE]);
/** RFC 3339 with milliseconds, in UTC. */
const char *spy_figure_rfc3339(uint64_t time_ms, char text[SPY_FIGURE_SIZE]);
/** "120 ms", "4.2 s", "3 min 20 s" */
const char *spy_figure_duration(int64_t duration_ms, char text[SPY_FIGURE_SIZE]);
/** "≈$0.0123"; at least two digits that say something. */
const char *spy_figure_cost(int64_t cost_nano, char text[SPY_FIGURE_SIZE]);

/**
 * "200 end_turn, in 12345 (cached 92 %, written 512), out 345 (reasoning 100), first byte 0.8 s,
 * 4.2 s, ≈$0.0123": as much of it as is known. Holds remote text (the stop reason).
 */
const char *spy_figures_of(const struct spy_summary *summary, char text[SPY_FIGURES_SIZE]);

#endif
