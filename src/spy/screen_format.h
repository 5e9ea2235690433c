#ifndef SPY_SCREEN_FORMAT_H
#define SPY_SCREEN_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers in few columns. All return `text`, of at least SCREEN_FORMAT_SIZE bytes. */
enum { SCREEN_FORMAT_SIZE = 48 };

/** 5 columns: 0 to 99999, 123k, 1.2M; nothing for what is not told (negative). */
const char *screen_format_count(int64_t count, char *text);
/** With a comma between thousands; `?` for what is not told. */
const char *screen_format_number(int64_t number, char *text);
/** 5 columns: 320ms, 4.2s, 12m03; nothing when negative. */
const char *screen_format_duration(int64_t milliseconds, char *text);
/** 870 B, 1.2 kB, 34.0 MB. */
const char *screen_format_bytes(uint64_t bytes, char *text);
/** US dollars with the digits that matter: 0.0042, 1.23, 123; nothing when negative. */
const char *screen_format_cost(int64_t nano, char *text);
/** How much of the prompt came from the cache, in per cent; nothing when nothing is told. */
const char *screen_format_cached(uint64_t cached, uint64_t input, char *text);
/** 12:34:56. */
const char *screen_format_time(uint64_t time_ms, bool is_local, char *text);
/** 2026-01-02 12:34:56.789 UTC, or the name of the local zone. */
const char *screen_format_moment(uint64_t time_ms, bool is_local, char *text);

#endif
