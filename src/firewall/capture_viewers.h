#ifndef FIREWALL_CAPTURE_VIEWERS_H
#define FIREWALL_CAPTURE_VIEWERS_H

#include <poll.h>

#include "firewall/capture_ring.h"
#include "record/control_message.h"

/*
 * Who watches: sockets that lines of the ring are written to, each as far as it takes them without
 * blocking. One that does not read costs its share of the limits below; when the ring has gone past
 * it, it is told how many events it missed, and goes on with the oldest there is. Lines are whole,
 * always.
 */
struct capture_viewers;

enum {
    CAPTURE_VIEWERS_MAX = CONTROL_CAPTURE_CLIENTS_MAX,
    CAPTURE_VIEWER_GATHER_BYTES = 64 * 1024, /* lines that are written together */
};

struct capture_viewers *capture_viewers_new(void);
/** Closes all. */
void capture_viewers_free(struct capture_viewers *viewers);

/**
 * Take in a viewer: `socket` is non-blocking, and owned from here on; closed at once when there
 * are too many. It is sent {"ok":true} first, then lines from `start` on.
 */
void capture_viewers_add(struct capture_viewers *viewers, int socket, struct capture_cursor start,
                         bool wants_bodies);

size_t capture_viewers_count(const struct capture_viewers *viewers);
/** Some viewer wants bodies. */
bool capture_viewers_want_bodies(const struct capture_viewers *viewers);

/** Fill CAPTURE_VIEWERS_MAX entries for poll(). */
void capture_viewers_prepare(const struct capture_viewers *viewers, const struct capture_ring *ring,
                             struct pollfd *polled);
/** Write to those that take something, and forget those that are gone. */
void capture_viewers_serve(struct capture_viewers *viewers, const struct capture_ring *ring,
                           const struct pollfd *polled);

#endif
