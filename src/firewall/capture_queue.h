#ifndef FIREWALL_CAPTURE_QUEUE_H
#define FIREWALL_CAPTURE_QUEUE_H

#include "record/capture_frame.h"

struct capture_queue;
struct uv_loop_s;

/*
 * Frames on their way from the proxy to the recorder. They are gathered while the loop handles
 * what arrived, and leave before it waits again, in datagrams of many. What the recorder does not
 * take at once waits, up to a bound; beyond it frames are refused, and it is the caller's to count
 * them. Nothing here ever waits for the recorder.
 */

enum {
    CAPTURE_QUEUE_BYTES_MAX = 4 * 1024 * 1024,
    CAPTURE_QUEUE_RESERVED_BYTES = 256 * 1024, /* of it, that bodies leave to heads and ends */
    CAPTURE_QUEUE_BATCH_BYTES = 64 * 1024,     /* sent while more is still gathered */
};

/** There is room again, after a frame was refused. */
typedef void capture_queue_room_fn(void *owner);

/** `socket`, a datagram socket to the recorder, is owned from here on. */
struct capture_queue *capture_queue_new(struct uv_loop_s *loop, int socket,
                                        capture_queue_room_fn *on_room, void *owner);
/** Close; what waits is dropped. */
void capture_queue_close(struct capture_queue *queue);

/** False: there is no room for it. */
bool capture_queue_add(struct capture_queue *queue, const struct capture_frame *frame)
    __attribute__((warn_unused_result));

/** Drop all that waits, and give its memory back. */
void capture_queue_clear(struct capture_queue *queue);

#endif
