#ifndef HOST_QMP_H
#define HOST_QMP_H

#include "base/buffer.h"
#include "base/error.h"

/**
 * QEMU's monitor (QMP) over its Unix socket: one command at a time, each with a deadline. What it
 * answers is capped and checked: a guest that has broken out of its VM speaks here.
 */
struct qmp;

/** Connect and shake hands, or NULL. The caller closes it with qmp_close. */
struct qmp *qmp_open(const char *socket_path, int timeout_ms, struct error *error);
void qmp_close(struct qmp *qmp);

/** A command without arguments whose answer does not matter: system_powerdown, quit, cont. */
bool qmp_execute(struct qmp *qmp, const char *command, struct error *error);

/** The state of the VM (running, paused, io-error, shutdown...) into `state`. */
bool qmp_query_status(struct qmp *qmp, char *state, size_t size, struct error *error);

/** What a ringbuf character device holds, appended to `text` (cut at its cap). */
bool qmp_read_ring(struct qmp *qmp, const char *device, struct buffer *text, struct error *error);

#endif
