#ifndef SYSTEM_DESCRIPTOR_CHANNEL_H
#define SYSTEM_DESCRIPTOR_CHANNEL_H

#include "base/bytes.h"
#include "base/error.h"

#include <sys/types.h>

/*
 * Small messages between two of our processes, each with at most one descriptor (SCM_RIGHTS).
 * Message borders are kept and the end of the other process is seen (SOCK_SEQPACKET).
 */

/** Both ends non-blocking and CLOEXEC. */
bool descriptor_channel_open(int ends[2], struct error *error);

/**
 * Send one message; `descriptor` is -1 for none and stays the caller's. Where the other process
 * takes none, waits until `deadline_ms` of the monotonic clock: one deadline over several messages
 * bounds them all.
 */
bool descriptor_channel_send(int channel, struct bytes message, int descriptor, int64_t deadline_ms,
                             struct error *error);

enum descriptor_channel_result {
    DESCRIPTOR_CHANNEL_MESSAGE, /* `*length` and `*descriptor` (owned by the caller, or -1) set */
    DESCRIPTOR_CHANNEL_WAIT,    /* nothing now */
    DESCRIPTOR_CHANNEL_END,     /* the other process is gone, or broke the framing */
};

/** Receive one message of at most `room` bytes; a longer one ends the channel. */
enum descriptor_channel_result descriptor_channel_receive(int channel, uint8_t *into, size_t room,
                                                          size_t *length, int *descriptor);

/** Poll until readable; false after `timeout_ms`. */
bool descriptor_channel_wait(int channel, int timeout_ms);

/** A sealed memory file with these bytes, for what is too long for a message. -1 on failure. */
int descriptor_channel_memory(const char *name, struct bytes contents, struct error *error);

#endif
