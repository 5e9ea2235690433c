#ifndef SPY_SCREEN_WRAP_H
#define SPY_SCREEN_WRAP_H

#include "base/bytes.h"

/*
 * Where the lines of a text begin when it is shown in so many columns: after each line end, and
 * before what does not fit any more, between words where there are some. Kept from frame to frame;
 * a text that only grows costs what was added.
 */
struct screen_wrap {
    uint32_t *starts; /* owned: offsets of lines */
    size_t count, allocated;
    size_t length; /* of the text that was wrapped */
    int columns;
};

/** Texts are wrapped up to here; what follows is not shown. */
enum { SCREEN_WRAP_BYTES_MAX = 64 * 1024 * 1024 };

void screen_wrap_done(struct screen_wrap *wrap);

/**
 * Bring the lines up to date. `is_grown`: the text begins with the one that was wrapped last. An
 * empty text has no lines; a line end at the end of the text begins none.
 */
void screen_wrap_update(struct screen_wrap *wrap, struct bytes text, int columns, bool is_grown);

/** A line without its line end. */
struct bytes screen_wrap_line(const struct screen_wrap *wrap, struct bytes text, size_t line);

/** The line that holds this offset. CHECK: there are lines. */
size_t screen_wrap_line_of(const struct screen_wrap *wrap, size_t offset);

#endif
