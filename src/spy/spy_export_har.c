#include "spy/spy_export.h"

#include "base/check.h"
#include "llm/llm_json.h"
#include "spy/spy_call_json.h"
#include "spy/spy_figures.h"

#include <string.h>

/*
 * HTTP Archive 1.2 (Jan Odvarko's specification): an entry for each call. Messages of a WebSocket
 * stand in `_webSocketMessages`, as browsers write them. Where bodies were not captured, the text
 * of a body is what was decoded of it, and a comment says so.
 */

static const char decoded_comment[] = "not captured: this is what was decoded of it";

struct archive {
    struct spy_store *store; /* borrowed */
    struct spy_json json;
};

static const char *http_version(const struct llm_call *call)
{
    return call->transport == LLM_TRANSPORT_HTTP2 ? "HTTP/2" : "HTTP/1.1";
}

static void add_pair(struct spy_json *json, struct bytes name, struct bytes value)
{
    spy_json_open_object(json, NULL);
    spy_json_text(json, "name", name);
    spy_json_text(json, "value", value);
    spy_json_close_object(json);
}

/* Returns the media type that the headers tell, appended to `type`. */
static void add_headers(struct spy_json *json, const struct llm_text *headers, struct buffer *type)
{
    struct llm_json parsed;
    llm_json_parse(&parsed, llm_text_bytes(headers));
    struct llm_members members = llm_members_of(llm_json_root(&parsed));
    spy_json_open_array(json, "headers");
    while (llm_members_next(&members)) {
        struct llm_members field = llm_members_of(members.value);
        struct bytes name = BYTES_EMPTY, value = BYTES_EMPTY;
        if (llm_members_next(&field))
            name = llm_value_text(field.value);
        if (llm_members_next(&field))
            value = llm_value_text(field.value);
        if (bytes_equal_ignore_case(name, BYTES_LITERAL("content-type")))
            (void)!buffer_append(type, value);
        add_pair(json, name, value);
    }
    spy_json_close_array(json);
    llm_json_done(&parsed);
}

static void add_query(struct spy_json *json, const struct llm_text *path)
{
    struct bytes whole = llm_text_bytes(path), pair;
    struct bytes rest = bytes_from(whole, bytes_index_of(whole, '?') + 1);
    spy_json_open_array(json, "queryString");
    while (rest.length > 0 && bytes_next_token(&rest, '&', &pair)) {
        size_t length = bytes_index_of(pair, '=');
        add_pair(json, bytes_first(pair, length), bytes_from(pair, length + 1));
    }
    spy_json_close_array(json);
}

/* JSON within a text: what is written to the inner one is escaped into the outer. */
static bool write_part(void *context, struct bytes bytes)
{
    spy_json_text_part(context, bytes);
    return true;
}

static void add_decoded_request(struct spy_json *json, const struct llm_call *call)
{
    struct spy_output output;
    struct spy_json inner;
    spy_output_init(&output, write_part, json);
    spy_json_init(&inner, &output);
    spy_json_open_text(json, "text");
    spy_json_open_object(&inner, NULL);
    spy_json_text_if(&inner, "model", llm_text_bytes(&call->model));
    spy_json_raw_if(&inner, "parameters", llm_text_bytes(&call->parameters));
    for (int i = 0; i < SPY_SECTION_COUNT; i++)
        spy_call_json_add_blocks(&inner, llm_section_name((enum llm_section)i), &call->request,
                                 (enum llm_section)i);
    spy_json_close_object(&inner);
    spy_output_done(&output);
    spy_json_close_text(json);
}

static void add_decoded_response(struct spy_json *json, const struct llm_call *call)
{
    struct spy_output output;
    struct spy_json inner;
    spy_output_init(&output, write_part, json);
    spy_json_init(&inner, &output);
    spy_json_open_text(json, "text");
    spy_json_open_object(&inner, NULL);
    spy_json_text_if(&inner, "stop", llm_text_bytes(&call->stop));
    spy_json_raw_if(&inner, "usage", llm_text_bytes(&call->native_usage));
    /* Blocks of a response stand in no other section. */
    spy_call_json_add_all_blocks(&inner, "blocks", &call->response);
    spy_json_close_object(&inner);
    spy_output_done(&output);
    spy_json_close_text(json);
}

static void add_text(struct spy_json *json, struct bytes body)
{
    if (llm_json_utf8_length(body) == body.length) {
        spy_json_text(json, "text", body);
        return;
    }
    spy_json_base64(json, "text", body);
    spy_json_literal(json, "encoding", "base64");
}

static void add_type(struct spy_json *json, const struct buffer *type)
{
    struct bytes text = buffer_bytes(type);
    spy_json_text(json, "mimeType", text.length ? text : BYTES_LITERAL("application/json"));
}

static void add_request(struct spy_json *json, const struct llm_call *call)
{
    struct buffer type;
    buffer_init(&type, 1024);
    struct bytes body = llm_text_bytes(&call->request_body);
    bool is_socket = call->transport == LLM_TRANSPORT_WEBSOCKET;
    spy_json_open_object(json, "request");
    spy_json_text(json, "method", llm_text_bytes(&call->method));
    spy_json_open_text(json, "url");
    spy_json_text_part(json, is_socket ? BYTES_LITERAL("wss://") : BYTES_LITERAL("https://"));
    spy_json_text_part(json, llm_text_bytes(&call->host));
    spy_json_text_part(json, llm_text_bytes(&call->path));
    spy_json_close_text(json);
    spy_json_literal(json, "httpVersion", http_version(call));
    spy_json_open_array(json, "cookies");
    spy_json_close_array(json);
    add_headers(json, &call->request_headers, &type);
    add_query(json, &call->path);
    spy_json_number(json, "headersSize", -1);
    spy_json_number(json, "bodySize",
                    is_socket ? 0 : (int64_t)(call->request_wire_bytes & INT64_MAX));
    if (!is_socket && (body.length > 0 || call->request.count > 0)) {
        spy_json_open_object(json, "postData");
        add_type(json, &type);
        if (body.length > 0) {
            add_text(json, body);
        } else {
            add_decoded_request(json, call);
            spy_json_literal(json, "comment", decoded_comment);
        }
        spy_json_close_object(json);
    }
    spy_json_close_object(json);
    buffer_done(&type);
}

static void add_content(struct spy_json *json, const struct llm_call *call,
                        const struct buffer *type)
{
    struct bytes body = llm_text_bytes(&call->response_body);
    bool is_socket = call->transport == LLM_TRANSPORT_WEBSOCKET;
    spy_json_open_object(json, "content");
    spy_json_number(json, "size", is_socket ? 0 : (int64_t)(call->response_bytes & INT64_MAX));
    if (!is_socket && body.length == 0 && call->response.count > 0)
        spy_json_literal(json, "mimeType", "application/json");
    else
        add_type(json, type);
    if (!is_socket && body.length > 0) {
        add_text(json, body);
    } else if (!is_socket && call->response.count > 0) {
        add_decoded_response(json, call);
        spy_json_literal(json, "comment", decoded_comment);
    }
    spy_json_close_object(json);
}

static void add_response(struct spy_json *json, const struct llm_call *call)
{
    struct buffer type;
    buffer_init(&type, 1024);
    bool is_socket = call->transport == LLM_TRANSPORT_WEBSOCKET;
    spy_json_open_object(json, "response");
    spy_json_number(json, "status", is_socket && call->status == 0 ? 101 : call->status);
    spy_json_literal(json, "statusText", "");
    spy_json_literal(json, "httpVersion", http_version(call));
    spy_json_open_array(json, "cookies");
    spy_json_close_array(json);
    add_headers(json, &call->response_headers, &type);
    add_content(json, call, &type);
    spy_json_literal(json, "redirectURL", "");
    spy_json_number(json, "headersSize", -1);
    spy_json_number(json, "bodySize",
                    is_socket ? 0 : (int64_t)(call->response_wire_bytes & INT64_MAX));
    spy_json_close_object(json);
    buffer_done(&type);
}

static void open_message(struct spy_json *json, enum llm_side side, uint64_t time_ms, bool is_text)
{
    spy_json_open_object(json, NULL);
    spy_json_literal(json, "type", side == LLM_SIDE_REQUEST ? "send" : "receive");
    spy_json_decimal(json, "time", (int64_t)(time_ms & INT64_MAX), 1000);
    spy_json_number(json, "opcode", is_text ? 1 : 2);
}

struct messages {
    struct spy_json *json; /* borrowed */
    struct buffer data;    /* of the message that goes on */
    enum llm_side side;
    uint64_t time_ms;
    bool is_any;
};

static void end_message(struct messages *messages)
{
    struct bytes data = buffer_bytes(&messages->data);
    if (data.length == 0)
        return;
    bool is_text = llm_json_utf8_length(data) == data.length;
    open_message(messages->json, messages->side, messages->time_ms, is_text);
    if (is_text)
        spy_json_text(messages->json, "data", data);
    else
        spy_json_base64(messages->json, "data", data);
    spy_json_close_object(messages->json);
    buffer_clear(&messages->data);
}

static void add_message(void *context, const struct llm_event *event)
{
    struct messages *messages = context;
    if (event->kind != LLM_BODY)
        return;
    messages->is_any = true;
    if (event->side != messages->side)
        end_message(messages);
    if (buffer_length(&messages->data) == 0)
        messages->time_ms = event->time_ms;
    messages->side = event->side;
    if (!buffer_append(&messages->data, event->text)) {
        /* Longer than a message may be that is kept whole: the rest is one of its own. */
        end_message(messages);
        CHECK(buffer_append(&messages->data, event->text));
    }
    if (!event->is_open)
        end_message(messages);
}

static void add_messages(struct archive *archive, uint64_t position, const struct llm_call *call)
{
    struct spy_json *json = &archive->json;
    struct messages messages = {.json = json};
    struct error ignored;
    buffer_init(&messages.data, LLM_CALL_TEXT_MAX);
    spy_json_literal(json, "_resourceType", "websocket");
    spy_json_open_array(json, "_webSocketMessages");
    spy_store_replay(archive->store, position, add_message, &messages, &ignored);
    end_message(&messages);
    buffer_done(&messages.data);
    spy_json_close_array(json);
    if (messages.is_any)
        return;
    /* Without bodies: what was decoded, beside the list. */
    spy_json_open_object(json, "_decodedRequest");
    add_decoded_request(json, call);
    spy_json_close_object(json);
    spy_json_open_object(json, "_decodedResponse");
    add_decoded_response(json, call);
    spy_json_close_object(json);
}

static void add_timings(struct spy_json *json, const struct spy_summary *summary)
{
    int64_t whole = summary->duration_ms > 0 ? summary->duration_ms : 0;
    int64_t wait = summary->first_byte_ms > 0 ? summary->first_byte_ms : 0;
    wait = wait < whole ? wait : whole;
    spy_json_open_object(json, "timings");
    spy_json_number(json, "send", 0);
    spy_json_number(json, "wait", wait);
    spy_json_number(json, "receive", whole - wait);
    spy_json_close_object(json);
}

static void add_entry(void *context, uint64_t position, const struct llm_call *call)
{
    struct archive *archive = context;
    struct spy_json *json = &archive->json;
    const struct spy_summary *summary = spy_store_summary(archive->store, position);
    char time[SPY_FIGURE_SIZE];
    spy_output_add_text(json->output, "\n");
    spy_json_open_object(json, NULL);
    spy_json_literal(json, "startedDateTime", spy_figure_rfc3339(summary->start_ms, time));
    spy_json_number(json, "time", summary->duration_ms > 0 ? summary->duration_ms : 0);
    add_request(json, call);
    add_response(json, call);
    spy_json_open_object(json, "cache");
    spy_json_close_object(json);
    add_timings(json, summary);
    if (call->transport == LLM_TRANSPORT_WEBSOCKET)
        add_messages(archive, position, call);
    else
        spy_json_literal(json, "_resourceType", "fetch");
    spy_json_number(json, "_call", (int64_t)(call->number & INT64_MAX));
    spy_json_open_object(json, "_usage");
    spy_json_number_if(json, "input", call->usage.input);
    spy_json_number_if(json, "cache_read", call->usage.cache_read);
    spy_json_number_if(json, "cache_write", call->usage.cache_write);
    spy_json_number_if(json, "output", call->usage.output);
    spy_json_number_if(json, "reasoning", call->usage.reasoning);
    spy_json_close_object(json);
    spy_json_close_object(json);
}

void spy_export_har(struct spy_store *store, const struct spy_choice *choice,
                    struct spy_output *output)
{
    struct archive archive = {.store = store};
    struct spy_json *json = &archive.json;
    spy_json_init(json, output);
    spy_json_open_object(json, NULL);
    spy_json_open_object(json, "log");
    spy_json_literal(json, "version", "1.2");
    spy_json_open_object(json, "creator");
    spy_json_literal(json, "name", "rootcell");
    spy_json_literal(json, "version", ROOTCELL_VERSION);
    spy_json_close_object(json);
    spy_json_open_array(json, "entries");
    spy_export_each(store, choice, add_entry, &archive);
    spy_json_close_array(json);
    spy_json_close_object(json);
    spy_json_close_object(json);
    spy_output_add_text(output, "\n");
}
