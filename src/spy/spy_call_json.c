#include "spy/spy_call_json.h"

#include "llm/llm_json.h"
#include "spy/spy_figures.h"

#include <string.h>

static void add_block(struct spy_json *json, const struct llm_block *block)
{
    spy_json_open_object(json, NULL);
    spy_json_literal(json, "kind", llm_block_kind_name(block->kind));
    if (block->role != LLM_ROLE_NONE)
        spy_json_literal(json, "role", llm_role_name(block->role));
    spy_json_number(json, "message", block->message);
    spy_json_text_if(json, "id", llm_text_bytes(&block->id));
    spy_json_text_if(json, "name", llm_text_bytes(&block->name));
    spy_json_text_if(json, "text", llm_text_bytes(&block->text));
    spy_json_raw_if(json, "json", llm_text_bytes(&block->json));
    if (block->bytes > 0)
        spy_json_number(json, "bytes", (int64_t)block->bytes);
    if (block->is_error)
        spy_json_bool(json, "is_error", true);
    if (block->is_open)
        spy_json_bool(json, "is_open", true);
    spy_json_close_object(json);
}

void spy_call_json_add_blocks(struct spy_json *json, const char *key,
                              const struct llm_block_list *list, enum llm_section section)
{
    spy_json_open_array(json, key);
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].section == section)
            add_block(json, &list->items[i]);
    }
    spy_json_close_array(json);
}

void spy_call_json_add_all_blocks(struct spy_json *json, const char *key,
                                  const struct llm_block_list *list)
{
    spy_json_open_array(json, key);
    for (size_t i = 0; i < list->count; i++)
        add_block(json, &list->items[i]);
    spy_json_close_array(json);
}

static void add_body(struct spy_json *json, const struct llm_text *body)
{
    struct bytes bytes = llm_text_bytes(body);
    if (bytes.length == 0)
        return;
    if (llm_json_utf8_length(bytes) == bytes.length)
        spy_json_text(json, "body", bytes);
    else
        spy_json_base64(json, "body_base64", bytes);
}

/* Lines of JSON, as an array. */
static void add_native(struct spy_json *json, const struct llm_text *native)
{
    struct bytes rest = llm_text_bytes(native), line;
    if (rest.length == 0)
        return;
    spy_json_open_array(json, "native");
    while (rest.length > 0 && bytes_next_token(&rest, '\n', &line))
        spy_json_raw_if(json, NULL, line);
    spy_json_close_array(json);
}

static void add_times(struct spy_json *json, const struct spy_summary *summary)
{
    char text[SPY_FIGURE_SIZE];
    uint64_t start = summary->start_ms;
    spy_json_literal(json, "time", spy_figure_rfc3339(start, text));
    if (summary->first_byte_ms >= 0)
        spy_json_literal(json, "time_first_byte",
                         spy_figure_rfc3339(start + (uint64_t)summary->first_byte_ms, text));
    if (summary->duration_ms >= 0)
        spy_json_literal(json, "time_end",
                         spy_figure_rfc3339(start + (uint64_t)summary->duration_ms, text));
}

static void add_identity(struct spy_json *json, const struct spy_store *store,
                         const struct spy_summary *summary, const struct llm_call *call)
{
    spy_json_text_if(json, "provider", llm_text_bytes(&call->provider));
    spy_json_literal(json, "api", llm_api_name(call->api));
    spy_json_text_if(json, "operation", llm_text_bytes(&call->operation));
    spy_json_text_if(json, "model", llm_text_bytes(&call->model));
    spy_json_text_if(json, "response_model", llm_text_bytes(&call->response_model));
    spy_json_literal(json, "transport", llm_transport_name(call->transport));
    spy_json_text_if(json, "session", llm_text_bytes(&call->session));
    spy_json_text_if(json, "parent", llm_text_bytes(&call->parent));
    if (summary->parent != SPY_STORE_NONE && summary->parent >= spy_store_first(store))
        spy_json_number(json, "parent_call",
                        (int64_t)spy_store_summary(store, summary->parent)->number);
    spy_json_text_if(json, "id", llm_text_bytes(&call->id));
    spy_json_text_if(json, "host", llm_text_bytes(&call->host));
    spy_json_text_if(json, "method", llm_text_bytes(&call->method));
    spy_json_text_if(json, "path", llm_text_bytes(&call->path));
}

static void add_errors(struct spy_json *json, const struct llm_call *call)
{
    spy_json_open_array(json, "errors");
    for (size_t i = 0; i < call->error_count; i++) {
        spy_json_open_object(json, NULL);
        spy_json_text(json, "type", llm_text_bytes(&call->errors[i].type));
        spy_json_text(json, "message", llm_text_bytes(&call->errors[i].message));
        spy_json_close_object(json);
    }
    spy_json_close_array(json);
}

static void add_figures(struct spy_json *json, const struct spy_summary *summary,
                        const struct llm_call *call)
{
    if (call->status > 0)
        spy_json_number(json, "status", call->status);
    spy_json_text_if(json, "stop", llm_text_bytes(&call->stop));
    add_errors(json, call);
    spy_json_open_object(json, "usage");
    spy_json_number_if(json, "input", call->usage.input);
    spy_json_number_if(json, "cache_read", call->usage.cache_read);
    spy_json_number_if(json, "cache_write", call->usage.cache_write);
    spy_json_number_if(json, "output", call->usage.output);
    spy_json_number_if(json, "reasoning", call->usage.reasoning);
    spy_json_raw_if(json, "native", llm_text_bytes(&call->native_usage));
    spy_json_close_object(json);
    if (summary->cost_nano >= 0)
        spy_json_decimal(json, "cost_usd", summary->cost_nano, 1000000000);
    spy_json_number_if(json, "first_byte_ms", summary->first_byte_ms);
    spy_json_number_if(json, "duration_ms", summary->duration_ms);
    spy_json_open_object(json, "sizes");
    spy_json_number(json, "request", (int64_t)(call->request_bytes & INT64_MAX));
    spy_json_number(json, "request_wire", (int64_t)(call->request_wire_bytes & INT64_MAX));
    spy_json_number(json, "response", (int64_t)(call->response_bytes & INT64_MAX));
    spy_json_number(json, "response_wire", (int64_t)(call->response_wire_bytes & INT64_MAX));
    spy_json_close_object(json);
    spy_json_bool(json, "over", call->is_over);
    spy_json_bool(json, "truncated", call->is_truncated);
    spy_json_text_if(json, "truncation", llm_text_bytes(&call->truncation));
}

static void add_request(struct spy_json *json, const struct spy_summary *summary,
                        const struct llm_call *call)
{
    spy_json_open_object(json, "request");
    spy_json_raw_if(json, "headers", llm_text_bytes(&call->request_headers));
    spy_json_raw_if(json, "parameters", llm_text_bytes(&call->parameters));
    spy_json_open_object(json, "as_before");
    for (int i = 0; i < SPY_SECTION_COUNT; i++)
        spy_json_number(json, llm_section_name((enum llm_section)i), summary->as_before[i]);
    spy_json_close_object(json);
    for (int i = 0; i < SPY_SECTION_COUNT; i++)
        spy_call_json_add_blocks(json, llm_section_name((enum llm_section)i), &call->request,
                                 (enum llm_section)i);
    add_body(json, &call->request_body);
    spy_json_close_object(json);
}

void spy_call_json_add(struct spy_json *json, const struct spy_store *store, uint64_t position,
                       const struct llm_call *call)
{
    const struct spy_summary *summary = spy_store_summary(store, position);
    spy_json_open_object(json, NULL);
    spy_json_number(json, "v", SPY_CALL_JSON_VERSION);
    spy_json_literal(json, "type", "call");
    spy_json_number(json, "call", (int64_t)(call->number & INT64_MAX));
    add_times(json, summary);
    add_identity(json, store, summary, call);
    add_figures(json, summary, call);
    add_request(json, summary, call);
    spy_json_open_object(json, "response");
    spy_json_raw_if(json, "headers", llm_text_bytes(&call->response_headers));
    spy_call_json_add_all_blocks(json, "blocks", &call->response);
    add_native(json, &call->native);
    add_body(json, &call->response_body);
    spy_json_close_object(json);
    spy_json_close_object(json);
}

static void write_call(struct spy_lines *lines, uint64_t position)
{
    struct error ignored;
    if (!spy_choice_has(&lines->choice, lines->store, position))
        return;
    struct llm_call *call = spy_store_load(lines->store, position, &ignored);
    if (call == NULL)
        return;
    struct spy_json json;
    spy_json_init(&json, lines->output);
    spy_call_json_add(&json, lines->store, position, call);
    spy_output_add_text(lines->output, "\n");
    llm_call_free(call);
}

static void write_note(struct spy_lines *lines, uint64_t position, struct bytes record)
{
    const struct spy_note *note = spy_store_note(lines->store, position);
    bool is_denied = note->kind == SPY_NOTE_DENIED;
    char text[SPY_FIGURE_SIZE];
    struct spy_json json;
    if (note->kind == SPY_NOTE_AUDIT || note->time_ms < lines->choice.since_ms ||
        (is_denied && lines->is_denied_hidden))
        return;
    spy_json_init(&json, lines->output);
    spy_json_open_object(&json, NULL);
    spy_json_number(&json, "v", SPY_CALL_JSON_VERSION);
    spy_json_literal(&json, "type", is_denied ? "denied" : "lost");
    if (note->time_ms > 0)
        spy_json_literal(&json, "time", spy_figure_rfc3339(note->time_ms, text));
    if (is_denied)
        spy_json_raw_if(&json, "record", record);
    else
        spy_json_number(&json, "events", (int64_t)(note->count & INT64_MAX));
    spy_json_close_object(&json);
    spy_output_add_text(lines->output, "\n");
}

void spy_lines_take(void *context, const struct spy_added *added)
{
    struct spy_lines *lines = context;
    if (added->event->call == 0)
        write_note(lines, added->position, added->event->text);
    else if (added->event->kind == LLM_END)
        write_call(lines, added->position);
}

void spy_lines_finish(struct spy_lines *lines)
{
    for (uint64_t position = spy_store_first(lines->store); position < spy_store_end(lines->store);
         position++) {
        if (!spy_store_summary(lines->store, position)->is_over)
            write_call(lines, position);
    }
}

void spy_lines_write_all(struct spy_lines *lines)
{
    uint64_t note = spy_store_first_note(lines->store);
    uint64_t end_note = spy_store_end_note(lines->store);
    for (uint64_t position = spy_store_first(lines->store);; position++) {
        bool is_end = position == spy_store_end(lines->store);
        for (; note < end_note; note++) {
            struct buffer record;
            if (!is_end && spy_store_note(lines->store, note)->before > position)
                break;
            buffer_init(&record, SPY_NOTE_BYTES_MAX);
            (void)!spy_store_load_note(lines->store, note, &record);
            write_note(lines, note, buffer_bytes(&record));
            buffer_done(&record);
        }
        if (is_end)
            return;
        write_call(lines, position);
    }
}
