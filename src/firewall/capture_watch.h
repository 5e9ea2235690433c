#ifndef FIREWALL_CAPTURE_WATCH_H
#define FIREWALL_CAPTURE_WATCH_H

#include <poll.h>

#include "firewall/capture_viewers.h"
#include "record/audit_record.h"

/*
 * Capture as the recorder has it: frames from the proxy -> calls (capture_calls.h) -> lines in a
 * ring (capture_ring.h) -> viewers (capture_viewers.h), and a file where one was asked for.
 *
 *   IDLE       no viewer, nothing recorded: frames are thrown away, no memory is held
 *   WATCHING   at least one viewer, or recording is on
 *
 * Decoding takes a small part of one processor and no more: after each turn it rests for
 * CAPTURE_WATCH_REST times as long as it computed. Models speak far more slowly than that; of a
 * flood the rest waits in the queue of the proxy, and is dropped and counted there. So on a machine
 * with one processor capture takes little from traffic, and the audit log, which is the same
 * process, is never behind it.
 *
 * Bodies take most of the room, so they are made into lines only while a viewer or the file wants
 * them.
 */
struct capture_watch;

enum {
    CAPTURE_RING_BUDGET_PART = 2, /* the ring is this part of the budget of bodies: 8 MiB or more */
    CAPTURE_RING_BYTES_MAX = 64 * 1024 * 1024,
    CAPTURE_WATCH_DATAGRAMS = 16, /* taken in a turn, before viewers and records have theirs */
    CAPTURE_WATCH_REST = 11,      /* times what it computed */
    CAPTURE_WATCH_POLLED = 1 + CAPTURE_VIEWERS_MAX,
};

struct capture_watch_start {
    int socket;        /* datagrams of frames; borrowed */
    int file;          /* lines are appended to it, bodies too; -1: none; borrowed */
    bool is_recording; /* without a viewer, too */
    size_t ring_bytes; /* capture_watch_ring_bytes */
};

/** The size of the ring on a machine with so much memory in bytes. */
size_t capture_watch_ring_bytes(size_t memory_bytes);

struct capture_watch *capture_watch_new(const struct capture_watch_start *start);
/** Writes what the file has not got yet, and closes all viewers. */
void capture_watch_free(struct capture_watch *watch);

/** `socket` is owned from here on; `wishes` are of enum role_viewer. */
void capture_watch_add_viewer(struct capture_watch *watch, int socket, uint64_t wishes);

/** A record that was admitted to the audit log; refusals are shown between calls. */
void capture_watch_add_record(struct capture_watch *watch, const struct audit_record *record);

/**
 * Fill CAPTURE_WATCH_POLLED entries for poll(), and shorten `*timeout_us` (-1 is none) to the end
 * of its rest. Then handle what poll() found.
 */
void capture_watch_prepare(const struct capture_watch *watch, struct pollfd *polled,
                           int64_t *timeout_us);
void capture_watch_serve(struct capture_watch *watch, const struct pollfd *polled);

/** One of the counts below is not 0. */
bool capture_watch_has_news(const struct capture_watch *watch);
/** Lines for the file that could not be written, and datagrams that were malformed: since asked. */
uint64_t capture_watch_take_lost(struct capture_watch *watch);
uint64_t capture_watch_take_malformed(struct capture_watch *watch);

#endif
