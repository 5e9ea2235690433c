#include "firewall/capture_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"

struct capture_queue {
    uv_poll_t poll;       /* for writing, while the recorder takes no more */
    uv_prepare_t prepare; /* active while something waits to be sent */
    int socket;           /* owned */
    struct buffer frames; /* each with its length, as in a datagram */
    bool is_refusing;     /* a frame was refused, and nobody was told of room since */
    capture_queue_room_fn *on_room;
    void *owner; /* borrowed */
    unsigned handles_open;
};

enum send_result { SEND_DONE, SEND_WAIT };

static enum send_result send_datagram(struct capture_queue *queue, struct bytes datagram)
{
    ssize_t sent;
    do {
        sent = send(queue->socket, datagram.data, datagram.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    bool is_full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM);
    return is_full ? SEND_WAIT : SEND_DONE;
}

/* The whole frames at the start, up to about a batch; one at least. */
static struct bytes next_datagram(const struct capture_queue *queue)
{
    struct reader reader = reader_over(buffer_bytes(&queue->frames));
    size_t length = 0;
    while (!reader_is_at_end(&reader)) {
        reader_take(&reader, reader_u32(&reader));
        CHECK(!reader_is_failed(&reader));
        if (length > 0 && reader.position > CAPTURE_QUEUE_BATCH_BYTES)
            break;
        length = reader.position;
    }
    return bytes_first(buffer_bytes(&queue->frames), length);
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void send_frames(struct capture_queue *queue)
{
    if (uv_is_active((uv_handle_t *)&queue->poll))
        return;
    while (buffer_length(&queue->frames) > 0) {
        struct bytes datagram = next_datagram(queue);
        if (send_datagram(queue, datagram) == SEND_WAIT) {
            uv_poll_start(&queue->poll, UV_WRITABLE, on_writable);
            break;
        }
        buffer_consume(&queue->frames, datagram.length);
    }
    if (buffer_length(&queue->frames) == 0)
        buffer_clear(&queue->frames);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct capture_queue *queue = prepare->data;
    uv_prepare_stop(prepare);
    send_frames(queue);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct capture_queue *queue = poll->data;
    uv_poll_stop(poll);
    send_frames(queue);
    if (queue->is_refusing && !uv_is_active((uv_handle_t *)poll)) {
        queue->is_refusing = false;
        queue->on_room(queue->owner);
    }
}

struct capture_queue *capture_queue_new(struct uv_loop_s *loop, int descriptor,
                                        capture_queue_room_fn *on_room, void *owner)
{
    struct capture_queue *queue = memory_new(sizeof(*queue));
    queue->socket = descriptor;
    queue->on_room = on_room;
    queue->owner = owner;
    buffer_init(&queue->frames, CAPTURE_QUEUE_BYTES_MAX);
    CHECK(uv_poll_init(loop, &queue->poll, descriptor) == 0);
    CHECK(uv_prepare_init(loop, &queue->prepare) == 0);
    queue->poll.data = queue->prepare.data = queue;
    queue->handles_open = 2;
    return queue;
}

static void on_closed(uv_handle_t *handle)
{
    struct capture_queue *queue = handle->data;
    if (--queue->handles_open > 0)
        return;
    close(queue->socket);
    buffer_done(&queue->frames);
    free(queue);
}

void capture_queue_close(struct capture_queue *queue)
{
    uv_close((uv_handle_t *)&queue->poll, on_closed);
    uv_close((uv_handle_t *)&queue->prepare, on_closed);
}

static bool is_body(const struct capture_frame *frame)
{
    return frame->kind == CAPTURE_REQUEST_BODY || frame->kind == CAPTURE_RESPONSE_BODY;
}

bool capture_queue_add(struct capture_queue *queue, const struct capture_frame *frame)
{
    bool is_close = buffer_room(&queue->frames) < CAPTURE_QUEUE_RESERVED_BYTES + frame->body.length;
    if ((is_body(frame) && is_close) || !capture_frame_encode(frame, &queue->frames)) {
        queue->is_refusing = true;
        return false;
    }
    if (buffer_length(&queue->frames) >= CAPTURE_QUEUE_BATCH_BYTES)
        send_frames(queue);
    else if (!uv_is_active((uv_handle_t *)&queue->prepare))
        uv_prepare_start(&queue->prepare, on_prepare);
    return true;
}

void capture_queue_clear(struct capture_queue *queue)
{
    uv_poll_stop(&queue->poll);
    uv_prepare_stop(&queue->prepare);
    buffer_done(&queue->frames);
    queue->is_refusing = false;
}
