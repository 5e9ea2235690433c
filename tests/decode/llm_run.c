#include "decode/llm_run.h"

#include <stdlib.h>

#include "base/check.h"
#include "llm/llm_event_json.h"
#include "llm/llm_json.h"

/* The grammar of llm_event.h: between its first and its last event a call may say anything. */
static void check_place(struct llm_run *run, const struct llm_event *event)
{
    CHECK(event->call >= 1 && event->call <= LLM_RUN_CALLS_MAX);
    struct llm_call *call = run->calls[event->call - 1];
    CHECK((event->kind == LLM_CALL) == (call == NULL));
    CHECK(call == NULL || !call->is_over);
    CHECK(event->time_ms > 0);
    CHECK(event->text.length <= LLM_EVENT_TEXT_MAX && event->json.length <= LLM_EVENT_TEXT_MAX);
    /* Whoever keeps the last status has the right one. */
    CHECK(event->kind != LLM_RESPONSE || call->status == 0 || event->status == call->status);
    if (event->kind != LLM_DELTA)
        return;
    run->deltas++;
    const struct llm_block_list *list =
        event->side == LLM_SIDE_REQUEST ? &call->request : &call->response;
    CHECK(event->block < list->count && list->items[event->block].is_open);
}

static void take_event(void *context, const struct llm_event *event)
{
    struct llm_run *run = context;
    struct llm_event_line line;
    struct error error;
    struct buffer text;
    check_place(run, event);
    buffer_init(&text, LLM_EVENT_LINE_MAX);
    CHECK(llm_event_write(event, &text));
    CHECK(llm_event_read(buffer_bytes(&text), &line, &error));
    CHECK(line.event.kind == event->kind);
    CHECK(event->kind == LLM_BODY || bytes_equal(line.event.text, event->text) ||
          llm_json_utf8_length(event->text) < event->text.length);
    struct llm_call **place = &run->calls[event->call - 1];
    if (*place == NULL) {
        *place = llm_call_new(event->call);
        run->count++;
    }
    llm_call_apply(*place, &line.event);
    llm_event_line_done(&line);
    buffer_done(&text);
}

void llm_run_init(struct llm_run *run)
{
    *run = (struct llm_run){.context = {.emit = take_event,
                                        .next_call = 1,
                                        .wants_bodies = true,
                                        .held_maximum = 64 * 1024 * 1024}};
    run->context.emit_context = run;
}

void llm_run_done(struct llm_run *run)
{
    CHECK(run->context.held_bytes == 0);
    for (size_t i = 0; i < LLM_RUN_CALLS_MAX; i++)
        llm_call_free(run->calls[i]);
}

static void feed(struct llm_exchange *exchange, enum llm_side side, struct bytes bytes,
                 const struct llm_run_cut *cut, uint64_t *time_ms)
{
    size_t first = side == LLM_SIDE_RESPONSE ? cut->first : 0;
    while (bytes.length) {
        size_t length = first ? first : cut->piece ? cut->piece : bytes.length;
        struct bytes piece = bytes_first(bytes, length);
        first = 0;
        if (side == LLM_SIDE_REQUEST)
            llm_exchange_request_body(exchange, *time_ms, piece);
        else
            llm_exchange_response_body(exchange, *time_ms, piece);
        bytes = bytes_from(bytes, piece.length);
    }
}

void llm_run_http(struct llm_run *run, const struct llm_run_exchange *told,
                  const struct llm_run_cut *cut)
{
    uint64_t time_ms = UINT64_C(1700000000000);
    const struct llm_exchange_start start = {
        .exchange = 1,
        .time_ms = time_ms,
        .provider = BYTES_LITERAL("provider"),
        .api = told->api,
        .host = told->host,
        .method = bytes_from_text(told->method),
        .path = told->path,
        .fields = told->fields,
        .field_count = told->field_count,
    };
    struct llm_exchange *exchange = llm_exchange_new(&run->context, &start);
    time_ms += 10;
    feed(exchange, LLM_SIDE_REQUEST, bytes_first(told->request, cut->request_bytes), cut, &time_ms);
    bool is_cut = cut->request_bytes < told->request.length;
    if (!is_cut)
        llm_exchange_request_end(exchange, time_ms);
    if (!is_cut && told->status) {
        time_ms += 100;
        llm_exchange_response_head(exchange, time_ms, told->status, told->response_fields,
                                   told->response_field_count);
        time_ms += 100;
        feed(exchange, LLM_SIDE_RESPONSE, bytes_first(told->response, cut->response_bytes), cut,
             &time_ms);
        is_cut = cut->response_bytes < told->response.length;
    }
    llm_exchange_end(exchange, time_ms + 1000,
                     is_cut ? BYTES_LITERAL("the connection broke") : told->reason);
    llm_exchange_free(exchange);
}

void llm_run_socket(struct llm_run *run, const struct llm_run_exchange *handshake,
                    const struct llm_run_said *said, size_t count, const struct llm_run_cut *cut)
{
    uint64_t time_ms = UINT64_C(1700000000000);
    const struct llm_exchange_start start = {
        .exchange = 1,
        .time_ms = time_ms,
        .provider = BYTES_LITERAL("provider"),
        .api = handshake->api,
        .host = handshake->host,
        .method = BYTES_LITERAL("GET"),
        .path = handshake->path,
        .fields = handshake->fields,
        .field_count = handshake->field_count,
    };
    struct llm_exchange *exchange = llm_exchange_new(&run->context, &start);
    llm_exchange_request_end(exchange, time_ms);
    llm_exchange_response_head(exchange, ++time_ms, handshake->status, handshake->response_fields,
                               handshake->response_field_count);
    for (size_t i = 0; i < count; i++) {
        time_ms += 10;
        feed(exchange, said[i].side, said[i].bytes, cut, &time_ms);
    }
    llm_exchange_end(exchange, time_ms + 1000, handshake->reason);
    llm_exchange_free(exchange);
}

void llm_run_append_frame(struct buffer *out, enum llm_side side, uint8_t first,
                          struct bytes payload)
{
    static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
    uint8_t masked = side == LLM_SIDE_REQUEST ? 0x80 : 0;
    CHECK(payload.length <= UINT32_MAX);
    bool is_room = buffer_append_byte(out, first);
    if (payload.length < 126)
        is_room = is_room && buffer_append_byte(out, (uint8_t)(masked | payload.length));
    else if (payload.length <= UINT16_MAX)
        is_room = is_room && buffer_append_byte(out, masked | 126) &&
                  buffer_append_u16(out, (uint16_t)payload.length);
    else
        is_room = is_room && buffer_append_byte(out, masked | 127) && buffer_append_u32(out, 0) &&
                  buffer_append_u32(out, (uint32_t)payload.length);
    if (masked)
        is_room = is_room && buffer_append(out, (struct bytes){mask, sizeof(mask)});
    for (size_t i = 0; is_room && i < payload.length; i++)
        is_room = buffer_append_byte(out, (uint8_t)(payload.data[i] ^ (masked ? mask[i % 4] : 0)));
    CHECK(is_room);
}

static void put(struct buffer *out, const char *before, const struct llm_text *text,
                const char *after)
{
    if (text->length)
        CHECK(buffer_append_text(out, before) && buffer_append(out, llm_text_bytes(text)) &&
              buffer_append_text(out, after));
}

static void write_block(const struct llm_block *block, char side, struct buffer *out)
{
    CHECK(buffer_append_format(out, "%c %s %u %s %s", side, llm_section_name(block->section),
                               block->message, llm_role_name(block->role),
                               llm_block_kind_name(block->kind)));
    put(out, " id=", &block->id, "");
    put(out, " name=", &block->name, "");
    if (block->bytes)
        CHECK(buffer_append_format(out, " bytes=%llu", (unsigned long long)block->bytes));
    CHECK(buffer_append_text(out, block->is_error ? " error" : ""));
    CHECK(buffer_append_text(out, block->is_open ? " open" : ""));
    CHECK(block->text.length == 0 || (buffer_append_byte(out, ' ') &&
                                      llm_json_append_quoted(out, llm_text_bytes(&block->text))));
    put(out, " json=", &block->json, "");
    CHECK(buffer_append_byte(out, '\n'));
}

static void put_number(struct buffer *out, const char *name, int64_t number)
{
    if (number >= 0)
        CHECK(buffer_append_format(out, " %s=%lld", name, (long long)number));
}

void llm_run_write_answer(const struct llm_call *call, struct buffer *out)
{
    for (size_t i = 0; i < call->response.count; i++)
        write_block(&call->response.items[i], '<', out);
    for (size_t i = 0; i < call->error_count; i++) {
        put(out, "error ", &call->errors[i].type, "");
        put(out, ": ", &call->errors[i].message, "");
        CHECK(buffer_append_byte(out, '\n'));
    }
    CHECK(buffer_append_text(out, "usage"));
    put_number(out, "in", call->usage.input);
    put_number(out, "read", call->usage.cache_read);
    put_number(out, "write", call->usage.cache_write);
    put_number(out, "out", call->usage.output);
    put_number(out, "reasoning", call->usage.reasoning);
    CHECK(buffer_append_byte(out, '\n'));
    put(out, "stop ", &call->stop, "\n");
}

void llm_run_write_call(const struct llm_call *call, struct buffer *out)
{
    CHECK(buffer_append_format(out, "call %s %s", llm_api_name(call->api),
                               llm_transport_name(call->transport)));
    put(out, " ", &call->operation, "");
    put(out, " model=", &call->model, "");
    put(out, " answered_by=", &call->response_model, "");
    put(out, " session=", &call->session, "");
    put(out, " parent=", &call->parent, "");
    put(out, " id=", &call->id, "");
    CHECK(buffer_append_format(out, " status=%u\n", call->status));
    put(out, "parameters ", &call->parameters, "\n");
    for (size_t i = 0; i < call->request.count; i++)
        write_block(&call->request.items[i], '>', out);
    llm_run_write_answer(call, out);
    put(out, "", &call->native, "");
    put(out, "native usage ", &call->native_usage, "\n");
    CHECK(call->is_over);
    CHECK(buffer_append_format(
        out, "end first=%lld request=%llu/%llu response=%llu/%llu", (long long)call->first_byte_ms,
        (unsigned long long)call->request_bytes, (unsigned long long)call->request_wire_bytes,
        (unsigned long long)call->response_bytes, (unsigned long long)call->response_wire_bytes));
    if (call->is_truncated)
        put(out, " truncated: ", &call->truncation, "");
    CHECK(buffer_append_byte(out, '\n'));
}

void llm_run_write(const struct llm_run *run, struct buffer *out)
{
    for (size_t i = 0; i < LLM_RUN_CALLS_MAX; i++)
        if (run->calls[i])
            llm_run_write_call(run->calls[i], out);
}
