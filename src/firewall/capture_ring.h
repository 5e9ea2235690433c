#ifndef FIREWALL_CAPTURE_RING_H
#define FIREWALL_CAPTURE_RING_H

#include "base/bytes.h"

/*
 * The last lines of captured traffic, for viewers that each read at their own pace. A line that
 * does not fit pushes the oldest ones out; whoever had not read them yet learns how many they were.
 * Pure; made with all of its memory, of which the machine gives only what was written to.
 */
struct capture_ring;

enum {
    CAPTURE_RING_LINE_PART = 8, /* a line has at most this part of the ring */
};

/** Where a reader stands: before which line. */
struct capture_cursor {
    uint64_t position;
    uint64_t number;
    uint64_t bodies;
};

enum capture_line { CAPTURE_LINE_EVENT, CAPTURE_LINE_BODY };

struct capture_ring *capture_ring_new(size_t bytes);
void capture_ring_free(struct capture_ring *ring);

/** Longest line that it takes. */
size_t capture_ring_line_max(const struct capture_ring *ring);

/** Append a line, pushing old ones out. False when it is longer than capture_ring_line_max. */
bool capture_ring_append(struct capture_ring *ring, struct bytes line, enum capture_line kind)
    __attribute__((warn_unused_result));

/** Before the oldest line, and behind the newest. */
struct capture_cursor capture_ring_oldest(const struct capture_ring *ring);
struct capture_cursor capture_ring_newest(const struct capture_ring *ring);

/** Lines pushed out since the ring was made. */
uint64_t capture_ring_dropped(const struct capture_ring *ring);

/**
 * The next line for a reader who takes bodies, or none; borrowed until the next append. `*lost`
 * grows by the lines of its kinds that were pushed out before it read them. False: no line is
 * there.
 */
bool capture_ring_next(const struct capture_ring *ring, struct capture_cursor *cursor,
                       bool wants_bodies, struct bytes *line, uint64_t *lost);

#endif
