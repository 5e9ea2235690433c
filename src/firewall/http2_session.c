#include "base/check.h"
#include "base/memory.h"
#include "firewall/http2_parts.h"
#include "system/stream.h"
#include "wire/http2_head.h"

#include <stdlib.h>
#include <uv.h>

enum {
    SESSION_READ_BYTES = 64 * 1024,
    SESSION_READS_PER_TURN = 1,
    SESSION_OUTPUT_BYTES = 64 * 1024, /* gathered for the network before it must take some */
    SESSION_FLUSHES_PER_TURN = 4,
    SESSION_SETTINGS_MAX = 6,
};

static void on_stream(void *owner, enum stream_event event);

uint64_t http2_session_now_ms(const struct http2_session *session)
{
    return uv_now(stream_loop_uv(session->streams));
}

bool http2_session_is_output_full(const struct http2_session *session)
{
    return stream_unsent(session->stream) >= SESSION_OUTPUT_BYTES;
}

/* A stream was broken off for what the peer did on it. */
void http2_session_note_own_reset(struct http2_session *session)
{
    if (!http2_flood_add(&session->meter, HTTP2_FLOOD_OWN_RESETS, http2_session_now_ms(session)) &&
        !session->is_flooded) {
        session->is_flooded = true;
        session->flood = HTTP2_FLOOD_OWN_RESETS;
    }
}

/* --- life ---------------------------------------------------------------------------------- */

static void submit_settings(struct http2_session *session)
{
    nghttp2_settings_entry settings[SESSION_SETTINGS_MAX];
    size_t count = 0;
    settings[count++] =
        (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, HTTP2_WINDOW_BYTES};
    settings[count++] =
        (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HTTP2_HEAD_LIST_BYTES_MAX};
    if (session->role == HTTP2_SERVER) {
        settings[count++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, HTTP2_STREAMS_MAX};
        /* No tree of priorities: its nodes are memory that costs a peer nothing. */
        settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1};
    } else {
        settings[count++] = (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    }
    CHECK(nghttp2_submit_settings(session->library, NGHTTP2_FLAG_NONE, settings, count) == 0);
    int32_t window = session->role == HTTP2_SERVER ? HTTP2_CONNECTION_WINDOW_BYTES
                                                   : HTTP2_CLIENT_CONNECTION_WINDOW_BYTES;
    CHECK(nghttp2_session_set_local_window_size(session->library, NGHTTP2_FLAG_NONE, 0, window) ==
          0);
}

struct http2_session *http2_session_new(struct stream_loop *streams, struct stream *stream,
                                        enum http2_role role,
                                        const struct http2_session_events *events, void *owner)
{
    struct http2_session *session = memory_new(sizeof(*session));
    session->streams = streams;
    session->stream = stream;
    session->role = role;
    session->events = events;
    session->owner = owner;
    LIST_INIT(&session->list);
    TAILQ_INIT(&session->taken);
    http2_frames_start(&session->frames, role == HTTP2_SERVER);
    http2_memory_start(&session->memory, stream_loop_bodies(streams));
    session->library = http2_callbacks_new_library(session);
    submit_settings(session);
    stream_set_owner(stream, on_stream, session);
    return session;
}

static void session_free(struct http2_session *session)
{
    CHECK(session->state == STATE_CLOSED && session->depth == 0);
    nghttp2_session_del(session->library);
    session->library = NULL;
    http2_memory_done(&session->memory);
    while (!LIST_EMPTY(&session->list))
        http2_stream_free(LIST_FIRST(&session->list));
    free(session);
}

static void enter(struct http2_session *session)
{
    session->depth++;
}

/* False when the session is gone. */
static bool leave(struct http2_session *session)
{
    CHECK(session->depth > 0);
    if (--session->depth > 0 || session->state != STATE_CLOSED)
        return true;
    session_free(session);
    return false;
}

/* on_reset for streams that ended while something was sent: from the turn. */
static void tell_dead(struct http2_session *session)
{
    while (session->dead_count > 0 && session->state != STATE_CLOSED) {
        struct http2_stream *stream;
        LIST_FOREACH(stream, &session->list, link)
        {
            if (stream->is_dead)
                break;
        }
        CHECK(stream != NULL);
        enum http2_reset reset = stream->reset;
        uint32_t code = stream->reset_code;
        session->dead_count--;
        stream->is_dead = false;
        void *object = stream->object;
        http2_stream_detach(stream);
        if (stream->is_closed)
            http2_stream_free(stream);
        if (object)
            session->events->on_reset(object, reset, code, nghttp2_http2_strerror(code));
    }
}

/* --- the turn ------------------------------------------------------------------------------- */

/* Let the library frame what it has, into the output of the connection. */
void http2_session_pump(struct http2_session *session)
{
    int error = nghttp2_session_send(session->library);
    http2_memory_count(&session->memory);
    CHECK(error == 0 || error == NGHTTP2_ERR_CALLBACK_FAILURE);
}

static void tell_taken(struct http2_session *session)
{
    struct http2_stream *stream;
    while ((stream = TAILQ_FIRST(&session->taken)) != NULL) {
        size_t taken = stream->taken;
        http2_stream_forget_taken(stream);
        if (session->state == STATE_OPEN)
            session->events->on_taken(stream->object, taken);
        if (session->state == STATE_CLOSED)
            return;
    }
}

/* The library has given up, or everything is said: the side hears of it from the turn. */
static bool is_over(const struct http2_session *session)
{
    return !nghttp2_session_want_read(session->library) &&
           !nghttp2_session_want_write(session->library);
}

static void note_blocked(struct http2_session *session)
{
    if (stream_unsent(session->stream) == 0)
        session->blocked_since_ms = 0;
    else if (session->blocked_since_ms == 0)
        session->blocked_since_ms = http2_session_now_ms(session);
}

static void send_out(struct http2_session *session)
{
    enter(session);
    for (int round = 0; round < SESSION_FLUSHES_PER_TURN; round++) {
        http2_session_pump(session);
        stream_flush(session->stream);
        note_blocked(session);
        tell_taken(session);
        if (session->state == STATE_CLOSED)
            break;
        /* Credit that came back may have brought more. */
        if (stream_unsent(session->stream) > 0 || !nghttp2_session_want_write(session->library))
            break;
        if (round == SESSION_FLUSHES_PER_TURN - 1)
            stream_wake(session->stream);
    }
    if (session->state == STATE_OPEN && !session->is_in_turn && is_over(session))
        stream_wake(session->stream);
    leave(session);
}

static void on_flush_due(void *owner)
{
    struct http2_session *session = owner;
    send_out(session);
}

void http2_session_flush(struct http2_session *session)
{
    CHECK(session->state != STATE_CLOSED);
    if (!session->is_in_turn)
        stream_flush_soon(session->stream, on_flush_due);
}

void http2_session_wake(struct http2_session *session)
{
    if (!session->is_in_turn)
        stream_wake(session->stream);
}

static void end_session(struct http2_session *session, enum http2_end end, const char *detail)
{
    if (session->state != STATE_OPEN)
        return;
    session->state = STATE_ENDED;
    stream_pause_reading(session->stream);
    session->events->on_session_end(session->owner, end, detail);
}

static void end_lost(struct http2_session *session)
{
    bool is_flooded = stream_is_flooded(session->stream);
    end_session(session, is_flooded ? HTTP2_END_TLS_FLOOD : HTTP2_END_LOST,
                stream_failure(session->stream));
}

static void end_flooded(struct http2_session *session)
{
    nghttp2_session_terminate_session(session->library, NGHTTP2_ENHANCE_YOUR_CALM);
    http2_session_pump(session);
    end_session(session, HTTP2_END_FLOOD, http2_flood_text(session->flood));
}

/* Look at the frames on the wire before the library does. False: a flood. */
static bool count_frames(struct http2_session *session, struct bytes input)
{
    struct http2_frame frame;
    uint64_t now = http2_session_now_ms(session);
    while (http2_frames_next(&session->frames, &input, &frame))
        if (!http2_flood_add_frame(&session->meter, &frame, now, &session->flood)) {
            session->is_flooded = true;
            return false;
        }
    if (!http2_frames_is_head_open(&session->frames))
        session->head_since_ms = 0;
    else if (session->head_since_ms == 0)
        session->head_since_ms = now;
    return true;
}

/* Together with what all others hold: this one, which has just added to it, ends. */
static bool is_head_too_much(const struct http2_session *session)
{
    return session->memory.share.held > 0 && http2_frames_is_head_open(&session->frames) &&
           body_budget_is_full(session->memory.share.budget);
}

static void take_input(struct http2_session *session, struct bytes input)
{
    if (!count_frames(session, input)) {
        end_flooded(session);
        return;
    }
    ssize_t taken = nghttp2_session_mem_recv(session->library, input.data, input.length);
    CHECK(taken != NGHTTP2_ERR_NOMEM);
    http2_memory_count(&session->memory);
    if (session->state != STATE_OPEN)
        return;
    if (session->is_flooded) {
        end_flooded(session);
    } else if (is_head_too_much(session)) {
        nghttp2_session_terminate_session(session->library, NGHTTP2_ENHANCE_YOUR_CALM);
        http2_session_pump(session);
        end_session(session, HTTP2_END_FULL, "a head that has not ended");
    } else if (taken == NGHTTP2_ERR_FLOODED) {
        session->flood = HTTP2_FLOOD_PINGS;
        end_flooded(session);
    } else if (taken < 0) {
        bool is_magic = taken == NGHTTP2_ERR_BAD_CLIENT_MAGIC;
        nghttp2_session_terminate_session(session->library, NGHTTP2_PROTOCOL_ERROR);
        http2_session_pump(session);
        end_session(session, HTTP2_END_PROTOCOL,
                    is_magic ? "no HTTP/2 preface" : nghttp2_strerror((int)taken));
    }
}

/* One read. False when there is nothing more to do in this turn. */
static bool read_once(struct http2_session *session)
{
    if (http2_session_is_output_full(session)) {
        stream_pause_reading(session->stream);
        return false;
    }
    stream_resume_reading(session->stream);
    size_t room;
    uint8_t *scratch = stream_loop_scratch(session->streams, &room);
    size_t length = 0;
    enum stream_result result =
        stream_read_all(session->stream, scratch, SESSION_READ_BYTES, &length);
    if (result == STREAM_WAIT)
        return false;
    if (result == STREAM_DATA) {
        take_input(session, (struct bytes){scratch, length});
        return session->state == STATE_OPEN && length == SESSION_READ_BYTES;
    }
    if (result == STREAM_END)
        end_session(session, HTTP2_END_CLEAN, "");
    else
        end_lost(session);
    return false;
}

/* What the library had to say for itself at the end. */
static void end_when_over(struct http2_session *session)
{
    if (session->state != STATE_OPEN || !is_over(session))
        return;
    bool is_broken = session->text[0] != '\0';
    end_session(session, is_broken ? HTTP2_END_PROTOCOL : HTTP2_END_CLEAN, session->text);
}

static void turn(struct http2_session *session)
{
    enter(session);
    session->is_in_turn = true;
    for (int reads = 0; reads < SESSION_READS_PER_TURN; reads++)
        if (session->state != STATE_OPEN || !read_once(session))
            break;
    tell_dead(session);
    if (session->state == STATE_OPEN)
        session->events->on_turn_end(session->owner);
    session->is_in_turn = false;
    if (session->state != STATE_CLOSED) {
        send_out(session);
        session->is_in_turn = true;
        tell_dead(session);
        if (session->state == STATE_OPEN && session->is_flooded)
            end_flooded(session);
        end_when_over(session);
        session->is_in_turn = false;
    }
    leave(session);
}

static void on_stream(void *owner, enum stream_event event)
{
    struct http2_session *session = owner;
    switch (event) {
    case STREAM_READABLE:
        if (session->state == STATE_OPEN)
            turn(session);
        return;
    case STREAM_DRAINED:
        session->blocked_since_ms = 0;
        stream_resume_reading(session->stream);
        send_out(session);
        return;
    case STREAM_FAILED:
        enter(session);
        session->is_in_turn = true;
        end_lost(session);
        session->is_in_turn = false;
        leave(session);
        return;
    case STREAM_OPENED:
        return;
    }
}

/* --- the side's calls ----------------------------------------------------------------------- */

void http2_session_go_away(struct http2_session *session, enum http2_code code)
{
    if (session->is_going_away)
        return;
    session->is_going_away = true;
    CHECK(nghttp2_submit_goaway(session->library, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(session->library), code,
                                NULL, 0) == 0);
}

void http2_session_close(struct http2_session *session, enum http2_code code, bool is_reset)
{
    CHECK(session->state != STATE_CLOSED);
    /* From inside the library's own callbacks nothing can be framed any more. */
    if (!is_reset && session->depth == 0) {
        http2_session_go_away(session, code);
        enter(session);
        http2_session_pump(session);
        session->depth--;
    }
    session->state = STATE_CLOSED;
    stream_close(session->stream, is_reset ? STREAM_ENDING_RESET : STREAM_ENDING_CLEAN);
    session->stream = NULL;
    if (session->depth == 0)
        session_free(session);
}

size_t http2_session_room(const struct http2_session *session)
{
    if (session->state != STATE_OPEN || session->is_going_away || session->is_peer_leaving ||
        !nghttp2_session_check_request_allowed(session->library))
        return 0;
    size_t limit = nghttp2_session_get_remote_settings(session->library,
                                                       NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    if (limit > HTTP2_STREAMS_MAX)
        limit = HTTP2_STREAMS_MAX;
    return session->stream_count < limit ? limit - session->stream_count : 0;
}

size_t http2_session_stream_count(const struct http2_session *session)
{
    return session->stream_count;
}

size_t http2_session_unsent(const struct http2_session *session)
{
    size_t unsent = stream_unsent(session->stream);
    const struct http2_stream *stream;
    LIST_FOREACH(stream, &session->list, link)
    unsent += http2_stream_waiting(stream);
    return unsent;
}

bool http2_session_holds(const struct http2_session *session, uint64_t queued_at)
{
    /* Encrypted it is more than what was queued: never less than what waits of that. */
    size_t unsent = stream_unsent_anywhere(session->stream);
    bool is_queued = queued_at > 0 && session->queued_bytes < queued_at + unsent;
    return session->is_held_back || is_queued;
}

bool http2_session_holds_ended(const struct http2_session *session)
{
    return session->ended_at > 0 && http2_session_holds(session, session->ended_at);
}

uint64_t http2_session_head_since_ms(const struct http2_session *session)
{
    return session->head_since_ms;
}

void http2_session_reset_stalled(struct http2_session *session, uint64_t before_ms)
{
    struct http2_stream *stream;
    LIST_FOREACH(stream, &session->list, link)
    {
        bool is_stalled = stream->object == NULL && !stream->is_reset_by_us &&
                          stream->sending != SENDING_OVER && stream->progress_ms < before_ms;
        if (is_stalled)
            http2_stream_stop_peer(stream, HTTP2_CODE_CANCEL);
    }
}

bool http2_session_is_stuck(const struct http2_session *session, uint64_t silence_ms)
{
    return session->blocked_since_ms &&
           http2_session_now_ms(session) - session->blocked_since_ms >= silence_ms;
}

bool http2_session_is_greeted(const struct http2_session *session)
{
    return session->is_greeted;
}

bool http2_session_is_quiet(const struct http2_session *session)
{
    return session->state == STATE_OPEN && stream_is_quiet(session->stream);
}
