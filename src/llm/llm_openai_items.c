#include <string.h>

#include "llm/llm_openai.h"

struct llm_usage llm_openai_normalise(struct llm_value native)
{
    struct llm_usage usage = llm_event_make(LLM_USAGE, 0).usage;
    struct llm_value of_input = llm_value_get(native, "input_tokens_details");
    struct llm_value of_output = llm_value_get(native, "output_tokens_details");
    if (of_input.json == NULL)
        of_input = llm_value_get(native, "prompt_tokens_details");
    if (of_output.json == NULL)
        of_output = llm_value_get(native, "completion_tokens_details");
    usage.input = llm_value_get_number(native, "input_tokens");
    if (usage.input < 0)
        usage.input = llm_value_get_number(native, "prompt_tokens");
    usage.output = llm_value_get_number(native, "output_tokens");
    if (usage.output < 0)
        usage.output = llm_value_get_number(native, "completion_tokens");
    usage.cache_read = llm_value_get_number(of_input, "cached_tokens");
    usage.cache_write = llm_value_get_number(of_input, "cache_write_tokens");
    usage.reasoning = llm_value_get_number(of_output, "reasoning_tokens");
    return usage;
}

/* "data:image/png;base64,..." is shown by type and size, any other URL as it is. */
static void read_media_url(struct llm_event *block, struct bytes url)
{
    struct bytes prefix = BYTES_LITERAL("data:");
    if (!bytes_start_with(url, prefix)) {
        block->text = url;
        return;
    }
    size_t comma = bytes_index_of(url, ',');
    struct bytes type = bytes_from(bytes_first(url, comma), prefix.length);
    block->name = bytes_first(type, bytes_index_of(type, ';'));
    block->bytes = llm_decoder_base64_bytes(bytes_from(url, comma + 1));
}

static bool has(struct llm_value part, const char *key)
{
    return llm_value_get(part, key).json != NULL;
}

/* {"type":"input_image","image_url":...} and its kin, where an object may hold the URL. */
static bool read_media(struct llm_value part, struct llm_event *block)
{
    static const char *const places[] = {"image_url", "file_url",  "video_url", "input_audio",
                                         "file",      "file_data", "file_id"};
    struct bytes type = llm_value_get_text(part, "type");
    block->block_kind = LLM_BLOCK_MEDIA;
    block->name = type;
    bool is_found = false;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        struct llm_value place = llm_value_get(part, places[i]);
        struct llm_value inner = place;
        if (llm_value_is(place, LLM_JSON_OBJECT)) {
            inner = llm_value_get(place, "url");
            if (inner.json == NULL)
                inner = llm_value_get(place, "file_data");
            if (inner.json == NULL)
                inner = llm_value_get(place, "file_id");
            if (has(place, "format"))
                block->name = llm_value_get_text(place, "format");
            if (has(place, "data"))
                block->bytes = llm_decoder_base64_bytes(llm_value_get_text(place, "data"));
        }
        is_found = is_found || place.json != NULL;
        if (llm_value_text(inner).length)
            read_media_url(block, llm_value_text(inner));
    }
    return is_found;
}

/* A part of a message or of a result. False: it has no place. */
static bool read_part(struct llm_value part, struct llm_event *block)
{
    static const struct {
        const char *type, *member;
    } texts[] = {
        {"text", "text"},       {"input_text", "text"},   {"output_text", "text"},
        {"refusal", "refusal"}, {"summary_text", "text"}, {"reasoning_text", "text"},
    };
    if (llm_value_is(part, LLM_JSON_STRING)) {
        block->text = llm_value_text(part);
        return true;
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (llm_value_get_equals(part, "type", texts[i].type)) {
            block->text = llm_value_get_text(part, texts[i].member);
            return true;
        }
    return read_media(part, block);
}

/* The block under its key, or the next one of the request. */
static void tell(struct llm_draft *draft, uint64_t key, const struct llm_event *block)
{
    if (key == LLM_OPENAI_NO_KEY)
        llm_draft_add(draft, block);
    else
        llm_draft_settle(draft, key, block);
}

static void tell_with_json(struct llm_draft *draft, uint64_t key, struct llm_event block,
                           struct llm_value value)
{
    struct buffer out;
    buffer_init(&out, 4 * llm_value_raw(value).length + 64);
    if (llm_value_compact(value, &out))
        block.json = buffer_bytes(&out);
    tell(draft, key, &block);
    buffer_done(&out);
}

static void tell_part(struct llm_draft *draft, uint64_t key, struct llm_event block,
                      struct llm_value part)
{
    static const char *const all_but_annotations[] = {"type", "text", "logprobs", NULL};
    struct llm_event read = block;
    if (!read_part(part, &read)) {
        block.block_kind =
            block.block_kind == LLM_BLOCK_TOOL_RESULT ? LLM_BLOCK_TOOL_RESULT : LLM_BLOCK_OTHER;
        block.name = llm_value_get_text(part, "type");
        tell_with_json(draft, key, block, part);
        return;
    }
    struct buffer json;
    buffer_init(&json, LLM_EVENT_TEXT_MAX);
    if (llm_value_count(llm_value_get(part, "annotations")) &&
        llm_draft_write_rest(part, all_but_annotations, &json))
        read.json = buffer_bytes(&json);
    tell(draft, key, &read);
    buffer_done(&json);
}

static uint64_t key_at(uint64_t first_key, uint64_t offset)
{
    return first_key == LLM_OPENAI_NO_KEY ? first_key : first_key + offset;
}

/* A text or a list of parts; `first_key` is that of the first part. */
static void tell_parts(struct llm_draft *draft, uint64_t first_key, struct llm_event block,
                       struct llm_value content)
{
    if (llm_value_is(content, LLM_JSON_STRING)) {
        block.text = llm_value_text(content);
        tell(draft, first_key, &block);
        return;
    }
    if (llm_value_is(content, LLM_JSON_OBJECT)) {
        tell_part(draft, first_key, block, content);
        return;
    }
    struct llm_members parts = llm_members_of(content);
    for (uint64_t number = 0; llm_members_next(&parts); number++)
        tell_part(draft, key_at(first_key, number), block, parts.value);
}

void llm_openai_add_content(struct llm_draft *draft, struct llm_event block,
                            struct llm_value content)
{
    tell_parts(draft, LLM_OPENAI_NO_KEY, block, content);
}

static void add_tool(struct llm_draft *draft, struct bytes space, uint32_t number,
                     struct llm_value tool)
{
    struct llm_value function = llm_value_get(tool, "function");
    struct llm_value inner = llm_value_is(function, LLM_JSON_OBJECT) ? function : tool;
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_NONE, LLM_BLOCK_TOOL);
    block.section = LLM_SECTION_TOOLS;
    block.message = number;
    struct buffer name;
    buffer_init(&name, 2 * LLM_DRAFT_WORD_MAX);
    struct bytes own = llm_value_get_text(inner, "name");
    if (own.length == 0)
        own = llm_value_get_text(tool, "type");
    if (space.length)
        (void)!(buffer_append(&name, space) && buffer_append_byte(&name, '.'));
    block.name = buffer_append(&name, own) ? buffer_bytes(&name) : own;
    block.text = llm_value_get_text(inner, "description");
    struct llm_value schema = llm_value_get(inner, "parameters");
    if (schema.json == NULL)
        schema = llm_value_get(inner, "format");
    llm_decoder_add_with_json(draft, block, schema.json ? schema : tool);
    buffer_done(&name);
}

void llm_openai_add_tools(struct llm_draft *draft, struct llm_value tools)
{
    struct llm_members members = llm_members_of(tools);
    for (uint32_t number = 0; llm_members_next(&members); number++) {
        struct llm_value inner = llm_value_get(members.value, "tools");
        if (!llm_value_get_equals(members.value, "type", "namespace") ||
            !llm_value_is(inner, LLM_JSON_ARRAY)) {
            add_tool(draft, BYTES_EMPTY, number, members.value);
            continue;
        }
        struct llm_members of_space = llm_members_of(inner);
        while (llm_members_next(&of_space))
            add_tool(draft, llm_value_get_text(members.value, "name"), number, of_space.value);
    }
}

static bool is_call(struct bytes type)
{
    return bytes_end_with(type, BYTES_LITERAL("_call"));
}

static bool is_result(struct bytes type)
{
    return bytes_end_with(type, BYTES_LITERAL("_call_output")) ||
           bytes_end_with(type, BYTES_LITERAL("_output"));
}

bool llm_openai_read_call(struct llm_value item, struct llm_event *block)
{
    struct bytes type = llm_value_get_text(item, "type");
    if (!is_call(type))
        return false;
    block->block_kind = LLM_BLOCK_TOOL_CALL;
    block->id = llm_value_get_text(item, "call_id");
    if (block->id.length == 0)
        block->id = llm_value_get_text(item, "id");
    block->name = llm_value_get_text(item, "name");
    if (block->name.length == 0)
        block->name = bytes_first(type, type.length - strlen("_call"));
    return true;
}

/* What a call is called with: free text or JSON as it was sent, or an object. */
static void tell_call(struct llm_draft *draft, uint64_t first_key, struct llm_event block,
                      struct llm_value item)
{
    static const char *const places[] = {"arguments", "input", "action",
                                         "operation", "code",  "queries"};
    struct buffer name, text;
    buffer_init(&name, 2 * LLM_DRAFT_WORD_MAX);
    buffer_init(&text, 4 * llm_value_raw(item).length + 64);
    struct bytes space = llm_value_get_text(item, "namespace");
    if (space.length && buffer_append(&name, space) && buffer_append_byte(&name, '.') &&
        buffer_append(&name, block.name))
        block.name = buffer_bytes(&name);
    struct llm_value called = {0};
    for (size_t i = 0; called.json == NULL && i < sizeof(places) / sizeof(*places); i++)
        called = llm_value_get(item, places[i]);
    if (llm_value_is(called, LLM_JSON_STRING))
        block.text = llm_value_text(called);
    else if (called.json && llm_value_compact(called, &text))
        block.text = buffer_bytes(&text);
    block.is_error = llm_value_get_equals(item, "status", "failed");
    uint64_t key = key_at(first_key, LLM_OPENAI_KEY_CALL);
    /* Calls that the provider itself carries out have their outcome beside them. */
    bool is_plain = has(item, "arguments") || has(item, "input");
    if (is_plain && !has(item, "output") && !has(item, "error"))
        tell(draft, key, &block);
    else
        tell_with_json(draft, key, block, item);
    buffer_done(&name);
    buffer_done(&text);
}

static void tell_result(struct llm_draft *draft, uint64_t first_key, struct llm_event block,
                        struct llm_value item)
{
    struct llm_value output = llm_value_get(item, "output");
    block.block_kind = LLM_BLOCK_TOOL_RESULT;
    block.role = LLM_ROLE_TOOL;
    block.id = llm_value_get_text(item, "call_id");
    block.is_error = llm_value_get_equals(item, "status", "failed") ||
                     llm_value_get_equals(item, "status", "incomplete");
    uint64_t key = key_at(first_key, LLM_OPENAI_KEY_RESULT);
    if (output.json == NULL)
        tell_with_json(draft, key, block, item);
    else if (llm_value_is(output, LLM_JSON_ARRAY) && llm_value_count(output) == 0)
        tell(draft, key, &block);
    else
        tell_parts(draft, key, block, output);
}

static void tell_reasoning(struct llm_draft *draft, uint64_t first_key, struct llm_event block,
                           struct llm_value item)
{
    block.block_kind = LLM_BLOCK_THINKING;
    tell_parts(draft, key_at(first_key, LLM_OPENAI_KEY_SUMMARY), block,
               llm_value_get(item, "summary"));
    tell_parts(draft, key_at(first_key, LLM_OPENAI_KEY_REASONING), block,
               llm_value_get(item, "content"));
    struct bytes encrypted = llm_value_get_text(item, "encrypted_content");
    if (encrypted.length == 0)
        return;
    block.block_kind = LLM_BLOCK_REDACTED;
    block.bytes = llm_decoder_base64_bytes(encrypted);
    tell(draft, key_at(first_key, LLM_OPENAI_KEY_REDACTED), &block);
}

void llm_openai_tell_item(struct llm_draft *draft, uint64_t first_key, uint32_t message,
                          struct llm_value item)
{
    bool is_request = first_key == LLM_OPENAI_NO_KEY;
    struct bytes type = llm_value_get_text(item, "type");
    struct llm_event block =
        llm_draft_block(draft, is_request ? LLM_SIDE_REQUEST : LLM_SIDE_RESPONSE,
                        LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT);
    block.message = message;
    if (llm_value_is(item, LLM_JSON_STRING) || has(item, "role"))
        block.role = llm_decoder_role(llm_value_get_text(item, "role"));
    if (bytes_equal_text(type, "additional_tools") && is_request) {
        llm_openai_add_tools(draft, llm_value_get(item, "tools"));
    } else if (bytes_equal_text(type, "message") || (type.length == 0 && has(item, "content"))) {
        tell_parts(draft, key_at(first_key, LLM_OPENAI_KEY_PART), block,
                   llm_value_get(item, "content"));
    } else if (bytes_equal_text(type, "reasoning")) {
        tell_reasoning(draft, first_key, block, item);
    } else if (llm_openai_read_call(item, &block)) {
        tell_call(draft, first_key, block, item);
    } else if (is_result(type)) {
        tell_result(draft, first_key, block, item);
    } else if (has(item, "encrypted_content")) {
        block.block_kind = LLM_BLOCK_REDACTED;
        block.name = type;
        block.bytes = llm_decoder_base64_bytes(llm_value_get_text(item, "encrypted_content"));
        tell(draft, key_at(first_key, LLM_OPENAI_KEY_REDACTED), &block);
    } else {
        block.block_kind = LLM_BLOCK_OTHER;
        block.name = type;
        tell_with_json(draft, key_at(first_key, LLM_OPENAI_KEY_CALL), block, item);
    }
}
