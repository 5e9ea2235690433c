#include "base/base64.h"
#include "llm/llm_bedrock.h"

/*
 * Bedrock's InvokeModel carries each maker's own format (AWS API reference, "InvokeModel"): for
 * Anthropic's models Messages, for Amazon's what Converse says, for others Chat Completions or a
 * prompt that is one text. Streamed, each event is {"bytes": base64 of one of that format's
 * events}. The form is told by what stands in it, not by the model's name.
 */
enum form { FORM_ANTHROPIC, FORM_CONVERSE, FORM_CHAT, FORM_PROMPT };

#define METRICS "amazon-bedrock-invocationMetrics"

static bool has(struct llm_value body, const char *key)
{
    return llm_value_get(body, key).json != NULL;
}

static enum form form_of_request(struct llm_value body)
{
    if (has(body, "anthropic_version"))
        return FORM_ANTHROPIC;
    if (has(body, "inferenceConfig") || has(body, "schemaVersion") || has(body, "toolConfig"))
        return FORM_CONVERSE;
    if (has(body, "messages"))
        return has(body, "system") ? FORM_ANTHROPIC : FORM_CHAT;
    return FORM_PROMPT;
}

static void about_prompt(struct llm_value body, struct llm_about *about)
{
    static const char *const not_parameters[] = {"prompt", "inputText", NULL};
    about->parameters = body;
    about->not_parameters = not_parameters;
}

static void prompt_request(struct llm_draft *draft, struct llm_value body)
{
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_USER, LLM_BLOCK_TEXT);
    block.text = llm_value_get_text(body, "prompt");
    if (block.text.length == 0)
        block.text = llm_value_get_text(body, "inputText");
    if (block.text.length)
        llm_draft_add(draft, &block);
}

static void about_request(struct llm_value body, struct llm_about *about)
{
    switch (form_of_request(body)) {
    case FORM_ANTHROPIC:
        llm_anthropic_messages.about(body, about);
        break;
    case FORM_CONVERSE:
        llm_bedrock_read_about(body, about);
        break;
    case FORM_CHAT:
        llm_openai_chat.about(body, about);
        break;
    case FORM_PROMPT:
        about_prompt(body, about);
        break;
    }
    about->is_stream = false;
}

static void about_stream(struct llm_value body, struct llm_about *about)
{
    about_request(body, about);
    about->is_stream = true;
}

static void request(struct llm_draft *draft, struct llm_value body)
{
    switch (form_of_request(body)) {
    case FORM_ANTHROPIC:
        llm_anthropic_messages.request(draft, body);
        return;
    case FORM_CONVERSE:
        llm_bedrock_add_request(draft, body);
        return;
    case FORM_CHAT:
        llm_openai_chat.request(draft, body);
        return;
    case FORM_PROMPT:
        prompt_request(draft, body);
        return;
    }
}

static struct llm_usage normalise_metrics(struct llm_value native)
{
    struct llm_usage usage = llm_event_make(LLM_USAGE, 0).usage;
    usage.cache_read = llm_value_get_number(native, "cacheReadInputTokenCount");
    usage.cache_write = llm_value_get_number(native, "cacheWriteInputTokenCount");
    usage.input = llm_value_get_number(native, "inputTokenCount");
    usage.output = llm_value_get_number(native, "outputTokenCount");
    if (usage.input >= 0)
        usage.input = llm_decoder_sum(usage.input, usage.cache_read, usage.cache_write);
    return usage;
}

/* Bedrock's own counts: usage where the model's format told none. */
static void tell_metrics(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value metrics = llm_value_get(data, METRICS);
    if (!llm_value_is(metrics, LLM_JSON_OBJECT))
        return;
    if (llm_held_bytes(&draft->native_usage).length == 0)
        llm_draft_usage(draft, metrics, normalise_metrics);
    llm_draft_native(draft, LLM_SIDE_RESPONSE, BYTES_LITERAL(METRICS), metrics, NULL);
}

/* The generated text where the format is one text: its names with several makers. */
static struct llm_value generated_text(struct llm_value body)
{
    static const char *const names[] = {"generation", "outputText", "completion"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (llm_value_is(llm_value_get(body, names[i]), LLM_JSON_STRING))
            return llm_value_get(body, names[i]);
    return (struct llm_value){0};
}

static void tell_prompt_answer(struct llm_draft *draft, struct llm_value body, bool is_whole)
{
    static const char *const known[] = {"generation", "outputText",  "completion",
                                        METRICS,      "stop_reason", NULL};
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT);
    struct llm_value text = generated_text(body);
    if (text.json)
        llm_draft_grow(draft, 0, &block, llm_value_text(text));
    llm_draft_stop(draft, llm_value_get_text(body, "stop_reason"), BYTES_EMPTY);
    if (has(body, "stop_reason") || has(body, METRICS) || is_whole) {
        llm_draft_close(draft, 0);
        draft->is_complete = true;
    }
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, text.json ? "generation" : "chunk", body, known);
}

static void response(struct llm_draft *draft, struct llm_value body)
{
    if (has(body, "content") || llm_value_get_equals(body, "type", "message"))
        llm_anthropic_messages.response(draft, body);
    else if (has(body, "output"))
        llm_bedrock_tell_response(draft, body);
    else if (has(body, "choices"))
        llm_openai_chat.response(draft, body);
    else
        tell_prompt_answer(draft, body, true);
    tell_metrics(draft, body);
}

/* {"contentBlockDelta":{...}}: Amazon's models name the event by its only member. */
static bool tell_wrapped(struct llm_draft *draft, struct llm_value chunk)
{
    struct llm_members members = llm_members_of(chunk);
    return llm_members_next(&members) &&
           llm_bedrock_tell_event(draft, llm_value_text(members.key), members.value);
}

static void tell_chunk(struct llm_draft *draft, struct llm_value chunk)
{
    if (llm_value_is(llm_value_get(chunk, "type"), LLM_JSON_STRING))
        llm_anthropic_messages.event(draft, BYTES_EMPTY, chunk);
    else if (has(chunk, "choices"))
        llm_openai_chat.event(draft, BYTES_EMPTY, chunk);
    else if (!tell_wrapped(draft, chunk))
        tell_prompt_answer(draft, chunk, false);
    tell_metrics(draft, chunk);
    if (has(chunk, METRICS))
        draft->is_complete = true;
}

static void event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    struct llm_value letters = llm_value_get(data, "bytes");
    struct buffer decoded;
    buffer_init(&decoded, llm_value_raw(letters).length + 4);
    if (!bytes_equal_text(type, "chunk") || !llm_value_is(letters, LLM_JSON_STRING) ||
        !base64_decode(&decoded, llm_value_text(letters), BASE64_STANDARD)) {
        llm_draft_native(draft, LLM_SIDE_RESPONSE, type, data, "p");
    } else {
        struct llm_json chunk;
        if (llm_json_parse(&chunk, buffer_bytes(&decoded)) == LLM_JSON_WHOLE)
            tell_chunk(draft, llm_json_root(&chunk));
        else
            llm_draft_native_text(draft, LLM_SIDE_RESPONSE, type, buffer_bytes(&decoded));
        llm_json_done(&chunk);
    }
    buffer_done(&decoded);
}

const struct llm_decoder llm_bedrock_invoke = {about_request, request, response, event};
const struct llm_decoder llm_bedrock_invoke_stream = {about_stream, request, response, event};

/* {"input":{"converse":{...}}} or {"input":{"invokeModel":{"body": base64}}} */
static void about_count(struct llm_value body, struct llm_about *about)
{
    static const char *const not_parameters[] = {"input", NULL};
    struct llm_value converse = llm_value_get(llm_value_get(body, "input"), "converse");
    about->parameters = body;
    about->not_parameters = not_parameters;
    if (converse.json)
        llm_bedrock_read_about(converse, about);
    about->operation = BYTES_LITERAL("count");
}

static void count_request(struct llm_draft *draft, struct llm_value body)
{
    struct llm_value input = llm_value_get(body, "input");
    struct llm_value converse = llm_value_get(input, "converse");
    struct llm_value letters = llm_value_get(llm_value_get(input, "invokeModel"), "body");
    if (converse.json) {
        llm_bedrock_add_request(draft, converse);
        return;
    }
    struct buffer decoded;
    buffer_init(&decoded, llm_value_raw(letters).length + 4);
    struct llm_json inner = {0};
    if (base64_decode(&decoded, llm_value_text(letters), BASE64_STANDARD) &&
        llm_json_parse(&inner, buffer_bytes(&decoded)) == LLM_JSON_WHOLE)
        request(draft, llm_json_root(&inner));
    else
        llm_draft_native(draft, LLM_SIDE_REQUEST, BYTES_LITERAL("input"), body, NULL);
    llm_json_done(&inner);
    buffer_done(&decoded);
}

static struct llm_usage normalise_count(struct llm_value native)
{
    struct llm_usage usage = llm_event_make(LLM_USAGE, 0).usage;
    usage.input = llm_value_get_number(native, "inputTokens");
    return usage;
}

static void count_response(struct llm_draft *draft, struct llm_value body)
{
    llm_draft_usage(draft, body, normalise_count);
}

const struct llm_decoder llm_bedrock_count_tokens = {about_count, count_request, count_response,
                                                     event};
