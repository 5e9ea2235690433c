#ifndef FIREWALL_RECORD_QUEUE_H
#define FIREWALL_RECORD_QUEUE_H

#include "record/audit_record.h"

struct proxy;
struct record_queue;
struct uv_loop_s;

enum {
    RECORD_QUEUE_BYTES_MAX = 256 * 1024,
    RECORD_QUEUE_GATHER_MS = 4,
};

/**
 * The proxy's end of the audit log: sends records to the recorder in datagrams of one or many
 * (AUDIT_BATCH_MAX), at most a few milliseconds after they were made. Never blocks traffic: what
 * the recorder cannot take at once waits in a bounded queue (256 KiB), and what does not fit there
 * is dropped and counted; the count is told in a later record.
 *
 * `socket` is the datagram socket to the recorder; the queue owns it from here on.
 */
struct record_queue *record_queue_new(struct uv_loop_s *loop, int socket);
/** Close; what is queued is sent as far as the recorder takes it without blocking. */
void record_queue_close(struct record_queue *queue);

/** Send one record to the log. Fills in the time when it is 0. Copies all it needs. */
void record_queue_send(struct proxy *proxy, const struct audit_record *record);

/** Records dropped since the start. */
uint64_t record_queue_dropped(const struct record_queue *queue);

#endif
