#include "firewall/http1_downstream.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/proxy.h"
#include "record/audit_record.h"
#include "system/stream.h"
#include "wire/http1.h"

#include <stdlib.h>
#include <uv.h>

enum {
    DOWNSTREAM_READ_BYTES = 16 * 1024,
    DOWNSTREAM_READS_PER_TURN = 4,
    DOWNSTREAM_DIRECT_BYTES = 4 * 1024,
    DOWNSTREAM_BUSY_STATUS = 503, /* no more may be held */
};

enum downstream_state {
    STATE_AWAITING,
    STATE_HEAD,
    STATE_EXCHANGE,
    STATE_TUNNEL,
    STATE_CLOSED, /* the memory goes with the timer */
};

enum downstream_request_state {
    REQUEST_BODY,
    REQUEST_COMPLETE,
};

enum downstream_response_state {
    RESPONSE_AWAITED,
    RESPONSE_PLAIN,   /* head sent; body as it comes */
    RESPONSE_CHUNKED, /* head sent; body in chunks */
    RESPONSE_UNWRITABLE,
};

struct http1_downstream {
    struct exchange_origin origin;
    struct stream *stream;     /* owned; NULL once taken */
    struct exchange *exchange; /* borrowed; from the first byte of a head on */
    http1_downstream_end_fn *on_end;
    void *owner; /* borrowed */
    enum downstream_state state;
    enum downstream_request_state request_state;
    enum downstream_response_state response_state;
    enum http1_persistence persistence; /* after the present exchange */
    size_t credit;                      /* request body bytes that may be delivered */
    size_t owed;                        /* response body bytes not yet given back as credit */
    struct buffer received;             /* not yet looked at */
    struct body_share share;            /* of `received` */
    struct http1_head_parser parser;
    struct http1_body body;
    struct http_head trailers;
    uv_timer_t timer;
    uint64_t deadline_ms; /* 0: none */
    uint64_t timer_at_ms; /* when the timer fires; it is moved only forwards */
};

static const struct exchange_side_operations operations;
static void on_timer(uv_timer_t *timer);

/* --- deadlines ------------------------------------------------------------------------------ */

static uint64_t now_ms(const struct http1_downstream *connection)
{
    return uv_now(connection->timer.loop);
}

static void set_deadline(struct http1_downstream *connection, uint64_t in_ms)
{
    connection->deadline_ms = now_ms(connection) + in_ms;
    bool is_early_enough = uv_is_active((uv_handle_t *)&connection->timer) &&
                           connection->timer_at_ms <= connection->deadline_ms;
    if (is_early_enough)
        return;
    connection->timer_at_ms = connection->deadline_ms;
    uv_timer_start(&connection->timer, on_timer, in_ms, 0);
}

static void clear_deadline(struct http1_downstream *connection)
{
    connection->deadline_ms = 0;
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void let_go_of_received(struct http1_downstream *connection)
{
    buffer_done(&connection->received);
    body_share_set(&connection->share, 0);
}

/* What waits: bytes behind a request, and trailers that have not ended. */
static void count_held(struct http1_downstream *connection)
{
    body_share_set(&connection->share, buffer_length(&connection->received) +
                                           http1_body_held_bytes(&connection->body) +
                                           http_head_held_bytes(&connection->trailers));
}

static void finish_request(struct http1_downstream *connection)
{
    if (connection->state != STATE_EXCHANGE && connection->state != STATE_TUNNEL)
        return;
    http1_body_done(&connection->body);
    http_head_clear(&connection->trailers, HTTP_TRAILERS);
    http_head_trim(&connection->trailers);
    count_held(connection);
}

static void close_connection(struct http1_downstream *connection, enum stream_ending ending)
{
    CHECK(connection->state != STATE_CLOSED);
    finish_request(connection);
    connection->state = STATE_CLOSED;
    connection->exchange = NULL;
    if (connection->stream)
        stream_close(connection->stream, ending);
    connection->stream = NULL;
    let_go_of_received(connection);
    http_head_done(&connection->trailers);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
    connection->on_end(connection->owner);
}

/*
 * The agent broke off or broke the rules in the middle of an exchange. Where no response has
 * begun, it is told.
 */
static void fail_request(struct http1_downstream *connection, enum exchange_failure failure,
                         uint16_t status, const char *detail)
{
    struct exchange *exchange = connection->exchange;
    bool is_told = connection->response_state == RESPONSE_AWAITED && status != 0;
    connection->exchange = NULL;
    exchange_downstream_failed(exchange, failure, detail);
    if (is_told) {
        struct http_head head;
        http_head_init(&head, HTTP_RESPONSE);
        head.status = status;
        head.body = HTTP_BODY_LENGTH;
        if (http1_write_head(stream_output(connection->stream), &head, HTTP1_CLOSE, 1) ==
            HTTP1_WRITTEN)
            stream_flush(connection->stream);
        http_head_done(&head);
    }
    close_connection(connection, is_told ? STREAM_ENDING_CLEAN : STREAM_ENDING_BROKEN);
}

/* Answer a broken head; whatever comes behind it is not looked at. */
static void reject_head(struct http1_downstream *connection, uint16_t status, const char *reason)
{
    connection->parser.minor_version = 1;
    connection->parser.framing = HTTP1_BODY_NONE;
    http1_body_start(&connection->body, &connection->parser, &connection->trailers);
    connection->persistence = HTTP1_CLOSE;
    connection->request_state = REQUEST_BODY;
    connection->state = STATE_EXCHANGE;
    let_go_of_received(connection);
    if (status == DOWNSTREAM_BUSY_STATUS)
        exchange_reject_full(connection->exchange);
    else
        exchange_reject(connection->exchange, status, reason);
}

static void on_deadline(struct http1_downstream *connection)
{
    switch (connection->state) {
    case STATE_AWAITING:
        close_connection(connection, STREAM_ENDING_CLEAN);
        return;
    case STATE_HEAD:
        reject_head(connection, 408, "head not complete within 10 seconds");
        return;
    case STATE_EXCHANGE:
        fail_request(connection, EXCHANGE_AGENT_TIMEOUT, 408,
                     stream_unsent(connection->stream) ? "takes nothing of the response"
                                                       : "sends nothing of the body");
        return;
    case STATE_TUNNEL:
    case STATE_CLOSED:
        return;
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct http1_downstream *connection = timer->data;
    if (connection->deadline_ms == 0)
        return;
    uint64_t now = now_ms(connection);
    if (now < connection->deadline_ms)
        set_deadline(connection, connection->deadline_ms - now);
    else
        on_deadline(connection);
}

/* --- reading -------------------------------------------------------------------------------- */

/* The deadline that belongs to what is awaited from the agent. */
static void await_agent(struct http1_downstream *connection)
{
    if (connection->state == STATE_EXCHANGE && stream_unsent(connection->stream) > 0)
        set_deadline(connection, HTTP1_READER_SILENCE_MS);
    else if (connection->state == STATE_EXCHANGE && connection->request_state == REQUEST_BODY &&
             connection->credit > 0)
        set_deadline(connection, HTTP1_BODY_SILENCE_MS);
    else if (connection->state == STATE_EXCHANGE)
        clear_deadline(connection);
}

static void begin_head(struct http1_downstream *connection)
{
    connection->exchange =
        exchange_new(&connection->origin, (struct exchange_side){&operations, connection});
    http1_head_parser_start_request(&connection->parser, host_name_bytes(connection->origin.name),
                                    connection->origin.port);
    connection->state = STATE_HEAD;
    connection->response_state = RESPONSE_AWAITED;
    connection->credit = 0;
    connection->owed = 0;
    set_deadline(connection, HTTP1_HEAD_MS);
}

/* A head at the start of `input`. False when more bytes are needed or the connection is over. */
static bool read_head(struct http1_downstream *connection, struct bytes *input)
{
    if (connection->state == STATE_AWAITING)
        begin_head(connection);
    size_t head_bytes = 0;
    enum parse_status status = http1_head_parser_push(
        &connection->parser, *input, exchange_request(connection->exchange), &head_bytes);
    if (status == PARSE_NEED_MORE && exchange_count_request(connection->exchange))
        return false;
    if (status == PARSE_NEED_MORE) {
        *input = BYTES_EMPTY;
        reject_head(connection, DOWNSTREAM_BUSY_STATUS, NULL);
        return false;
    }
    if (status == PARSE_BAD) {
        *input = BYTES_EMPTY;
        enum http1_reason reason = connection->parser.reason;
        reject_head(connection, (uint16_t)http1_reason_status(reason), http1_reason_text(reason));
        return false;
    }
    *input = bytes_from(*input, head_bytes);
    clear_deadline(connection);
    http_head_clear(&connection->trailers, HTTP_TRAILERS);
    http1_body_start(&connection->body, &connection->parser, &connection->trailers);
    bool has_body = exchange_request(connection->exchange)->body != HTTP_BODY_NONE;
    connection->request_state = has_body ? REQUEST_BODY : REQUEST_COMPLETE;
    connection->persistence = connection->parser.is_last ? HTTP1_CLOSE : HTTP1_KEEP_ALIVE;
    connection->state = STATE_EXCHANGE;
    exchange_begin(connection->exchange);
    return connection->state == STATE_EXCHANGE;
}

/* Body bytes, as far as credit goes. False when nothing more can be done with the input now. */
static bool read_body(struct http1_downstream *connection, struct bytes *input)
{
    if (connection->request_state == REQUEST_COMPLETE || connection->credit == 0)
        return false;
    size_t consumed = 0;
    struct bytes data = BYTES_EMPTY;
    struct bytes part = bytes_first(*input, connection->credit);
    enum parse_status status = http1_body_push(&connection->body, part, &consumed, &data);
    *input = bytes_from(*input, consumed);
    if (status == PARSE_BAD) {
        *input = BYTES_EMPTY;
        fail_request(connection, EXCHANGE_AGENT_PROTOCOL, 400,
                     http1_reason_text(connection->body.reason));
        return false;
    }
    if (data.length > 0) {
        connection->credit -= data.length;
        exchange_request_body(connection->exchange, data);
        if (connection->exchange == NULL)
            return false;
    }
    if (status == PARSE_OK) {
        connection->request_state = REQUEST_COMPLETE;
        bool has_trailers = http_head_field_count(&connection->trailers) > 0;
        exchange_request_end(connection->exchange, has_trailers ? &connection->trailers : NULL);
        return false;
    }
    return input->length > 0;
}

/* Do what can be done with the input; returns what is left of it. */
static struct bytes take_input(struct http1_downstream *connection, struct bytes input)
{
    if (input.length > 0 &&
        (connection->state == STATE_AWAITING || connection->state == STATE_HEAD)) {
        if (!read_head(connection, &input))
            return input;
    }
    while (connection->state == STATE_EXCHANGE && read_body(connection, &input))
        continue;
    return input;
}

/* The wall ended the connection itself: for the record. */
static void write_flood(const struct http1_downstream *connection)
{
    struct audit_record record = {
        .kind = AUDIT_TLS,
        .decision = AUDIT_DENY,
        .name = host_name_bytes(connection->origin.name),
        .port = connection->origin.port,
        .reason = BYTES_LITERAL("TLS flood"),
        .detail = bytes_from_text(stream_failure(connection->stream)),
    };
    record_queue_send(connection->origin.proxy, &record);
}

static void on_agent_end(struct http1_downstream *connection, enum stream_result result)
{
    bool is_flood = result == STREAM_LOST && stream_is_flooded(connection->stream);
    if (is_flood)
        write_flood(connection);
    switch (connection->state) {
    case STATE_HEAD:
        exchange_discard(connection->exchange);
        connection->exchange = NULL;
        close_connection(connection, STREAM_ENDING_BROKEN);
        return;
    case STATE_AWAITING:
        close_connection(connection, STREAM_ENDING_CLEAN);
        return;
    case STATE_EXCHANGE:
        fail_request(connection, is_flood ? EXCHANGE_AGENT_PROTOCOL : EXCHANGE_AGENT_GONE, 0,
                     result == STREAM_END ? NULL : stream_failure(connection->stream));
        return;
    case STATE_TUNNEL:
    case STATE_CLOSED:
        return;
    }
}

static bool is_over(const struct http1_downstream *connection)
{
    return connection->state == STATE_CLOSED || connection->state == STATE_TUNNEL;
}

/* What waits in `received` and can perhaps be used now. */
static void take_received(struct http1_downstream *connection)
{
    struct bytes rest = take_input(connection, buffer_bytes(&connection->received));
    if (is_over(connection))
        return;
    buffer_consume(&connection->received, buffer_length(&connection->received) - rest.length);
    if (buffer_length(&connection->received) == 0)
        buffer_done(&connection->received);
    count_held(connection);
}

/* New bytes: used where they lie, or kept behind those that wait. */
static void take_new(struct http1_downstream *connection, struct bytes input)
{
    if (buffer_length(&connection->received) > 0) {
        CHECK(buffer_append(&connection->received, input));
        take_received(connection);
        return;
    }
    struct bytes rest = take_input(connection, input);
    if (is_over(connection))
        return;
    CHECK(buffer_append(&connection->received, rest));
    count_held(connection);
}

/* What waits is too much, all connections together: this one, which has just added to it, ends. */
static void give_up_when_full(struct http1_downstream *connection)
{
    if (connection->share.held == 0 || !body_budget_is_full(connection->origin.proxy->bodies))
        return;
    if (connection->state == STATE_HEAD)
        reject_head(connection, DOWNSTREAM_BUSY_STATUS, NULL);
    else if (connection->state == STATE_EXCHANGE)
        fail_request(connection, EXCHANGE_BODIES_FULL, DOWNSTREAM_BUSY_STATUS, NULL);
}

static bool may_read(const struct http1_downstream *connection)
{
    if (is_over(connection))
        return false;
    /* What is there goes first: one request in a turn. */
    if (connection->state == STATE_AWAITING)
        return buffer_length(&connection->received) == 0;
    if (connection->state == STATE_EXCHANGE)
        return buffer_length(&connection->received) < HTTP1_PIPELINE_BYTES &&
               (connection->request_state == REQUEST_COMPLETE || connection->credit > 0);
    return true;
}

/* One read. False when there is nothing more to do in this turn. */
static bool read_once(struct http1_downstream *connection)
{
    size_t room;
    uint8_t *scratch = stream_loop_scratch(connection->origin.proxy->streams, &room);
    if (!may_read(connection)) {
        if (connection->stream)
            stream_pause_reading(connection->stream);
        return false;
    }
    stream_resume_reading(connection->stream);
    bool is_body = connection->state == STATE_EXCHANGE && connection->request_state == REQUEST_BODY;
    size_t wanted = is_body ? connection->credit : DOWNSTREAM_READ_BYTES;
    if (wanted < DOWNSTREAM_READ_BYTES)
        wanted = DOWNSTREAM_READ_BYTES;
    if (wanted < room)
        room = wanted;
    size_t length = 0;
    enum stream_result result = stream_read_all(connection->stream, scratch, room, &length);
    if (result == STREAM_WAIT)
        return false;
    if (result != STREAM_DATA) {
        on_agent_end(connection, result);
        return false;
    }
    take_new(connection, (struct bytes){scratch, length});
    give_up_when_full(connection);
    return length == DOWNSTREAM_READ_BYTES; /* a whole block is enough for one turn */
}

/* Answers that the agent does not read hold back its next request. */
static bool is_reader_behind(const struct http1_downstream *connection)
{
    return connection->state == STATE_AWAITING &&
           stream_unsent(connection->stream) > EXCHANGE_WINDOW_BYTES;
}

static void read_turn(struct http1_downstream *connection)
{
    if (is_reader_behind(connection)) {
        stream_pause_reading(connection->stream);
        return;
    }
    if (connection->state == STATE_AWAITING || connection->state == STATE_EXCHANGE)
        take_received(connection);
    for (int reads = 0; reads < DOWNSTREAM_READS_PER_TURN; reads++)
        if (connection->state == STATE_CLOSED || !read_once(connection))
            break;
    if (connection->state == STATE_EXCHANGE)
        exchange_request_flush(connection->exchange);
    if (connection->state == STATE_EXCHANGE)
        await_agent(connection);
    /* A request behind one that was answered at once. */
    if (connection->state == STATE_AWAITING && buffer_length(&connection->received) > 0)
        stream_wake(connection->stream);
}

/* --- sending -------------------------------------------------------------------------------- */

static void return_credit(struct http1_downstream *connection)
{
    size_t unsent = stream_unsent(connection->stream);
    if (connection->exchange == NULL || connection->owed <= unsent)
        return;
    size_t bytes = connection->owed - unsent;
    connection->owed = unsent;
    exchange_response_credit(connection->exchange, bytes);
}

static void on_stream(void *owner, enum stream_event event)
{
    struct http1_downstream *connection = owner;
    switch (event) {
    case STREAM_READABLE:
        if (connection->response_state == RESPONSE_UNWRITABLE && connection->exchange)
            fail_request(connection, EXCHANGE_INTERNAL, 0, "response");
        else
            read_turn(connection);
        return;
    case STREAM_DRAINED:
        await_agent(connection);
        return_credit(connection);
        if (connection->state == STATE_AWAITING) {
            stream_resume_reading(connection->stream);
            stream_wake(connection->stream);
        }
        return;
    case STREAM_FAILED:
        on_agent_end(connection, STREAM_LOST);
        return;
    case STREAM_OPENED:
        return;
    }
}

static void refuse_to_write(struct http1_downstream *connection)
{
    connection->response_state = RESPONSE_UNWRITABLE;
    buffer_clear(stream_output(connection->stream));
    stream_wake(connection->stream);
}

static void send_head(void *side, const struct http_head *head)
{
    struct http1_downstream *connection = side;
    uint8_t minor_version = connection->parser.minor_version;
    bool is_interim = head->status < 200 && head->status != 101;
    /* HTTP/1.0 knows no interim responses (RFC 9110 section 15.2). */
    if (is_interim && minor_version == 0)
        return;
    if (!is_interim && connection->request_state == REQUEST_BODY)
        connection->persistence = HTTP1_CLOSE;
    enum http1_persistence persistence = is_interim ? HTTP1_KEEP_ALIVE : connection->persistence;
    if (http1_write_head(stream_output(connection->stream), head, persistence, minor_version) !=
        HTTP1_WRITTEN) {
        refuse_to_write(connection);
        return;
    }
    if (is_interim)
        return;
    bool is_chunked = head->body == HTTP_BODY_STREAM && minor_version > 0;
    connection->response_state = is_chunked ? RESPONSE_CHUNKED : RESPONSE_PLAIN;
    if (head->body == HTTP_BODY_STREAM && minor_version == 0)
        connection->persistence = HTTP1_CLOSE;
}

static void send_body(void *side, struct bytes body)
{
    struct http1_downstream *connection = side;
    struct stream *stream = connection->stream;
    connection->owed += body.length;
    if (connection->response_state == RESPONSE_CHUNKED) {
        struct buffer *output = stream_output(stream);
        bool is_written = http1_write_chunk_start(output, body.length) == HTTP1_WRITTEN &&
                          buffer_append(output, body) &&
                          http1_write_chunk_end(output) == HTTP1_WRITTEN;
        if (!is_written)
            refuse_to_write(connection);
    } else if (connection->response_state == RESPONSE_PLAIN) {
        if (body.length >= DOWNSTREAM_DIRECT_BYTES)
            stream_send(stream, body);
        else
            stream_queue(stream, body);
    }
}

static void send_end(void *side, const struct http_head *trailers)
{
    struct http1_downstream *connection = side;
    connection->exchange = NULL;
    if (connection->state == STATE_TUNNEL) {
        close_connection(connection, STREAM_ENDING_CLEAN);
        return;
    }
    if (connection->response_state == RESPONSE_CHUNKED &&
        http1_write_last_chunk(stream_output(connection->stream), trailers) != HTTP1_WRITTEN)
        connection->response_state = RESPONSE_UNWRITABLE;
    if (connection->response_state == RESPONSE_UNWRITABLE) {
        buffer_clear(stream_output(connection->stream));
        close_connection(connection, STREAM_ENDING_BROKEN);
        return;
    }
    stream_flush(connection->stream);
    if (connection->persistence == HTTP1_CLOSE || connection->request_state == REQUEST_BODY) {
        close_connection(connection, STREAM_ENDING_CLEAN);
        return;
    }
    finish_request(connection);
    connection->state = STATE_AWAITING;
    set_deadline(connection, HTTP1_KEEP_ALIVE_MS);
    stream_resume_reading(connection->stream);
    if (buffer_length(&connection->received) > 0)
        stream_wake(connection->stream);
}

static void make_last(void *side)
{
    struct http1_downstream *connection = side;
    connection->persistence = HTTP1_CLOSE;
}

static void flush(void *side)
{
    struct http1_downstream *connection = side;
    stream_flush(connection->stream);
    await_agent(connection);
    return_credit(connection);
}

static void reset(void *side, enum exchange_failure failure)
{
    struct http1_downstream *connection = side;
    bool is_cut = failure == EXCHANGE_POLICY_CHANGED || failure == EXCHANGE_SHUTDOWN;
    connection->exchange = NULL;
    close_connection(connection, is_cut ? STREAM_ENDING_RESET : STREAM_ENDING_BROKEN);
}

static void give_credit(void *side, size_t bytes)
{
    struct http1_downstream *connection = side;
    connection->credit += bytes;
    await_agent(connection);
    stream_resume_reading(connection->stream);
    /* Also for a body of no bytes, which ends without a read. */
    if (connection->request_state == REQUEST_BODY)
        stream_wake(connection->stream);
}

static struct stream *take_stream(void *side, struct buffer *early)
{
    struct http1_downstream *connection = side;
    struct stream *stream = connection->stream;
    size_t early_bytes = buffer_length(&connection->received);
    CHECK(buffer_append(early,
                        bytes_first(buffer_bytes(&connection->received), early_bytes ? 1 : 0)));
    let_go_of_received(connection);
    clear_deadline(connection);
    connection->state = STATE_TUNNEL;
    connection->stream = NULL;
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

/* --- the service's part --------------------------------------------------------------------- */

struct http1_downstream *http1_downstream_new(const struct exchange_origin *origin,
                                              struct stream *stream,
                                              http1_downstream_end_fn *on_end, void *owner)
{
    struct http1_downstream *connection = memory_new(sizeof(*connection));
    connection->origin = *origin;
    connection->stream = stream;
    connection->on_end = on_end;
    connection->owner = owner;
    connection->persistence = HTTP1_KEEP_ALIVE;
    connection->request_state = REQUEST_COMPLETE;
    buffer_init(&connection->received, HTTP1_HEAD_BYTES_MAX + HTTP1_PIPELINE_BYTES);
    connection->share.budget = origin->proxy->bodies;
    http_head_init(&connection->trailers, HTTP_TRAILERS);
    CHECK(uv_timer_init(origin->proxy->loop, &connection->timer) == 0);
    connection->timer.data = connection;
    set_deadline(connection, HTTP1_KEEP_ALIVE_MS);
    stream_set_owner(stream, on_stream, connection);
    return connection;
}

void http1_downstream_policy_changed(struct http1_downstream *connection)
{
    if (connection->exchange &&
        (connection->state == STATE_EXCHANGE || connection->state == STATE_TUNNEL))
        exchange_policy_changed(connection->exchange);
}

void http1_downstream_cut(struct http1_downstream *connection)
{
    if (connection->exchange && connection->state == STATE_HEAD) {
        exchange_discard(connection->exchange);
        connection->exchange = NULL;
    }
    if (connection->exchange)
        exchange_cut(connection->exchange, EXCHANGE_POLICY_CHANGED);
    else
        close_connection(connection, STREAM_ENDING_RESET);
}
