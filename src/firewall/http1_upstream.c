#include "firewall/http1_upstream.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/proxy.h"
#include "system/stream.h"
#include "wire/http1.h"
#include "wire/http2_frames.h"

#include <stdlib.h>
#include <uv.h>

enum {
    UPSTREAM_READ_BYTES = 16 * 1024,  /* one TLS record; of a body as much as there is */
    UPSTREAM_READS_PER_TURN = 4,      /* or one of a whole block; then others have a turn */
    UPSTREAM_DIRECT_BYTES = 4 * 1024, /* longer runs are sent from where they lie */
};

enum upstream_state {
    STATE_IDLE,
    STATE_HEAD,
    STATE_BODY,
    STATE_CLOSED, /* the memory goes with the timer */
};

enum upstream_request_state {
    REQUEST_NONE,
    REQUEST_HEAD_OWED, /* nothing sent yet */
    REQUEST_BODY,
    REQUEST_CHUNKED_BODY,
    REQUEST_COMPLETE,
    REQUEST_UNWRITABLE, /* the writer refused it: the exchange ends at the next turn */
};

struct http1_upstream {
    struct upstream_connection base; /* the first member: what the pool has is this */
    struct proxy *proxy;             /* borrowed */
    struct stream *stream;           /* owned; NULL once closed or taken */
    struct exchange *exchange;       /* borrowed; NULL when idle */
    enum upstream_state state;
    enum upstream_request_state request_state;
    bool is_doubted;         /* after idleness, until the server is heard of */
    bool is_unanswered;      /* no byte of a response yet */
    size_t credit;           /* body bytes that may be delivered */
    size_t owed;             /* body bytes taken and not yet given back as credit */
    struct buffer received;  /* the beginning of a head */
    struct body_share share; /* of `received` */
    struct http_head head;   /* of the response; filled by `parser` */
    struct http_head trailers;
    struct http1_head_parser parser;
    struct http1_body body;
    struct http_head asked; /* method and upgrade of the request, for the parser */
    uv_timer_t timer;
    uint64_t active_at_ms;
};

static const struct exchange_side_operations operations;
static const struct upstream_connection_operations connection_operations;
static void on_stream(void *owner, enum stream_event event);

/* --- life ----------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Everything but the memory, which the loop lets go of later. */
static void release(struct http1_upstream *connection, enum stream_ending ending)
{
    CHECK(connection->state != STATE_CLOSED);
    if (connection->state == STATE_BODY)
        http1_body_done(&connection->body);
    connection->state = STATE_CLOSED;
    connection->exchange = NULL;
    if (connection->stream)
        stream_close(connection->stream, ending);
    connection->stream = NULL;
    buffer_done(&connection->received);
    body_share_set(&connection->share, 0);
    http_head_done(&connection->head);
    http_head_done(&connection->trailers);
    http_head_done(&connection->asked);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

/* Of a head that has not ended, and of trailers. */
static void count_held(struct http1_upstream *connection)
{
    size_t line = connection->state == STATE_BODY ? http1_body_held_bytes(&connection->body) : 0;
    body_share_set(&connection->share, buffer_length(&connection->received) + line +
                                           http_head_held_bytes(&connection->trailers));
}

static void drop(struct http1_upstream *connection, enum stream_ending ending)
{
    upstream_pool_forget(&connection->base);
    release(connection, ending);
}

static void fail(struct http1_upstream *connection, enum exchange_failure failure,
                 const char *detail)
{
    struct exchange *exchange = connection->exchange;
    enum exchange_progress progress =
        connection->is_unanswered ? EXCHANGE_UNANSWERED : EXCHANGE_ANSWERED;
    char text[256];
    /* The stream, and with it the text, goes before the exchange is told. */
    size_t length = 0;
    for (; detail[length] && length < sizeof(text) - 1; length++)
        text[length] = detail[length];
    text[length] = '\0';
    drop(connection, STREAM_ENDING_RESET);
    if (exchange)
        exchange_upstream_failed(exchange, failure, progress, text);
}

static void on_timer(uv_timer_t *timer)
{
    struct http1_upstream *connection = timer->data;
    uint64_t limit_ms =
        connection->state == STATE_IDLE ? UPSTREAM_POOL_IDLE_MS : HTTP1_UPSTREAM_SILENCE_MS;
    uint64_t silent_ms = uv_now(timer->loop) - connection->active_at_ms;
    uint64_t left_ms = silent_ms < limit_ms ? limit_ms - silent_ms : 0;
    /* Never later than an idle limit that begins meanwhile. */
    if (left_ms > 0)
        uv_timer_start(timer, on_timer,
                       left_ms < UPSTREAM_POOL_IDLE_MS ? left_ms : UPSTREAM_POOL_IDLE_MS, 0);
    else if (connection->state == STATE_IDLE)
        drop(connection, STREAM_ENDING_CLEAN);
    else
        fail(connection, EXCHANGE_UPSTREAM_TIMEOUT, "no progress for 15 minutes");
}

static void note_activity(struct http1_upstream *connection)
{
    connection->active_at_ms = uv_now(connection->timer.loop);
}

struct upstream_connection *http1_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream)
{
    struct http1_upstream *connection = memory_new(sizeof(*connection));
    connection->base.operations = &connection_operations;
    connection->base.pool = pool;
    connection->base.key = *key;
    connection->base.protocol = HTTP_PROTOCOL_1;
    connection->base.is_settled = true;
    TAILQ_INIT(&connection->base.followers);
    connection->proxy = proxy;
    connection->stream = stream;
    buffer_init(&connection->received, HTTP1_HEAD_BYTES_MAX + UPSTREAM_READ_BYTES);
    connection->share.budget = proxy->bodies;
    http_head_init(&connection->head, HTTP_RESPONSE);
    http_head_init(&connection->trailers, HTTP_TRAILERS);
    http_head_init(&connection->asked, HTTP_REQUEST);
    CHECK(uv_timer_init(proxy->loop, &connection->timer) == 0);
    connection->timer.data = connection;
    note_activity(connection);
    uv_timer_start(&connection->timer, on_timer, UPSTREAM_POOL_IDLE_MS, 0);
    stream_set_owner(stream, on_stream, connection);
    return &connection->base;
}

static struct exchange_side start(struct upstream_connection *base, struct exchange *exchange)
{
    struct http1_upstream *connection = (struct http1_upstream *)base;
    CHECK(connection->state == STATE_IDLE && connection->exchange == NULL);
    uint64_t idle_ms = uv_now(connection->timer.loop) - connection->active_at_ms;
    connection->is_doubted = base->served_count > 0 && idle_ms >= UPSTREAM_DOUBTED_AFTER_MS;
    if (connection->is_doubted)
        stream_limit_unacknowledged(connection->stream, UPSTREAM_DOUBTED_LIMIT_MS);
    connection->exchange = exchange;
    connection->state = STATE_HEAD;
    base->running = 1;
    base->served_count++;
    connection->request_state = REQUEST_HEAD_OWED;
    connection->is_unanswered = true;
    connection->credit = 0;
    connection->owed = 0;
    note_activity(connection);
    return (struct exchange_side){&operations, connection};
}

static bool is_ready(const struct upstream_connection *base)
{
    const struct http1_upstream *connection = (const struct http1_upstream *)base;
    /* One that has something to read is about to be closed by its own event. */
    return connection->state == STATE_IDLE && stream_is_quiet(connection->stream);
}

/* Only idle ones are with the pool. */
static void retire(struct upstream_connection *base)
{
    struct http1_upstream *connection = (struct http1_upstream *)base;
    CHECK(connection->state == STATE_IDLE);
    drop(connection, STREAM_ENDING_CLEAN);
}

static void discard(struct upstream_connection *base)
{
    struct http1_upstream *connection = (struct http1_upstream *)base;
    CHECK(connection->state == STATE_IDLE);
    drop(connection, STREAM_ENDING_RESET);
}

static const struct upstream_connection_operations connection_operations = {
    .start = start,
    .is_ready = is_ready,
    .retire = retire,
    .discard = discard,
};

/* --- reading -------------------------------------------------------------------------------- */

/*
 * The response is complete. The connection serves again only when the request was complete, too,
 * both said that more may follow, and the server has sent nothing beyond.
 */
static void complete(struct http1_upstream *connection, size_t surplus_bytes)
{
    struct exchange *exchange = connection->exchange;
    bool is_reusable = surplus_bytes == 0 && !connection->parser.is_last &&
                       connection->parser.framing != HTTP1_BODY_UNTIL_CLOSE &&
                       connection->request_state == REQUEST_COMPLETE &&
                       stream_unsent(connection->stream) == 0;
    bool has_trailers = http_head_field_count(&connection->trailers) > 0;
    http1_body_done(&connection->body);
    connection->exchange = NULL;
    connection->base.running = 0;
    connection->state = STATE_IDLE;
    connection->request_state = REQUEST_NONE;
    exchange_response_end(exchange, has_trailers ? &connection->trailers : NULL);
    if (!is_reusable) {
        /* What was not sent of an answered request is of no use, and no policy looks at it again.
         */
        bool is_sent = stream_unsent(connection->stream) == 0;
        drop(connection, is_sent ? STREAM_ENDING_CLEAN : STREAM_ENDING_RESET);
        return;
    }
    http_head_clear(&connection->trailers, HTTP_TRAILERS);
    http_head_trim(&connection->trailers);
    count_held(connection);
    note_activity(connection);
    stream_resume_reading(connection->stream);
    upstream_pool_changed(&connection->base);
}

/* Body bytes. False when the exchange is over, or nothing more can be done with the input. */
static bool read_body(struct http1_upstream *connection, struct bytes *input)
{
    for (;;) {
        size_t consumed = 0;
        struct bytes data = BYTES_EMPTY;
        enum parse_status status = http1_body_push(&connection->body, *input, &consumed, &data);
        *input = bytes_from(*input, consumed);
        if (status != PARSE_BAD && data.length > 0) {
            connection->credit -=
                data.length < connection->credit ? data.length : connection->credit;
            exchange_response_body(connection->exchange, data);
            if (connection->exchange == NULL)
                return false;
        }
        if (status == PARSE_BAD) {
            fail(connection, EXCHANGE_UPSTREAM_PROTOCOL,
                 http1_reason_text(connection->body.reason));
            return false;
        }
        if (status == PARSE_OK) {
            complete(connection, input->length);
            return false;
        }
        count_held(connection);
        if (connection->share.held > 0 && body_budget_is_full(connection->proxy->bodies)) {
            fail(connection, EXCHANGE_BODIES_FULL, "");
            return false;
        }
        if (input->length == 0)
            return false;
    }
}

/*
 * The first frame of a server that speaks HTTP/2 whatever was agreed on: SETTINGS, or GOAWAY for
 * what it takes for a broken preface (RFC 9113 sections 3.4 and 4.1).
 */
static bool is_http2(struct bytes input)
{
    struct http2_frames frames;
    struct http2_frame frame;
    http2_frames_start(&frames, false);
    return http2_frames_next(&frames, &input, &frame) && frame.stream_id == 0 &&
           frame.length <= HTTP1_HEAD_BYTES_MAX &&
           (frame.type == HTTP2_FRAME_SETTINGS || frame.type == HTTP2_FRAME_GOAWAY);
}

/* One head at the start of `input`. False when more bytes are needed or the exchange is over. */
static bool read_head(struct http1_upstream *connection, struct bytes *input)
{
    size_t head_bytes = 0;
    enum parse_status status =
        http1_head_parser_push(&connection->parser, *input, &connection->head, &head_bytes);
    if (status == PARSE_BAD) {
        fail(connection, EXCHANGE_UPSTREAM_PROTOCOL,
             is_http2(*input) ? "it speaks HTTP/2 without having agreed on it (ALPN)"
                              : http1_reason_text(connection->parser.reason));
        return false;
    }
    if (status == PARSE_NEED_MORE)
        return false;
    *input = bytes_from(*input, head_bytes);
    uint16_t http_status = connection->head.status;
    if (http_status == 101) {
        /* The rest goes to the tunnel, if there will be one. */
        size_t kept = buffer_length(&connection->received);
        if (kept > 0)
            buffer_consume(&connection->received, kept - input->length);
        else
            CHECK(buffer_append(&connection->received, *input));
        exchange_response_head(connection->exchange, &connection->head);
        return false;
    }
    if (http_status >= 200) {
        http1_body_start(&connection->body, &connection->parser, &connection->trailers);
        connection->state = STATE_BODY;
    }
    exchange_response_head(connection->exchange, &connection->head);
    if (connection->exchange == NULL)
        return false;
    http_head_clear(&connection->head, HTTP_RESPONSE);
    http_head_trim(&connection->head);
    if (http_status < 200) {
        http1_head_parser_start_response(&connection->parser, &connection->asked);
    }
    return true;
}

/* Bytes of a head that has not ended. False when they are too many; the exchange is over then. */
static bool keep(struct http1_upstream *connection, struct bytes bytes)
{
    if (!buffer_append(&connection->received, bytes)) {
        fail(connection, EXCHANGE_UPSTREAM_PROTOCOL, "head too large");
        return false;
    }
    count_held(connection);
    if (connection->share.held > 0 && body_budget_is_full(connection->proxy->bodies)) {
        fail(connection, EXCHANGE_BODIES_FULL, "");
        return false;
    }
    return true;
}

/* Work on bytes from the server; keep the beginning of a head for the next turn. */
static void take_input(struct http1_upstream *connection, struct bytes received)
{
    struct bytes input = received;
    bool is_kept = buffer_length(&connection->received) > 0;
    if (is_kept) {
        if (!keep(connection, received))
            return;
        input = buffer_bytes(&connection->received);
    }
    connection->is_unanswered = false;
    if (connection->is_doubted)
        stream_limit_unacknowledged(connection->stream, 0);
    connection->is_doubted = false;
    bool goes_on = true;
    while (goes_on && connection->state == STATE_HEAD && input.length > 0)
        goes_on = read_head(connection, &input);
    if (connection->exchange && connection->state == STATE_HEAD) {
        /* A head in parts: its bytes so far, from its first on. */
        if (is_kept)
            buffer_consume(&connection->received,
                           buffer_length(&connection->received) - input.length);
        else if (!keep(connection, input))
            return;
        count_held(connection);
        return;
    }
    if (connection->exchange && connection->state == STATE_BODY)
        read_body(connection, &input);
    if (is_kept && connection->state != STATE_CLOSED)
        buffer_done(&connection->received);
    count_held(connection);
}

static void on_end(struct http1_upstream *connection, enum stream_result result)
{
    if (connection->state == STATE_IDLE) {
        drop(connection, STREAM_ENDING_CLEAN);
        return;
    }
    bool is_body_done = result == STREAM_END && connection->state == STATE_BODY &&
                        http1_body_end(&connection->body) == PARSE_OK;
    if (is_body_done)
        complete(connection, 0);
    else
        fail(connection, EXCHANGE_UPSTREAM_LOST,
             result == STREAM_END ? "ended in the middle of a response"
                                  : stream_failure(connection->stream));
}

/* One read. False when there is nothing more to do in this turn. */
static bool read_once(struct http1_upstream *connection)
{
    size_t room;
    uint8_t *scratch = stream_loop_scratch(connection->proxy->streams, &room);
    if (connection->state != STATE_BODY)
        room = UPSTREAM_READ_BYTES;
    else if (connection->credit < room)
        room = connection->credit;
    if (room == 0) {
        stream_pause_reading(connection->stream);
        return false;
    }
    size_t length = 0;
    enum stream_result result = stream_read_all(connection->stream, scratch, room, &length);
    if (result == STREAM_WAIT)
        return false;
    if (result != STREAM_DATA) {
        on_end(connection, result);
        return false;
    }
    note_activity(connection);
    if (connection->state == STATE_IDLE) {
        /* Bytes that belong to no request: what follows cannot be trusted. */
        drop(connection, STREAM_ENDING_RESET);
        return false;
    }
    take_input(connection, (struct bytes){scratch, length});
    return connection->exchange != NULL && length == room && room <= UPSTREAM_READ_BYTES;
}

static void read_turn(struct http1_upstream *connection)
{
    for (int reads = 0; reads < UPSTREAM_READS_PER_TURN; reads++)
        if (!read_once(connection))
            break;
    if (connection->exchange)
        exchange_response_flush(connection->exchange);
}

/* --- sending -------------------------------------------------------------------------------- */

/* Credit for what the kernel took. */
static void return_credit(struct http1_upstream *connection)
{
    size_t unsent = stream_unsent(connection->stream);
    if (connection->exchange == NULL || connection->owed <= unsent)
        return;
    size_t bytes = connection->owed - unsent;
    connection->owed = unsent;
    note_activity(connection);
    exchange_request_credit(connection->exchange, bytes);
}

static void on_stream(void *owner, enum stream_event event)
{
    struct http1_upstream *connection = owner;
    switch (event) {
    case STREAM_READABLE:
        if (connection->request_state == REQUEST_UNWRITABLE)
            fail(connection, EXCHANGE_INTERNAL, "request");
        else
            read_turn(connection);
        return;
    case STREAM_DRAINED:
        note_activity(connection);
        return_credit(connection);
        return;
    case STREAM_FAILED:
        /* A server may answer and close before it has read all: its answer is still read. */
        if (connection->state == STATE_IDLE)
            drop(connection, STREAM_ENDING_RESET);
        return;
    case STREAM_OPENED:
        return;
    }
}

static void refuse_to_write(struct http1_upstream *connection)
{
    connection->request_state = REQUEST_UNWRITABLE;
    buffer_clear(stream_output(connection->stream));
    stream_wake(connection->stream);
}

static void send_head(void *side, const struct http_head *head)
{
    struct http1_upstream *connection = side;
    CHECK(connection->request_state == REQUEST_HEAD_OWED);
    http_head_clear(&connection->head, HTTP_RESPONSE);
    http_head_clear(&connection->asked, HTTP_REQUEST);
    if (http_head_set_method(&connection->asked, http_head_method(head)) != HTTP_HEAD_OK) {
        refuse_to_write(connection);
        return;
    }
    connection->asked.upgrade = head->upgrade;
    http1_head_parser_start_response(&connection->parser, &connection->asked);
    enum http1_write_status status =
        http1_write_head(stream_output(connection->stream), head, HTTP1_KEEP_ALIVE, 1);
    if (status != HTTP1_WRITTEN) {
        refuse_to_write(connection);
        return;
    }
    connection->request_state =
        head->body == HTTP_BODY_STREAM ? REQUEST_CHUNKED_BODY : REQUEST_BODY;
}

static void send_body(void *side, struct bytes body)
{
    struct http1_upstream *connection = side;
    struct stream *stream = connection->stream;
    if (connection->request_state == REQUEST_UNWRITABLE)
        return;
    connection->owed += body.length;
    if (connection->request_state == REQUEST_CHUNKED_BODY) {
        struct buffer *output = stream_output(stream);
        bool is_written = http1_write_chunk_start(output, body.length) == HTTP1_WRITTEN &&
                          buffer_append(output, body) &&
                          http1_write_chunk_end(output) == HTTP1_WRITTEN;
        if (!is_written)
            refuse_to_write(connection);
    } else if (body.length >= UPSTREAM_DIRECT_BYTES) {
        stream_send(stream, body);
    } else {
        stream_queue(stream, body);
    }
}

static void send_end(void *side, const struct http_head *trailers)
{
    struct http1_upstream *connection = side;
    if (connection->request_state == REQUEST_UNWRITABLE)
        return;
    if (connection->request_state == REQUEST_CHUNKED_BODY &&
        http1_write_last_chunk(stream_output(connection->stream), trailers) != HTTP1_WRITTEN) {
        refuse_to_write(connection);
        return;
    }
    connection->request_state = REQUEST_COMPLETE;
}

/* Whether the connection serves again is decided when the response is complete. */
static void make_last(void *side)
{
}

static void flush(void *side)
{
    struct http1_upstream *connection = side;
    stream_flush(connection->stream);
    return_credit(connection);
}

static void reset(void *side, enum exchange_failure failure)
{
    drop(side, STREAM_ENDING_RESET);
}

static void give_credit(void *side, size_t bytes)
{
    struct http1_upstream *connection = side;
    connection->credit += bytes;
    stream_resume_reading(connection->stream);
}

static struct stream *take_stream(void *side, struct buffer *early)
{
    struct http1_upstream *connection = side;
    struct stream *stream = connection->stream;
    CHECK(buffer_append(early, buffer_bytes(&connection->received)));
    connection->stream = NULL;
    drop(connection, STREAM_ENDING_CLEAN);
    return stream;
}

static const struct exchange_side_operations operations = {
    .send_head = send_head,
    .send_body = send_body,
    .send_end = send_end,
    .make_last = make_last,
    .flush = flush,
    .reset = reset,
    .give_credit = give_credit,
    .take_stream = take_stream,
};
