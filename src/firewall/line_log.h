#ifndef FIREWALL_LINE_LOG_H
#define FIREWALL_LINE_LOG_H

#include "base/buffer.h"

/*
 * A file that whole lines are appended to, many at once. One that cannot be written (a full disk, a
 * pipe that nobody empties) costs lines, which are counted, and never joins two: after a write that
 * ended within a line the next one begins with a line end.
 */
struct line_log {
    int file;            /* borrowed; -1: there is none, and nothing is counted */
    struct buffer lines; /* whole lines, to be written at once */
    bool is_line_cut;    /* a write ended in the middle of a line */
    uint64_t lost_count; /* lines that could not be written */
};

void line_log_init(struct line_log *log, int file, size_t cap);
void line_log_done(struct line_log *log);

/** Append what is gathered. Tried again after a signal unless `*is_end_wanted`. */
void line_log_write(struct line_log *log, const volatile int *is_end_wanted);

#endif
