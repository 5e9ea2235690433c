#include "firewall/capture_interim.h"

#include <stdlib.h>

#include "base/memory.h"

struct capture_interim {
    struct llm_context *context; /* borrowed */
    uint64_t call;
    uint64_t start_ms;
    int64_t first_byte_ms;
    uint64_t wire_bytes;
    bool is_lost;
};

struct capture_interim *capture_interim_new(struct llm_context *context,
                                            const struct llm_exchange_start *start)
{
    struct capture_interim *exchange = memory_new(sizeof(*exchange));
    exchange->context = context;
    exchange->call = context->next_call++;
    exchange->start_ms = start->time_ms;
    exchange->first_byte_ms = -1;
    struct llm_event event = llm_event_make(LLM_CALL, exchange->call);
    event.time_ms = start->time_ms;
    event.provider = start->provider;
    event.api = start->api;
    event.transport = start->transport;
    event.exchange = start->exchange;
    event.host = start->host;
    event.method = start->method;
    event.path = start->path;
    context->emit(context->emit_context, &event);
    return exchange;
}

void capture_interim_free(struct capture_interim *exchange)
{
    free(exchange);
}

static void tell_body(struct capture_interim *exchange, uint64_t time_ms, enum llm_side side,
                      struct bytes body)
{
    if (!exchange->context->wants_bodies || body.length == 0)
        return;
    struct llm_event event = llm_event_make(LLM_BODY, exchange->call);
    event.time_ms = time_ms;
    event.side = side;
    event.text = body;
    exchange->context->emit(exchange->context->emit_context, &event);
}

void capture_interim_request_body(struct capture_interim *exchange, uint64_t time_ms,
                                  struct bytes body)
{
    tell_body(exchange, time_ms, LLM_SIDE_REQUEST, body);
}

void capture_interim_request_end(struct capture_interim *exchange, uint64_t time_ms)
{
}

void capture_interim_response_head(struct capture_interim *exchange, uint64_t time_ms,
                                   uint16_t status, const struct llm_field *fields,
                                   size_t field_count)
{
    struct llm_event event = llm_event_make(LLM_RESPONSE, exchange->call);
    event.time_ms = time_ms;
    event.status = status;
    exchange->context->emit(exchange->context->emit_context, &event);
}

void capture_interim_response_body(struct capture_interim *exchange, uint64_t time_ms,
                                   struct bytes body)
{
    if (exchange->first_byte_ms < 0)
        exchange->first_byte_ms = (int64_t)(time_ms - exchange->start_ms);
    exchange->wire_bytes += body.length;
    tell_body(exchange, time_ms, LLM_SIDE_RESPONSE, body);
}

void capture_interim_lost(struct capture_interim *exchange, enum llm_side side, uint64_t bytes)
{
    exchange->is_lost = true;
}

void capture_interim_end(struct capture_interim *exchange, uint64_t time_ms, struct bytes reason)
{
    struct llm_event event = llm_event_make(LLM_END, exchange->call);
    event.time_ms = time_ms;
    event.wire_bytes = exchange->wire_bytes;
    event.first_byte_ms = exchange->first_byte_ms;
    event.duration_ms = (int64_t)(time_ms - exchange->start_ms);
    event.is_truncated = exchange->is_lost || reason.length > 0;
    event.text =
        reason.length > 0 || !exchange->is_lost ? reason : BYTES_LITERAL("not all was captured");
    exchange->context->emit(exchange->context->emit_context, &event);
}
