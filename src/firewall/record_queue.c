#include "firewall/record_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/reader.h"
#include "firewall/proxy.h"
#include "firewall/record_limit.h"
#include "system/wall_clock.h"

enum { BACKLOG_BYTES_MAX = 256 * 1024, SUMMARY_INTERVAL_MS = 1000 };

struct record_queue {
    uv_poll_t poll;   /* for writing, while the backlog is not empty */
    uv_timer_t timer; /* runs while something suppressed is to be told */
    int socket;       /* owned */
    struct record_limit *limit;
    struct buffer backlog; /* datagrams, each after its u16 length */
    struct buffer datagram;
    uint64_t dropped_count;
    uint64_t dropped_told; /* of which a record told */
    unsigned handles_open;
};

enum send_result { SEND_DONE, SEND_WAIT };

static enum send_result send_datagram(struct record_queue *queue, struct bytes datagram)
{
    ssize_t sent;
    do {
        sent = send(queue->socket, datagram.data, datagram.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return SEND_DONE;
    if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
        return SEND_WAIT;
    queue->dropped_count++;
    return SEND_DONE;
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void enqueue(struct record_queue *queue, struct bytes datagram)
{
    if (buffer_room(&queue->backlog) < datagram.length + 2) {
        queue->dropped_count++;
        return;
    }
    if (buffer_length(&queue->backlog) == 0)
        uv_poll_start(&queue->poll, UV_WRITABLE, on_writable);
    CHECK(buffer_append_u16(&queue->backlog, (uint16_t)datagram.length) &&
          buffer_append(&queue->backlog, datagram));
}

static void write_record(struct record_queue *queue, const struct audit_record *record)
{
    buffer_clear(&queue->datagram);
    CHECK(audit_record_encode(record, &queue->datagram));
    struct bytes datagram = buffer_bytes(&queue->datagram);
    if (buffer_length(&queue->backlog) > 0 || send_datagram(queue, datagram) == SEND_WAIT)
        enqueue(queue, datagram);
}

/* The order of records is kept: the backlog first. */
static void send_backlog(struct record_queue *queue)
{
    while (buffer_length(&queue->backlog) > 0) {
        struct reader reader = reader_over(buffer_bytes(&queue->backlog));
        struct bytes datagram = reader_vector16(&reader);
        if (send_datagram(queue, datagram) == SEND_WAIT)
            return;
        buffer_consume(&queue->backlog, reader.position);
    }
    buffer_done(&queue->backlog);
}

static void tell_dropped(struct record_queue *queue)
{
    uint64_t count = queue->dropped_count - queue->dropped_told;
    if (count == 0)
        return;
    queue->dropped_told = queue->dropped_count;
    struct audit_record record = {
        .time_ms = (uint64_t)wall_clock_now_ms(),
        .kind = AUDIT_CONTROL,
        .decision = AUDIT_INFO,
        .reason = BYTES_LITERAL("records lost: the recorder was too slow"),
        .count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count,
    };
    write_record(queue, &record);
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    struct record_queue *queue = poll->data;
    send_backlog(queue);
    if (buffer_length(&queue->backlog) > 0)
        return;
    uv_poll_stop(&queue->poll);
    tell_dropped(queue);
}

static void on_summary_due(uv_timer_t *timer)
{
    struct record_queue *queue = timer->data;
    struct audit_record record;
    while (record_limit_next_summary(queue->limit, (uint64_t)wall_clock_monotonic_ms(), &record))
        write_record(queue, &record);
    if (!record_limit_has_summary(queue->limit))
        uv_timer_stop(timer);
}

struct record_queue *record_queue_new(struct uv_loop_s *loop, int descriptor)
{
    struct record_queue *queue = memory_new(sizeof(*queue));
    queue->socket = descriptor;
    queue->limit = record_limit_new(RECORD_LIMIT_PROXY_FACTOR);
    buffer_init(&queue->backlog, BACKLOG_BYTES_MAX);
    buffer_init(&queue->datagram, AUDIT_DATAGRAM_MAX);
    CHECK(uv_poll_init(loop, &queue->poll, descriptor) == 0);
    CHECK(uv_timer_init(loop, &queue->timer) == 0);
    queue->poll.data = queue->timer.data = queue;
    queue->handles_open = 2;
    return queue;
}

static void on_closed(uv_handle_t *handle)
{
    struct record_queue *queue = handle->data;
    if (--queue->handles_open > 0)
        return;
    close(queue->socket);
    record_limit_free(queue->limit);
    buffer_done(&queue->backlog);
    buffer_done(&queue->datagram);
    free(queue);
}

void record_queue_close(struct record_queue *queue)
{
    send_backlog(queue);
    uv_close((uv_handle_t *)&queue->poll, on_closed);
    uv_close((uv_handle_t *)&queue->timer, on_closed);
}

void record_queue_send(struct proxy *proxy, const struct audit_record *record)
{
    struct record_queue *queue = proxy->records;
    struct audit_record timed = *record;
    if (timed.time_ms == 0)
        timed.time_ms = (uint64_t)wall_clock_now_ms();
    if (record_limit_admit(queue->limit, &timed, (uint64_t)wall_clock_monotonic_ms()))
        write_record(queue, &timed);
    else if (!uv_is_active((uv_handle_t *)&queue->timer))
        uv_timer_start(&queue->timer, on_summary_due, SUMMARY_INTERVAL_MS, SUMMARY_INTERVAL_MS);
}

uint64_t record_queue_dropped(const struct record_queue *queue)
{
    return queue->dropped_count;
}
