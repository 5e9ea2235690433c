#include "spy/screen_diff.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void add_run(struct screen_diff *diff, enum screen_diff_kind kind, size_t before,
                    size_t after, size_t length)
{
    if (length == 0)
        return;
    if (diff->count > 0 && diff->runs[diff->count - 1].kind == kind) {
        diff->runs[diff->count - 1].length += length;
        return;
    }
    if (diff->count == diff->allocated) {
        diff->allocated = diff->allocated ? 2 * diff->allocated : 8;
        diff->runs = memory_resize_array(diff->runs, diff->allocated, sizeof(*diff->runs));
    }
    diff->runs[diff->count++] = (struct screen_diff_run){kind, before, after, length};
}

/* The part that differs, without what is the same at both ends. */
struct middle {
    const uint64_t *before, *after;
    size_t before_count, after_count;
    size_t before_start, after_start;
};

/*
 * On diagonal k = x - y a path of d edits gets to `furthest[k]`. Row d of the trace is what the
 * diagonals -d to d were before step d: its 2 * d + 1 numbers begin at d * d.
 */
static int *row_of(int *trace, int d)
{
    return trace + (size_t)d * (size_t)d + (size_t)d;
}

/* Whether step d gets to diagonal k by adding an element, from k + 1. */
static bool is_by_adding(const int *row, int d, int k)
{
    return k == -d || (k != d && row[k - 1] < row[k + 1]);
}

static int start_of(const int *row, int d, int k)
{
    if (d == 0)
        return 0;
    return is_by_adding(row, d, k) ? row[k + 1] : row[k - 1] + 1;
}

/* The fewest edits, with the trace of how they are reached; -1: too many. */
static int find_edits(const struct middle *middle, int **trace)
{
    int n = (int)middle->before_count, m = (int)middle->after_count;
    int space[2 * SCREEN_DIFF_EDITS_MAX + 3] = {0};
    int *furthest = space + SCREEN_DIFF_EDITS_MAX + 1;
    for (int d = 0; d <= SCREEN_DIFF_EDITS_MAX && d <= n + m; d++) {
        size_t rows = (size_t)(d + 1) * (size_t)(d + 1);
        *trace = memory_resize_array(*trace, rows, sizeof(**trace));
        int *row = row_of(*trace, d);
        memcpy(row - d, furthest - d, (size_t)(2 * d + 1) * sizeof(*row));
        for (int k = -d; k <= d; k += 2) {
            int x = start_of(row, d, k);
            while (x < n && x - k < m && middle->before[x] == middle->after[x - k])
                x++;
            furthest[k] = x;
            if (x >= n && x - k >= m)
                return d;
        }
    }
    return -1;
}

struct edit {
    enum screen_diff_kind kind;
    size_t before, after;
};

/* Walk back from the end; `edits` gets one entry for each element. Returns how many. */
static size_t walk_back(const struct middle *middle, int *trace, int d, struct edit *edits)
{
    int x = (int)middle->before_count, y = (int)middle->after_count;
    size_t count = 0;
    for (; d >= 0; d--) {
        const int *row = row_of(trace, d);
        int k = x - y, start = start_of(row, d, k);
        while (x > start) {
            x--;
            y--;
            edits[count++] = (struct edit){SCREEN_DIFF_SAME, (size_t)x, (size_t)y};
        }
        if (d == 0)
            break;
        bool is_added = is_by_adding(row, d, k);
        x -= !is_added;
        y -= is_added;
        edits[count++] =
            (struct edit){is_added ? SCREEN_DIFF_ADDED : SCREEN_DIFF_REMOVED, (size_t)x, (size_t)y};
    }
    return count;
}

/* Edits stand last first; of neighbours that differ, the removed ones are told first. */
static void add_edits(struct screen_diff *diff, const struct middle *middle,
                      const struct edit *edits, size_t count)
{
    while (count > 0) {
        size_t removed = 0, added = 0, i = count;
        for (; i > 0 && edits[i - 1].kind != SCREEN_DIFF_SAME; i--) {
            removed += edits[i - 1].kind == SCREEN_DIFF_REMOVED;
            added += edits[i - 1].kind == SCREEN_DIFF_ADDED;
        }
        size_t before = middle->before_start + edits[count - 1].before;
        size_t after = middle->after_start + edits[count - 1].after;
        add_run(diff, SCREEN_DIFF_REMOVED, before, after, removed);
        add_run(diff, SCREEN_DIFF_ADDED, before + removed, after, added);
        if (i == count) {
            add_run(diff, SCREEN_DIFF_SAME, before, after, 1);
            i--;
        }
        count = i;
    }
}

void screen_diff_init(struct screen_diff *diff, const uint64_t *before, size_t before_count,
                      const uint64_t *after, size_t after_count)
{
    *diff = (struct screen_diff){0};
    size_t shorter = before_count < after_count ? before_count : after_count;
    size_t start = 0, end = 0;
    while (start < shorter && before[start] == after[start])
        start++;
    while (end < shorter - start && before[before_count - 1 - end] == after[after_count - 1 - end])
        end++;
    struct middle middle = {
        before + start, after + start, before_count - start - end, after_count - start - end,
        start,          start};
    add_run(diff, SCREEN_DIFF_SAME, 0, 0, start);
    int *trace = NULL;
    int edit_count = -1;
    if (before_count < 1000000 && after_count < 1000000)
        edit_count = find_edits(&middle, &trace);
    if (edit_count >= 0) {
        struct edit *edits =
            memory_new_array(middle.before_count + middle.after_count + 1, sizeof(*edits));
        add_edits(diff, &middle, edits, walk_back(&middle, trace, edit_count, edits));
        free(edits);
    } else {
        add_run(diff, SCREEN_DIFF_REMOVED, start, start, middle.before_count);
        add_run(diff, SCREEN_DIFF_ADDED, start + middle.before_count, start, middle.after_count);
    }
    add_run(diff, SCREEN_DIFF_SAME, before_count - end, after_count - end, end);
    free(trace);
}

void screen_diff_done(struct screen_diff *diff)
{
    free(diff->runs);
    *diff = (struct screen_diff){0};
}
