#ifndef SYSTEM_PROGRESS_H
#define SYSTEM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * What the program is doing, on standard error: a line for each step with the seconds it has taken,
 * redrawn in place on a terminal, printed once at its start and end elsewhere. Quiet until a step
 * has lasted `quiet_ms`, so that work that is quick says nothing.
 */
struct progress {
    const char *text; /* borrowed while the step runs; NULL between steps */
    int64_t start_ms; /* monotonic */
    int64_t drawn_ms; /* when the line was last drawn; 0 is not yet */
    int64_t quiet_ms;
    uint64_t done, total; /* units of the bar; total 0 is no bar */
    bool is_bytes;        /* the units are bytes */
};

/** Begin a step; `text` is borrowed until progress_end. */
void progress_begin(struct progress *progress, const char *text, int64_t quiet_ms);
/** Redraw when it is time to: call it often. */
void progress_tick(struct progress *progress);
/** Tell how much of the whole is done (bytes or pieces), then as progress_tick. */
void progress_count(struct progress *progress, uint64_t done, uint64_t total, bool is_bytes);
/** The step is done: the line stays, with the time it took, unless nothing was shown. */
void progress_end(struct progress *progress);
/** The step failed: the line is ended without a word; the error follows. */
void progress_abandon(struct progress *progress);

/** Standard error is a terminal. */
bool progress_is_on_terminal(void);

#endif
