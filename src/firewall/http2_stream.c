#include "base/check.h"
#include "base/memory.h"
#include "firewall/http2_parts.h"
#include "system/stream.h"
#include "wire/http2_head.h"

#include <stdlib.h>
#include <string.h>

enum { STREAM_DIRECT_BYTES = 4 * 1024 }; /* longer runs are framed from where they lie */

/* --- life ---------------------------------------------------------------------------------- */

/* After every change of what it holds. */
static void count_body(struct http2_stream *stream)
{
    size_t trailers = stream->trailers ? stream->trailers->data_bytes : 0;
    body_share_set(&stream->share, buffer_length(&stream->body) + trailers);
}

struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id)
{
    struct http2_stream *stream = memory_new(sizeof(*stream));
    stream->session = session;
    stream->id = id;
    stream->content_left = -1;
    stream->share.budget = stream_loop_bodies(session->streams);
    /* A side that keeps to its credit never has more than a window in it, and the first one. */
    buffer_init(&stream->body, 2 * BODY_BUDGET_WIDE_WINDOW);
    LIST_INSERT_HEAD(&session->list, stream, link);
    session->stream_count++;
    return stream;
}

void http2_stream_drop_trailers(struct http2_stream *stream)
{
    if (stream->trailers == NULL)
        return;
    free(stream->trailers->lengths);
    free(stream->trailers->data);
    free(stream->trailers);
    stream->trailers = NULL;
    count_body(stream);
}

void http2_stream_forget_taken(struct http2_stream *stream)
{
    if (stream->taken > 0)
        TAILQ_REMOVE(&stream->session->taken, stream, taken_link);
    stream->taken = 0;
}

void http2_stream_free(struct http2_stream *stream)
{
    struct http2_session *session = stream->session;
    if (stream->is_dead)
        session->dead_count--;
    if (!stream->is_closed)
        session->stream_count--;
    http2_stream_forget_taken(stream);
    LIST_REMOVE(stream, link);
    http2_stream_drop_trailers(stream);
    buffer_done(&stream->body);
    count_body(stream);
    free(stream);
}

/* What was received and will be taken by nobody is given back to the connection. */
void http2_stream_give_back(struct http2_stream *stream)
{
    if (stream->unconsumed > 0 && stream->session->library)
        CHECK(nghttp2_session_consume_connection(stream->session->library, stream->unconsumed) !=
              NGHTTP2_ERR_NOMEM);
    stream->unconsumed = 0;
}

/* The side has no part in the stream any more. */
void http2_stream_detach(struct http2_stream *stream)
{
    http2_stream_give_back(stream);
    http2_stream_forget_taken(stream);
    stream->object = NULL;
    struct http2_session *session = stream->session;
    /* Half of a frame that may be its head goes on whatever happens to the stream. */
    uint64_t queued_at = session->is_held_back ? session->queued_bytes + HTTP2_HEAD_LIST_BYTES_MAX
                                               : stream->queued_at;
    if (queued_at > session->ended_at)
        session->ended_at = queued_at;
}

void http2_stream_tell_reset(struct http2_stream *stream, enum http2_reset reset, uint32_t code,
                             const char *detail)
{
    struct http2_session *session = stream->session;
    void *object = stream->object;
    if (object == NULL)
        return;
    http2_stream_detach(stream);
    session->events->on_reset(object, reset, code, detail);
}

void http2_stream_mark_dead(struct http2_stream *stream, enum http2_reset reset, uint32_t code)
{
    struct http2_session *session = stream->session;
    if (stream->is_dead)
        return;
    stream->is_dead = true;
    stream->reset = reset;
    stream->reset_code = code;
    session->dead_count++;
    if (!session->is_in_turn && session->stream)
        stream_wake(session->stream);
}
size_t http2_stream_waiting(const struct http2_stream *stream)
{
    return buffer_length(&stream->body) + stream->borrowed.length;
}

void http2_stream_move_body(struct http2_stream *stream, size_t length)
{
    struct stream *output = stream->session->stream;
    struct bytes kept = bytes_first(buffer_bytes(&stream->body), length);
    stream_queue(output, kept);
    buffer_consume(&stream->body, kept.length);
    size_t rest = length - kept.length;
    stream_queue(output, bytes_first(stream->borrowed, rest));
    stream->borrowed = bytes_from(stream->borrowed, rest);
    if (buffer_length(&stream->body) == 0)
        buffer_done(&stream->body);
    count_body(stream);
}

void http2_stream_stop_peer(struct http2_stream *stream, enum http2_code code)
{
    stream->is_reset_by_us = true;
    CHECK(nghttp2_submit_rst_stream(stream->session->library, NGHTTP2_FLAG_NONE, stream->id,
                                    code) != NGHTTP2_ERR_NOMEM);
}

/* --- the side's calls ---------------------------------------------------------------------- */

static size_t fill_fields(nghttp2_nv *fields, const struct http2_pair_list *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const struct http2_pair *pair = &pairs->pairs[i];
        /* The library copies both and writes to neither. */
        fields[i] = (nghttp2_nv){(uint8_t *)(uintptr_t)pair->name.data,
                                 (uint8_t *)(uintptr_t)pair->value.data, pair->name.length,
                                 pair->value.length,
                                 pair->is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE};
    }
    return pairs->count;
}

static nghttp2_data_provider provider_of(struct http2_stream *stream)
{
    return (nghttp2_data_provider){.source.ptr = stream,
                                   .read_callback = http2_callbacks_read_body};
}

struct http2_stream *http2_session_open(struct http2_session *session,
                                        const struct http2_pair_list *pairs, bool is_end_stream,
                                        void *object)
{
    CHECK(session->role == HTTP2_CLIENT);
    if (http2_session_room(session) == 0)
        return NULL;
    nghttp2_nv fields[HTTP2_HEAD_PAIRS_MAX];
    size_t count = fill_fields(fields, pairs);
    struct http2_stream *stream = http2_stream_new(session, 0);
    nghttp2_data_provider provider = provider_of(stream);
    int32_t id = nghttp2_submit_request(session->library, NULL, fields, count,
                                        is_end_stream ? NULL : &provider, stream);
    CHECK(id != NGHTTP2_ERR_NOMEM);
    if (id < 0) {
        http2_stream_free(stream);
        return NULL;
    }
    stream->id = id;
    stream->object = object;
    stream->progress_ms = http2_session_now_ms(session);
    stream->sending = is_end_stream ? SENDING_END : SENDING_BODY;
    return stream;
}

void http2_stream_send_interim(struct http2_stream *stream, const struct http2_pair_list *pairs)
{
    if (stream->is_closed)
        return;
    nghttp2_nv fields[HTTP2_HEAD_PAIRS_MAX];
    size_t count = fill_fields(fields, pairs);
    CHECK(stream->sending == SENDING_NOTHING);
    CHECK(nghttp2_submit_headers(stream->session->library, NGHTTP2_FLAG_NONE, stream->id, NULL,
                                 fields, count, NULL) != NGHTTP2_ERR_NOMEM);
}

void http2_stream_send_head(struct http2_stream *stream, const struct http2_pair_list *pairs,
                            bool is_end_stream)
{
    CHECK(stream->sending == SENDING_NOTHING);
    stream->sending = is_end_stream ? SENDING_END : SENDING_BODY;
    stream->progress_ms = http2_session_now_ms(stream->session);
    if (stream->is_closed)
        return;
    nghttp2_nv fields[HTTP2_HEAD_PAIRS_MAX];
    size_t count = fill_fields(fields, pairs);
    nghttp2_data_provider provider = provider_of(stream);
    CHECK(nghttp2_submit_response(stream->session->library, stream->id, fields, count,
                                  is_end_stream ? NULL : &provider) != NGHTTP2_ERR_NOMEM);
}

static void resume(struct http2_stream *stream)
{
    if (!stream->is_deferred || stream->is_closed)
        return;
    stream->is_deferred = false;
    CHECK(nghttp2_session_resume_data(stream->session->library, stream->id) != NGHTTP2_ERR_NOMEM);
}

void http2_stream_send_body(struct http2_stream *stream, struct bytes body)
{
    struct http2_session *session = stream->session;
    CHECK(stream->sending == SENDING_BODY);
    if (stream->is_closed || body.length == 0)
        return;
    if (http2_stream_waiting(stream) == 0)
        stream->progress_ms = http2_session_now_ms(session);
    resume(stream);
    bool is_direct = body.length >= STREAM_DIRECT_BYTES && session->depth == 0 &&
                     buffer_length(&stream->body) == 0;
    if (!is_direct) {
        CHECK(buffer_append(&stream->body, body));
        count_body(stream);
        return;
    }
    stream->borrowed = body;
    session->depth++;
    http2_session_pump(session);
    session->depth--;
    CHECK(buffer_append(&stream->body, stream->borrowed));
    stream->borrowed = BYTES_EMPTY;
    count_body(stream);
}

static void keep_trailers(struct http2_stream *stream, const struct http2_pair_list *pairs)
{
    struct trailer_block *block = memory_new(sizeof(*block));
    block->count = pairs->count;
    block->lengths = memory_new_array(2 * pairs->count, sizeof(*block->lengths));
    for (size_t i = 0; i < pairs->count; i++)
        block->data_bytes += pairs->pairs[i].name.length + pairs->pairs[i].value.length;
    block->data = memory_new(block->data_bytes);
    uint8_t *data = block->data;
    for (size_t i = 0; i < pairs->count; i++) {
        const struct http2_pair *pair = &pairs->pairs[i];
        const struct bytes parts[] = {pair->name, pair->value};
        for (size_t part = 0; part < 2; part++) {
            block->lengths[2 * i + part] = parts[part].length;
            if (parts[part].length)
                memcpy(data, parts[part].data, parts[part].length);
            data += parts[part].length;
        }
    }
    stream->trailers = block;
    count_body(stream);
}

void http2_stream_send_end(struct http2_stream *stream, const struct http2_pair_list *trailers)
{
    CHECK(stream->sending == SENDING_BODY);
    stream->sending = SENDING_END;
    if (trailers)
        keep_trailers(stream, trailers);
    resume(stream);
}

void http2_stream_consume(struct http2_stream *stream, size_t bytes)
{
    CHECK(bytes <= stream->unconsumed);
    stream->unconsumed -= bytes;
    nghttp2_session *library = stream->session->library;
    CHECK(nghttp2_session_consume_connection(library, bytes) != NGHTTP2_ERR_NOMEM);
    if (!stream->is_closed)
        CHECK(nghttp2_session_consume_stream(library, stream->id, bytes) != NGHTTP2_ERR_NOMEM);
}

void http2_stream_expect_content(struct http2_stream *stream, int64_t bytes)
{
    stream->content_left = bytes;
}

void http2_stream_widen(struct http2_stream *stream, size_t bytes)
{
    if (stream->is_closed)
        return;
    nghttp2_session *library = stream->session->library;
    int32_t window = nghttp2_session_get_stream_effective_local_window_size(library, stream->id);
    /* Not more than the protocol has (RFC 9113 section 6.9.1): the caller's windows are small. */
    CHECK(window >= 0 && bytes <= (size_t)(INT32_MAX - window));
    CHECK(nghttp2_session_set_local_window_size(library, NGHTTP2_FLAG_NONE, stream->id,
                                                window + (int32_t)bytes) != NGHTTP2_ERR_NOMEM);
}

size_t http2_stream_unsent(const struct http2_stream *stream)
{
    return http2_stream_waiting(stream);
}

bool http2_stream_is_held(const struct http2_stream *stream)
{
    return http2_session_holds(stream->session, stream->queued_at);
}

uint64_t http2_stream_progress_ms(const struct http2_stream *stream)
{
    return stream->progress_ms;
}

int32_t http2_stream_id(const struct http2_stream *stream)
{
    return stream->id;
}

void http2_stream_reset(struct http2_stream *stream, enum http2_code code)
{
    struct http2_session *session = stream->session;
    http2_stream_detach(stream);
    if (stream->is_closed) {
        http2_stream_free(stream);
        return;
    }
    bool is_peers_fault = code == HTTP2_CODE_PROTOCOL_ERROR || code == HTTP2_CODE_STREAM_CLOSED;
    if (is_peers_fault)
        http2_session_note_own_reset(session);
    http2_stream_stop_peer(stream, code);
}

void http2_stream_release(struct http2_stream *stream)
{
    http2_stream_detach(stream);
    if (stream->is_closed) {
        http2_stream_free(stream);
        return;
    }
    if (stream->sending == SENDING_NOTHING || stream->sending == SENDING_BODY)
        http2_stream_stop_peer(stream, stream->session->role == HTTP2_SERVER
                                           ? HTTP2_CODE_INTERNAL_ERROR
                                           : HTTP2_CODE_CANCEL);
    else if (stream->sending == SENDING_OVER && !stream->is_end_received)
        http2_stream_stop_peer(stream, HTTP2_CODE_NO_ERROR);
}
