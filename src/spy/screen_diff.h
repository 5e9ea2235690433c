#ifndef SPY_SCREEN_DIFF_H
#define SPY_SCREEN_DIFF_H

#include <stddef.h>
#include <stdint.h>

/*
 * What became of one sequence in another, shortest first (Myers, "An O(ND) difference algorithm").
 * Elements are hashes, of blocks or of lines.
 */
enum screen_diff_kind { SCREEN_DIFF_SAME, SCREEN_DIFF_REMOVED, SCREEN_DIFF_ADDED };

struct screen_diff_run {
    enum screen_diff_kind kind;
    size_t before, after; /* where it begins in the one and in the other */
    size_t length;
};

struct screen_diff {
    struct screen_diff_run *runs; /* owned */
    size_t count, allocated;
};

/** More differences than this between both ends, and all there counts as replaced. */
enum { SCREEN_DIFF_EDITS_MAX = 1000 };

/** Runs in order; in a place that differs what was removed stands before what was added. */
void screen_diff_init(struct screen_diff *diff, const uint64_t *before, size_t before_count,
                      const uint64_t *after, size_t after_count);
void screen_diff_done(struct screen_diff *diff);

#endif
