#include "base/check.h"
#include "base/memory.h"
#include "firewall/http2_parts.h"
#include "system/stream.h"
#include "wire/http2_head.h"

/* --- sending: what the library asks for ----------------------------------------------------- */

static ssize_t on_send(nghttp2_session *library, const uint8_t *data, size_t length, int flags,
                       void *user)
{
    struct http2_session *session = user;
    session->is_held_back = http2_session_is_output_full(session);
    if (session->is_held_back)
        return NGHTTP2_ERR_WOULDBLOCK;
    stream_queue(session->stream, (struct bytes){data, length});
    session->queued_bytes += length;
    return (ssize_t)length;
}

static void submit_trailers(struct http2_stream *stream)
{
    struct trailer_block *block = stream->trailers;
    nghttp2_nv fields[HTTP2_HEAD_PAIRS_MAX];
    uint8_t *data = block->data;
    for (size_t i = 0; i < block->count; i++) {
        size_t name_bytes = block->lengths[2 * i];
        size_t value_bytes = block->lengths[2 * i + 1];
        fields[i] =
            (nghttp2_nv){data, data + name_bytes, name_bytes, value_bytes, NGHTTP2_NV_FLAG_NONE};
        data += name_bytes + value_bytes;
    }
    CHECK(nghttp2_submit_trailer(stream->session->library, stream->id, fields, block->count) == 0);
    http2_stream_drop_trailers(stream);
}

/* How much of the body comes next. The bytes themselves are taken by on_send_data. */
ssize_t http2_callbacks_read_body(nghttp2_session *library, int32_t stream_id, uint8_t *into,
                                  size_t length, uint32_t *flags, nghttp2_data_source *source,
                                  void *user)
{
    struct http2_stream *stream = source->ptr;
    size_t available = http2_stream_waiting(stream);
    if (available == 0 && stream->sending != SENDING_END) {
        stream->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (available > length)
        return (ssize_t)length;
    if (stream->sending == SENDING_END) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream->trailers) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(stream);
        }
    }
    return (ssize_t)available;
}

static int on_send_data(nghttp2_session *library, nghttp2_frame *frame, const uint8_t *header,
                        size_t length, nghttp2_data_source *source, void *user)
{
    struct http2_session *session = user;
    struct http2_stream *stream = source->ptr;
    session->is_held_back = http2_session_is_output_full(session);
    if (session->is_held_back)
        return NGHTTP2_ERR_WOULDBLOCK;
    size_t waiting = http2_stream_waiting(stream);
    CHECK(length <= waiting);
    /* Room for all of the body at once: growing bit by bit would copy it again and again. */
    size_t room;
    buffer_reserve(stream_output(session->stream), HTTP2_FRAME_HEADER_BYTES + waiting, &room);
    stream_queue(session->stream, (struct bytes){header, HTTP2_FRAME_HEADER_BYTES});
    http2_stream_move_body(stream, length);
    session->queued_bytes += HTTP2_FRAME_HEADER_BYTES + length;
    stream->progress_ms = http2_session_now_ms(session);
    http2_flood_sent_data(&session->meter, length);
    if (length > 0 && stream->object) {
        if (stream->taken == 0)
            TAILQ_INSERT_TAIL(&session->taken, stream, taken_link);
        stream->taken += length;
    }
    return 0;
}

static struct http2_stream *find(nghttp2_session *library, int32_t id)
{
    return id == 0 ? NULL : nghttp2_session_get_stream_user_data(library, id);
}

static void copy_text(struct http2_session *session, struct bytes text)
{
    text = bytes_first(text, sizeof(session->text) - 1);
    for (size_t i = 0; i < text.length; i++)
        session->text[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    session->text[text.length] = '\0';
}

static int on_frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
    struct http2_session *session = user;
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    struct http2_stream *stream = find(library, frame->hd.stream_id);
    switch (frame->hd.type) {
    case NGHTTP2_GOAWAY:
        if (frame->goaway.error_code != NGHTTP2_NO_ERROR && session->text[0] == '\0')
            copy_text(session,
                      (struct bytes){frame->goaway.opaque_data, frame->goaway.opaque_data_len});
        break;
    case NGHTTP2_RST_STREAM:
        if (stream == NULL || !stream->is_reset_by_us)
            http2_session_note_own_reset(session);
        break;
    case NGHTTP2_DATA:
    case NGHTTP2_HEADERS:
        if (stream)
            stream->queued_at = session->queued_bytes;
        if (stream == NULL || !is_end)
            break;
        stream->sending = SENDING_OVER;
        if (stream->object == NULL && !stream->is_end_received)
            http2_stream_stop_peer(stream, HTTP2_CODE_NO_ERROR);
        break;
    default:
        break;
    }
    return 0;
}

static int on_frame_not_sent(nghttp2_session *library, const nghttp2_frame *frame, int error,
                             void *user)
{
    struct http2_session *session = user;
    if (frame->hd.type != NGHTTP2_HEADERS || find(library, frame->hd.stream_id))
        return 0;
    /* A request that came too late for the connection: the library knows no stream for it. */
    struct http2_stream *stream;
    LIST_FOREACH(stream, &session->list, link)
    {
        if (stream->id == frame->hd.stream_id && !stream->is_closed)
            break;
    }
    if (stream == NULL)
        return 0;
    stream->is_closed = true;
    session->stream_count--;
    if (stream->object)
        http2_stream_mark_dead(stream, HTTP2_RESET_UNTOUCHED, NGHTTP2_REFUSED_STREAM);
    else
        http2_stream_free(stream);
    return 0;
}
/* --- receiving: what the library says ------------------------------------------------------- */

static int on_headers_begin(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
    struct http2_session *session = user;
    if (frame->hd.type != NGHTTP2_HEADERS || session->state != STATE_OPEN)
        return 0;
    struct http2_stream *stream = find(library, frame->hd.stream_id);
    if (stream == NULL && session->role == HTTP2_SERVER &&
        frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream = http2_stream_new(session, frame->hd.stream_id);
        CHECK(nghttp2_session_set_stream_user_data(library, stream->id, stream) == 0);
        stream->object = session->events->on_open(session->owner, stream);
        CHECK(stream->object != NULL || session->state == STATE_CLOSED);
    }
    if (stream && stream->object)
        session->events->on_head_begin(stream->object);
    return 0;
}

static int on_header(nghttp2_session *library, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_bytes, const uint8_t *value, size_t value_bytes, uint8_t flags,
                     void *user)
{
    struct http2_session *session = user;
    struct http2_stream *stream = find(library, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && session->state == STATE_OPEN && stream &&
        stream->object)
        session->events->on_field(stream->object, (struct bytes){name, name_bytes},
                                  (struct bytes){value, value_bytes});
    return 0;
}

/* The peer's content is not what its head said. */
static void refuse_content(struct http2_stream *stream)
{
    http2_stream_stop_peer(stream, HTTP2_CODE_PROTOCOL_ERROR);
    http2_session_note_own_reset(stream->session);
    http2_stream_tell_reset(stream, HTTP2_RESET_INVALID, HTTP2_CODE_PROTOCOL_ERROR,
                            "content differs from its announced length");
}

static int on_data(nghttp2_session *library, uint8_t flags, int32_t stream_id, const uint8_t *data,
                   size_t length, void *user)
{
    struct http2_session *session = user;
    struct http2_stream *stream = find(library, stream_id);
    bool is_wanted = stream && stream->object && session->state == STATE_OPEN;
    if (!is_wanted) {
        CHECK(nghttp2_session_consume_connection(library, length) != NGHTTP2_ERR_NOMEM);
        return 0;
    }
    int32_t window = nghttp2_session_get_stream_effective_local_window_size(library, stream_id);
    stream->unconsumed += length;
    if (stream->unconsumed > (uint64_t)(window > 0 ? window : 0)) {
        /* RFC 9113 section 6.9.1: the library resets the stream, and tells the bytes all the same.
         */
        http2_stream_tell_reset(stream, HTTP2_RESET_INVALID, HTTP2_CODE_FLOW_CONTROL_ERROR,
                                "more content than its window");
        return 0;
    }
    if (stream->content_left >= 0 && length > (uint64_t)stream->content_left) {
        refuse_content(stream);
        return 0;
    }
    if (stream->content_left >= 0)
        stream->content_left -= (int64_t)length;
    session->events->on_data(stream->object, (struct bytes){data, length});
    return 0;
}

static void take_end(struct http2_stream *stream)
{
    stream->is_end_received = true;
    if (stream->object == NULL)
        return;
    if (stream->content_left > 0)
        refuse_content(stream);
    else
        stream->session->events->on_end(stream->object);
}

static void take_reset(struct http2_stream *stream, uint32_t code)
{
    bool is_untouched = stream->session->role == HTTP2_CLIENT && code == NGHTTP2_REFUSED_STREAM;
    stream->is_end_received = true;
    http2_stream_tell_reset(stream, is_untouched ? HTTP2_RESET_UNTOUCHED : HTTP2_RESET_BY_PEER,
                            code, nghttp2_http2_strerror(code));
}

static int on_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user)
{
    struct http2_session *session = user;
    if (session->state != STATE_OPEN)
        return 0;
    struct http2_stream *stream = find(library, frame->hd.stream_id);
    bool is_end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream && stream->object)
            session->events->on_head_end(stream->object, is_end);
        if (session->state == STATE_OPEN && stream && is_end)
            take_end(stream);
        break;
    case NGHTTP2_DATA:
        if (stream && is_end)
            take_end(stream);
        break;
    case NGHTTP2_RST_STREAM:
        if (stream)
            take_reset(stream, frame->rst_stream.error_code);
        break;
    case NGHTTP2_SETTINGS:
        session->is_greeted = true;
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
            session->events->on_settings(session->owner);
        break;
    case NGHTTP2_GOAWAY:
        session->is_peer_leaving = true;
        session->events->on_goaway(session->owner);
        break;
    default:
        break;
    }
    return 0;
}

/* The library answers with RST_STREAM, or GOAWAY when it cannot go on. */
static int on_invalid_frame(nghttp2_session *library, const nghttp2_frame *frame, int error,
                            void *user)
{
    struct http2_session *session = user;
    struct http2_stream *stream = find(library, frame->hd.stream_id);
    if (session->state == STATE_OPEN && stream)
        http2_stream_tell_reset(stream, HTTP2_RESET_INVALID, HTTP2_CODE_PROTOCOL_ERROR,
                                nghttp2_strerror(error));
    return 0;
}

static int on_stream_closed(nghttp2_session *library, int32_t stream_id, uint32_t code, void *user)
{
    struct http2_session *session = user;
    struct http2_stream *stream = find(library, stream_id);
    if (stream == NULL)
        return 0;
    CHECK(!stream->is_closed);
    if (stream->object == NULL) {
        http2_stream_give_back(stream);
        http2_stream_free(stream);
        return 0;
    }
    /* The side still holds it. */
    session->stream_count--;
    stream->is_closed = true;
    bool is_complete = stream->is_end_received && stream->sending == SENDING_OVER;
    if (!is_complete)
        http2_stream_mark_dead(stream,
                               session->role == HTTP2_CLIENT && code == NGHTTP2_REFUSED_STREAM
                                   ? HTTP2_RESET_UNTOUCHED
                                   : HTTP2_RESET_INVALID,
                               code);
    return 0;
}
/* --- making it ------------------------------------------------------------------------------ */

nghttp2_session *http2_callbacks_new_library(struct http2_session *session)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    nghttp2_session *library;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_headers_begin);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_closed);
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, HTTP2_STREAMS_MAX);
    /* Heads are checked by http2_head, which says what is wrong with them, on both sides. */
    nghttp2_option_set_no_http_messaging(option, 1);
    int error = session->role == HTTP2_SERVER
                    ? nghttp2_session_server_new3(&library, callbacks, session, option,
                                                  &session->memory.functions)
                    : nghttp2_session_client_new3(&library, callbacks, session, option,
                                                  &session->memory.functions);
    CHECK(error == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return library;
}
