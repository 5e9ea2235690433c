#include "llm/llm_exchange.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/printable.h"
#include "llm/llm_body.h"
#include "llm/llm_response.h"
#include "llm/llm_secret.h"
#include "llm/llm_websocket.h"
#include "wire/content_decoder.h"

/*
 * Theory of Operation
 *
 *   both:      bytes -> content_decoder -> llm_secret, but for event streams
 *   request:   -> held until its end -> decoder.request
 *   response:  -> llm_response (events of a stream, or held to its end)
 *   after 101: bytes -> llm_websocket, which has calls of its own
 *
 * A side that cannot be read any more (a gap, a broken coding, no memory) is only counted from
 * there on, and the call says why.
 */
enum side_state { SIDE_OPEN, SIDE_UNREADABLE, SIDE_OVER };

struct side {
    struct llm_exchange *exchange; /* borrowed: whose it is */
    enum llm_side side;
    enum side_state state;
    struct content_decoder *decoder; /* owned; NULL before the first byte */
    size_t counted;
    uint64_t bytes, wire_bytes;
    struct llm_secret secret;
    struct llm_body body;
};

/* Whether the request's body was told: it is once, at its end or at that of the exchange. */
enum request_state { REQUEST_COMING, REQUEST_TOLD };

struct llm_exchange {
    struct llm_context *context; /* borrowed */
    struct llm_head head;
    uint64_t start_ms;
    bool has_draft; /* not before the answer to a handshake */
    struct llm_draft draft;
    struct side sides[2];
    struct llm_held request_body;
    enum request_state request_state;
    uint16_t status;                 /* 0: no response yet */
    struct llm_response *response;   /* owned */
    struct llm_websocket *websocket; /* owned; after a 101 */
};

static size_t body_maximum(const struct llm_context *context)
{
    size_t half = context->held_maximum / 2;
    return half < LLM_EXCHANGE_BODY_MAX ? half : LLM_EXCHANGE_BODY_MAX;
}

static void begin_draft(struct llm_exchange *exchange)
{
    exchange->has_draft = true;
    llm_draft_init(&exchange->draft, exchange->context, exchange->context->next_call++,
                   exchange->start_ms, exchange->head.api);
    llm_head_begin(&exchange->head, &exchange->draft);
}

struct llm_exchange *llm_exchange_new(struct llm_context *context,
                                      const struct llm_exchange_start *start)
{
    struct llm_exchange *exchange = memory_new(sizeof(*exchange));
    exchange->context = context;
    exchange->start_ms = start->time_ms;
    for (int side = 0; side < 2; side++)
        exchange->sides[side] = (struct side){.exchange = exchange, .side = (enum llm_side)side};
    llm_head_init(&exchange->head, start);
    llm_held_init(&exchange->request_body, context, body_maximum(context));
    if (!exchange->head.is_handshake)
        begin_draft(exchange);
    return exchange;
}

void llm_exchange_free(struct llm_exchange *exchange)
{
    if (exchange == NULL)
        return;
    for (int side = 0; side < 2; side++) {
        content_decoder_free(exchange->sides[side].decoder);
        llm_held_count(exchange->context, &exchange->sides[side].counted, 0);
    }
    llm_response_free(exchange->response);
    llm_websocket_free(exchange->websocket);
    llm_held_done(&exchange->request_body);
    if (exchange->has_draft)
        llm_draft_done(&exchange->draft);
    llm_head_done(&exchange->head);
    free(exchange);
}

static void set_time(struct llm_exchange *exchange, uint64_t time_ms)
{
    if (exchange->has_draft && time_ms > exchange->draft.time_ms)
        exchange->draft.time_ms = time_ms;
}

static void give_up(struct side *side, const char *reason)
{
    static const char *const names[] = {"the request", "the response"};
    if (side->state != SIDE_OPEN)
        return;
    side->state = SIDE_UNREADABLE;
    char text[160];
    snprintf(text, sizeof(text), "%s: %s", names[side->side], reason);
    llm_draft_truncate(&side->exchange->draft, text);
}

static void on_request_bytes(struct llm_exchange *exchange, struct side *side, struct bytes bytes)
{
    bool has_decoder = llm_decoder_of(exchange->head.api) != NULL;
    if (has_decoder && llm_held_append_some(&exchange->request_body, bytes) < bytes.length)
        give_up(side, "it is too long to be held");
}

static void tell_shown(struct side *side, struct bytes bytes)
{
    struct llm_exchange *exchange = side->exchange;
    llm_body_tell(&side->body, &exchange->draft, side->side, bytes);
    if (side->state != SIDE_OPEN)
        return;
    if (side->side == LLM_SIDE_REQUEST) {
        on_request_bytes(exchange, side, bytes);
        return;
    }
    const char *problem = llm_response_feed(exchange->response, bytes);
    if (problem)
        give_up(side, problem);
}

static void on_decoded(void *context, struct bytes bytes)
{
    struct side *side = context;
    side->bytes += bytes.length;
    if (side->side == LLM_SIDE_RESPONSE && llm_response_is_checked(side->exchange->response)) {
        tell_shown(side, bytes);
        return;
    }
    struct bytes shown;
    while ((shown = llm_secret_next(&side->secret, &bytes)).length)
        tell_shown(side, shown);
}

static void say_undecodable(struct side *side)
{
    enum content_reason reason = content_decoder_reason(side->decoder);
    struct bytes coding = content_decoder_coding(side->decoder);
    char text[120], name[40];
    snprintf(text, sizeof(text), "%s (%s)", content_reason_text(reason),
             printable_text(coding, name, sizeof(name)));
    give_up(side, text);
}

static void feed_side(struct side *side, struct bytes encodings, struct bytes wire)
{
    struct llm_exchange *exchange = side->exchange;
    side->wire_bytes += wire.length;
    if (side->state != SIDE_OPEN)
        return;
    if (side->decoder == NULL)
        side->decoder = content_decoder_new(encodings, NULL, on_decoded, side);
    if (content_decoder_feed(side->decoder, wire) == PARSE_BAD)
        say_undecodable(side);
    if (!llm_held_count(exchange->context, &side->counted, content_decoder_held(side->decoder)))
        give_up(side, "there is no memory to decode it");
    if (side->state == SIDE_OPEN)
        return;
    content_decoder_free(side->decoder);
    side->decoder = NULL;
    llm_held_count(exchange->context, &side->counted, 0);
}

/* The end of the coded bytes; false when they were not complete. */
static bool end_side(struct side *side)
{
    bool is_whole = side->state == SIDE_OPEN;
    if (side->decoder)
        is_whole = content_decoder_end(side->decoder) == PARSE_OK && is_whole;
    if (side->state == SIDE_OPEN)
        side->state = SIDE_OVER;
    llm_body_end(&side->body, &side->exchange->draft, side->side);
    return is_whole;
}

static void tell_unreadable_request(struct llm_exchange *exchange, struct bytes body)
{
    struct side *side = &exchange->sides[LLM_SIDE_REQUEST];
    llm_head_tell_empty(&exchange->head, &exchange->draft, BYTES_EMPTY, side->bytes,
                        side->wire_bytes);
    if (body.length)
        llm_draft_native_text(&exchange->draft, LLM_SIDE_REQUEST, BYTES_LITERAL("body"), body);
}

static void tell_request(struct llm_exchange *exchange)
{
    struct side *side = &exchange->sides[LLM_SIDE_REQUEST];
    if (exchange->request_state == REQUEST_TOLD)
        return;
    exchange->request_state = REQUEST_TOLD;
    struct bytes body = llm_held_bytes(&exchange->request_body);
    struct llm_json json;
    enum llm_json_status status = llm_json_parse(&json, body);
    struct llm_value value = llm_json_root(&json);
    if (!llm_decoder_of(exchange->head.api) || !llm_value_is(value, LLM_JSON_OBJECT)) {
        tell_unreadable_request(exchange, body);
    } else {
        if (status == LLM_JSON_CUT)
            llm_draft_truncate(&exchange->draft, "the request ends before it is complete");
        llm_head_tell_request(&exchange->head, &exchange->draft, value, side->bytes,
                              side->wire_bytes);
    }
    llm_json_done(&json);
    llm_held_done(&exchange->request_body);
}

void llm_exchange_request_body(struct llm_exchange *exchange, uint64_t time_ms, struct bytes body)
{
    set_time(exchange, time_ms);
    if (exchange->websocket)
        llm_websocket_feed(exchange->websocket, LLM_SIDE_REQUEST, time_ms, body);
    else if (exchange->has_draft && exchange->request_state == REQUEST_COMING)
        feed_side(&exchange->sides[LLM_SIDE_REQUEST], buffer_bytes(&exchange->head.encodings),
                  body);
}

void llm_exchange_request_end(struct llm_exchange *exchange, uint64_t time_ms)
{
    set_time(exchange, time_ms);
    if (!exchange->has_draft || exchange->request_state == REQUEST_TOLD)
        return;
    struct side *side = &exchange->sides[LLM_SIDE_REQUEST];
    if (!end_side(side) && side->decoder)
        llm_draft_truncate(&exchange->draft, "the request ends before it is complete");
    tell_request(exchange);
}

static void begin_websocket(struct llm_exchange *exchange, const struct llm_field *fields,
                            size_t field_count)
{
    exchange->head.transport = LLM_TRANSPORT_WEBSOCKET;
    exchange->websocket = llm_websocket_new(exchange->context, &exchange->head, exchange->status,
                                            fields, field_count);
}

/* A handshake that makes no WebSocket is a call after all. */
static void begin_handshake(struct llm_exchange *exchange, uint64_t time_ms)
{
    begin_draft(exchange);
    set_time(exchange, time_ms);
    exchange->request_state = REQUEST_TOLD;
    llm_head_tell_empty(&exchange->head, &exchange->draft, BYTES_LITERAL("handshake"), 0, 0);
}

void llm_exchange_response_head(struct llm_exchange *exchange, uint64_t time_ms, uint16_t status,
                                const struct llm_field *fields, size_t field_count)
{
    enum { SWITCHING_PROTOCOLS = 101 };
    set_time(exchange, time_ms);
    if (exchange->status || (status < 200 && status != SWITCHING_PROTOCOLS))
        return;
    exchange->status = status;
    if (status == SWITCHING_PROTOCOLS && exchange->head.is_handshake) {
        begin_websocket(exchange, fields, field_count);
        return;
    }
    if (!exchange->has_draft)
        begin_handshake(exchange, time_ms);
    exchange->response = llm_response_new(&exchange->draft, status, fields, field_count);
}

void llm_exchange_response_body(struct llm_exchange *exchange, uint64_t time_ms, struct bytes body)
{
    set_time(exchange, time_ms);
    if (exchange->websocket) {
        llm_websocket_feed(exchange->websocket, LLM_SIDE_RESPONSE, time_ms, body);
        return;
    }
    if (exchange->response == NULL || body.length == 0)
        return;
    if (exchange->draft.first_byte_ms == 0)
        exchange->draft.first_byte_ms = exchange->draft.time_ms;
    feed_side(&exchange->sides[LLM_SIDE_RESPONSE], llm_response_encodings(exchange->response),
              body);
}

void llm_exchange_lost(struct llm_exchange *exchange, enum llm_side side, uint64_t bytes)
{
    if (exchange->websocket) {
        llm_websocket_lost(exchange->websocket, side);
        return;
    }
    exchange->sides[side].wire_bytes += bytes;
    if (exchange->has_draft)
        give_up(&exchange->sides[side], "not all of it was captured");
}

/* The client gave up before there was anything to answer: nothing went wrong. */
static bool is_abandoned_upload(const struct llm_exchange *exchange)
{
    return exchange->head.is_upload_ahead && exchange->status == 0 &&
           exchange->request_state == REQUEST_COMING;
}

static void end_abandoned_upload(struct llm_exchange *exchange)
{
    struct side *side = &exchange->sides[LLM_SIDE_REQUEST];
    exchange->request_state = REQUEST_TOLD;
    llm_head_tell_empty(&exchange->head, &exchange->draft, BYTES_LITERAL("upload-ahead"),
                        side->bytes, side->wire_bytes);
    llm_draft_truncate(&exchange->draft, "given up before it was sent whole");
}

static void end_response(struct llm_exchange *exchange, const char *reason)
{
    struct side *side = &exchange->sides[LLM_SIDE_RESPONSE];
    struct llm_draft *draft = &exchange->draft;
    bool is_whole = end_side(side);
    bool is_decoded = llm_response_end(exchange->response);
    if (draft->is_complete)
        return;
    if (reason[0])
        llm_draft_truncate(draft, reason);
    else if (!is_whole || !is_decoded)
        llm_draft_truncate(draft, "the response ends before it is complete");
}

void llm_exchange_end(struct llm_exchange *exchange, uint64_t time_ms, struct bytes reason)
{
    char text[160];
    printable_text(reason, text, sizeof(text));
    set_time(exchange, time_ms);
    if (exchange->websocket) {
        llm_websocket_end(exchange->websocket, time_ms, bytes_from_text(text));
        return;
    }
    if (!exchange->has_draft)
        begin_handshake(exchange, time_ms);
    struct llm_draft *draft = &exchange->draft;
    set_time(exchange, time_ms);
    if (is_abandoned_upload(exchange)) {
        end_abandoned_upload(exchange);
    } else {
        if (exchange->request_state == REQUEST_COMING) {
            llm_draft_truncate(draft, "the request ends before it is complete");
            end_side(&exchange->sides[LLM_SIDE_REQUEST]);
            tell_request(exchange);
        }
        if (exchange->response)
            end_response(exchange, text);
        else
            llm_draft_error(draft, BYTES_LITERAL("no response"),
                            text[0] ? bytes_from_text(text)
                                    : BYTES_LITERAL("the connection ended"));
    }
    struct side *side = &exchange->sides[LLM_SIDE_RESPONSE];
    llm_head_end(draft, side->bytes, side->wire_bytes);
}
