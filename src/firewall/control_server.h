#ifndef FIREWALL_CONTROL_SERVER_H
#define FIREWALL_CONTROL_SERVER_H

#include <poll.h>

#include "base/error.h"

struct control_server;
struct supervisor;

enum {
    CONTROL_SERVER_CLIENT_MS = 10000,
    CONTROL_SERVER_COUNTERS_MS = 200,
    CONTROL_SERVER_LEFTOVER_MS = 500, /* for a firewall that was killed to let go of its socket */
};

enum { CONTROL_SERVER_POLLED = 2 };

/**
 * Listen on a Unix socket that its owner alone may open (0600). A socket left by an earlier run is
 * replaced; any other file in its place is not. NULL with the reason on failure.
 *
 * One client at a time: a request is read to its end (10 s, CONTROL_REQUEST_BYTES_MAX), handled,
 * answered with one line, and the connection is closed. Others wait in the backlog. A viewer of
 * captured traffic is handed on (supervisor_capture.h) and not counted as a client any more.
 */
struct control_server *control_server_new(const char *path, struct error *error);
/** Close, and delete the socket. NULL is allowed here and below: no control socket. */
void control_server_free(struct control_server *server);

/** Fill two entries for poll() and shorten `*timeout_ms` (-1 is none) to the next deadline. */
void control_server_prepare(struct control_server *server, struct pollfd *polled, int *timeout_ms);
/** Handle what poll() found. */
void control_server_handle(struct control_server *server, struct supervisor *supervisor,
                           const struct pollfd *polled);

#endif
