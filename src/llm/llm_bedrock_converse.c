#include "llm/llm_bedrock.h"

/* Random letters that stand in payloads so that their length says nothing. */
#define PADDING "p"

static struct llm_usage normalise(struct llm_value native)
{
    struct llm_usage usage = llm_event_make(LLM_USAGE, 0).usage;
    usage.cache_read = llm_value_get_number(native, "cacheReadInputTokens");
    usage.cache_write = llm_value_get_number(native, "cacheWriteInputTokens");
    usage.input = llm_value_get_number(native, "inputTokens");
    usage.output = llm_value_get_number(native, "outputTokens");
    /* Its three counts of the prompt exclude each other. */
    if (usage.input >= 0)
        usage.input = llm_decoder_sum(usage.input, usage.cache_read, usage.cache_write);
    return usage;
}

/* {"image":{"format":"png","source":{"bytes":...}|{"s3Location":{"uri"}}}} and its kin. */
static void add_media(struct llm_draft *draft, struct llm_event block, struct bytes kind,
                      struct llm_value media)
{
    struct buffer name;
    buffer_init(&name, LLM_DRAFT_WORD_MAX);
    struct bytes format = llm_value_get_text(media, "format");
    if (buffer_append(&name, kind) && format.length && buffer_append_byte(&name, '/'))
        (void)!buffer_append(&name, format);
    struct llm_value source = llm_value_get(media, "source");
    block.block_kind = LLM_BLOCK_MEDIA;
    block.name = buffer_bytes(&name);
    block.bytes = llm_decoder_base64_bytes(llm_value_get_text(source, "bytes"));
    block.text = llm_value_get_text(llm_value_get(source, "s3Location"), "uri");
    if (block.text.length == 0)
        block.text = llm_value_get_text(media, "name");
    llm_draft_add(draft, &block);
    buffer_done(&name);
    struct bytes text = llm_value_get_text(source, "text");
    if (text.length) {
        block.block_kind = LLM_BLOCK_TEXT;
        block.bytes = 0;
        block.name = llm_value_get_text(media, "name");
        block.text = text;
        llm_draft_add(draft, &block);
    }
}

static bool is_media(struct llm_value key)
{
    return llm_value_equals(key, "image") || llm_value_equals(key, "document") ||
           llm_value_equals(key, "video") || llm_value_equals(key, "audio");
}

static void add_result(struct llm_draft *draft, struct llm_event block, struct llm_value result)
{
    block.block_kind = LLM_BLOCK_TOOL_RESULT;
    block.role = LLM_ROLE_TOOL;
    block.id = llm_value_get_text(result, "toolUseId");
    block.is_error = llm_value_get_equals(result, "status", "error");
    struct llm_members parts = llm_members_of(llm_value_get(result, "content"));
    size_t count = 0;
    for (; llm_members_next(&parts); count++) {
        struct llm_members members = llm_members_of(parts.value);
        struct llm_event part = block;
        if (!llm_members_next(&members))
            continue;
        if (llm_value_equals(members.key, "text")) {
            part.text = llm_value_text(members.value);
            llm_draft_add(draft, &part);
        } else if (llm_value_equals(members.key, "json")) {
            llm_decoder_add_with_value(draft, part, members.value);
        } else if (is_media(members.key)) {
            add_media(draft, part, llm_value_text(members.key), members.value);
        } else {
            llm_decoder_add_with_json(draft, part, parts.value);
        }
    }
    if (count == 0)
        llm_draft_add(draft, &block);
}

static void add_reasoning(struct llm_draft *draft, struct llm_event block, struct llm_value content)
{
    static const char *const all_but_signature[] = {"text", NULL};
    struct llm_value text = llm_value_get(content, "reasoningText");
    struct llm_value redacted = llm_value_get(content, "redactedContent");
    if (redacted.json) {
        block.block_kind = LLM_BLOCK_REDACTED;
        block.bytes = llm_decoder_base64_bytes(llm_value_text(redacted));
        llm_draft_add(draft, &block);
        return;
    }
    struct buffer json;
    buffer_init(&json, LLM_EVENT_TEXT_MAX);
    block.block_kind = LLM_BLOCK_THINKING;
    block.text = llm_value_get_text(text, "text");
    if (llm_value_get_text(text, "signature").length &&
        llm_draft_write_rest(text, all_but_signature, &json))
        block.json = buffer_bytes(&json);
    llm_draft_add(draft, &block);
    buffer_done(&json);
}

static void add_block(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    struct llm_members members = llm_members_of(value);
    if (!llm_value_is(value, LLM_JSON_OBJECT) || !llm_members_next(&members)) {
        llm_decoder_other_block(draft, block, BYTES_EMPTY, value);
        return;
    }
    struct llm_value inner = members.value;
    if (llm_value_equals(members.key, "text")) {
        block.text = llm_value_text(inner);
        llm_draft_add(draft, &block);
    } else if (llm_value_equals(members.key, "toolUse")) {
        block.block_kind = LLM_BLOCK_TOOL_CALL;
        block.id = llm_value_get_text(inner, "toolUseId");
        block.name = llm_value_get_text(inner, "name");
        llm_decoder_add_with_value(draft, block, llm_value_get(inner, "input"));
    } else if (llm_value_equals(members.key, "toolResult")) {
        add_result(draft, block, inner);
    } else if (llm_value_equals(members.key, "reasoningContent")) {
        add_reasoning(draft, block, inner);
    } else if (llm_value_equals(members.key, "cachePoint")) {
        block.block_kind = LLM_BLOCK_CACHE_POINT;
        block.text = llm_value_get_text(inner, "ttl");
        llm_draft_add(draft, &block);
    } else if (is_media(members.key)) {
        add_media(draft, block, llm_value_text(members.key), inner);
    } else {
        llm_decoder_other_block(draft, block, llm_value_text(members.key), value);
    }
}

static void add_content(struct llm_draft *draft, struct llm_event block, struct llm_value content)
{
    struct llm_members blocks = llm_members_of(content);
    while (llm_members_next(&blocks))
        add_block(draft, block, blocks.value);
}

static void add_tool(struct llm_draft *draft, uint32_t number, struct llm_value tool)
{
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_NONE, LLM_BLOCK_TOOL);
    block.section = LLM_SECTION_TOOLS;
    block.message = number;
    struct llm_value spec = llm_value_get(tool, "toolSpec");
    if (!llm_value_is(spec, LLM_JSON_OBJECT)) {
        add_block(draft, block, tool);
        return;
    }
    block.name = llm_value_get_text(spec, "name");
    block.text = llm_value_get_text(spec, "description");
    struct llm_value schema = llm_value_get(llm_value_get(spec, "inputSchema"), "json");
    llm_decoder_add_with_json(draft, block, schema.json ? schema : spec);
}

void llm_bedrock_read_about(struct llm_value body, struct llm_about *about)
{
    static const char *const not_parameters[] = {"system", "messages", "modelId", NULL};
    static const char *const but_for_tools[] = {"system", "messages", "modelId", "toolConfig",
                                                NULL};
    struct llm_value choice = llm_value_get(llm_value_get(body, "toolConfig"), "toolChoice");
    about->model = llm_value_get_text(body, "modelId");
    about->parameters = body;
    /* The choice of a tool is said beside the tools: then all of it is shown. */
    about->not_parameters = choice.json ? not_parameters : but_for_tools;
}

static void about_stream(struct llm_value body, struct llm_about *about)
{
    llm_bedrock_read_about(body, about);
    about->is_stream = true;
}

void llm_bedrock_add_request(struct llm_draft *draft, struct llm_value body)
{
    struct llm_value tool_config = llm_value_get(body, "toolConfig");
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_SYSTEM, LLM_BLOCK_TEXT);
    block.section = LLM_SECTION_SYSTEM;
    add_content(draft, block, llm_value_get(body, "system"));
    struct llm_members tools = llm_members_of(llm_value_get(tool_config, "tools"));
    for (uint32_t number = 0; llm_members_next(&tools); number++)
        add_tool(draft, number, tools.value);
    struct llm_members messages = llm_members_of(llm_value_get(body, "messages"));
    for (uint32_t number = 0; llm_members_next(&messages); number++) {
        block = llm_draft_block(draft, LLM_SIDE_REQUEST,
                                llm_decoder_role(llm_value_get_text(messages.value, "role")),
                                LLM_BLOCK_TEXT);
        block.message = number;
        add_content(draft, block, llm_value_get(messages.value, "content"));
    }
}

static struct llm_event response_block(const struct llm_draft *draft, enum llm_block_kind kind)
{
    return llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, kind);
}

void llm_bedrock_tell_response(struct llm_draft *draft, struct llm_value body)
{
    static const char *const known[] = {"output", "stopReason", "usage", PADDING, NULL};
    struct llm_value message = llm_value_get(llm_value_get(body, "output"), "message");
    add_content(draft, response_block(draft, LLM_BLOCK_TEXT), llm_value_get(message, "content"));
    llm_draft_usage(draft, llm_value_get(body, "usage"), normalise);
    llm_draft_stop(draft, llm_value_get_text(body, "stopReason"), BYTES_EMPTY);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "metadata", body, known);
}

static uint64_t key_of(struct llm_value data)
{
    return (uint64_t)llm_value_get_number(data, "contentBlockIndex");
}

static void start_block(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value tool = llm_value_get(llm_value_get(data, "start"), "toolUse");
    if (!llm_value_is(tool, LLM_JSON_OBJECT)) {
        llm_draft_native(draft, LLM_SIDE_RESPONSE, BYTES_LITERAL("contentBlockStart"), data,
                         PADDING);
        return;
    }
    struct llm_event block = response_block(draft, LLM_BLOCK_TOOL_CALL);
    block.id = llm_value_get_text(tool, "toolUseId");
    block.name = llm_value_get_text(tool, "name");
    llm_draft_open(draft, key_of(data), &block);
}

static bool grow_reasoning(struct llm_draft *draft, uint64_t key, struct llm_value reasoning)
{
    struct llm_event block = response_block(draft, LLM_BLOCK_THINKING);
    struct llm_value text = llm_value_get(reasoning, "text");
    struct llm_value signature = llm_value_get(reasoning, "signature");
    struct llm_value redacted = llm_value_get(reasoning, "redactedContent");
    if (text.json)
        llm_draft_grow(draft, key, &block, llm_value_text(text));
    if (signature.json)
        llm_draft_grow_json(draft, key, &block, signature);
    if (redacted.json) {
        block.block_kind = LLM_BLOCK_REDACTED;
        block.bytes = llm_decoder_base64_bytes(llm_value_text(redacted));
        llm_draft_open(draft, key, &block);
    }
    return text.json || signature.json || redacted.json;
}

static void grow_block(struct llm_draft *draft, struct llm_value data)
{
    uint64_t key = key_of(data);
    struct llm_value delta = llm_value_get(data, "delta");
    struct llm_value text = llm_value_get(delta, "text");
    struct llm_value input = llm_value_get(llm_value_get(delta, "toolUse"), "input");
    struct llm_value citation = llm_value_get(delta, "citation");
    struct llm_event block = response_block(draft, LLM_BLOCK_TEXT);
    bool is_known = grow_reasoning(draft, key, llm_value_get(delta, "reasoningContent"));
    if (llm_value_is(text, LLM_JSON_STRING)) {
        llm_draft_grow(draft, key, &block, llm_value_text(text));
    } else if (llm_value_is(input, LLM_JSON_STRING)) {
        block.block_kind = LLM_BLOCK_TOOL_CALL;
        llm_draft_grow(draft, key, &block, llm_value_text(input));
    } else if (citation.json) {
        llm_draft_grow_json(draft, key, &block, citation);
    } else if (!is_known) {
        llm_draft_native(draft, LLM_SIDE_RESPONSE, BYTES_LITERAL("contentBlockDelta"), data,
                         PADDING);
    }
}

static void end_block(struct llm_draft *draft, struct llm_value data)
{
    llm_draft_fill(draft, key_of(data), LLM_BLOCK_TOOL_CALL, BYTES_LITERAL("{}"));
    llm_draft_close(draft, key_of(data));
}

static void start_message(struct llm_draft *draft, struct llm_value data)
{
    static const char *const known[] = {"role", PADDING, NULL};
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "messageStart", data, known);
}

static void end_message(struct llm_draft *draft, struct llm_value data)
{
    static const char *const known[] = {"stopReason", PADDING, NULL};
    llm_draft_close_all(draft);
    draft->is_complete = true;
    llm_draft_stop(draft, llm_value_get_text(data, "stopReason"), BYTES_EMPTY);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "messageStop", data, known);
}

static void tell_metadata(struct llm_draft *draft, struct llm_value data)
{
    static const char *const known[] = {"usage", PADDING, NULL};
    llm_draft_usage(draft, llm_value_get(data, "usage"), normalise);
    llm_draft_rest(draft, LLM_SIDE_RESPONSE, "metadata", data, known);
}

bool llm_bedrock_tell_event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    static const struct {
        const char *type;
        void (*tell)(struct llm_draft *draft, struct llm_value data);
    } events[] = {
        {"messageStart", start_message},   {"contentBlockStart", start_block},
        {"contentBlockDelta", grow_block}, {"contentBlockStop", end_block},
        {"messageStop", end_message},      {"metadata", tell_metadata},
    };
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
        if (bytes_equal_text(type, events[i].type)) {
            events[i].tell(draft, data);
            return true;
        }
    return false;
}

static void event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    if (!llm_bedrock_tell_event(draft, type, data))
        llm_draft_native(draft, LLM_SIDE_RESPONSE, type, data, PADDING);
}

const struct llm_decoder llm_bedrock_converse = {llm_bedrock_read_about, llm_bedrock_add_request,
                                                 llm_bedrock_tell_response, event};
const struct llm_decoder llm_bedrock_converse_stream = {about_stream, llm_bedrock_add_request,
                                                        llm_bedrock_tell_response, event};
