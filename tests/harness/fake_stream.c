#include "harness/fake_stream.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <uv.h>

enum {
    SCRATCH_SIZE = 64 * 1024,
    QUEUE_CAP = 4 * 1024 * 1024,
    KEPT_CAP = 64 * 1024 * 1024,
};

enum state {
    STATE_OPEN,
    STATE_FINISHING,
    STATE_FINISHED,
    STATE_UNSENDABLE,
};

enum reading { READING_RESUMED, READING_PAUSED, READING_ENDED };

struct stream {
    struct stream_loop *streams; /* borrowed */
    struct fake_peer *peer;      /* borrowed */
    stream_event_fn *on_event;
    void *owner; /* borrowed */
    struct buffer queue;
    struct body_share share;
    enum state state;
    enum reading reading;
    enum stream_result last_read;
    bool is_drain_awaited;
    bool is_woken;
    void (*prepare)(void *owner); /* NULL: no flush is due */
    bool is_failure_owed;
};

struct stream_loop {
    uv_loop_t *loop; /* borrowed */
    struct body_budget bodies;
    uint8_t scratch[SCRATCH_SIZE];
};

static LIST_HEAD(, fake_peer) peers = LIST_HEAD_INITIALIZER(peers);
static LIST_HEAD(, fake_peer) told = LIST_HEAD_INITIALIZER(told);

/* --- the peer's hand ------------------------------------------------------------------------ */

struct fake_peer *fake_peer_new(struct stream_loop *streams)
{
    struct fake_peer *peer = memory_new(sizeof(*peer));
    struct stream *stream = memory_new(sizeof(*stream));
    buffer_init(&peer->arriving, KEPT_CAP);
    buffer_init(&peer->received, KEPT_CAP);
    buffer_init(&peer->left, KEPT_CAP);
    peer->end = STREAM_WAIT;
    peer->room = FAKE_ROOM_ENDLESS;
    peer->piece = SCRATCH_SIZE;
    peer->stream = stream;
    stream->streams = streams;
    stream->peer = peer;
    stream->last_read = STREAM_WAIT;
    stream->share.budget = &streams->bodies;
    buffer_init(&stream->queue, QUEUE_CAP);
    LIST_INSERT_HEAD(&peers, peer, link);
    return peer;
}

void fake_peer_free(struct fake_peer *peer)
{
    CHECK(peer->is_closed && peer->stream == NULL);
    LIST_REMOVE(peer, link);
    buffer_done(&peer->arriving);
    buffer_done(&peer->received);
    buffer_done(&peer->left);
    free(peer);
}

void fake_peer_push(struct fake_peer *peer, struct bytes bytes)
{
    if (peer->end == STREAM_WAIT)
        CHECK(buffer_append(&peer->arriving, bytes));
}

void fake_peer_end(struct fake_peer *peer, enum stream_result end)
{
    if (peer->end == STREAM_WAIT)
        peer->end = end;
}

/* Out to the peer, as far as there is room. */
static size_t carry(struct fake_peer *peer, struct bytes bytes)
{
    struct bytes part = bytes_first(bytes, peer->room);
    if (peer->room < FAKE_ROOM_ENDLESS)
        peer->room -= part.length;
    peer->received_bytes += part.length;
    if (part.length == 0)
        return 0;
    if (peer->on_received)
        peer->on_received(peer->owner, part);
    else
        CHECK(buffer_append(&peer->received, part));
    return part.length;
}

static void tell_closed(struct fake_peer *peer)
{
    stream_closed_fn *on_closed = peer->on_closed;
    peer->on_closed = NULL;
    if (on_closed)
        on_closed(peer->counter);
}

static void carry_left(struct fake_peer *peer)
{
    buffer_consume(&peer->left, carry(peer, buffer_bytes(&peer->left)));
    if (buffer_length(&peer->left) > 0)
        return;
    peer->is_finished = true;
    tell_closed(peer);
}

void fake_peer_take(struct fake_peer *peer, size_t bytes)
{
    peer->room = bytes < FAKE_ROOM_ENDLESS - peer->room ? peer->room + bytes : FAKE_ROOM_ENDLESS;
    if (peer->is_closed && peer->ending != STREAM_ENDING_RESET)
        carry_left(peer);
}

static void fail(struct stream *stream)
{
    stream->state = STATE_UNSENDABLE;
    buffer_done(&stream->queue);
    body_share_set(&stream->share, 0);
    stream->is_failure_owed = true;
}

void fake_peer_break(struct fake_peer *peer)
{
    struct stream *stream = peer->stream;
    if (stream && (stream->state == STATE_OPEN || stream->state == STATE_FINISHING))
        fail(stream);
}

/* --- sending -------------------------------------------------------------------------------- */

void stream_flush(struct stream *stream)
{
    bool is_sendable = stream->state == STATE_OPEN || stream->state == STATE_FINISHING;
    if (is_sendable)
        buffer_consume(&stream->queue, carry(stream->peer, buffer_bytes(&stream->queue)));
    if (!is_sendable || buffer_length(&stream->queue) == 0)
        buffer_done(&stream->queue);
    else
        stream->is_drain_awaited = true;
    body_share_set(&stream->share, buffer_length(&stream->queue));
    if (stream->state == STATE_FINISHING && buffer_length(&stream->queue) == 0) {
        stream->state = STATE_FINISHED;
        stream->peer->is_finished = true;
    }
}

struct buffer *stream_output(struct stream *stream)
{
    return &stream->queue;
}

void stream_queue(struct stream *stream, struct bytes bytes)
{
    if (stream->state != STATE_OPEN)
        return;
    /* An owner that keeps to its credit never gets here. */
    CHECK(buffer_append(&stream->queue, bytes));
    body_share_set(&stream->share, buffer_length(&stream->queue));
}

void stream_send(struct stream *stream, struct bytes bytes)
{
    stream_queue(stream, bytes);
    stream_flush(stream);
}

size_t stream_unsent(const struct stream *stream)
{
    return buffer_length(&stream->queue);
}

size_t stream_unsent_anywhere(const struct stream *stream)
{
    return buffer_length(&stream->queue);
}

void stream_finish(struct stream *stream)
{
    if (stream->state != STATE_OPEN)
        return;
    stream->state = STATE_FINISHING;
    stream_flush(stream);
}

/* --- reading -------------------------------------------------------------------------------- */

enum stream_result stream_read(struct stream *stream, uint8_t *into, size_t room, size_t *length)
{
    struct fake_peer *peer = stream->peer;
    CHECK(room > 0);
    if (stream->reading == READING_ENDED)
        return stream->last_read;
    struct bytes waiting = buffer_bytes(&peer->arriving);
    struct bytes part = bytes_first(waiting, room);
    if (waiting.length <= FAKE_PIECES_BYTES)
        part = bytes_first(part, peer->piece);
    stream->last_read = part.length > 0 ? STREAM_DATA : peer->end;
    for (size_t i = 0; i < part.length; i++)
        into[i] = part.data[i];
    if (part.length > 0) {
        *length = part.length;
        buffer_consume(&peer->arriving, part.length);
    } else if (peer->end != STREAM_WAIT) {
        stream->reading = READING_ENDED;
    }
    return stream->last_read;
}

enum stream_result stream_read_all(struct stream *stream, uint8_t *into, size_t room,
                                   size_t *length)
{
    return stream_read(stream, into, room, length);
}

void stream_pause_reading(struct stream *stream)
{
    if (stream->reading == READING_RESUMED)
        stream->reading = READING_PAUSED;
}

void stream_resume_reading(struct stream *stream)
{
    if (stream->reading == READING_PAUSED)
        stream->reading = READING_RESUMED;
}

void stream_wake(struct stream *stream)
{
    stream->is_woken = true;
}

void stream_flush_soon(struct stream *stream, void (*prepare)(void *owner))
{
    stream->prepare = prepare;
}

bool stream_is_quiet(const struct stream *stream)
{
    const struct fake_peer *peer = stream->peer;
    return stream->state == STATE_OPEN && stream->reading != READING_ENDED &&
           buffer_length(&peer->arriving) == 0 && peer->end == STREAM_WAIT;
}

/* --- life ----------------------------------------------------------------------------------- */

void stream_on_closed(struct stream *stream, stream_closed_fn *on_closed, void *owner)
{
    stream->peer->on_closed = on_closed;
    stream->peer->counter = owner;
}

void stream_set_owner(struct stream *stream, stream_event_fn *on_event, void *owner)
{
    stream->on_event = on_event;
    stream->owner = owner;
}

void stream_close(struct stream *stream, enum stream_ending ending)
{
    struct fake_peer *peer = stream->peer;
    CHECK(!peer->is_closed);
    peer->is_closed = true;
    peer->ending = ending;
    peer->stream = NULL;
    if (ending != STREAM_ENDING_RESET && stream->state != STATE_UNSENDABLE) {
        CHECK(buffer_append(&peer->left, buffer_bytes(&stream->queue)));
        carry_left(peer);
    } else {
        tell_closed(peer);
    }
    buffer_done(&stream->queue);
    body_share_set(&stream->share, 0);
    free(stream);
}

void stream_watch_peer(struct stream *stream)
{
}

void stream_limit_unacknowledged(struct stream *stream, unsigned limit_ms)
{
}

bool stream_is_flooded(const struct stream *stream)
{
    return false;
}

const char *stream_failure(const struct stream *stream)
{
    return "reset by the peer";
}

struct ssl_st *stream_tls(const struct stream *stream)
{
    return NULL;
}

int stream_descriptor(const struct stream *stream)
{
    return -1;
}

/* --- events --------------------------------------------------------------------------------- */

static bool deliver(struct fake_peer *peer, enum stream_event event)
{
    if (peer->stream && peer->stream->on_event)
        peer->stream->on_event(peer->stream->owner, event);
    return true;
}

static bool deliver_drained(struct fake_peer *peer)
{
    struct stream *stream = peer->stream;
    if (!stream->is_drain_awaited)
        return false;
    if (buffer_length(&stream->queue) > 0 && peer->room > 0)
        stream_flush(stream);
    if (buffer_length(&stream->queue) > 0)
        return false;
    stream->is_drain_awaited = false;
    return stream->state == STATE_UNSENDABLE ? false : deliver(peer, STREAM_DRAINED);
}

static bool deliver_readable(struct fake_peer *peer)
{
    struct stream *stream = peer->stream;
    bool has_something = buffer_length(&peer->arriving) > 0 || peer->end != STREAM_WAIT;
    bool is_due = stream->is_woken || (stream->reading == READING_RESUMED && has_something);
    stream->is_woken = false;
    return is_due ? deliver(peer, STREAM_READABLE) : false;
}

static bool flush_due(struct stream *stream)
{
    void (*prepare)(void *owner) = stream->prepare;
    stream->prepare = NULL;
    if (prepare == NULL || stream->state != STATE_OPEN)
        return false;
    prepare(stream->owner);
    return true;
}

static bool turn_of(struct fake_peer *peer)
{
    if (peer->stream->is_failure_owed) {
        peer->stream->is_failure_owed = false;
        peer->stream->is_woken = true;
        return deliver(peer, STREAM_FAILED);
    }
    bool has_run = deliver_drained(peer);
    if (peer->stream)
        has_run = deliver_readable(peer) || has_run;
    if (peer->stream)
        has_run = flush_due(peer->stream) || has_run;
    return has_run;
}

bool fake_stream_turn(void)
{
    bool has_run = false;
    struct fake_peer *peer;
    /* Each is moved aside when its turn comes: streams come and go meanwhile. */
    while ((peer = LIST_FIRST(&peers)) != NULL) {
        LIST_REMOVE(peer, link);
        LIST_INSERT_HEAD(&told, peer, link);
        if (peer->stream)
            has_run = turn_of(peer) || has_run;
    }
    while ((peer = LIST_FIRST(&told)) != NULL) {
        LIST_REMOVE(peer, link);
        LIST_INSERT_HEAD(&peers, peer, link);
    }
    return has_run;
}

/* --- the loop's shared part ----------------------------------------------------------------- */

struct stream_loop *stream_loop_new(struct uv_loop_s *loop)
{
    struct stream_loop *streams = memory_new(sizeof(*streams));
    streams->loop = loop;
    body_budget_init(&streams->bodies, BODY_BUDGET_BYTES_MIN);
    return streams;
}

void stream_loop_free(struct stream_loop *streams)
{
    CHECK(streams->bodies.used == 0);
    free(streams);
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
