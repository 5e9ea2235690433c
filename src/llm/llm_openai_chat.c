#include "llm/llm_openai.h"

/*
 * OpenAI Chat Completions (OpenAI API reference, "Chat"), as JSON and as server-sent events. A
 * choice is a message of the answer; keys of its blocks:
 */
enum {
    KEY_THINKING = 0,
    KEY_TEXT = 1,
    KEY_REFUSAL = 2,
    KEY_PART = 0x1000, /* + number, of a content that is a list */
    KEY_CALL = 0x1000000,
    KEY_MASK = 0xffffff,
};

static const char *const not_parameters[] = {"model", "messages", "tools", NULL};

static const char *const thinking_names[] = {"reasoning_content", "reasoning", NULL};

static struct llm_value thinking_of(struct llm_value message)
{
    for (size_t i = 0; thinking_names[i]; i++)
        if (llm_value_get_text(message, thinking_names[i]).length)
            return llm_value_get(message, thinking_names[i]);
    return (struct llm_value){0};
}

static void read_call(struct llm_value call, struct llm_event *block)
{
    struct llm_value inner = llm_value_get(call, "function");
    bool is_custom = !llm_value_is(inner, LLM_JSON_OBJECT);
    if (is_custom)
        inner = llm_value_get(call, "custom");
    block->block_kind = LLM_BLOCK_TOOL_CALL;
    block->id = llm_value_get_text(call, "id");
    block->name = llm_value_get_text(inner, "name");
    block->text = llm_value_get_text(inner, is_custom ? "input" : "arguments");
}

/* The text of the reasoning, of the answer, and a refusal, where there are any. */
static void add_texts(struct llm_draft *draft, struct llm_event block, struct llm_value message)
{
    struct llm_value thinking = thinking_of(message), content = llm_value_get(message, "content");
    struct llm_value refusal = llm_value_get(message, "refusal");
    if (thinking.json) {
        struct llm_event read = block;
        read.block_kind = LLM_BLOCK_THINKING;
        read.text = llm_value_text(thinking);
        llm_draft_add(draft, &read);
    }
    if (!llm_value_is(content, LLM_JSON_STRING) || llm_value_text(content).length)
        llm_openai_add_content(draft, block, content);
    if (llm_value_text(refusal).length)
        llm_openai_add_content(draft, block, refusal);
}

static void add_message(struct llm_draft *draft, struct llm_event block, struct llm_value message)
{
    if (block.role == LLM_ROLE_TOOL) {
        block.block_kind = LLM_BLOCK_TOOL_RESULT;
        block.id = llm_value_get_text(message, "tool_call_id");
        llm_openai_add_content(draft, block, llm_value_get(message, "content"));
        return;
    }
    add_texts(draft, block, message);
    struct llm_members calls = llm_members_of(llm_value_get(message, "tool_calls"));
    while (llm_members_next(&calls)) {
        struct llm_event call = block;
        read_call(calls.value, &call);
        llm_draft_add(draft, &call);
    }
    struct llm_value old = llm_value_get(message, "function_call");
    if (llm_value_is(old, LLM_JSON_OBJECT)) {
        block.block_kind = LLM_BLOCK_TOOL_CALL;
        block.name = llm_value_get_text(old, "name");
        block.text = llm_value_get_text(old, "arguments");
        llm_draft_add(draft, &block);
    }
}

static void about_request(struct llm_value body, struct llm_about *about)
{
    about->model = llm_value_get_text(body, "model");
    about->is_stream = llm_value_is_true(llm_value_get(body, "stream"));
    about->parameters = body;
    about->not_parameters = not_parameters;
}

static void request(struct llm_draft *draft, struct llm_value body)
{
    llm_openai_add_tools(draft, llm_value_get(body, "tools"));
    struct llm_members messages = llm_members_of(llm_value_get(body, "messages"));
    for (uint32_t number = 0; llm_members_next(&messages); number++) {
        struct llm_event block = llm_draft_block(
            draft, LLM_SIDE_REQUEST, llm_decoder_role(llm_value_get_text(messages.value, "role")),
            LLM_BLOCK_TEXT);
        block.message = number;
        add_message(draft, block, messages.value);
    }
}

static struct llm_event response_block(const struct llm_draft *draft, struct llm_value choice)
{
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, LLM_BLOCK_TEXT);
    int64_t index = llm_value_get_number(choice, "index");
    block.message = index > 0 && index <= UINT32_MAX ? (uint32_t)index : 0;
    return block;
}

static void response(struct llm_draft *draft, struct llm_value body)
{
    llm_draft_answer(draft, llm_value_get_text(body, "id"), llm_value_get_text(body, "model"));
    struct llm_members choices = llm_members_of(llm_value_get(body, "choices"));
    while (llm_members_next(&choices)) {
        add_message(draft, response_block(draft, choices.value),
                    llm_value_get(choices.value, "message"));
        llm_draft_stop(draft, llm_value_get_text(choices.value, "finish_reason"), BYTES_EMPTY);
    }
    llm_draft_usage(draft, llm_value_get(body, "usage"), llm_openai_normalise);
}

static void grow_text(struct llm_draft *draft, uint64_t key, struct llm_event block,
                      struct llm_value text)
{
    if (llm_value_text(text).length)
        llm_draft_grow(draft, key, &block, llm_value_text(text));
}

/* The first fragment of a call names it; arguments follow by its index. */
static void grow_call(struct llm_draft *draft, uint64_t key, struct llm_event block,
                      struct llm_value call)
{
    uint64_t index = (uint64_t)llm_value_get_number(call, "index") & KEY_MASK;
    read_call(call, &block);
    struct bytes fragment = block.text;
    block.text = BYTES_EMPTY;
    llm_draft_grow(draft, key + KEY_CALL + index, &block, fragment);
}

static void grow_choice(struct llm_draft *draft, struct llm_value choice)
{
    struct llm_event block = response_block(draft, choice);
    struct llm_value delta = llm_value_get(choice, "delta");
    struct llm_value content = llm_value_get(delta, "content");
    uint64_t key = (uint64_t)block.message << 32;
    struct llm_event thinking = block;
    thinking.block_kind = LLM_BLOCK_THINKING;
    grow_text(draft, key + KEY_THINKING, thinking, thinking_of(delta));
    grow_text(draft, key + KEY_TEXT, block, content);
    grow_text(draft, key + KEY_REFUSAL, block, llm_value_get(delta, "refusal"));
    if (llm_value_is(content, LLM_JSON_ARRAY) || llm_value_is(content, LLM_JSON_OBJECT))
        llm_openai_add_content(draft, block, content);
    struct llm_members calls = llm_members_of(llm_value_get(delta, "tool_calls"));
    while (llm_members_next(&calls))
        grow_call(draft, key, block, calls.value);
    struct bytes reason = llm_value_get_text(choice, "finish_reason");
    if (reason.length == 0)
        return;
    llm_draft_close_all(draft);
    llm_draft_stop(draft, reason, BYTES_EMPTY);
    draft->is_complete = true;
}

static void event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    struct llm_value choices = llm_value_get(data, "choices");
    if (!llm_value_is(choices, LLM_JSON_ARRAY)) {
        if (llm_value_get(data, "error").json == NULL || !llm_decoder_error(draft, data))
            llm_draft_native(draft, LLM_SIDE_RESPONSE, type, data, "obfuscation");
        return;
    }
    llm_draft_answer(draft, llm_value_get_text(data, "id"), llm_value_get_text(data, "model"));
    struct llm_members members = llm_members_of(choices);
    while (llm_members_next(&members))
        grow_choice(draft, members.value);
    llm_draft_usage(draft, llm_value_get(data, "usage"), llm_openai_normalise);
}

const struct llm_decoder llm_openai_chat = {about_request, request, response, event};
