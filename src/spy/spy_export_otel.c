#include "spy/spy_export.h"

#include "base/memory.h"
#include "llm/llm_json.h"
#include "spy/spy_json.h"
#include "spy/spy_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * OTLP as JSON, with the attributes of OpenTelemetry's conventions for generative AI (status
 * Development): a span for each call, whose trace is the conversation, and below it one for each
 * run of a tool, from the end of the call that wanted it to the begin of the one that brings its
 * result. Identifiers are made from what was captured: the same recording gives the same spans.
 */

enum {
    TOOLS_MAX = 32 * 1024,
    TOOL_NAME_SIZE = 64,
    HEX_SIZE = 40,
    KIND_INTERNAL = 1,
    KIND_CLIENT = 3,
    STATUS_ERROR = 2
};

#define NANO_PER_MS UINT64_C(1000000)

struct tool {
    uint64_t position; /* of the call that wants it */
    char name[TOOL_NAME_SIZE];
};

struct telemetry {
    struct spy_store *store; /* borrowed */
    struct spy_json json;
    struct spy_table *by_id; /* owned: place in `tools` by the id of the tool's call */
    struct tool *tools;      /* owned, round and round */
    uint64_t tool_count;
};

static void open_attribute(struct spy_json *json, const char *key)
{
    spy_json_open_object(json, NULL);
    spy_json_literal(json, "key", key);
    spy_json_open_object(json, "value");
}

static void close_attribute(struct spy_json *json)
{
    spy_json_close_object(json);
    spy_json_close_object(json);
}

static void add_text(struct spy_json *json, const char *key, struct bytes text)
{
    if (text.length == 0)
        return;
    open_attribute(json, key);
    spy_json_text(json, "stringValue", text);
    close_attribute(json);
}

static void add_count(struct spy_json *json, const char *key, int64_t count)
{
    char text[HEX_SIZE];
    if (count < 0)
        return;
    snprintf(text, sizeof(text), "%lld", (long long)count);
    open_attribute(json, key);
    spy_json_literal(json, "intValue", text);
    close_attribute(json);
}

static void add_seconds(struct spy_json *json, const char *key, int64_t ms)
{
    if (ms < 0)
        return;
    open_attribute(json, key);
    spy_json_decimal(json, "doubleValue", ms, 1000);
    close_attribute(json);
}

static void add_time(struct spy_json *json, const char *key, uint64_t time_ms)
{
    char text[HEX_SIZE];
    snprintf(text, sizeof(text), "%llu",
             (unsigned long long)(time_ms < UINT64_MAX / NANO_PER_MS ? time_ms * NANO_PER_MS
                                                                     : UINT64_MAX));
    spy_json_literal(json, key, text);
}

static uint64_t hash_of(const char *what, uint64_t a, uint64_t b)
{
    char text[128];
    snprintf(text, sizeof(text), "%s %llu %llu", what, (unsigned long long)a,
             (unsigned long long)b);
    uint64_t hash = bytes_hash(bytes_from_text(text));
    return hash ? hash : 1; /* all zeroes are no identifier */
}

static uint64_t span_of(const struct spy_summary *summary)
{
    return hash_of("span", summary->start_ms, summary->number);
}

static void add_identifier(struct spy_json *json, const char *key, uint64_t high, uint64_t low,
                           bool is_long)
{
    char text[HEX_SIZE];
    if (is_long)
        snprintf(text, sizeof(text), "%016llx%016llx", (unsigned long long)high,
                 (unsigned long long)low);
    else
        snprintf(text, sizeof(text), "%016llx", (unsigned long long)low);
    spy_json_literal(json, key, text);
}

/* The session where there is one; else the conversation's first call. */
static void add_trace(struct telemetry *telemetry, const struct spy_summary *summary)
{
    const struct spy_summary *first = summary;
    uint64_t high, low;
    if (summary->conversation >= spy_store_first(telemetry->store))
        first = spy_store_summary(telemetry->store, summary->conversation);
    if (summary->session[0]) {
        high = bytes_hash(bytes_from_text(summary->session));
        low = hash_of("session", high, 0);
    } else {
        high = hash_of("conversation", first->start_ms, first->number);
        low = hash_of("trace", first->start_ms, first->number);
    }
    add_identifier(&telemetry->json, "traceId", high, low, true);
}

static const char *provider_name(const struct llm_call *call)
{
    struct bytes provider = llm_text_bytes(&call->provider);
    if (bytes_start_with(provider, BYTES_LITERAL("bedrock")))
        return "aws.bedrock";
    if (bytes_start_with(provider, BYTES_LITERAL("anthropic")))
        return "anthropic";
    return "openai";
}

static bool write_part(void *context, struct bytes bytes)
{
    spy_json_text_part(context, bytes);
    return true;
}

/* JSON as the text of an attribute. */
struct nested {
    struct spy_output output;
    struct spy_json json;
    struct spy_json *outer; /* borrowed */
};

static void open_nested(struct nested *nested, struct spy_json *outer, const char *key)
{
    nested->outer = outer;
    open_attribute(outer, key);
    spy_json_open_text(outer, "stringValue");
    spy_output_init(&nested->output, write_part, outer);
    spy_json_init(&nested->json, &nested->output);
    spy_json_open_array(&nested->json, NULL);
}

static void close_nested(struct nested *nested)
{
    spy_json_close_array(&nested->json);
    spy_output_done(&nested->output);
    spy_json_close_text(nested->outer);
    close_attribute(nested->outer);
}

static void add_part(struct spy_json *json, const struct llm_block *block)
{
    spy_json_open_object(json, NULL);
    switch (block->kind) {
    case LLM_BLOCK_TEXT:
        spy_json_literal(json, "type", "text");
        spy_json_text(json, "content", llm_text_bytes(&block->text));
        break;
    case LLM_BLOCK_THINKING:
        spy_json_literal(json, "type", "reasoning");
        spy_json_text(json, "content", llm_text_bytes(&block->text));
        break;
    case LLM_BLOCK_TOOL_CALL:
        spy_json_literal(json, "type", "tool_call");
        spy_json_text(json, "id", llm_text_bytes(&block->id));
        spy_json_text(json, "name", llm_text_bytes(&block->name));
        spy_json_raw_if(json, "arguments", llm_text_bytes(&block->text));
        break;
    case LLM_BLOCK_TOOL_RESULT:
        spy_json_literal(json, "type", "tool_call_response");
        spy_json_text(json, "id", llm_text_bytes(&block->id));
        spy_json_text(json, "response", llm_text_bytes(&block->text));
        break;
    default:
        spy_json_literal(json, "type", llm_block_kind_name(block->kind));
        spy_json_text_if(json, "content", llm_text_bytes(&block->text));
        spy_json_text_if(json, "name", llm_text_bytes(&block->name));
        spy_json_raw_if(json, "value", llm_text_bytes(&block->json));
    }
    spy_json_close_object(json);
}

static bool is_same_message(const struct llm_block *a, const struct llm_block *b)
{
    return a->message == b->message && a->role == b->role;
}

static const char *role_name(const struct llm_block *block, const char *otherwise)
{
    return block->role == LLM_ROLE_NONE ? otherwise : llm_role_name(block->role);
}

/* Blocks of messages, those of one message together. */
static void add_messages(struct spy_json *outer, const char *key, const struct llm_block_list *list,
                         bool is_response, const struct llm_call *call)
{
    const struct llm_block *before = NULL;
    struct nested nested;
    open_nested(&nested, outer, key);
    for (size_t i = 0; i < list->count; i++) {
        const struct llm_block *block = &list->items[i];
        if (!is_response && block->section != LLM_SECTION_MESSAGES)
            continue;
        bool goes_on = before && (is_response || is_same_message(before, block));
        if (before && !goes_on) {
            spy_json_close_array(&nested.json);
            spy_json_close_object(&nested.json);
        }
        if (!goes_on) {
            spy_json_open_object(&nested.json, NULL);
            spy_json_literal(&nested.json, "role",
                             role_name(block, is_response ? "assistant" : "user"));
            if (is_response)
                spy_json_text_if(&nested.json, "finish_reason", llm_text_bytes(&call->stop));
            spy_json_open_array(&nested.json, "parts");
        }
        add_part(&nested.json, block);
        before = block;
    }
    if (before) {
        spy_json_close_array(&nested.json);
        spy_json_close_object(&nested.json);
    }
    close_nested(&nested);
}

static void add_section(struct spy_json *outer, const char *key, const struct llm_call *call,
                        enum llm_section section)
{
    struct nested nested;
    open_nested(&nested, outer, key);
    for (size_t i = 0; i < call->request.count; i++) {
        const struct llm_block *block = &call->request.items[i];
        if (block->section != section)
            continue;
        if (block->kind != LLM_BLOCK_TOOL) {
            add_part(&nested.json, block);
            continue;
        }
        spy_json_open_object(&nested.json, NULL);
        spy_json_literal(&nested.json, "type", "function");
        spy_json_text(&nested.json, "name", llm_text_bytes(&block->name));
        spy_json_text_if(&nested.json, "description", llm_text_bytes(&block->text));
        spy_json_raw_if(&nested.json, "parameters", llm_text_bytes(&block->json));
        spy_json_close_object(&nested.json);
    }
    close_nested(&nested);
}

static void add_parameters(struct spy_json *json, const struct llm_call *call)
{
    static const struct {
        const char *names[3];
        const char *key;
    } rows[] = {
        {{"max_tokens", "maxTokens", "max_output_tokens"}, "gen_ai.request.max_tokens"},
        {{"top_k", "topK", "top_k"}, "gen_ai.request.top_k"},
    };
    struct llm_json parsed;
    llm_json_parse(&parsed, llm_text_bytes(&call->parameters));
    struct llm_value root = llm_json_root(&parsed);
    struct llm_value inner = llm_value_get(root, "inferenceConfig");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t number = -1;
        for (size_t k = 0; k < 3 && number < 0; k++) {
            number = llm_value_get_number(root, rows[i].names[k]);
            if (number < 0)
                number = llm_value_get_number(inner, rows[i].names[k]);
        }
        add_count(json, rows[i].key, number);
    }
    struct llm_value temperature = llm_value_get(root, "temperature");
    if (!llm_value_is(temperature, LLM_JSON_NUMBER))
        temperature = llm_value_get(inner, "temperature");
    if (llm_value_is(temperature, LLM_JSON_NUMBER)) {
        open_attribute(json, "gen_ai.request.temperature");
        spy_json_raw_if(json, "doubleValue", llm_value_raw(temperature));
        close_attribute(json);
    }
    llm_json_done(&parsed);
}

static void add_response_attributes(struct spy_json *json, const struct spy_summary *summary,
                                    const struct llm_call *call)
{
    add_text(json, "gen_ai.response.id", llm_text_bytes(&call->id));
    add_text(json, "gen_ai.response.model", llm_text_bytes(&call->response_model));
    if (call->stop.length > 0) {
        open_attribute(json, "gen_ai.response.finish_reasons");
        spy_json_open_object(json, "arrayValue");
        spy_json_open_array(json, "values");
        spy_json_open_object(json, NULL);
        spy_json_text(json, "stringValue", llm_text_bytes(&call->stop));
        spy_json_close_object(json);
        spy_json_close_array(json);
        spy_json_close_object(json);
        close_attribute(json);
    }
    add_count(json, "gen_ai.usage.input_tokens", call->usage.input);
    add_count(json, "gen_ai.usage.output_tokens", call->usage.output);
    add_count(json, "gen_ai.usage.cache_read.input_tokens", call->usage.cache_read);
    add_count(json, "gen_ai.usage.cache_creation.input_tokens", call->usage.cache_write);
    add_count(json, "gen_ai.usage.reasoning.output_tokens", call->usage.reasoning);
    add_seconds(json, "gen_ai.response.time_to_first_chunk", summary->first_byte_ms);
    if (call->status > 0)
        add_count(json, "http.response.status_code", call->status);
}

static bool has_failed(const struct llm_call *call)
{
    return call->error_count > 0 || call->status >= 400;
}

static void add_error(struct spy_json *json, const struct llm_call *call)
{
    char status[HEX_SIZE];
    struct bytes type = call->error_count ? llm_text_bytes(&call->errors[0].type) : BYTES_EMPTY;
    if (!has_failed(call))
        return;
    snprintf(status, sizeof(status), "%u", call->status);
    add_text(json, "error.type", type.length ? type : bytes_from_text(status));
}

static void add_status(struct spy_json *json, const struct llm_call *call)
{
    spy_json_open_object(json, "status");
    if (has_failed(call)) {
        spy_json_number(json, "code", STATUS_ERROR);
        if (call->error_count)
            spy_json_text_if(json, "message", llm_text_bytes(&call->errors[0].message));
    }
    spy_json_close_object(json);
}

static void add_call_span(struct telemetry *telemetry, const struct spy_summary *summary,
                          const struct llm_call *call)
{
    struct spy_json *json = &telemetry->json;
    uint64_t duration = summary->duration_ms > 0 ? (uint64_t)summary->duration_ms : 0;
    spy_output_add_text(json->output, "\n");
    spy_json_open_object(json, NULL);
    add_trace(telemetry, summary);
    add_identifier(json, "spanId", 0, span_of(summary), false);
    spy_json_open_text(json, "name");
    spy_json_text_part(json, BYTES_LITERAL("chat "));
    spy_json_text_part(json, llm_text_bytes(&call->model));
    spy_json_close_text(json);
    spy_json_number(json, "kind", KIND_CLIENT);
    add_time(json, "startTimeUnixNano", summary->start_ms);
    add_time(json, "endTimeUnixNano", summary->start_ms + duration);
    spy_json_open_array(json, "attributes");
    add_text(json, "gen_ai.operation.name", BYTES_LITERAL("chat"));
    add_text(json, "gen_ai.provider.name", bytes_from_text(provider_name(call)));
    add_text(json, "gen_ai.request.model", llm_text_bytes(&call->model));
    add_text(json, "gen_ai.conversation.id", llm_text_bytes(&call->session));
    add_text(json, "server.address", llm_text_bytes(&call->host));
    add_count(json, "server.port", 443);
    add_parameters(json, call);
    add_response_attributes(json, summary, call);
    add_error(json, call);
    add_section(json, "gen_ai.system_instructions", call, LLM_SECTION_SYSTEM);
    add_section(json, "gen_ai.tool.definitions", call, LLM_SECTION_TOOLS);
    add_messages(json, "gen_ai.input.messages", &call->request, false, call);
    add_messages(json, "gen_ai.output.messages", &call->response, true, call);
    spy_json_close_array(json);
    add_status(json, call);
    spy_json_close_object(json);
}

static void add_tool_span(struct telemetry *telemetry, const struct tool *tool,
                          const struct llm_block *result, const struct spy_summary *summary)
{
    struct spy_json *json = &telemetry->json;
    const struct spy_summary *caller = spy_store_summary(telemetry->store, tool->position);
    uint64_t start = caller->start_ms;
    if (caller->duration_ms > 0)
        start += (uint64_t)caller->duration_ms;
    spy_output_add_text(json->output, "\n");
    spy_json_open_object(json, NULL);
    add_trace(telemetry, caller);
    add_identifier(json, "spanId", 0,
                   hash_of("tool", span_of(caller), bytes_hash(llm_text_bytes(&result->id))),
                   false);
    add_identifier(json, "parentSpanId", 0, span_of(caller), false);
    spy_json_open_text(json, "name");
    spy_json_text_part(json, BYTES_LITERAL("execute_tool "));
    spy_json_text_part(json, bytes_from_text(tool->name));
    spy_json_close_text(json);
    spy_json_number(json, "kind", KIND_INTERNAL);
    add_time(json, "startTimeUnixNano", start);
    add_time(json, "endTimeUnixNano", summary->start_ms > start ? summary->start_ms : start);
    spy_json_open_array(json, "attributes");
    add_text(json, "gen_ai.operation.name", BYTES_LITERAL("execute_tool"));
    add_text(json, "gen_ai.tool.name", bytes_from_text(tool->name));
    add_text(json, "gen_ai.tool.call.id", llm_text_bytes(&result->id));
    add_text(json, "gen_ai.tool.call.result", llm_text_bytes(&result->text));
    spy_json_close_array(json);
    spy_json_open_object(json, "status");
    if (result->is_error)
        spy_json_number(json, "code", STATUS_ERROR);
    spy_json_close_object(json);
    spy_json_close_object(json);
}

static void add_tool_spans(struct telemetry *telemetry, const struct spy_summary *summary,
                           const struct llm_call *call)
{
    for (size_t i = 0; i < call->request.count; i++) {
        const struct llm_block *block = &call->request.items[i];
        uint64_t hash = bytes_hash(llm_text_bytes(&block->id)), place;
        if (block->kind != LLM_BLOCK_TOOL_RESULT || block->id.length == 0 ||
            !spy_table_find(telemetry->by_id, hash, &place))
            continue;
        const struct tool *tool = &telemetry->tools[place % TOOLS_MAX];
        if (tool->position >= spy_store_first(telemetry->store))
            add_tool_span(telemetry, tool, block, summary);
        spy_table_remove(telemetry->by_id, hash); /* it is sent again with each later call */
    }
}

static void remember_tools(struct telemetry *telemetry, uint64_t position,
                           const struct llm_call *call)
{
    for (size_t i = 0; i < call->response.count; i++) {
        const struct llm_block *block = &call->response.items[i];
        if (block->kind != LLM_BLOCK_TOOL_CALL || block->id.length == 0)
            continue;
        uint64_t place = telemetry->tool_count++;
        struct tool *tool = &telemetry->tools[place % TOOLS_MAX];
        tool->position = position;
        snprintf(tool->name, sizeof(tool->name), "%.*s",
                 (int)(block->name.length < TOOL_NAME_SIZE ? block->name.length : TOOL_NAME_SIZE),
                 block->name.data ? block->name.data : "");
        spy_table_set(telemetry->by_id, bytes_hash(llm_text_bytes(&block->id)), place);
    }
}

static void add_call(void *context, uint64_t position, const struct llm_call *call)
{
    struct telemetry *telemetry = context;
    const struct spy_summary *summary = spy_store_summary(telemetry->store, position);
    add_tool_spans(telemetry, summary, call);
    add_call_span(telemetry, summary, call);
    remember_tools(telemetry, position, call);
}

static void add_resource(struct spy_json *json)
{
    spy_json_open_object(json, "resource");
    spy_json_open_array(json, "attributes");
    add_text(json, "service.name", BYTES_LITERAL("rootcell"));
    add_text(json, "service.version", BYTES_LITERAL(ROOTCELL_VERSION));
    spy_json_close_array(json);
    spy_json_close_object(json);
}

void spy_export_otel(struct spy_store *store, const struct spy_choice *choice,
                     struct spy_output *output)
{
    struct telemetry telemetry = {
        .store = store,
        .by_id = spy_table_new(TOOLS_MAX),
        .tools = memory_new_array(TOOLS_MAX, sizeof(struct tool)),
    };
    struct spy_json *json = &telemetry.json;
    spy_json_init(json, output);
    spy_json_open_object(json, NULL);
    spy_json_open_array(json, "resourceSpans");
    spy_json_open_object(json, NULL);
    add_resource(json);
    spy_json_open_array(json, "scopeSpans");
    spy_json_open_object(json, NULL);
    spy_json_open_object(json, "scope");
    spy_json_literal(json, "name", "rootcell.spy");
    spy_json_literal(json, "version", ROOTCELL_VERSION);
    spy_json_close_object(json);
    spy_json_open_array(json, "spans");
    spy_export_each(store, choice, add_call, &telemetry);
    spy_json_close_array(json);
    spy_json_close_object(json);
    spy_json_close_array(json);
    spy_json_close_object(json);
    spy_json_close_array(json);
    spy_json_close_object(json);
    spy_output_add_text(output, "\n");
    spy_table_free(telemetry.by_id);
    free(telemetry.tools);
}
