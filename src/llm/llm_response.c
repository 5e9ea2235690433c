#include "llm/llm_response.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_head.h"
#include "wire/event_stream.h"
#include "wire/sse.h"

enum framing {
    FRAMING_DOCUMENT,
    FRAMING_SSE,
    FRAMING_EVENT_STREAM,
    FRAMING_NONE, /* of an interface without a decoder */
};

struct llm_response {
    struct llm_draft *draft; /* borrowed */
    uint16_t status;
    enum framing framing;
    struct buffer encodings;
    struct buffer error_type; /* that the head tells */
    struct buffer request_id; /* Bedrock's answers have no other id */
    struct llm_held document;
    struct sse *sse;             /* owned */
    struct event_stream *stream; /* owned */
    size_t counted;
    const char *problem;
};

static void on_sse(void *context, const struct sse_event *event);
static void on_message(void *context, const struct event_stream_message *message);

static bool is_error(const struct llm_response *response)
{
    return response->status >= 400;
}

static enum framing framing_of(const struct llm_response *response, struct bytes type)
{
    type = bytes_trim(bytes_first(type, bytes_index_of(type, ';')));
    if (llm_decoder_of(response->draft->api) == NULL)
        return is_error(response) ? FRAMING_DOCUMENT : FRAMING_NONE;
    if (bytes_equal_ignore_case(type, BYTES_LITERAL("text/event-stream")))
        return FRAMING_SSE;
    if (bytes_equal_ignore_case(type, BYTES_LITERAL("application/vnd.amazon.eventstream")))
        return FRAMING_EVENT_STREAM;
    return FRAMING_DOCUMENT;
}

struct llm_response *llm_response_new(struct llm_draft *draft, uint16_t status,
                                      const struct llm_field *fields, size_t field_count)
{
    struct llm_context *context = draft->context;
    struct llm_response *response = memory_new(sizeof(*response));
    struct buffer type, headers;
    *response = (struct llm_response){.draft = draft, .status = status};
    buffer_init(&type, LLM_DRAFT_WORD_MAX);
    buffer_init(&headers, 128 * 1024);
    buffer_init(&response->encodings, LLM_DRAFT_WORD_MAX);
    buffer_init(&response->error_type, LLM_DRAFT_WORD_MAX);
    buffer_init(&response->request_id, LLM_DRAFT_WORD_MAX);
    llm_head_join(fields, field_count, "content-type", &type);
    llm_head_join(fields, field_count, "content-encoding", &response->encodings);
    llm_head_join(fields, field_count, "x-amzn-errortype", &response->error_type);
    llm_head_join(fields, field_count, "x-amzn-requestid", &response->request_id);
    llm_head_write_fields(fields, field_count, &headers);
    llm_head_answer(draft, status, buffer_bytes(&headers));
    response->framing = framing_of(response, buffer_bytes(&type));
    size_t maximum = context->held_maximum / 2;
    llm_held_init(&response->document, context,
                  is_error(response)                ? LLM_EXCHANGE_ERROR_MAX
                  : maximum < LLM_EXCHANGE_BODY_MAX ? maximum
                                                    : LLM_EXCHANGE_BODY_MAX);
    if (response->framing == FRAMING_SSE)
        response->sse = sse_new(NULL, on_sse, response);
    if (response->framing == FRAMING_EVENT_STREAM)
        response->stream = event_stream_new(NULL, on_message, response);
    buffer_done(&type);
    buffer_done(&headers);
    return response;
}

void llm_response_free(struct llm_response *response)
{
    if (response == NULL)
        return;
    sse_free(response->sse);
    event_stream_free(response->stream);
    llm_held_done(&response->document);
    llm_held_count(response->draft->context, &response->counted, 0);
    buffer_done(&response->encodings);
    buffer_done(&response->error_type);
    buffer_done(&response->request_id);
    free(response);
}

struct bytes llm_response_encodings(const struct llm_response *response)
{
    return buffer_bytes(&response->encodings);
}

/* An event of a stream: what cannot be read is shown as it is. */
static void tell_event(struct llm_response *response, struct bytes type, struct bytes data,
                       bool is_cut)
{
    struct llm_draft *draft = response->draft;
    struct llm_json json;
    if (is_cut)
        llm_draft_truncate(draft, "an event was too long to be read whole");
    if (llm_json_parse(&json, data) == LLM_JSON_WHOLE && !is_cut)
        llm_decoder_of(draft->api)->event(draft, type, llm_json_root(&json));
    else
        llm_draft_native_text(draft, LLM_SIDE_RESPONSE, type, data);
    llm_json_done(&json);
}

static void on_sse(void *context, const struct sse_event *event)
{
    struct llm_response *response = context;
    struct llm_draft *draft = response->draft;
    if (event->kind == SSE_COMMENT || event->kind == SSE_WITHOUT_DATA)
        return;
    if (event->kind == SSE_TRUNCATED && !draft->is_complete)
        llm_draft_truncate(draft, "the stream ends inside of an event");
    if (bytes_equal_text(event->data, "[DONE]"))
        draft->is_complete = true;
    else if (event->kind == SSE_EVENT || event->data.length)
        tell_event(response, event->type, event->data, event->is_cut);
}

/* Errors come as messages of the stream while the status was 200. */
static void tell_exception(struct llm_response *response,
                           const struct event_stream_message *message, bool is_modelled)
{
    struct bytes type = BYTES_EMPTY, text = BYTES_EMPTY;
    struct llm_json json;
    (void)!event_stream_find_text(message, is_modelled ? ":exception-type" : ":error-code", &type);
    llm_json_parse(&json, message->payload);
    struct llm_value value = llm_json_root(&json);
    if (!is_modelled)
        (void)!event_stream_find_text(message, ":error-message", &text);
    if (text.length == 0)
        text = llm_value_get_text(value, "message");
    if (text.length == 0)
        text = llm_value_get_text(value, "Message");
    llm_draft_error(response->draft, type, text.length ? text : message->payload);
    llm_json_done(&json);
}

static void on_message(void *context, const struct event_stream_message *message)
{
    struct llm_response *response = context;
    struct bytes kind = BYTES_LITERAL("event"), type = BYTES_EMPTY;
    (void)!event_stream_find_text(message, ":message-type", &kind);
    if (bytes_equal_text(kind, "exception") || bytes_equal_text(kind, "error")) {
        tell_exception(response, message, bytes_equal_text(kind, "exception"));
        return;
    }
    (void)!event_stream_find_text(message, ":event-type", &type);
    if (message->payload.length)
        tell_event(response, type, message->payload,
                   message->payload_bytes > message->payload.length);
}

static bool count(struct llm_response *response)
{
    size_t held = response->sse      ? sse_held(response->sse)
                  : response->stream ? event_stream_held(response->stream)
                                     : 0;
    return llm_held_count(response->draft->context, &response->counted, held);
}

bool llm_response_is_checked(const struct llm_response *response)
{
    return response->framing == FRAMING_EVENT_STREAM;
}

const char *llm_response_feed(struct llm_response *response, struct bytes bytes)
{
    switch (response->framing) {
    case FRAMING_SSE:
        sse_feed(response->sse, bytes);
        return count(response) ? NULL : "there is no memory to hold its events";
    case FRAMING_EVENT_STREAM:
        if (event_stream_feed(response->stream, bytes) == PARSE_BAD)
            return event_stream_reason_text(event_stream_reason(response->stream));
        return count(response) ? NULL : "there is no memory to hold its events";
    case FRAMING_DOCUMENT:
        if (llm_held_append_some(&response->document, bytes) < bytes.length && !is_error(response))
            return "it is too long to be held";
        return NULL;
    case FRAMING_NONE:
        return NULL;
    }
    return NULL;
}

/* "ThrottlingException:http://..." stands in a header, the message in the body. */
static void tell_http_error(struct llm_response *response, struct llm_value body)
{
    struct llm_draft *draft = response->draft;
    struct bytes type = buffer_bytes(&response->error_type);
    struct bytes text = llm_held_bytes(&response->document);
    type = bytes_first(type, bytes_index_of(type, ':'));
    char status[32];
    snprintf(status, sizeof(status), "HTTP %u", response->status);
    if (type.length) {
        struct bytes message = llm_value_get_text(body, "message");
        if (message.length == 0)
            message = llm_value_get_text(body, "Message");
        llm_draft_error(draft, type, message.length ? message : text);
    } else if (llm_value_is(llm_value_get(body, "detail"), LLM_JSON_STRING)) {
        llm_draft_error(draft, bytes_from_text(status), llm_value_get_text(body, "detail"));
    } else if (!llm_decoder_error(draft, body)) {
        llm_draft_error(draft, bytes_from_text(status), text);
    }
}

static bool end_document(struct llm_response *response)
{
    struct llm_draft *draft = response->draft;
    struct bytes text = llm_held_bytes(&response->document);
    const struct llm_decoder *decoder = llm_decoder_of(draft->api);
    struct llm_json json;
    enum llm_json_status status = llm_json_parse(&json, text);
    struct llm_value root = llm_json_root(&json);
    if (is_error(response))
        tell_http_error(response, root);
    else if (decoder && llm_value_is(root, LLM_JSON_OBJECT))
        decoder->response(draft, root);
    else if (decoder && text.length)
        llm_draft_native_text(draft, LLM_SIDE_RESPONSE, BYTES_LITERAL("body"), text);
    bool is_whole =
        status == LLM_JSON_WHOLE || is_error(response) || (status == LLM_JSON_BAD && text.length);
    draft->is_complete = is_whole;
    llm_json_done(&json);
    return is_whole;
}

bool llm_response_end(struct llm_response *response)
{
    struct llm_draft *draft = response->draft;
    bool is_whole = true;
    switch (response->framing) {
    case FRAMING_SSE:
        sse_end(response->sse);
        is_whole = draft->is_complete;
        break;
    case FRAMING_EVENT_STREAM:
        is_whole = event_stream_end(response->stream) == PARSE_OK && draft->is_complete;
        break;
    case FRAMING_DOCUMENT:
        is_whole = end_document(response);
        break;
    case FRAMING_NONE:
        break;
    }
    llm_draft_answer(draft, buffer_bytes(&response->request_id), BYTES_EMPTY);
    return is_whole;
}
