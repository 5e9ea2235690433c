#include "system/stream.h"

#include "base/buffer.h"
#include "base/check.h"
#include "base/memory.h"
#include "system/transport.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

enum {
    STREAM_SCRATCH_SIZE = 64 * 1024,
    STREAM_LINGER_TICK_MS = 250,
};

enum stream_state {
    STATE_CONNECTING,
    STATE_HANDSHAKE,
    STATE_OPEN,
    STATE_FINISHING,  /* our end follows what is queued */
    STATE_FINISHED,   /* our end was sent */
    STATE_UNSENDABLE, /* the peer takes nothing more; what it sent before may still be read */
    STATE_FAILED,
    STATE_LINGERING_CLEAN,  /* owner gone: flush, close_notify, FIN, drain */
    STATE_LINGERING_BROKEN, /* owner gone: flush, FIN, drain */
    STATE_LINGERING_ENDED,  /* owner gone, our end was sent: drain */
    STATE_CLOSED,           /* waits for the loop to release it */
};

enum stream_reading {
    READING_RESUMED,
    READING_PAUSED,
    READING_ENDED, /* END or LOST was delivered */
};

/* The later ones make the earlier ones needless. */
enum stream_deferred {
    DEFERRED_NONE,
    DEFERRED_FLUSH,
    DEFERRED_READABLE,
    DEFERRED_FAILED,
};

struct stream {
    uv_poll_t poll;
    struct stream_loop *streams; /* borrowed */
    struct transport transport;  /* owned */
    stream_event_fn *on_event;
    void (*prepare)(void *owner); /* before a deferred flush */
    void *owner;                  /* borrowed */
    stream_closed_fn *on_closed;  /* NULL: nobody counts it */
    void *counter;                /* borrowed: the owner of on_closed */
    struct buffer queue;
    struct body_share share; /* the queue's */
    TAILQ_ENTRY(stream) deferred_link;
    LIST_ENTRY(stream) linger_link;
    uint64_t linger_until_ms;
    int armed; /* events that the loop watches */
    enum stream_state state;
    enum stream_reading reading;
    enum stream_deferred deferred;
    enum stream_result last_read;
    bool is_handshake_writing; /* the handshake waits for room, not for bytes */
    bool is_drain_awaited;     /* STREAM_DRAINED is owed */
};

struct stream_loop {
    uv_loop_t *loop; /* borrowed */
    uv_idle_t idle;
    uv_timer_t linger_timer;
    TAILQ_HEAD(, stream) deferred;
    LIST_HEAD(, stream) lingering;
    int handles;
    struct body_budget bodies;
    uint8_t scratch[STREAM_SCRATCH_SIZE];
};

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_idle(uv_idle_t *idle);
static void on_linger_tick(uv_timer_t *timer);

/* What the kernel did not take, before and after encryption. */
static size_t unsent(const struct stream *stream)
{
    return buffer_length(&stream->queue) + transport_unsent(&stream->transport);
}

static int needed_events(const struct stream *stream)
{
    int events = 0;
    switch (stream->state) {
    case STATE_CONNECTING:
        return UV_WRITABLE;
    case STATE_HANDSHAKE:
        return stream->is_handshake_writing ? UV_WRITABLE : UV_READABLE;
    case STATE_OPEN:
    case STATE_FINISHING:
    case STATE_FINISHED:
    case STATE_UNSENDABLE:
        if (stream->reading == READING_RESUMED)
            events |= UV_READABLE;
        if (unsent(stream) > 0)
            events |= UV_WRITABLE;
        return events;
    case STATE_LINGERING_CLEAN:
    case STATE_LINGERING_BROKEN:
        return UV_READABLE | UV_WRITABLE;
    case STATE_LINGERING_ENDED:
        return UV_READABLE;
    case STATE_FAILED:
    case STATE_CLOSED:
        return 0;
    }
    return 0;
}

/*
 * Watch what is needed. Events that are no longer needed stay armed until they fire for nothing
 * (`fired`): changing the watch costs system calls, and most pauses end before the next event.
 */
static void arm(struct stream *stream, int fired)
{
    int needed = needed_events(stream);
    bool is_satisfied =
        (stream->armed & needed) == needed && (stream->armed & ~needed & fired) == 0;
    if (is_satisfied)
        return;
    if (needed == 0)
        uv_poll_stop(&stream->poll);
    else
        CHECK(uv_poll_start(&stream->poll, needed, on_poll) == 0);
    stream->armed = needed;
}

static void defer(struct stream *stream, enum stream_deferred deferred)
{
    struct stream_loop *streams = stream->streams;
    if (stream->deferred == DEFERRED_NONE) {
        TAILQ_INSERT_TAIL(&streams->deferred, stream, deferred_link);
        stream->deferred = deferred;
    } else if (deferred > stream->deferred) {
        stream->deferred = deferred;
    }
    uv_idle_start(&streams->idle, on_idle);
}

static void cancel_deferred(struct stream *stream)
{
    if (stream->deferred == DEFERRED_NONE)
        return;
    TAILQ_REMOVE(&stream->streams->deferred, stream, deferred_link);
    stream->deferred = DEFERRED_NONE;
}

static void on_released(uv_handle_t *handle)
{
    free(handle->data);
}

/* After every change of its length that outlasts the call. */
static void count_queue(struct stream *stream)
{
    body_share_set(&stream->share, unsent(stream));
}

static void drop_queue(struct stream *stream)
{
    buffer_done(&stream->queue);
    transport_discard_unsent(&stream->transport);
    count_queue(stream);
}

/* Close the socket now; the memory goes when the loop lets go of the handle. */
static void release(struct stream *stream, bool is_reset)
{
    CHECK(stream->state != STATE_CLOSED);
    stream->state = STATE_CLOSED;
    cancel_deferred(stream);
    drop_queue(stream);
    uv_close((uv_handle_t *)&stream->poll, on_released);
    transport_done(&stream->transport, is_reset);
    if (stream->on_closed)
        stream->on_closed(stream->counter);
}

static void fail(struct stream *stream)
{
    bool was_open = stream->state == STATE_OPEN || stream->state == STATE_FINISHING;
    stream->state = was_open ? STATE_UNSENDABLE : STATE_FAILED;
    drop_queue(stream);
    arm(stream, UV_READABLE | UV_WRITABLE);
    defer(stream, DEFERRED_FAILED);
}

static bool is_lingering(const struct stream *stream)
{
    return stream->state == STATE_LINGERING_CLEAN || stream->state == STATE_LINGERING_BROKEN ||
           stream->state == STATE_LINGERING_ENDED;
}

/* --- sending -------------------------------------------------------------------------------- */

/* What follows once the queue is empty. */
static void after_queue(struct stream *stream)
{
    switch (stream->state) {
    case STATE_FINISHING:
        transport_finish(&stream->transport, true);
        stream->state = STATE_FINISHED;
        break;
    case STATE_LINGERING_CLEAN:
    case STATE_LINGERING_BROKEN:
        transport_finish(&stream->transport, stream->state == STATE_LINGERING_CLEAN);
        stream->state = STATE_LINGERING_ENDED;
        stream->linger_until_ms = uv_now(stream->streams->loop) + STREAM_LINGER_MS;
        break;
    default:
        break;
    }
}

void stream_flush(struct stream *stream)
{
    if (stream->state != STATE_OPEN && stream->state != STATE_FINISHING) {
        drop_queue(stream);
        return;
    }
    if (unsent(stream) > 0) {
        size_t written;
        if (transport_write(&stream->transport, buffer_bytes(&stream->queue), &written) ==
            TRANSPORT_LOST) {
            fail(stream);
            return;
        }
        buffer_consume(&stream->queue, written);
    }
    if (unsent(stream) > 0) {
        count_queue(stream);
        stream->is_drain_awaited = true;
        arm(stream, 0);
        return;
    }
    drop_queue(stream);
    after_queue(stream);
}

struct buffer *stream_output(struct stream *stream)
{
    return &stream->queue;
}

void stream_queue(struct stream *stream, struct bytes bytes)
{
    if (stream->state != STATE_OPEN)
        return;
    if (!buffer_append(&stream->queue, bytes)) {
        transport_set_failure(&stream->transport, "output queue is full");
        fail(stream);
        return;
    }
    count_queue(stream);
}

void stream_send(struct stream *stream, struct bytes bytes)
{
    if (stream->state != STATE_OPEN)
        return;
    size_t written = 0;
    if (unsent(stream) == 0) {
        enum transport_result result = transport_write(&stream->transport, bytes, &written);
        if (result == TRANSPORT_LOST) {
            fail(stream);
            return;
        }
        if (result == TRANSPORT_DONE)
            return;
        stream_queue(stream, bytes_from(bytes, written));
        stream->is_drain_awaited = true;
        arm(stream, 0);
        return;
    }
    stream_queue(stream, bytes);
    stream_flush(stream);
}

void stream_flush_soon(struct stream *stream, void (*prepare)(void *owner))
{
    if (stream->state != STATE_OPEN)
        return;
    stream->prepare = prepare;
    defer(stream, DEFERRED_FLUSH);
}

size_t stream_unsent(const struct stream *stream)
{
    return unsent(stream);
}

size_t stream_unsent_anywhere(const struct stream *stream)
{
    size_t bytes = unsent(stream) + transport_kernel_unsent(&stream->transport);
    return bytes > 0 && stream->transport.tls ? bytes + TLS_OUTPUT_RECORD_BYTES : bytes;
}

void stream_finish(struct stream *stream)
{
    if (stream->state != STATE_OPEN)
        return;
    stream->state = STATE_FINISHING;
    stream_flush(stream);
}

/* --- reading -------------------------------------------------------------------------------- */

static enum stream_result result_of(enum transport_result result)
{
    switch (result) {
    case TRANSPORT_DONE:
        return STREAM_DATA;
    case TRANSPORT_WANT_READ:
    case TRANSPORT_WANT_WRITE:
        return STREAM_WAIT;
    case TRANSPORT_END:
        return STREAM_END;
    case TRANSPORT_LOST:
        return STREAM_LOST;
    }
    return STREAM_LOST;
}

enum stream_result stream_read(struct stream *stream, uint8_t *into, size_t room, size_t *length)
{
    CHECK(room > 0);
    if (stream->reading == READING_ENDED)
        return stream->last_read;
    if (stream->state == STATE_FAILED)
        return STREAM_LOST;
    enum stream_result result = result_of(transport_read(&stream->transport, into, room, length));
    if (result == STREAM_END || result == STREAM_LOST)
        stream->reading = READING_ENDED;
    stream->last_read = result;
    return result;
}

enum stream_result stream_read_all(struct stream *stream, uint8_t *into, size_t room,
                                   size_t *length)
{
    enum stream_result result = stream_read(stream, into, room, length);
    while (result == STREAM_DATA && *length < room && transport_has_pending(&stream->transport)) {
        size_t more = 0;
        enum stream_result next = stream_read(stream, into + *length, room - *length, &more);
        if (next == STREAM_DATA) {
            *length += more;
            continue;
        }
        if (next != STREAM_WAIT)
            stream_wake(stream); /* the end is told by the next read */
        break;
    }
    return result;
}

void stream_pause_reading(struct stream *stream)
{
    if (stream->reading == READING_RESUMED)
        stream->reading = READING_PAUSED;
}

static bool is_readable(const struct stream *stream)
{
    return stream->state == STATE_OPEN || stream->state == STATE_FINISHING ||
           stream->state == STATE_FINISHED || stream->state == STATE_UNSENDABLE;
}

/* Bytes that TLS has taken from the socket and not yet handed out never raise a poll event. */
static void defer_pending(struct stream *stream)
{
    if (is_readable(stream) && stream->reading == READING_RESUMED &&
        stream->last_read == STREAM_DATA && transport_has_pending(&stream->transport))
        defer(stream, DEFERRED_READABLE);
}

void stream_resume_reading(struct stream *stream)
{
    if (stream->reading != READING_PAUSED)
        return;
    stream->reading = READING_RESUMED;
    arm(stream, 0);
    defer_pending(stream);
}

bool stream_is_quiet(const struct stream *stream)
{
    return stream->state == STATE_OPEN && stream->reading != READING_ENDED &&
           transport_is_quiet(&stream->transport);
}

void stream_watch_peer(struct stream *stream)
{
    transport_watch_peer(&stream->transport);
}

void stream_limit_unacknowledged(struct stream *stream, unsigned limit_ms)
{
    transport_limit_unacknowledged(&stream->transport, limit_ms);
}

void stream_wake(struct stream *stream)
{
    if (is_readable(stream))
        defer(stream, DEFERRED_READABLE);
}

/* --- life ----------------------------------------------------------------------------------- */

static struct stream *create(struct stream_loop *streams, int descriptor, stream_event_fn *on_event,
                             void *owner, enum stream_state state)
{
    struct stream *stream = memory_new(sizeof(*stream));
    stream->streams = streams;
    transport_init(&stream->transport, descriptor);
    stream->on_event = on_event;
    stream->owner = owner;
    stream->state = state;
    stream->last_read = STREAM_WAIT;
    buffer_init(&stream->queue, STREAM_QUEUE_BYTES_MAX);
    stream->share.budget = &streams->bodies;
    CHECK(uv_poll_init(streams->loop, &stream->poll, descriptor) == 0);
    stream->poll.data = stream;
    arm(stream, 0);
    return stream;
}

struct stream *stream_new(struct stream_loop *streams, int descriptor, stream_event_fn *on_event,
                          void *owner)
{
    return create(streams, descriptor, on_event, owner, STATE_OPEN);
}

struct stream *stream_new_connecting(struct stream_loop *streams, int descriptor,
                                     stream_event_fn *on_event, void *owner)
{
    return create(streams, descriptor, on_event, owner, STATE_CONNECTING);
}

void stream_on_closed(struct stream *stream, stream_closed_fn *on_closed, void *owner)
{
    stream->on_closed = on_closed;
    stream->counter = owner;
}

void stream_set_owner(struct stream *stream, stream_event_fn *on_event, void *owner)
{
    stream->on_event = on_event;
    stream->owner = owner;
}

void stream_start_tls(struct stream *stream, struct ssl_st *session)
{
    CHECK(stream->state == STATE_OPEN);
    transport_start_tls(&stream->transport, session);
    stream->state = STATE_HANDSHAKE;
    /* A client speaks first; a server waits for the hello. */
    stream->is_handshake_writing = transport_is_client(&stream->transport);
    arm(stream, UV_READABLE);
}

void stream_close(struct stream *stream, enum stream_ending ending)
{
    CHECK(stream->on_event != NULL);
    stream->on_event = NULL;
    cancel_deferred(stream);
    bool is_established = stream->state == STATE_OPEN || stream->state == STATE_FINISHING ||
                          stream->state == STATE_FINISHED;
    bool is_over = stream->reading == READING_ENDED && unsent(stream) == 0;
    if (ending == STREAM_ENDING_RESET || stream->state == STATE_CONNECTING) {
        release(stream, true);
        return;
    }
    if (is_over) {
        if (is_established && ending == STREAM_ENDING_CLEAN && stream->state == STATE_OPEN &&
            stream->last_read == STREAM_END)
            transport_finish(&stream->transport, true);
        release(stream, false);
        return;
    }
    if (stream->state == STATE_FINISHED) {
        stream->state = STATE_LINGERING_ENDED;
    } else {
        bool is_clean = is_established && ending == STREAM_ENDING_CLEAN;
        stream->state = is_clean ? STATE_LINGERING_CLEAN : STATE_LINGERING_BROKEN;
    }
    struct stream_loop *streams = stream->streams;
    stream->linger_until_ms =
        uv_now(streams->loop) + (unsent(stream) ? STREAM_LINGER_UNSENT_MS : STREAM_LINGER_MS);
    LIST_INSERT_HEAD(&streams->lingering, stream, linger_link);
    if (!uv_is_active((uv_handle_t *)&streams->linger_timer))
        uv_timer_start(&streams->linger_timer, on_linger_tick, STREAM_LINGER_TICK_MS,
                       STREAM_LINGER_TICK_MS);
    if (unsent(stream) == 0)
        after_queue(stream);
    arm(stream, UV_READABLE | UV_WRITABLE);
}

bool stream_is_flooded(const struct stream *stream)
{
    return stream->transport.late_messages >= TRANSPORT_LATE_MESSAGES_MAX;
}

const char *stream_failure(const struct stream *stream)
{
    const char *failure = stream->transport.failure;
    return failure[0] ? failure : "connection lost";
}

struct ssl_st *stream_tls(const struct stream *stream)
{
    return stream->transport.tls;
}

int stream_descriptor(const struct stream *stream)
{
    return stream->transport.descriptor;
}

/* --- events --------------------------------------------------------------------------------- */

static void deliver(struct stream *stream, enum stream_event event)
{
    if (stream->on_event)
        stream->on_event(stream->owner, event);
}

static void open_now(struct stream *stream)
{
    stream->state = STATE_OPEN;
    arm(stream, UV_WRITABLE);
    deliver(stream, STREAM_OPENED);
    /* A peer may have sent data along with the last bytes of the handshake. */
    if (stream->state == STATE_OPEN && transport_has_pending(&stream->transport)) {
        stream->last_read = STREAM_DATA;
        defer_pending(stream);
    }
}

/* Connecting or the handshake went on. */
static void continue_opening(struct stream *stream)
{
    enum transport_result result = stream->state == STATE_CONNECTING
                                       ? transport_connect(&stream->transport)
                                       : transport_handshake(&stream->transport);
    switch (result) {
    case TRANSPORT_DONE:
        open_now(stream);
        return;
    case TRANSPORT_WANT_READ:
    case TRANSPORT_WANT_WRITE:
        stream->is_handshake_writing = result == TRANSPORT_WANT_WRITE;
        arm(stream, UV_READABLE | UV_WRITABLE);
        return;
    case TRANSPORT_END:
    case TRANSPORT_LOST:
        transport_set_failure(&stream->transport, "ended during the TLS handshake");
        fail(stream);
        return;
    }
}

static void unlink_lingering(struct stream *stream)
{
    LIST_REMOVE(stream, linger_link);
    release(stream, false);
}

/* Throw away what the peer still sends, until it ends. */
static void drain(struct stream *stream)
{
    struct stream_loop *streams = stream->streams;
    enum transport_result result =
        transport_drain(&stream->transport, streams->scratch, sizeof(streams->scratch));
    if (result == TRANSPORT_END || result == TRANSPORT_LOST)
        unlink_lingering(stream);
}

static void continue_lingering(struct stream *stream, int events)
{
    if (stream->state != STATE_LINGERING_ENDED && (events & UV_WRITABLE)) {
        size_t unsent_before = unsent(stream);
        size_t written;
        if (transport_write(&stream->transport, buffer_bytes(&stream->queue), &written) ==
            TRANSPORT_LOST) {
            unlink_lingering(stream);
            return;
        }
        buffer_consume(&stream->queue, written);
        count_queue(stream);
        if (unsent(stream) < unsent_before)
            stream->linger_until_ms = uv_now(stream->streams->loop) + STREAM_LINGER_UNSENT_MS;
        if (unsent(stream) == 0)
            after_queue(stream);
        arm(stream, UV_WRITABLE);
    }
    if (events & UV_READABLE)
        drain(stream);
}

static void continue_open(struct stream *stream, int events, bool is_woken)
{
    if (unsent(stream) > 0) {
        stream_flush(stream);
        if (stream->state == STATE_UNSENDABLE)
            stream->is_drain_awaited = false;
    }
    if (stream->is_drain_awaited && unsent(stream) == 0) {
        stream->is_drain_awaited = false;
        deliver(stream, STREAM_DRAINED);
    }
    bool is_told = stream->reading == READING_RESUMED || is_woken;
    if (is_readable(stream) && (events & UV_READABLE) && is_told) {
        deliver(stream, STREAM_READABLE);
        if (stream->state != STATE_CLOSED && !is_lingering(stream))
            defer_pending(stream);
    }
    if (stream->state != STATE_CLOSED)
        arm(stream, is_woken ? 0 : events);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *stream = poll->data;
    if (status < 0) {
        /* An error is pending on the socket and libuv has stopped watching: read it from there. */
        stream->armed = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    switch (stream->state) {
    case STATE_CONNECTING:
    case STATE_HANDSHAKE:
        continue_opening(stream);
        break;
    case STATE_OPEN:
    case STATE_FINISHING:
    case STATE_FINISHED:
    case STATE_UNSENDABLE:
        if (status < 0 && stream->reading == READING_PAUSED && stream->state == STATE_OPEN) {
            /* The owner does not read and would never learn of it. */
            transport_set_failure(&stream->transport, "reset by the peer");
            fail(stream);
            break;
        }
        continue_open(stream, events, false);
        break;
    case STATE_LINGERING_CLEAN:
    case STATE_LINGERING_BROKEN:
    case STATE_LINGERING_ENDED:
        continue_lingering(stream, events);
        break;
    case STATE_FAILED:
    case STATE_CLOSED:
        break;
    }
}

static void on_idle(uv_idle_t *idle)
{
    struct stream_loop *streams = idle->data;
    size_t count = 0;
    struct stream *stream;
    TAILQ_FOREACH(stream, &streams->deferred, deferred_link)
    count++;
    /* A callback may defer again: that runs in the next turn, after a look at the sockets. */
    while (count-- > 0 && (stream = TAILQ_FIRST(&streams->deferred)) != NULL) {
        enum stream_deferred deferred = stream->deferred;
        cancel_deferred(stream);
        if (deferred == DEFERRED_FLUSH) {
            if (stream->state == STATE_OPEN)
                stream->prepare(stream->owner);
        } else if (deferred == DEFERRED_FAILED) {
            deliver(stream, STREAM_FAILED);
            if (stream->state == STATE_UNSENDABLE)
                defer(stream, DEFERRED_READABLE);
        } else {
            continue_open(stream, UV_READABLE, true);
        }
    }
    if (TAILQ_EMPTY(&streams->deferred))
        uv_idle_stop(idle);
}

static void on_linger_tick(uv_timer_t *timer)
{
    struct stream_loop *streams = timer->data;
    uint64_t now_ms = uv_now(streams->loop);
    struct stream *stream = LIST_FIRST(&streams->lingering);
    while (stream) {
        struct stream *next = LIST_NEXT(stream, linger_link);
        if (now_ms >= stream->linger_until_ms)
            unlink_lingering(stream);
        stream = next;
    }
    if (LIST_EMPTY(&streams->lingering))
        uv_timer_stop(timer);
}

/* --- the loop's shared part ----------------------------------------------------------------- */

struct stream_loop *stream_loop_new(struct uv_loop_s *loop)
{
    struct stream_loop *streams = memory_new(sizeof(*streams));
    streams->loop = loop;
    body_budget_init(&streams->bodies, BODY_BUDGET_BYTES_MIN);
    TAILQ_INIT(&streams->deferred);
    LIST_INIT(&streams->lingering);
    CHECK(uv_idle_init(loop, &streams->idle) == 0);
    CHECK(uv_timer_init(loop, &streams->linger_timer) == 0);
    streams->idle.data = streams;
    streams->linger_timer.data = streams;
    streams->handles = 2;
    /* OpenSSL writes with write(2): a peer that is gone is an error there, not a signal. */
    signal(SIGPIPE, SIG_IGN);
    return streams;
}

static void on_loop_handle_closed(uv_handle_t *handle)
{
    struct stream_loop *streams = handle->data;
    if (--streams->handles == 0)
        free(streams);
}

void stream_loop_free(struct stream_loop *streams)
{
    while (!LIST_EMPTY(&streams->lingering))
        unlink_lingering(LIST_FIRST(&streams->lingering));
    uv_close((uv_handle_t *)&streams->idle, on_loop_handle_closed);
    uv_close((uv_handle_t *)&streams->linger_timer, on_loop_handle_closed);
}

struct uv_loop_s *stream_loop_uv(struct stream_loop *streams)
{
    return streams->loop;
}

uint8_t *stream_loop_scratch(struct stream_loop *streams, size_t *size)
{
    *size = sizeof(streams->scratch);
    return streams->scratch;
}

struct body_budget *stream_loop_bodies(struct stream_loop *streams)
{
    return &streams->bodies;
}
