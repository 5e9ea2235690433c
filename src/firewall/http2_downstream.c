#include "firewall/http2_downstream.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/http2_session.h"
#include "firewall/proxy.h"
#include "record/audit_record.h"
#include "system/stream.h"
#include "wire/http2_head.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

enum request_state {
    REQUEST_HEAD,
    REQUEST_BODY,
    REQUEST_ENDED,
    REQUEST_COMPLETE,
};

enum response_state {
    RESPONSE_AWAITED,
    RESPONSE_BODY,
    RESPONSE_WHOLE,      /* its head was all of it */
    RESPONSE_RESET,      /* no answer: RST_STREAM instead */
    RESPONSE_UNWRITABLE, /* the writer refused it: the exchange ends at the next turn */
    RESPONSE_OVER,
};

struct downstream_request {
    LIST_ENTRY(downstream_request) link;
    TAILQ_ENTRY(downstream_request) touched_link;
    struct http2_downstream *connection; /* borrowed */
    struct http2_stream *stream;         /* borrowed; NULL once over */
    struct exchange *exchange;           /* borrowed; NULL once over */
    enum request_state request_state;
    enum response_state response_state;
    bool is_touched;
    bool is_head_dropped; /* no more may be held */
    bool is_claimed;      /* credit was given: there is an upstream side */
    size_t credit;        /* body bytes that may be delivered */
    size_t owed;          /* delivered, and not yet given back to the agent as window */
    uint64_t active_at_ms;
    struct http2_head_reader reader;
    struct buffer held;         /* content beyond the credit */
    struct body_share share;    /* of `held` and `trailers` */
    struct http_head *trailers; /* owned; NULL: none */
};

LIST_HEAD(request_list, downstream_request);

struct http2_downstream {
    struct exchange_origin origin;
    struct http2_session *session; /* owned; NULL once closed */
    http2_downstream_end_fn *on_end;
    void *owner; /* borrowed */
    struct request_list requests;
    struct request_list finished;             /* freed when no call of ours is under way */
    TAILQ_HEAD(, downstream_request) touched; /* something was delivered, or can be */
    unsigned depth;
    uv_timer_t timer;
    uint64_t timer_at_ms;
    uint64_t idle_since_ms;
};

static const struct exchange_side_operations operations;
static void on_timer(uv_timer_t *timer);

static uint64_t now_ms(const struct http2_downstream *connection)
{
    return uv_now(connection->timer.loop);
}

/* --- requests ------------------------------------------------------------------------------- */

static struct downstream_request *request_new(struct http2_downstream *connection,
                                              struct http2_stream *stream)
{
    struct downstream_request *request = memory_new(sizeof(*request));
    request->connection = connection;
    request->stream = stream;
    request->exchange =
        exchange_new(&connection->origin, (struct exchange_side){&operations, request});
    request->active_at_ms = now_ms(connection);
    request->share.budget = connection->origin.proxy->bodies;
    buffer_init(&request->held, HTTP2_WINDOW_BYTES);
    http2_head_reader_start_request(&request->reader, host_name_bytes(connection->origin.name),
                                    connection->origin.port);
    LIST_INSERT_HEAD(&connection->requests, request, link);
    return request;
}

static void request_free(struct downstream_request *request)
{
    if (request->trailers)
        http_head_done(request->trailers);
    free(request->trailers);
    free(request);
}

static void free_finished(struct http2_downstream *connection)
{
    while (!LIST_EMPTY(&connection->finished)) {
        struct downstream_request *request = LIST_FIRST(&connection->finished);
        LIST_REMOVE(request, link);
        buffer_done(&request->held);
        request_free(request);
    }
}

static void enter(struct http2_downstream *connection)
{
    connection->depth++;
}

static void leave(struct http2_downstream *connection)
{
    if (--connection->depth == 0)
        free_finished(connection);
}

/* Neither the exchange nor the stream knows it any more. */
static void finish(struct downstream_request *request)
{
    struct http2_downstream *connection = request->connection;
    enter(connection);
    request->exchange = NULL;
    request->stream = NULL;
    request->request_state = REQUEST_COMPLETE;
    request->response_state = RESPONSE_OVER;
    body_share_set(&request->share, 0);
    if (request->is_touched)
        TAILQ_REMOVE(&connection->touched, request, touched_link);
    request->is_touched = false;
    LIST_REMOVE(request, link);
    LIST_INSERT_HEAD(&connection->finished, request, link);
    connection->idle_since_ms = now_ms(connection);
    leave(connection);
}

/* The agent broke off, or broke the rules: the exchange hears of it, the stream is over. */
static void fail_request(struct downstream_request *request, enum exchange_failure failure,
                         const char *detail)
{
    struct exchange *exchange = request->exchange;
    bool is_begun = request->request_state != REQUEST_HEAD;
    finish(request);
    if (is_begun)
        exchange_downstream_failed(exchange, failure, detail);
    else
        exchange_discard(exchange);
}

static void reset_request(struct downstream_request *request, enum exchange_failure failure,
                          enum http2_code code, const char *detail)
{
    http2_stream_reset(request->stream, code);
    fail_request(request, failure, detail);
}

static void touch(struct downstream_request *request)
{
    if (!request->is_touched)
        TAILQ_INSERT_TAIL(&request->connection->touched, request, touched_link);
    request->is_touched = true;
}

/* --- deadlines ------------------------------------------------------------------------------ */

static void watch(struct http2_downstream *connection, uint64_t at_ms)
{
    bool is_early_enough =
        uv_is_active((uv_handle_t *)&connection->timer) && connection->timer_at_ms <= at_ms;
    if (is_early_enough)
        return;
    uint64_t now = now_ms(connection);
    connection->timer_at_ms = at_ms;
    uv_timer_start(&connection->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/*
 * No stream, and nothing of one that waits for the network; nor a request whose answer has left
 * whole, as that to a HEAD does with its head, while its server has not ended it.
 */
static bool is_idle(const struct http2_downstream *connection)
{
    return http2_session_stream_count(connection->session) == 0 &&
           LIST_EMPTY(&connection->requests) && http2_session_unsent(connection->session) == 0;
}

/* The next moment at which something may be overdue. */
static void watch_next(struct http2_downstream *connection)
{
    uint64_t head_since = http2_session_head_since_ms(connection->session);
    if (head_since)
        watch(connection, head_since + HTTP2_HEAD_MS);
    if (!http2_session_is_greeted(connection->session))
        watch(connection, connection->idle_since_ms + HTTP2_PREFACE_MS);
    if (is_idle(connection))
        watch(connection, connection->idle_since_ms + HTTP2_KEEP_ALIVE_MS);
    else
        watch(connection, now_ms(connection) + HTTP2_WATCH_MS);
}

static void check_request(struct downstream_request *request)
{
    uint64_t now = now_ms(request->connection);
    bool is_unread = http2_stream_unsent(request->stream) > 0;
    if (is_unread && now - http2_stream_progress_ms(request->stream) >= HTTP2_READER_SILENCE_MS)
        reset_request(request, EXCHANGE_AGENT_TIMEOUT, HTTP2_CODE_CANCEL,
                      "takes nothing of the response");
    else if (request->request_state == REQUEST_BODY && request->credit > 0 &&
             now - request->active_at_ms >= HTTP2_BODY_SILENCE_MS)
        reset_request(request, EXCHANGE_AGENT_TIMEOUT, HTTP2_CODE_CANCEL,
                      "sends nothing of the body");
}

static void check_requests(struct http2_downstream *connection)
{
    struct downstream_request *request = LIST_FIRST(&connection->requests);
    while (request) {
        struct downstream_request *next = LIST_NEXT(request, link);
        check_request(request);
        request = next;
    }
    uint64_t now = now_ms(connection);
    if (now > HTTP2_READER_SILENCE_MS)
        http2_session_reset_stalled(connection->session, now - HTTP2_READER_SILENCE_MS);
    http2_session_flush(connection->session);
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* No request is left. */
static void close_connection(struct http2_downstream *connection, enum http2_code code,
                             bool is_reset)
{
    CHECK(connection->session != NULL && LIST_EMPTY(&connection->requests));
    http2_session_close(connection->session, code, is_reset);
    connection->session = NULL;
    if (connection->depth == 0)
        free_finished(connection);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
    connection->on_end(connection->owner);
}

static void fail_requests(struct http2_downstream *connection, enum exchange_failure failure,
                          const char *detail)
{
    while (!LIST_EMPTY(&connection->requests))
        fail_request(LIST_FIRST(&connection->requests), failure, detail);
}

/* The connection itself was ended by the wall: for the record. */
static void write_end(const struct http2_downstream *connection, enum audit_kind kind,
                      const char *reason, const char *detail)
{
    struct audit_record record = {
        .kind = kind,
        .decision = AUDIT_DENY,
        .name = host_name_bytes(connection->origin.name),
        .port = connection->origin.port,
        .reason = bytes_from_text(reason),
        .detail = bytes_from_text(detail),
    };
    record_queue_send(connection->origin.proxy, &record);
}

static void end_overdue(struct http2_downstream *connection, const char *detail)
{
    write_end(connection, AUDIT_HTTP, "agent timed out", detail);
    fail_requests(connection, EXCHANGE_AGENT_TIMEOUT, detail);
    close_connection(connection, HTTP2_CODE_PROTOCOL_ERROR, false);
}

static void on_timer(uv_timer_t *timer)
{
    struct http2_downstream *connection = timer->data;
    struct http2_session *session = connection->session;
    uint64_t now = now_ms(connection);
    uint64_t head_since = http2_session_head_since_ms(session);
    uint64_t idle_ms = now - connection->idle_since_ms;
    enter(connection);
    if (head_since && now - head_since >= HTTP2_HEAD_MS)
        end_overdue(connection, "head not complete within 10 seconds");
    else if (!http2_session_is_greeted(session) && idle_ms >= HTTP2_PREFACE_MS)
        end_overdue(connection, "no SETTINGS within 10 seconds");
    else if (http2_session_is_stuck(session, HTTP2_READER_SILENCE_MS))
        end_overdue(connection, "takes nothing of what is sent");
    else if (is_idle(connection) && idle_ms >= HTTP2_KEEP_ALIVE_MS)
        close_connection(connection, HTTP2_CODE_NO_ERROR, false);
    else
        check_requests(connection);
    leave(connection);
    if (connection->session)
        watch_next(connection);
}

/* --- what the agent sends ------------------------------------------------------------------- */

static void *on_open(void *owner, struct http2_stream *stream)
{
    return request_new(owner, stream);
}

static void on_head_begin(void *object)
{
    struct downstream_request *request = object;
    if (request->request_state != REQUEST_BODY || request->trailers)
        return;
    request->trailers = memory_new(sizeof(*request->trailers));
    http_head_init(request->trailers, HTTP_TRAILERS);
    http2_head_reader_start_trailers(&request->reader);
}

static struct http_head *head_of(struct downstream_request *request)
{
    return request->request_state == REQUEST_HEAD ? exchange_request(request->exchange)
                                                  : request->trailers;
}

static void count_held(struct downstream_request *request)
{
    size_t trailers = request->trailers ? http_head_held_bytes(request->trailers) : 0;
    body_share_set(&request->share, buffer_length(&request->held) + trailers);
}

static void on_field(void *object, struct bytes name, struct bytes value)
{
    struct downstream_request *request = object;
    struct http_head *head = head_of(request);
    if (head == NULL || request->is_head_dropped)
        return;
    http2_head_reader_add(&request->reader, head, name, value);
    if (request->request_state == REQUEST_HEAD) {
        request->is_head_dropped = !exchange_count_request(request->exchange);
        return;
    }
    count_held(request);
    request->is_head_dropped = body_budget_is_full(request->share.budget);
}

static void refuse_head(struct downstream_request *request)
{
    enum http2_reason reason = request->reader.reason;
    int status = http2_reason_status(reason);
    request->request_state = REQUEST_BODY;
    if (request->is_head_dropped) {
        exchange_reject_full(request->exchange);
        return;
    }
    if (status == 0)
        request->response_state = RESPONSE_RESET;
    /* Where the agent gets no status, the record shows none. */
    exchange_reject(request->exchange, (uint16_t)status, http2_reason_text(reason));
}

static void begin(struct downstream_request *request)
{
    bool has_body = exchange_request(request->exchange)->body != HTTP_BODY_NONE;
    request->request_state = has_body ? REQUEST_BODY : REQUEST_COMPLETE;
    http2_stream_expect_content(request->stream, request->reader.content_bytes);
    touch(request);
    exchange_begin(request->exchange);
}

static void on_head_end(void *object, bool is_end_stream)
{
    struct downstream_request *request = object;
    struct http2_downstream *connection = request->connection;
    struct http_head *head = head_of(request);
    bool is_good = head && !request->is_head_dropped &&
                   http2_head_reader_end(&request->reader, head, is_end_stream);
    enter(connection);
    if (request->request_state != REQUEST_HEAD && request->is_head_dropped)
        reset_request(request, EXCHANGE_BODIES_FULL, HTTP2_CODE_ENHANCE_YOUR_CALM, NULL);
    else if (request->request_state != REQUEST_HEAD && !is_good)
        reset_request(request, EXCHANGE_AGENT_PROTOCOL, HTTP2_CODE_PROTOCOL_ERROR,
                      head ? http2_reason_text(request->reader.reason) : "two trailer sections");
    else if (request->request_state == REQUEST_HEAD && is_good)
        begin(request);
    else if (request->request_state == REQUEST_HEAD)
        refuse_head(request);
    leave(connection);
}

/* Content, as far as credit goes. Returns how much was delivered. */
static size_t deliver_part(struct downstream_request *request, struct bytes data)
{
    struct bytes part = bytes_first(data, request->credit);
    if (part.length == 0)
        return 0;
    request->credit -= part.length;
    request->owed += part.length;
    touch(request);
    exchange_request_body(request->exchange, part);
    return part.length;
}

static void hold(struct downstream_request *request, struct bytes data)
{
    if (data.length == 0)
        return;
    /* The stream's window is the bound: the session lets no more in. */
    CHECK(buffer_append(&request->held, data));
    count_held(request);
}

static void on_data(void *object, struct bytes data)
{
    struct downstream_request *request = object;
    struct http2_downstream *connection = request->connection;
    enter(connection);
    request->active_at_ms = now_ms(connection);
    size_t delivered = buffer_length(&request->held) ? 0 : deliver_part(request, data);
    if (request->exchange)
        hold(request, bytes_from(data, delivered));
    if (request->exchange && body_budget_is_full(connection->origin.proxy->bodies))
        reset_request(request, EXCHANGE_BODIES_FULL, HTTP2_CODE_ENHANCE_YOUR_CALM, NULL);
    leave(connection);
}

/* What is held and can go now, and the end behind it. */
static void deliver(struct downstream_request *request)
{
    if (buffer_length(&request->held) > 0 && request->credit > 0) {
        size_t delivered = deliver_part(request, buffer_bytes(&request->held));
        if (request->exchange == NULL)
            return;
        buffer_consume(&request->held, delivered);
        if (buffer_length(&request->held) == 0)
            buffer_done(&request->held);
        count_held(request);
    }
    bool is_end_due = request->request_state == REQUEST_ENDED && request->is_claimed &&
                      buffer_length(&request->held) == 0;
    if (!is_end_due)
        return;
    request->request_state = REQUEST_COMPLETE;
    bool has_trailers = request->trailers && http_head_field_count(request->trailers) > 0;
    exchange_request_end(request->exchange, has_trailers ? request->trailers : NULL);
}

static void on_request_end(void *object)
{
    struct downstream_request *request = object;
    if (request->request_state != REQUEST_BODY)
        return;
    request->request_state = REQUEST_ENDED;
    touch(request);
}

static void on_turn_end(void *owner)
{
    struct http2_downstream *connection = owner;
    struct downstream_request *request;
    enter(connection);
    while ((request = TAILQ_FIRST(&connection->touched)) != NULL) {
        TAILQ_REMOVE(&connection->touched, request, touched_link);
        request->is_touched = false;
        if (request->response_state == RESPONSE_UNWRITABLE) {
            reset_request(request, EXCHANGE_INTERNAL, HTTP2_CODE_INTERNAL_ERROR, "response");
            continue;
        }
        deliver(request);
        if (request->exchange)
            exchange_request_flush(request->exchange);
    }
    leave(connection);
    watch_next(connection);
}

static void on_taken(void *object, size_t bytes)
{
    struct downstream_request *request = object;
    exchange_response_credit(request->exchange, bytes);
}

static void on_reset(void *object, enum http2_reset reset, uint32_t code, const char *detail)
{
    struct downstream_request *request = object;
    bool is_gone = reset == HTTP2_RESET_BY_PEER;
    fail_request(request, is_gone ? EXCHANGE_AGENT_GONE : EXCHANGE_AGENT_PROTOCOL, detail);
}

static void on_settings(void *owner)
{
}

/* The session ends when the last stream is served. */
static void on_goaway(void *owner)
{
}

static void on_session_end(void *owner, enum http2_end end, const char *detail)
{
    struct http2_downstream *connection = owner;
    static const char *const reasons[] = {
        [HTTP2_END_CLEAN] = NULL,
        [HTTP2_END_LOST] = NULL,
        [HTTP2_END_PROTOCOL] = "broken HTTP/2",
        [HTTP2_END_FLOOD] = "HTTP/2 flood",
        [HTTP2_END_TLS_FLOOD] = "TLS flood",
        [HTTP2_END_FULL] = "too many bytes wait for peers that do not take them",
    };
    bool is_lost = end == HTTP2_END_LOST || end == HTTP2_END_TLS_FLOOD;
    if (reasons[end])
        write_end(connection, end == HTTP2_END_TLS_FLOOD ? AUDIT_TLS : AUDIT_HTTP, reasons[end],
                  detail);
    enter(connection);
    fail_requests(connection, reasons[end] ? EXCHANGE_AGENT_PROTOCOL : EXCHANGE_AGENT_GONE,
                  end == HTTP2_END_CLEAN ? NULL : detail);
    close_connection(connection, HTTP2_CODE_NO_ERROR, is_lost);
    leave(connection);
}

static const struct http2_session_events events = {
    .on_open = on_open,
    .on_head_begin = on_head_begin,
    .on_field = on_field,
    .on_head_end = on_head_end,
    .on_data = on_data,
    .on_end = on_request_end,
    .on_taken = on_taken,
    .on_reset = on_reset,
    .on_settings = on_settings,
    .on_goaway = on_goaway,
    .on_turn_end = on_turn_end,
    .on_session_end = on_session_end,
};

/* --- what the exchange sends ---------------------------------------------------------------- */

static void refuse_to_write(struct downstream_request *request)
{
    request->response_state = RESPONSE_UNWRITABLE;
    touch(request);
    http2_session_wake(request->connection->session);
}

static void send_head(void *side, const struct http_head *head)
{
    struct downstream_request *request = side;
    struct http2_pair_list pairs;
    if (request->response_state != RESPONSE_AWAITED)
        return;
    if (!http2_head_write(head, &pairs)) {
        refuse_to_write(request);
        return;
    }
    if (head->status < 200) {
        http2_stream_send_interim(request->stream, &pairs);
        return;
    }
    bool is_whole = http2_head_is_whole(head);
    request->response_state = is_whole ? RESPONSE_WHOLE : RESPONSE_BODY;
    http2_stream_send_head(request->stream, &pairs, is_whole);
}

static void send_body(void *side, struct bytes body)
{
    struct downstream_request *request = side;
    if (request->response_state == RESPONSE_BODY)
        http2_stream_send_body(request->stream, body);
}

static void send_end(void *side, const struct http_head *trailers)
{
    struct downstream_request *request = side;
    struct http2_session *session = request->connection->session;
    struct http2_pair_list pairs;
    bool is_sendable =
        (request->response_state == RESPONSE_BODY || request->response_state == RESPONSE_WHOLE) &&
        (trailers == NULL || http2_head_write(trailers, &pairs));
    if (!is_sendable) {
        bool is_refusal = request->response_state == RESPONSE_RESET;
        http2_stream_reset(request->stream,
                           is_refusal ? HTTP2_CODE_PROTOCOL_ERROR : HTTP2_CODE_INTERNAL_ERROR);
    } else {
        if (request->response_state == RESPONSE_BODY)
            http2_stream_send_end(request->stream, trailers ? &pairs : NULL);
        http2_stream_release(request->stream);
    }
    finish(request);
    http2_session_flush(session);
}

/* HTTP/2 has no order of messages that one of them could upset. */
static void make_last(void *side)
{
}

static void flush(void *side)
{
    struct downstream_request *request = side;
    http2_session_flush(request->connection->session);
}

static enum http2_code code_of(enum exchange_failure failure)
{
    switch (failure) {
    case EXCHANGE_POLICY_CHANGED:
    case EXCHANGE_SHUTDOWN:
    case EXCHANGE_AGENT_TIMEOUT:
    case EXCHANGE_UPSTREAM_CANCELLED:
        return HTTP2_CODE_CANCEL;
    case EXCHANGE_UPSTREAM_HTTP1:
        return HTTP2_CODE_HTTP_1_1_REQUIRED;
    case EXCHANGE_BODIES_FULL:
    case EXCHANGE_UPSTREAM_CALM:
        return HTTP2_CODE_ENHANCE_YOUR_CALM;
    case EXCHANGE_UPSTREAM_UNTOUCHED:
        return HTTP2_CODE_REFUSED_STREAM;
    case EXCHANGE_AGENT_PROTOCOL:
        return HTTP2_CODE_PROTOCOL_ERROR;
    default:
        return HTTP2_CODE_INTERNAL_ERROR;
    }
}

static void reset(void *side, enum exchange_failure failure)
{
    struct downstream_request *request = side;
    struct http2_session *session = request->connection->session;
    http2_stream_reset(request->stream, code_of(failure));
    finish(request);
    http2_session_flush(session);
}

/*
 * The first credit is the window that the agent has from the start; what comes later answers to
 * bytes that were delivered, which makes room in the window again.
 */
static void give_credit(void *side, size_t bytes)
{
    struct downstream_request *request = side;
    size_t returned = bytes < request->owed ? bytes : request->owed;
    request->credit += bytes;
    request->owed -= returned;
    request->is_claimed = true;
    request->active_at_ms = now_ms(request->connection);
    if (returned > 0)
        http2_stream_consume(request->stream, returned);
    if (buffer_length(&request->held) > 0 || request->request_state == REQUEST_ENDED) {
        touch(request);
        http2_session_wake(request->connection->session);
    } else {
        http2_session_flush(request->connection->session);
    }
}

static const struct exchange_side_operations operations = {
    .send_head = send_head,
    .send_body = send_body,
    .send_end = send_end,
    .make_last = make_last,
    .flush = flush,
    .reset = reset,
    .give_credit = give_credit,
    .take_stream = NULL,
};

/* --- the service's part --------------------------------------------------------------------- */

struct http2_downstream *http2_downstream_new(const struct exchange_origin *origin,
                                              struct stream *stream,
                                              http2_downstream_end_fn *on_end, void *owner)
{
    struct http2_downstream *connection = memory_new(sizeof(*connection));
    connection->origin = *origin;
    connection->on_end = on_end;
    connection->owner = owner;
    LIST_INIT(&connection->requests);
    LIST_INIT(&connection->finished);
    TAILQ_INIT(&connection->touched);
    CHECK(uv_timer_init(origin->proxy->loop, &connection->timer) == 0);
    connection->timer.data = connection;
    connection->idle_since_ms = now_ms(connection);
    connection->session =
        http2_session_new(origin->proxy->streams, stream, HTTP2_SERVER, &events, connection);
    watch_next(connection);
    http2_session_flush(connection->session);
    return connection;
}

void http2_downstream_policy_changed(struct http2_downstream *connection)
{
    enter(connection);
    struct downstream_request *request = LIST_FIRST(&connection->requests);
    while (request) {
        struct downstream_request *next = LIST_NEXT(request, link);
        if (request->request_state != REQUEST_HEAD)
            exchange_policy_changed(request->exchange);
        request = next;
    }
    leave(connection);
}

void http2_downstream_cut(struct http2_downstream *connection)
{
    enter(connection);
    struct downstream_request *request;
    while ((request = LIST_FIRST(&connection->requests)) != NULL) {
        if (request->request_state == REQUEST_HEAD)
            reset_request(request, EXCHANGE_POLICY_CHANGED, HTTP2_CODE_CANCEL, NULL);
        else
            exchange_cut(request->exchange, EXCHANGE_POLICY_CHANGED);
    }
    close_connection(connection, HTTP2_CODE_NO_ERROR, false);
    leave(connection);
}
