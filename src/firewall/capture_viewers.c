#include "firewall/capture_viewers.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "llm/llm_event_json.h"
#include "system/wall_clock.h"

struct capture_viewer {
    int socket; /* owned; -1: a free place */
    bool wants_bodies;
    struct capture_cursor cursor;
    uint64_t lost;        /* events of which it was not told yet */
    struct buffer unsent; /* whole lines, but for the beginning of the first */
};

struct capture_viewers {
    struct capture_viewer viewers[CAPTURE_VIEWERS_MAX];
};

struct capture_viewers *capture_viewers_new(void)
{
    struct capture_viewers *viewers = memory_new(sizeof(*viewers));
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++)
        viewers->viewers[i].socket = -1;
    return viewers;
}

static void forget(struct capture_viewer *viewer)
{
    close(viewer->socket);
    viewer->socket = -1;
    buffer_done(&viewer->unsent);
}

void capture_viewers_free(struct capture_viewers *viewers)
{
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++)
        if (viewers->viewers[i].socket >= 0)
            forget(&viewers->viewers[i]);
    free(viewers);
}

void capture_viewers_add(struct capture_viewers *viewers, int descriptor,
                         struct capture_cursor start, bool wants_bodies)
{
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++) {
        struct capture_viewer *viewer = &viewers->viewers[i];
        if (viewer->socket >= 0)
            continue;
        *viewer = (struct capture_viewer){descriptor, wants_bodies, start, 0, {0}};
        buffer_init(&viewer->unsent, CAPTURE_VIEWER_GATHER_BYTES + LLM_EVENT_LINE_MAX);
        CHECK(control_answer_write_ok(&viewer->unsent));
        return;
    }
    close(descriptor);
}

size_t capture_viewers_count(const struct capture_viewers *viewers)
{
    size_t count = 0;
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++)
        count += viewers->viewers[i].socket >= 0 ? 1 : 0;
    return count;
}

bool capture_viewers_want_bodies(const struct capture_viewers *viewers)
{
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++)
        if (viewers->viewers[i].socket >= 0 && viewers->viewers[i].wants_bodies)
            return true;
    return false;
}

static bool has_something(const struct capture_viewer *viewer, const struct capture_ring *ring)
{
    return buffer_length(&viewer->unsent) > 0 || viewer->lost > 0 ||
           viewer->cursor.position < capture_ring_newest(ring).position;
}

void capture_viewers_prepare(const struct capture_viewers *viewers, const struct capture_ring *ring,
                             struct pollfd *polled)
{
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++) {
        const struct capture_viewer *viewer = &viewers->viewers[i];
        polled[i] = (struct pollfd){.fd = viewer->socket};
        if (viewer->socket >= 0 && has_something(viewer, ring))
            polled[i].events = POLLOUT;
    }
}

static void tell_lost(struct capture_viewer *viewer)
{
    struct llm_event event = llm_event_make(LLM_LOST, 0);
    event.time_ms = (uint64_t)wall_clock_now_ms();
    event.count = viewer->lost;
    CHECK(llm_event_write(&event, &viewer->unsent));
    viewer->lost = 0;
}

/* Lines that are to be written, as many as go together. */
static void gather(struct capture_viewer *viewer, const struct capture_ring *ring)
{
    struct bytes line;
    while (buffer_length(&viewer->unsent) < CAPTURE_VIEWER_GATHER_BYTES) {
        bool has_line =
            capture_ring_next(ring, &viewer->cursor, viewer->wants_bodies, &line, &viewer->lost);
        if (viewer->lost > 0)
            tell_lost(viewer);
        if (!has_line)
            return;
        CHECK(buffer_append(&viewer->unsent, line));
    }
}

static void serve(struct capture_viewer *viewer, const struct capture_ring *ring)
{
    gather(viewer, ring);
    struct bytes unsent = buffer_bytes(&viewer->unsent);
    if (unsent.length == 0)
        return;
    ssize_t written = write(viewer->socket, unsent.data, unsent.length);
    if (written > 0)
        buffer_consume(&viewer->unsent, (size_t)written);
    /* What a long line took is given back. */
    if (buffer_length(&viewer->unsent) == 0)
        buffer_done(&viewer->unsent);
    if (written < 0 && errno != EAGAIN && errno != EINTR)
        forget(viewer);
}

void capture_viewers_serve(struct capture_viewers *viewers, const struct capture_ring *ring,
                           const struct pollfd *polled)
{
    for (int i = 0; i < CAPTURE_VIEWERS_MAX; i++) {
        struct capture_viewer *viewer = &viewers->viewers[i];
        if (viewer->socket < 0 || polled[i].fd != viewer->socket)
            continue;
        if (polled[i].revents & (POLLERR | POLLHUP))
            forget(viewer);
        else if (polled[i].revents & POLLOUT)
            serve(viewer, ring);
    }
}
