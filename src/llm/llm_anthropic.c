#include "llm/llm_anthropic.h"

/*
 * Anthropic Messages and its count_tokens (public API reference, "Messages", "Streaming"), as JSON
 * and as server-sent events. A stream's events say their type also within, which is what is
 * believed: Bedrock carries them without a name.
 */

static struct llm_usage normalise(struct llm_value native)
{
    struct llm_usage usage = llm_event_make(LLM_USAGE, 0).usage;
    usage.cache_read = llm_value_get_number(native, "cache_read_input_tokens");
    usage.cache_write = llm_value_get_number(native, "cache_creation_input_tokens");
    usage.input = llm_value_get_number(native, "input_tokens");
    usage.output = llm_value_get_number(native, "output_tokens");
    struct llm_value details = llm_value_get(native, "output_tokens_details");
    usage.reasoning = llm_value_get_number(details, "thinking_tokens");
    if (usage.reasoning < 0)
        usage.reasoning = llm_value_get_number(details, "reasoning_tokens");
    /* Its three counts of the prompt exclude each other. */
    if (usage.input >= 0)
        usage.input = llm_decoder_sum(usage.input, usage.cache_read, usage.cache_write);
    return usage;
}

static const char *const not_parameters[] = {"model", "system", "tools", "messages", NULL};

static void about_request(struct llm_value body, struct llm_about *about)
{
    about->model = llm_value_get_text(body, "model");
    about->is_stream = llm_value_is_true(llm_value_get(body, "stream"));
    about->parent = llm_value_get_text(llm_value_get(body, "thread"), "previous_message_id");
    if (about->parent.length == 0)
        about->parent =
            llm_value_get_text(llm_value_get(body, "diagnostics"), "previous_message_id");
    about->parameters = body;
    about->not_parameters = not_parameters;
    if (llm_value_get_number(body, "max_tokens") == 1)
        about->operation = BYTES_LITERAL("probe");
}

static void about_count(struct llm_value body, struct llm_about *about)
{
    about_request(body, about);
    about->operation = BYTES_LITERAL("count");
}

/* Of a whole message and of the one that starts a stream. */
static const char *const known_of_message[] = {
    "id",          "type",  "role",  "model",         "content",
    "stop_reason", "usage", "error", "stop_sequence", "amazon-bedrock-invocationMetrics",
    NULL};

static void stop(struct llm_draft *draft, struct llm_value told)
{
    llm_draft_stop(draft, llm_value_get_text(told, "stop_reason"),
                   llm_value_get_text(told, "stop_sequence"));
}

static void response(struct llm_draft *draft, struct llm_value body)
{
    if (llm_value_get_equals(body, "type", "error")) {
        llm_decoder_error(draft, body);
        return;
    }
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT);
    llm_draft_answer(draft, llm_value_get_text(body, "id"), llm_value_get_text(body, "model"));
    llm_anthropic_add_content(draft, block, llm_value_get(body, "content"));
    llm_draft_usage(draft, llm_value_get(body, "usage"), normalise);
    stop(draft, body);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "message", body, known_of_message);
}

static void count_response(struct llm_draft *draft, struct llm_value body)
{
    llm_draft_usage(draft, body, normalise);
}

/* Blocks whose content comes whole with their start: all but text, thinking and calls. */
static bool is_growing(enum llm_block_kind kind)
{
    return kind == LLM_BLOCK_TEXT || kind == LLM_BLOCK_THINKING || kind == LLM_BLOCK_TOOL_CALL;
}

static struct llm_event response_block(const struct llm_draft *draft, enum llm_block_kind kind)
{
    return llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, kind);
}

static void start_block(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value value = llm_value_get(data, "content_block");
    uint64_t key = (uint64_t)llm_value_get_number(data, "index");
    struct llm_event block = response_block(draft, LLM_BLOCK_TEXT);
    if (!llm_anthropic_read_block(value, &block) || !is_growing(block.block_kind)) {
        llm_anthropic_add_content(draft, response_block(draft, LLM_BLOCK_TEXT), value);
        return;
    }
    llm_draft_open(draft, key, &block);
    /* The input is an empty object here; fragments follow. One that is not empty is all of it. */
    struct llm_value input = llm_value_get(value, "input");
    if (block.block_kind == LLM_BLOCK_TOOL_CALL && llm_value_count(input) > 0)
        llm_decoder_settle_with_value(draft, key, block, input);
}

static void grow_block(struct llm_draft *draft, struct llm_value data)
{
    static const struct {
        const char *type, *member;
        enum llm_block_kind kind;
    } deltas[] = {
        {"text_delta", "text", LLM_BLOCK_TEXT},
        {"thinking_delta", "thinking", LLM_BLOCK_THINKING},
        {"input_json_delta", "partial_json", LLM_BLOCK_TOOL_CALL},
    };
    uint64_t key = (uint64_t)llm_value_get_number(data, "index");
    struct llm_value delta = llm_value_get(data, "delta");
    for (size_t i = 0; i < sizeof(deltas) / sizeof(*deltas); i++) {
        if (!llm_value_get_equals(delta, "type", deltas[i].type))
            continue;
        struct llm_event block = response_block(draft, deltas[i].kind);
        llm_draft_grow(draft, key, &block, llm_value_get_text(delta, deltas[i].member));
        return;
    }
    bool is_signature = llm_value_get_equals(delta, "type", "signature_delta");
    struct llm_event block =
        response_block(draft, is_signature ? LLM_BLOCK_THINKING : LLM_BLOCK_TEXT);
    if (is_signature)
        llm_draft_grow_json(draft, key, &block, llm_value_get(delta, "signature"));
    else if (llm_value_get_equals(delta, "type", "citations_delta"))
        llm_draft_grow_json(draft, key, &block, llm_value_get(delta, "citation"));
    else
        llm_draft_native(draft, LLM_SIDE_RESPONSE, BYTES_LITERAL("content_block_delta"), data,
                         NULL);
}

static void start_message(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value message = llm_value_get(data, "message");
    llm_draft_answer(draft, llm_value_get_text(message, "id"),
                     llm_value_get_text(message, "model"));
    llm_draft_usage(draft, llm_value_get(message, "usage"), normalise);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "message", message, known_of_message);
}

static void end_block(struct llm_draft *draft, struct llm_value data)
{
    uint64_t key = (uint64_t)llm_value_get_number(data, "index");
    /* A call without fragments has the input that its start had: an empty object. */
    llm_draft_fill(draft, key, LLM_BLOCK_TOOL_CALL, BYTES_LITERAL("{}"));
    llm_draft_close(draft, key);
}

static void change_message(struct llm_draft *draft, struct llm_value data)
{
    static const char *const known[] = {"stop_reason", "stop_sequence", NULL};
    static const char *const outer[] = {"type", "delta", "usage", NULL};
    struct llm_value delta = llm_value_get(data, "delta");
    llm_draft_usage(draft, llm_value_get(data, "usage"), normalise);
    stop(draft, delta);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "message", delta, known);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "message", data, outer);
}

static void end_message(struct llm_draft *draft, struct llm_value data)
{
    draft->is_complete = true;
    llm_draft_close_all(draft);
}

static void ignore(struct llm_draft *draft, struct llm_value data)
{
}

static void tell_error(struct llm_draft *draft, struct llm_value data)
{
    if (!llm_decoder_error(draft, data))
        llm_draft_error(draft, BYTES_LITERAL("error"), llm_value_raw(data));
}

static void event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    static const struct {
        const char *type;
        void (*tell)(struct llm_draft *draft, struct llm_value data);
    } events[] = {
        {"message_start", start_message},
        {"content_block_start", start_block},
        {"content_block_delta", grow_block},
        {"content_block_stop", end_block},
        {"message_delta", change_message},
        {"message_stop", end_message},
        {"ping", ignore},
        {"error", tell_error},
    };
    struct bytes said = llm_value_get_text(data, "type");
    if (said.length)
        type = said;
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
        if (bytes_equal_text(type, events[i].type)) {
            events[i].tell(draft, data);
            return;
        }
    llm_draft_native(draft, LLM_SIDE_RESPONSE, type, data, NULL);
}

const struct llm_decoder llm_anthropic_messages = {about_request, llm_anthropic_add_request,
                                                   response, event};
const struct llm_decoder llm_anthropic_count_tokens = {about_count, llm_anthropic_add_request,
                                                       count_response, event};
