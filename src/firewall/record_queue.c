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

/*
 * A record that comes alone is sent at once; those that follow it closely wait for each other, so
 * that a busy proxy spends one system call, and one change to the recorder, on many of them.
 */
enum {
    SUMMARY_INTERVAL_MS = 1000,
};

struct record_queue {
    uv_poll_t poll;     /* for writing, while the recorder takes no more */
    uv_timer_t gather;  /* runs while records wait for others */
    uv_timer_t summary; /* runs while something suppressed is to be told */
    int socket;         /* owned */
    uint64_t sent_ms;   /* when the last datagram went */
    struct record_limit *limit;
    struct buffer backlog; /* encoded records, each after its u16 length */
    struct buffer encoded;
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
static void on_gathered(uv_timer_t *timer);

/* The whole records at the start of the backlog that fit into one datagram. */
static struct bytes next_batch(const struct record_queue *queue)
{
    struct reader reader = reader_over(buffer_bytes(&queue->backlog));
    size_t length = 0;
    while (!reader_is_at_end(&reader)) {
        reader_vector16(&reader);
        if (reader.position > AUDIT_BATCH_MAX)
            break;
        length = reader.position;
    }
    return bytes_first(buffer_bytes(&queue->backlog), length);
}

/* In the order in which they came; what the recorder does not take waits until it does. */
static void send_backlog(struct record_queue *queue)
{
    uv_timer_stop(&queue->gather);
    queue->sent_ms = uv_now(queue->gather.loop);
    while (buffer_length(&queue->backlog) > 0) {
        struct bytes batch = next_batch(queue);
        if (send_datagram(queue, batch) == SEND_WAIT) {
            uv_poll_start(&queue->poll, UV_WRITABLE, on_writable);
            return;
        }
        buffer_consume(&queue->backlog, batch.length);
    }
    buffer_clear(&queue->backlog);
}

static void write_record(struct record_queue *queue, const struct audit_record *record)
{
    buffer_clear(&queue->encoded);
    CHECK(audit_record_encode(record, &queue->encoded));
    struct bytes encoded = buffer_bytes(&queue->encoded);
    if (buffer_room(&queue->backlog) < encoded.length + 2) {
        queue->dropped_count++;
        return;
    }
    CHECK(buffer_append_u16(&queue->backlog, (uint16_t)encoded.length) &&
          buffer_append(&queue->backlog, encoded));
    bool is_waiting =
        uv_is_active((uv_handle_t *)&queue->poll) || uv_is_active((uv_handle_t *)&queue->gather);
    if (is_waiting)
        return;
    uint64_t since_ms = uv_now(queue->gather.loop) - queue->sent_ms;
    if (since_ms >= RECORD_QUEUE_GATHER_MS)
        send_backlog(queue);
    else
        uv_timer_start(&queue->gather, on_gathered, RECORD_QUEUE_GATHER_MS - since_ms, 0);
}

static void on_gathered(uv_timer_t *timer)
{
    send_backlog(timer->data);
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
    uv_poll_stop(&queue->poll);
    send_backlog(queue);
    if (buffer_length(&queue->backlog) == 0)
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
    buffer_init(&queue->backlog, RECORD_QUEUE_BYTES_MAX);
    buffer_init(&queue->encoded, AUDIT_DATAGRAM_MAX);
    CHECK(uv_poll_init(loop, &queue->poll, descriptor) == 0);
    CHECK(uv_timer_init(loop, &queue->gather) == 0);
    CHECK(uv_timer_init(loop, &queue->summary) == 0);
    queue->poll.data = queue->gather.data = queue->summary.data = queue;
    queue->handles_open = 3;
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
    buffer_done(&queue->encoded);
    free(queue);
}

void record_queue_close(struct record_queue *queue)
{
    send_backlog(queue);
    uv_close((uv_handle_t *)&queue->poll, on_closed);
    uv_close((uv_handle_t *)&queue->gather, on_closed);
    uv_close((uv_handle_t *)&queue->summary, on_closed);
}

void record_queue_send(struct proxy *proxy, const struct audit_record *record)
{
    struct record_queue *queue = proxy->records;
    struct audit_record timed = *record;
    if (timed.time_ms == 0)
        timed.time_ms = (uint64_t)wall_clock_now_ms();
    if (record_limit_admit(queue->limit, &timed, (uint64_t)wall_clock_monotonic_ms()))
        write_record(queue, &timed);
    else if (!uv_is_active((uv_handle_t *)&queue->summary))
        uv_timer_start(&queue->summary, on_summary_due, SUMMARY_INTERVAL_MS, SUMMARY_INTERVAL_MS);
}

uint64_t record_queue_dropped(const struct record_queue *queue)
{
    return queue->dropped_count;
}
