#include "firewall/http2_upstream.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/http2_session.h"
#include "firewall/proxy.h"
#include "system/stream.h"
#include "wire/http2_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

enum {
    UPSTREAM_TICK_MS = 5 * 1000, /* how exactly the limits are kept while exchanges run */
    UPSTREAM_DETAIL_SIZE = 256,
};

enum connection_state {
    STATE_OPEN,
    STATE_RETIRING,  /* takes no more exchanges */
    STATE_ABANDONED, /* broken off by us: its exchanges are told from the loop */
    STATE_CLOSED,    /* the memory goes with the timer */
};

enum response_state {
    RESPONSE_AWAITED, /* interim heads were received, or nothing */
    RESPONSE_BODY,    /* the final head was passed on */
    RESPONSE_TRAILERS /* they are there: only the end may follow */
};

enum request_state {
    REQUEST_NEW,  /* nothing sent yet */
    REQUEST_BODY, /* head sent */
    REQUEST_COMPLETE,
    REQUEST_UNWRITABLE, /* the writer refused it: the exchange ends at the next turn */
};

/* One exchange and its HTTP/2 stream. */
struct upstream_stream {
    TAILQ_ENTRY(upstream_stream) link;
    TAILQ_ENTRY(upstream_stream) turn_link;
    struct http2_upstream *connection; /* borrowed */
    struct exchange *exchange;         /* borrowed; NULL when over */
    struct http2_stream *stream;       /* owned; NULL before the head and when over */
    enum request_state request_state;
    enum response_state response_state;
    bool is_in_turn;        /* flushed when the turn ends */
    bool is_unanswered;     /* nothing of a response yet */
    bool is_answer_to_head; /* the method is HEAD */
    int64_t content_left;   /* response bytes that must still come, -1: any number */
    size_t window;          /* response bytes that the server may send before it gets more */
    int64_t credit;    /* response bytes that may be delivered; the first window may exceed it */
    size_t unconsumed; /* response bytes received and not given back to the server */
    uint64_t active_at_ms;
};

TAILQ_HEAD(stream_list, upstream_stream);

struct http2_upstream {
    struct upstream_connection base; /* the first member: what the pool has is this */
    struct http2_session *session;   /* owned; NULL when closed */
    struct stream *stream;           /* borrowed: the session's */
    bool is_doubted;                 /* after idleness, until the server is heard of */
    enum connection_state state;
    struct stream_list streams;
    struct stream_list turn; /* got something in this turn */
    /* Header blocks are never interleaved (RFC 9113 section 4.3): one at a time. */
    struct http2_head_reader reader;
    struct http_head head;
    struct http_head trailers;
    struct body_share share; /* of both */
    bool is_head_dropped;    /* no more may be held */
    uv_timer_t timer;
    uint64_t opened_ms;
    uint64_t idle_since_ms;
};

static const struct exchange_side_operations operations;
static void on_timer(uv_timer_t *timer);
static const struct upstream_connection_operations connection_operations;
static const struct http2_session_events session_events;

/* --- life ----------------------------------------------------------------------------------- */

static uint64_t now_ms(const struct http2_upstream *connection)
{
    return uv_now(connection->timer.loop);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct http2_upstream *connection = handle->data;
    free(connection);
}

static void close_connection(struct http2_upstream *connection, enum http2_code code, bool is_reset)
{
    CHECK(connection->state != STATE_CLOSED && TAILQ_EMPTY(&connection->streams));
    connection->state = STATE_CLOSED;
    upstream_pool_forget(&connection->base);
    /* No stream is left, so what has not been sent is of requests that were given up: the head of
     * one that a reload forbids must not leave after it. */
    bool is_abandoned = connection->session && http2_session_unsent(connection->session) > 0;
    if (connection->session)
        http2_session_close(connection->session, code, is_reset || is_abandoned);
    connection->session = NULL;
    http_head_done(&connection->head);
    http_head_done(&connection->trailers);
    body_share_set(&connection->share, 0);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

static void free_stream(struct upstream_stream *stream)
{
    struct http2_upstream *connection = stream->connection;
    TAILQ_REMOVE(&connection->streams, stream, link);
    if (stream->is_in_turn)
        TAILQ_REMOVE(&connection->turn, stream, turn_link);
    connection->base.running--;
    if (connection->base.running == 0)
        connection->idle_since_ms = now_ms(connection);
    free(stream);
}

/* A stream has ended: the connection has more room, or nothing more to do. */
static void after_stream(struct http2_upstream *connection)
{
    if (connection->state == STATE_CLOSED)
        return;
    if (connection->state == STATE_OPEN)
        upstream_pool_changed(&connection->base);
    else if (connection->base.running == 0)
        close_connection(connection, HTTP2_CODE_NO_ERROR, false);
}

static void note_activity(struct upstream_stream *stream)
{
    stream->active_at_ms = now_ms(stream->connection);
    if (!stream->is_in_turn) {
        stream->is_in_turn = true;
        TAILQ_INSERT_TAIL(&stream->connection->turn, stream, turn_link);
    }
}

/*
 * Nothing that waits leaves any more. Called from inside a reload: exchanges that are still allowed
 * hear of it from the loop.
 */
static void abandon(struct http2_upstream *connection)
{
    struct upstream_stream *stream;
    connection->state = STATE_ABANDONED;
    upstream_pool_forget(&connection->base);
    TAILQ_FOREACH(stream, &connection->streams, link)
    stream->stream = NULL;
    http2_session_close(connection->session, HTTP2_CODE_CANCEL, true);
    connection->session = NULL;
    uv_timer_start(&connection->timer, on_timer, 0, 0);
}

/* The exchange fails with the stream, which the session has let go of already. */
static void tell_failure(struct upstream_stream *stream, enum exchange_failure failure,
                         enum exchange_progress progress, const char *detail)
{
    struct exchange *exchange = stream->exchange;
    char text[UPSTREAM_DETAIL_SIZE];
    snprintf(text, sizeof(text), "%s", detail);
    free_stream(stream);
    exchange_upstream_failed(exchange, failure, progress, text);
}

static enum exchange_progress progress_of(const struct upstream_stream *stream)
{
    return stream->is_unanswered ? EXCHANGE_UNANSWERED : EXCHANGE_ANSWERED;
}

/* We end the stream: the server is told, and the exchange. */
static void fail(struct upstream_stream *stream, enum exchange_failure failure,
                 enum http2_code code, const char *detail)
{
    struct http2_upstream *connection = stream->connection;
    if (stream->stream)
        http2_stream_reset(stream->stream, code);
    tell_failure(stream, failure, progress_of(stream), detail);
    after_stream(connection);
}

static void fail_protocol(struct upstream_stream *stream, const char *detail)
{
    fail(stream, EXCHANGE_UPSTREAM_PROTOCOL, HTTP2_CODE_PROTOCOL_ERROR, detail);
}

/* --- time ----------------------------------------------------------------------------------- */

/* Streams that the writer refused, and those on which nothing has happened for long. */
static void check_streams(struct http2_upstream *connection)
{
    struct upstream_stream *stream = TAILQ_FIRST(&connection->streams);
    while (stream && connection->state != STATE_CLOSED) {
        struct upstream_stream *next = TAILQ_NEXT(stream, link);
        if (stream->request_state == REQUEST_UNWRITABLE)
            fail(stream, EXCHANGE_INTERNAL, HTTP2_CODE_INTERNAL_ERROR, "request");
        else if (now_ms(connection) - stream->active_at_ms >= HTTP2_UPSTREAM_SILENCE_MS)
            fail(stream, EXCHANGE_UPSTREAM_TIMEOUT, HTTP2_CODE_CANCEL,
                 "no progress for 15 minutes");
        stream = next;
    }
}

static void fail_all(struct http2_upstream *connection, enum exchange_failure failure,
                     const char *detail)
{
    struct upstream_stream *stream;
    /* No new exchange may come in the place of an old one. */
    connection->state = STATE_RETIRING;
    upstream_pool_forget(&connection->base);
    while ((stream = TAILQ_FIRST(&connection->streams)) != NULL)
        tell_failure(stream, failure, progress_of(stream), detail);
}

static void time_out(struct http2_upstream *connection, const char *detail)
{
    fail_all(connection, EXCHANGE_UPSTREAM_TIMEOUT, detail);
    close_connection(connection, HTTP2_CODE_NO_ERROR, true);
}

static void on_timer(uv_timer_t *timer)
{
    struct http2_upstream *connection = timer->data;
    uint64_t now = now_ms(connection);
    if (connection->state == STATE_ABANDONED) {
        fail_all(connection, EXCHANGE_UPSTREAM_GIVEN_UP, "a reload forbids what waited in it");
        close_connection(connection, HTTP2_CODE_NO_ERROR, true);
        return;
    }
    uint64_t head_since = http2_session_head_since_ms(connection->session);
    bool is_idle = connection->base.running == 0;
    if (!connection->base.is_settled && now - connection->opened_ms >= HTTP2_UPSTREAM_SETTINGS_MS) {
        time_out(connection, "no SETTINGS of HTTP/2");
        return;
    }
    if (head_since != 0 && now - head_since >= HTTP2_UPSTREAM_HEAD_MS) {
        time_out(connection, "a head that does not end");
        return;
    }
    if (is_idle && now - connection->idle_since_ms >= UPSTREAM_POOL_IDLE_MS) {
        close_connection(connection, HTTP2_CODE_NO_ERROR, false);
        return;
    }
    /* Set before streams are looked at: that may close the connection. */
    uint64_t left_ms = UPSTREAM_TICK_MS;
    if (is_idle && connection->base.is_settled && head_since == 0)
        left_ms = connection->idle_since_ms + UPSTREAM_POOL_IDLE_MS - now;
    uv_timer_start(timer, on_timer, left_ms, 0);
    check_streams(connection);
}

/* --- what the pool asks --------------------------------------------------------------------- */

struct upstream_connection *http2_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream)
{
    struct http2_upstream *connection = memory_new(sizeof(*connection));
    connection->base.operations = &connection_operations;
    connection->base.pool = pool;
    connection->base.key = *key;
    connection->base.protocol = HTTP_PROTOCOL_2;
    TAILQ_INIT(&connection->base.followers);
    TAILQ_INIT(&connection->streams);
    TAILQ_INIT(&connection->turn);
    http_head_init(&connection->head, HTTP_RESPONSE);
    http_head_init(&connection->trailers, HTTP_TRAILERS);
    connection->share.budget = proxy->bodies;
    CHECK(uv_timer_init(proxy->loop, &connection->timer) == 0);
    connection->timer.data = connection;
    connection->opened_ms = now_ms(connection);
    connection->idle_since_ms = now_ms(connection);
    uv_timer_start(&connection->timer, on_timer, UPSTREAM_TICK_MS, 0);
    connection->stream = stream;
    connection->session =
        http2_session_new(proxy->streams, stream, HTTP2_CLIENT, &session_events, connection);
    return &connection->base;
}

static struct exchange_side start(struct upstream_connection *base, struct exchange *exchange)
{
    struct http2_upstream *connection = (struct http2_upstream *)base;
    CHECK(connection->state == STATE_OPEN);
    struct upstream_stream *stream = memory_new(sizeof(*stream));
    stream->connection = connection;
    stream->exchange = exchange;
    stream->is_unanswered = true;
    stream->content_left = -1;
    stream->window = HTTP2_WINDOW_BYTES;
    stream->active_at_ms = now_ms(connection);
    TAILQ_INSERT_TAIL(&connection->streams, stream, link);
    if (base->running == 0) {
        uv_timer_start(&connection->timer, on_timer, UPSTREAM_TICK_MS, 0);
        connection->is_doubted =
            base->served_count > 0 &&
            now_ms(connection) - connection->idle_since_ms >= UPSTREAM_DOUBTED_AFTER_MS;
        if (connection->is_doubted)
            stream_limit_unacknowledged(connection->stream, UPSTREAM_DOUBTED_LIMIT_MS);
    }
    base->running++;
    base->served_count++;
    return (struct exchange_side){&operations, stream};
}

static bool is_ready(const struct upstream_connection *base)
{
    const struct http2_upstream *connection = (const struct http2_upstream *)base;
    if (connection->state != STATE_OPEN || http2_session_room(connection->session) == 0)
        return false;
    if (base->running > 0)
        return base->is_settled;
    /* What waits may be GOAWAY, or the end. */
    return http2_session_is_quiet(connection->session);
}

static void retire(struct upstream_connection *base)
{
    struct http2_upstream *connection = (struct http2_upstream *)base;
    if (connection->state == STATE_OPEN)
        connection->state = STATE_RETIRING;
    if (connection->state == STATE_RETIRING && base->running == 0)
        close_connection(connection, HTTP2_CODE_NO_ERROR, false);
    else if (connection->state == STATE_RETIRING && http2_session_holds_ended(connection->session))
        abandon(connection);
}

static void discard(struct upstream_connection *base)
{
    close_connection((struct http2_upstream *)base, HTTP2_CODE_NO_ERROR, true);
}

static const struct upstream_connection_operations connection_operations = {
    .start = start,
    .is_ready = is_ready,
    .retire = retire,
    .discard = discard,
};

/* --- what the server sends ------------------------------------------------------------------ */

static void on_head_begin(void *object)
{
    struct upstream_stream *stream = object;
    struct http2_upstream *connection = stream->connection;
    connection->is_head_dropped = false;
    if (stream->response_state == RESPONSE_AWAITED) {
        http_head_clear(&connection->head, HTTP_RESPONSE);
        http2_head_reader_start_response(&connection->reader, stream->is_answer_to_head);
    } else {
        http_head_clear(&connection->trailers, HTTP_TRAILERS);
        http2_head_reader_start_trailers(&connection->reader);
    }
}

static void count_heads(struct http2_upstream *connection)
{
    body_share_set(&connection->share, http_head_held_bytes(&connection->head) +
                                           http_head_held_bytes(&connection->trailers));
}

static void forget_heads(struct http2_upstream *connection)
{
    http_head_clear(&connection->head, HTTP_RESPONSE);
    http_head_trim(&connection->head);
    http_head_clear(&connection->trailers, HTTP_TRAILERS);
    http_head_trim(&connection->trailers);
    count_heads(connection);
}

static void on_field(void *object, struct bytes name, struct bytes value)
{
    struct upstream_stream *stream = object;
    struct http2_upstream *connection = stream->connection;
    struct http_head *head =
        stream->response_state == RESPONSE_AWAITED ? &connection->head : &connection->trailers;
    if (connection->is_head_dropped)
        return;
    http2_head_reader_add(&connection->reader, head, name, value);
    count_heads(connection);
    connection->is_head_dropped = body_budget_is_full(connection->share.budget);
    if (connection->is_head_dropped)
        forget_heads(connection);
}

static void on_response_head(struct upstream_stream *stream, bool is_end_stream)
{
    struct http2_upstream *connection = stream->connection;
    struct http_head *head = &connection->head;
    if (!http2_head_reader_end(&connection->reader, head, is_end_stream)) {
        fail_protocol(stream, http2_reason_text(connection->reader.reason));
        return;
    }
    if (head->status == 101) {
        /* RFC 9113 section 8.6: HTTP/2 has no upgrades. */
        fail_protocol(stream, "101 in HTTP/2");
        return;
    }
    if (head->status >= 200) {
        stream->response_state = RESPONSE_BODY;
        stream->content_left = connection->reader.content_bytes;
    }
    exchange_response_head(stream->exchange, head);
    if (connection->state != STATE_CLOSED)
        forget_heads(connection);
}

static void on_head_end(void *object, bool is_end_stream)
{
    struct upstream_stream *stream = object;
    struct http2_upstream *connection = stream->connection;
    note_activity(stream);
    stream->is_unanswered = false;
    if (connection->is_head_dropped)
        fail(stream, EXCHANGE_BODIES_FULL, HTTP2_CODE_CANCEL, "");
    else if (stream->response_state == RESPONSE_AWAITED)
        on_response_head(stream, is_end_stream);
    else if (http2_head_reader_end(&connection->reader, &connection->trailers, is_end_stream))
        stream->response_state = RESPONSE_TRAILERS;
    else
        fail_protocol(stream, http2_reason_text(connection->reader.reason));
}

static void on_data(void *object, struct bytes data)
{
    struct upstream_stream *stream = object;
    note_activity(stream);
    stream->is_unanswered = false;
    if (stream->response_state != RESPONSE_BODY) {
        fail_protocol(stream, "content before the head or after trailers");
        return;
    }
    if (stream->content_left >= 0 && data.length > (uint64_t)stream->content_left) {
        fail_protocol(stream, http2_reason_text(HTTP2_CONTENT_LENGTH_DIFFERS));
        return;
    }
    if (stream->content_left >= 0)
        stream->content_left -= (int64_t)data.length;
    stream->unconsumed += data.length;
    stream->window -= data.length < stream->window ? data.length : stream->window;
    stream->credit -= (int64_t)data.length;
    exchange_response_body(stream->exchange, data);
}

/* The response is complete; a request that is not is broken off by the release. */
static void on_end(void *object)
{
    struct upstream_stream *stream = object;
    struct http2_upstream *connection = stream->connection;
    if (stream->response_state == RESPONSE_AWAITED || stream->content_left > 0) {
        fail_protocol(stream, stream->response_state == RESPONSE_AWAITED
                                  ? "ended before the final head"
                                  : http2_reason_text(HTTP2_CONTENT_LENGTH_DIFFERS));
        return;
    }
    struct exchange *exchange = stream->exchange;
    bool has_trailers = stream->response_state == RESPONSE_TRAILERS &&
                        http_head_field_count(&connection->trailers) > 0;
    http2_stream_release(stream->stream);
    free_stream(stream);
    exchange_response_end(exchange, has_trailers ? &connection->trailers : NULL);
    if (connection->state != STATE_CLOSED)
        forget_heads(connection);
    after_stream(connection);
}

static void on_taken(void *object, size_t bytes)
{
    struct upstream_stream *stream = object;
    stream->active_at_ms = now_ms(stream->connection);
    exchange_request_credit(stream->exchange, bytes);
}

/* What a server means with the code of its reset. */
static enum exchange_failure failure_of(uint32_t code)
{
    switch (code) {
    case HTTP2_CODE_CANCEL:
        return EXCHANGE_UPSTREAM_CANCELLED;
    case HTTP2_CODE_ENHANCE_YOUR_CALM:
        return EXCHANGE_UPSTREAM_CALM;
    case HTTP2_CODE_HTTP_1_1_REQUIRED:
        return EXCHANGE_UPSTREAM_HTTP1;
    default:
        return EXCHANGE_UPSTREAM_LOST;
    }
}

static void on_reset(void *object, enum http2_reset reset, uint32_t code, const char *detail)
{
    struct upstream_stream *stream = object;
    struct http2_upstream *connection = stream->connection;
    enum exchange_failure failure =
        reset == HTTP2_RESET_INVALID ? EXCHANGE_UPSTREAM_PROTOCOL : failure_of(code);
    bool is_refused = reset == HTTP2_RESET_UNTOUCHED || failure == EXCHANGE_UPSTREAM_HTTP1;
    bool is_untouched = is_refused && stream->is_unanswered;
    enum exchange_progress progress = is_untouched ? EXCHANGE_UNTOUCHED : EXCHANGE_ANSWERED;
    stream->stream = NULL;
    tell_failure(stream, failure, progress, detail);
    after_stream(connection);
}

static void on_settings(void *owner)
{
    struct http2_upstream *connection = owner;
    connection->base.is_settled = true;
    if (connection->state == STATE_OPEN)
        upstream_pool_changed(&connection->base);
}

static void on_goaway(void *owner)
{
    struct http2_upstream *connection = owner;
    if (connection->state != STATE_OPEN)
        return;
    connection->state = STATE_RETIRING;
    upstream_pool_forget(&connection->base);
    if (connection->base.running == 0)
        close_connection(connection, HTTP2_CODE_NO_ERROR, false);
}

static void on_turn_end(void *owner)
{
    struct http2_upstream *connection = owner;
    struct upstream_stream *stream;
    if (connection->is_doubted)
        stream_limit_unacknowledged(connection->stream, 0);
    connection->is_doubted = false;
    while ((stream = TAILQ_FIRST(&connection->turn)) != NULL) {
        TAILQ_REMOVE(&connection->turn, stream, turn_link);
        stream->is_in_turn = false;
        exchange_response_flush(stream->exchange);
    }
}

static void on_session_end(void *owner, enum http2_end end, const char *detail)
{
    struct http2_upstream *connection = owner;
    bool is_breach = end != HTTP2_END_CLEAN && end != HTTP2_END_LOST;
    struct upstream_stream *stream;
    TAILQ_FOREACH(stream, &connection->streams, link)
    stream->stream = NULL;
    fail_all(connection,
             end == HTTP2_END_FULL ? EXCHANGE_BODIES_FULL
             : is_breach           ? EXCHANGE_UPSTREAM_PROTOCOL
                                   : EXCHANGE_UPSTREAM_LOST,
             detail);
    close_connection(connection, HTTP2_CODE_NO_ERROR, false);
}

static const struct http2_session_events session_events = {
    .on_head_begin = on_head_begin,
    .on_field = on_field,
    .on_head_end = on_head_end,
    .on_data = on_data,
    .on_end = on_end,
    .on_taken = on_taken,
    .on_reset = on_reset,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
    .on_turn_end = on_turn_end,
    .on_session_end = on_session_end,
};

/* --- what the exchange sends ---------------------------------------------------------------- */

/* The exchange is told from the loop: nothing is delivered from inside its calls. */
static void refuse_to_write(struct upstream_stream *stream)
{
    stream->request_state = REQUEST_UNWRITABLE;
    uv_timer_start(&stream->connection->timer, on_timer, 0, 0);
}

static void send_head(void *side, const struct http_head *head)
{
    struct upstream_stream *stream = side;
    struct http2_pair_list pairs;
    bool is_whole = http2_head_is_whole(head);
    CHECK(stream->request_state == REQUEST_NEW);
    stream->is_answer_to_head = bytes_equal_text(http_head_method(head), "HEAD");
    if (http2_head_write(head, &pairs))
        stream->stream = http2_session_open(stream->connection->session, &pairs, is_whole, stream);
    if (stream->stream == NULL)
        refuse_to_write(stream);
    else
        stream->request_state = is_whole ? REQUEST_COMPLETE : REQUEST_BODY;
}

static void send_body(void *side, struct bytes body)
{
    struct upstream_stream *stream = side;
    if (stream->request_state != REQUEST_BODY || stream->stream == NULL)
        return;
    stream->active_at_ms = now_ms(stream->connection);
    http2_stream_send_body(stream->stream, body);
}

static void send_end(void *side, const struct http_head *trailers)
{
    struct upstream_stream *stream = side;
    struct http2_pair_list pairs;
    if (stream->request_state != REQUEST_BODY || stream->stream == NULL)
        return;
    if (trailers && !http2_head_write(trailers, &pairs)) {
        refuse_to_write(stream);
        return;
    }
    stream->request_state = REQUEST_COMPLETE;
    http2_stream_send_end(stream->stream, trailers ? &pairs : NULL);
}

/* Streams have no order: there is no last one. */
static void make_last(void *side)
{
}

static void flush(void *side)
{
    struct upstream_stream *stream = side;
    if (stream->connection->session)
        http2_session_flush(stream->connection->session);
}

static void reset(void *side, enum exchange_failure failure)
{
    struct upstream_stream *stream = side;
    struct http2_upstream *connection = stream->connection;
    bool is_breach = failure == EXCHANGE_UPSTREAM_PROTOCOL;
    bool is_forbidden = failure == EXCHANGE_POLICY_CHANGED;
    if (is_forbidden && stream->stream && http2_stream_is_held(stream->stream))
        abandon(connection);
    else if (stream->stream)
        http2_stream_reset(stream->stream,
                           is_breach ? HTTP2_CODE_PROTOCOL_ERROR : HTTP2_CODE_CANCEL);
    free_stream(stream);
    if (connection->session)
        http2_session_flush(connection->session);
    after_stream(connection);
}

/* The server's window is never more than what may be delivered, but for the window it began with.
 */
static void give_credit(void *side, size_t bytes)
{
    struct upstream_stream *stream = side;
    stream->credit += (int64_t)bytes;
    if (stream->stream == NULL || stream->credit <= (int64_t)stream->window)
        return;
    size_t more = (size_t)stream->credit - stream->window;
    size_t taken = more < stream->unconsumed ? more : stream->unconsumed;
    stream->window += more;
    stream->unconsumed -= taken;
    http2_stream_consume(stream->stream, taken);
    if (more > taken)
        http2_stream_widen(stream->stream, more - taken);
    http2_session_flush(stream->connection->session);
}

/* Nothing is upgraded here. */
static struct stream *take_stream(void *side, struct buffer *early)
{
    return NULL;
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
