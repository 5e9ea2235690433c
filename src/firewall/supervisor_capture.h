#ifndef FIREWALL_SUPERVISOR_CAPTURE_H
#define FIREWALL_SUPERVISOR_CAPTURE_H

#include <poll.h>
#include <stdint.h>

#include "base/error.h"
#include "record/control_message.h"

struct supervisor;

/*
 * Capture as the supervisor has it: who watches, and whether the proxy is to tell.
 *
 * A viewer's socket goes to the recorder, which writes to it; the supervisor keeps a descriptor of
 * its own, reads and writes nothing there, and sees by it when the viewer has gone. So the recorder
 * has nothing to say to the supervisor. When the recorder ends, its viewers are closed: they see an
 * end between or within lines, and may come again.
 *
 * Each change of what the proxy is to do has a new generation, odd when it is to capture, which it
 * confirms: a viewer is told
 * that it is attached when the next exchange will be captured.
 */
struct supervisor_capture {
    uint32_t generation; /* last one told */
    bool is_on;
    int viewers[CONTROL_CAPTURE_CLIENTS_MAX]; /* owned; -1: a free place */
};

enum {
    SUPERVISOR_CAPTURE_CONFIRM_MS = 1000, /* then a viewer is attached all the same */
    SUPERVISOR_CAPTURE_POLLED = CONTROL_CAPTURE_CLIENTS_MAX,
};

void supervisor_capture_init(struct supervisor_capture *capture);
void supervisor_capture_done(struct supervisor_capture *capture);

/** Attach a viewer; on success `client` is taken over. */
bool supervisor_capture_attach(struct supervisor *supervisor, int client,
                               const struct control_capture *wishes, struct error *error);

/** Tell a new proxy whether to capture. */
bool supervisor_capture_equip(struct supervisor *supervisor, struct error *error);

/** The recorder has ended: those that it served are disconnected. */
void supervisor_capture_recorder_ended(struct supervisor *supervisor);

/** Fill SUPERVISOR_CAPTURE_POLLED entries for poll(), and handle what it found. */
void supervisor_capture_prepare(const struct supervisor *supervisor, struct pollfd *polled);
void supervisor_capture_handle(struct supervisor *supervisor, const struct pollfd *polled);

#endif
