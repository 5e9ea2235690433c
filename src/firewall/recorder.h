#ifndef FIREWALL_RECORDER_H
#define FIREWALL_RECORDER_H

#include <sys/types.h>

#include "firewall/capture_watch.h"

enum {
    RECORDER_BATCH_BYTES = 64 * 1024, /* of lines: then they are written */
    RECORDER_DATAGRAMS_PER_TURN = 32, /* then what they brought is written */
    RECORDER_FLUSH_MS = 1000,         /* how often counts of what was suppressed or lost are told */
};

/**
 * The recorder role: takes records as datagrams, checks each, and appends JSON lines to the audit
 * log. It has a user of its own and no network. A log that cannot be written (a full disk, a host
 * that does not read) never holds up traffic: records are lost, counted, and the count is told.
 *
 * It is also where captured traffic is decoded (capture_watch.h): the only process that undoes
 * content codings and reads what is in bodies.
 */
struct recorder_start {
    int file;     /* where lines go: a regular file opened for appending, or a device */
    int socket;   /* datagrams from proxy and supervisor */
    pid_t parent; /* the supervisor */
    struct capture_watch_start capture; /* `ring_bytes` is the role's to find out */
};

/** role_main_fn; `context` is a struct recorder_start. */
int recorder_main(void *context, int channel);

#endif
