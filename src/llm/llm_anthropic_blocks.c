#include "llm/llm_anthropic.h"

/* Anthropic's types of blocks; a type that ends so, where it begins with `_`. */
static const struct {
    const char *type;
    enum llm_block_kind kind;
    const char *text; /* the member that is its text */
} types[] = {
    {"text", LLM_BLOCK_TEXT, "text"},
    {"thinking", LLM_BLOCK_THINKING, "thinking"},
    {"redacted_thinking", LLM_BLOCK_REDACTED, NULL},
    {"_tool_result", LLM_BLOCK_TOOL_RESULT, NULL},
    {"tool_result", LLM_BLOCK_TOOL_RESULT, NULL},
    {"tool_use", LLM_BLOCK_TOOL_CALL, NULL},
    {"_tool_use", LLM_BLOCK_TOOL_CALL, NULL},
    {"image", LLM_BLOCK_MEDIA, NULL},
    {"document", LLM_BLOCK_MEDIA, NULL},
    {"video", LLM_BLOCK_MEDIA, NULL},
};

static bool is_type(struct bytes type, const char *name)
{
    return name[0] == '_' ? bytes_end_with(type, bytes_from_text(name))
                          : bytes_equal_text(type, name);
}

bool llm_anthropic_read_block(struct llm_value value, struct llm_event *block)
{
    struct bytes type = llm_value_get_text(value, "type");
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (!is_type(type, types[i].type))
            continue;
        block->block_kind = types[i].kind;
        if (types[i].text)
            block->text = llm_value_get_text(value, types[i].text);
        if (block->block_kind == LLM_BLOCK_TOOL_CALL) {
            block->id = llm_value_get_text(value, "id");
            block->name = llm_value_get_text(value, "name");
        }
        if (block->block_kind == LLM_BLOCK_TOOL_RESULT) {
            block->id = llm_value_get_text(value, "tool_use_id");
            block->is_error = llm_value_is_true(llm_value_get(value, "is_error"));
            block->role = LLM_ROLE_TOOL;
        }
        if (block->block_kind == LLM_BLOCK_REDACTED)
            block->bytes = llm_decoder_base64_bytes(llm_value_get_text(value, "data"));
        return true;
    }
    return false;
}

/* {"cache_control":{"type":"ephemeral","ttl":"1h","scope":"global"}} stands at what it ends. */
static void add_cache_point(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    struct llm_value control = llm_value_get(value, "cache_control");
    if (!llm_value_is(control, LLM_JSON_OBJECT))
        return;
    struct llm_event point = llm_draft_block(draft, block.side, block.role, LLM_BLOCK_CACHE_POINT);
    point.section = block.section;
    point.message = block.message;
    point.text = llm_value_get_text(control, "ttl");
    point.name = llm_value_get_text(control, "scope");
    llm_draft_add(draft, &point);
}

/* {"type":"image","source":{"type":"base64"|"url"|"file"|"text","media_type",...}} */
static void add_media(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    struct llm_value source = llm_value_get(value, "source");
    block.name = llm_value_get_text(source, "media_type");
    if (block.name.length == 0)
        block.name = llm_value_get_text(value, "type");
    if (llm_value_get_equals(source, "type", "text")) {
        block.block_kind = LLM_BLOCK_TEXT;
        block.name = llm_value_get_text(value, "title");
        block.text = llm_value_get_text(source, "data");
    } else {
        block.bytes = llm_decoder_base64_bytes(llm_value_get_text(source, "data"));
        block.text = llm_value_get_text(source, "url");
        if (block.text.length == 0)
            block.text = llm_value_get_text(source, "file_id");
    }
    llm_draft_add(draft, &block);
}

/* A result is a text, or a list of blocks of which each becomes one of that call's results. */
static void add_result(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    struct llm_value content = llm_value_get(value, "content");
    if (!llm_value_is(content, LLM_JSON_ARRAY)) {
        block.text = llm_value_text(content);
        if (llm_value_is(content, LLM_JSON_OBJECT))
            llm_decoder_add_with_json(draft, block, content);
        else
            llm_draft_add(draft, &block);
        return;
    }
    struct llm_members parts = llm_members_of(content);
    size_t count = 0;
    for (; llm_members_next(&parts); count++) {
        struct llm_event part = block;
        if (llm_value_get_equals(parts.value, "type", "text")) {
            part.text = llm_value_get_text(parts.value, "text");
            llm_draft_add(draft, &part);
        } else if (llm_anthropic_read_block(parts.value, &part) &&
                   part.block_kind == LLM_BLOCK_MEDIA) {
            add_media(draft, part, parts.value);
        } else {
            llm_decoder_add_with_json(draft, block, parts.value);
        }
        add_cache_point(draft, block, parts.value);
    }
    if (count == 0)
        llm_draft_add(draft, &block);
}

/* What of a text or of thinking stands in `json`, as in a stream: see llm_draft_grow_json. */
static void add_text(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    static const char *const all_but_signature[] = {"type", "thinking", "cache_control", NULL};
    static const char *const all_but_citations[] = {"type", "text", "cache_control", NULL};
    bool is_thinking = block.block_kind == LLM_BLOCK_THINKING;
    struct buffer json;
    buffer_init(&json, LLM_EVENT_TEXT_MAX);
    bool is_worth = is_thinking ? llm_value_get_text(value, "signature").length > 0
                                : llm_value_count(llm_value_get(value, "citations")) > 0;
    if (is_worth &&
        llm_draft_write_rest(value, is_thinking ? all_but_signature : all_but_citations, &json))
        block.json = buffer_bytes(&json);
    llm_draft_add(draft, &block);
    buffer_done(&json);
}

static void add_block(struct llm_draft *draft, struct llm_event block, struct llm_value value)
{
    struct llm_event read = block;
    if (!llm_anthropic_read_block(value, &read)) {
        struct bytes type = llm_value_get_text(value, "type");
        if (llm_value_is(value, LLM_JSON_STRING)) {
            block.text = llm_value_text(value);
            llm_draft_add(draft, &block);
        } else {
            llm_decoder_other_block(draft, block, type, value);
        }
    } else {
        switch (read.block_kind) {
        case LLM_BLOCK_TEXT:
        case LLM_BLOCK_THINKING:
            add_text(draft, read, value);
            break;
        case LLM_BLOCK_TOOL_CALL:
            llm_decoder_add_with_value(draft, read, llm_value_get(value, "input"));
            break;
        case LLM_BLOCK_TOOL_RESULT:
            add_result(draft, read, value);
            break;
        case LLM_BLOCK_MEDIA:
            add_media(draft, read, value);
            break;
        default:
            llm_draft_add(draft, &read);
        }
    }
    add_cache_point(draft, block, value);
}

void llm_anthropic_add_content(struct llm_draft *draft, struct llm_event block,
                               struct llm_value content)
{
    if (llm_value_is(content, LLM_JSON_STRING)) {
        block.text = llm_value_text(content);
        llm_draft_add(draft, &block);
        return;
    }
    if (llm_value_is(content, LLM_JSON_OBJECT)) {
        add_block(draft, block, content);
        return;
    }
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
    block.name = llm_value_get_text(tool, "name");
    if (block.name.length == 0)
        block.name = llm_value_get_text(tool, "type");
    block.text = llm_value_get_text(tool, "description");
    struct llm_value schema = llm_value_get(tool, "input_schema");
    llm_decoder_add_with_json(draft, block, schema.json ? schema : tool);
    add_cache_point(draft, block, tool);
}

/* Beside its content, a message may say things that hold from there on. */
static void add_message(struct llm_draft *draft, uint32_t number, struct llm_value message)
{
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST,
                        llm_decoder_role(llm_value_get_text(message, "role")), LLM_BLOCK_TEXT);
    block.message = number;
    if (!llm_value_is(message, LLM_JSON_OBJECT)) {
        llm_decoder_other_block(draft, block, BYTES_LITERAL("message"), message);
        return;
    }
    llm_anthropic_add_content(draft, block, llm_value_get(message, "content"));
    add_cache_point(draft, block, message);
    struct llm_members members = llm_members_of(message);
    while (llm_members_next(&members)) {
        static const char *const known[] = {"role", "content", "cache_control", "id", "type"};
        bool is_known = false;
        for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
            is_known = is_known || llm_value_equals(members.key, known[i]);
        if (!is_known)
            llm_decoder_other_block(draft, block, llm_value_text(members.key), members.value);
    }
}

void llm_anthropic_add_request(struct llm_draft *draft, struct llm_value body)
{
    struct llm_event system =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_SYSTEM, LLM_BLOCK_TEXT);
    system.section = LLM_SECTION_SYSTEM;
    llm_anthropic_add_content(draft, system, llm_value_get(body, "system"));
    struct llm_members tools = llm_members_of(llm_value_get(body, "tools"));
    for (uint32_t number = 0; llm_members_next(&tools); number++)
        add_tool(draft, number, tools.value);
    struct llm_members messages = llm_members_of(llm_value_get(body, "messages"));
    for (uint32_t number = 0; llm_members_next(&messages); number++)
        add_message(draft, number, messages.value);
}
