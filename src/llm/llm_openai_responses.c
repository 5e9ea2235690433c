#include <string.h>

#include "llm/llm_openai.h"

/*
 * OpenAI Responses (OpenAI API reference, "Responses", "Streaming events"), as JSON, as server-sent
 * events, and as the messages of a WebSocket (llm_websocket.c). Deltas show the answer while it
 * grows; the events that end a part, an item and the response repeat it whole, and settle what
 * deltas did not tell.
 */

/* Random letters that stand in events so that their length says nothing. */
#define PADDING "obfuscation"

static const char *const not_parameters[] = {"type",  "model",     "input", "instructions",
                                             "tools", "stream_id", NULL};

static void add_input(struct llm_draft *draft, struct llm_value input)
{
    if (llm_value_is(input, LLM_JSON_STRING)) {
        struct llm_event block =
            llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_USER, LLM_BLOCK_TEXT);
        block.text = llm_value_text(input);
        llm_draft_add(draft, &block);
    }
    struct llm_members items = llm_members_of(input);
    for (uint32_t number = 0; llm_members_next(&items); number++)
        llm_openai_tell_item(draft, LLM_OPENAI_NO_KEY, number, items.value);
}

static void about_request(struct llm_value body, struct llm_about *about)
{
    about->model = llm_value_get_text(body, "model");
    about->is_stream = llm_value_is_true(llm_value_get(body, "stream"));
    about->parent = llm_value_get_text(body, "previous_response_id");
    about->parameters = body;
    about->not_parameters = not_parameters;
    if (llm_value_get_equals(body, "type", "response.steer"))
        about->operation = BYTES_LITERAL("steer");
    if (llm_value_is(llm_value_get(body, "generate"), LLM_JSON_FALSE))
        about->operation = BYTES_LITERAL("prewarm");
}

static void request(struct llm_draft *draft, struct llm_value body)
{
    struct llm_event block =
        llm_draft_block(draft, LLM_SIDE_REQUEST, LLM_ROLE_SYSTEM, LLM_BLOCK_TEXT);
    block.section = LLM_SECTION_SYSTEM;
    struct llm_value instructions = llm_value_get(body, "instructions");
    if (llm_value_is(instructions, LLM_JSON_STRING))
        llm_openai_add_content(draft, block, instructions);
    else
        add_input(draft, instructions);
    llm_openai_add_tools(draft, llm_value_get(body, "tools"));
    add_input(draft, llm_value_get(body, "input"));
}

static uint64_t item_key(struct llm_value data)
{
    return (uint64_t)llm_value_get_number(data, "output_index") << 32;
}

/* The end of a response, whatever became of it. */
static void tell_outcome(struct llm_draft *draft, struct llm_value told)
{
    struct bytes status = llm_value_get_text(told, "status");
    struct bytes reason = llm_value_get_text(llm_value_get(told, "incomplete_details"), "reason");
    llm_draft_usage(draft, llm_value_get(told, "usage"), llm_openai_normalise);
    if (llm_value_is(llm_value_get(told, "error"), LLM_JSON_OBJECT))
        llm_decoder_error(draft, told);
    llm_draft_stop(draft, reason.length ? reason : status, BYTES_EMPTY);
}

static void tell_whole(struct llm_draft *draft, struct llm_value told)
{
    llm_draft_answer(draft, llm_value_get_text(told, "id"), llm_value_get_text(told, "model"));
    struct llm_members items = llm_members_of(llm_value_get(told, "output"));
    for (uint64_t number = 0; llm_members_next(&items); number++)
        llm_openai_tell_item(draft, number << 32, 0, items.value);
    llm_draft_close_all(draft);
    tell_outcome(draft, told);
    draft->is_complete = true;
}

static void end_response(struct llm_draft *draft, struct llm_value data)
{
    tell_whole(draft, llm_value_get(data, "response"));
}

static void start_response(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value told = llm_value_get(data, "response");
    llm_draft_answer(draft, llm_value_get_text(told, "id"), llm_value_get_text(told, "model"));
}

static struct llm_event response_block(const struct llm_draft *draft, enum llm_block_kind kind)
{
    return llm_draft_block(draft, LLM_SIDE_RESPONSE, LLM_ROLE_ASSISTANT, kind);
}

static void start_item(struct llm_draft *draft, struct llm_value data)
{
    struct llm_value item = llm_value_get(data, "item");
    struct llm_event block = response_block(draft, LLM_BLOCK_TOOL_CALL);
    if (!llm_openai_read_call(item, &block))
        return;
    struct buffer name;
    buffer_init(&name, 2 * LLM_DRAFT_WORD_MAX);
    struct bytes space = llm_value_get_text(item, "namespace");
    if (space.length && buffer_append(&name, space) && buffer_append_byte(&name, '.') &&
        buffer_append(&name, block.name))
        block.name = buffer_bytes(&name);
    llm_draft_open(draft, item_key(data) + LLM_OPENAI_KEY_CALL, &block);
    buffer_done(&name);
}

static void end_item(struct llm_draft *draft, struct llm_value data)
{
    llm_openai_tell_item(draft, item_key(data), 0, llm_value_get(data, "item"));
}

/* The key of the part that an event is about, and the block that it is. */
static uint64_t part_key(struct llm_value data, struct bytes type, struct llm_event *block)
{
    uint64_t key = item_key(data);
    if (bytes_start_with(type, BYTES_LITERAL("response.reasoning_summary_"))) {
        block->block_kind = LLM_BLOCK_THINKING;
        return key + LLM_OPENAI_KEY_SUMMARY +
               ((uint64_t)llm_value_get_number(data, "summary_index") & LLM_OPENAI_KEY_MASK);
    }
    uint64_t number = (uint64_t)llm_value_get_number(data, "content_index") & LLM_OPENAI_KEY_MASK;
    if (bytes_start_with(type, BYTES_LITERAL("response.reasoning_")) ||
        llm_value_get_equals(llm_value_get(data, "part"), "type", "reasoning_text")) {
        block->block_kind = LLM_BLOCK_THINKING;
        return key + LLM_OPENAI_KEY_REASONING + number;
    }
    if (bytes_start_with(type, BYTES_LITERAL("response.output_text")) ||
        bytes_start_with(type, BYTES_LITERAL("response.refusal")) ||
        bytes_start_with(type, BYTES_LITERAL("response.content_part")))
        return key + LLM_OPENAI_KEY_PART + number;
    block->block_kind = LLM_BLOCK_TOOL_CALL;
    return key + LLM_OPENAI_KEY_CALL;
}

/* `...delta` with a text grows a part; the part's beginning opens it. Its end comes with its item,
 * which repeats it with all that belongs to it. */
static bool tell_part(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    struct llm_event block = response_block(draft, LLM_BLOCK_TEXT);
    uint64_t key = part_key(data, type, &block);
    struct llm_value delta = llm_value_get(data, "delta");
    if (bytes_end_with(type, BYTES_LITERAL("_part.added"))) {
        llm_draft_open(draft, key, &block);
        return true;
    }
    if (bytes_end_with(type, BYTES_LITERAL("_part.done")))
        return true;
    bool is_argument = block.block_kind != LLM_BLOCK_TOOL_CALL ||
                       bytes_end_with(type, BYTES_LITERAL("arguments.delta")) ||
                       bytes_end_with(type, BYTES_LITERAL("input.delta")) ||
                       bytes_end_with(type, BYTES_LITERAL("code.delta"));
    if (bytes_end_with(type, BYTES_LITERAL(".delta")) && is_argument &&
        llm_value_is(delta, LLM_JSON_STRING)) {
        llm_draft_grow(draft, key, &block, llm_value_text(delta));
        return true;
    }
    /* The texts that these repeat stand in the item's end as well. */
    static const char *const repeated[] = {"text", "refusal", "arguments", "input", "code"};
    for (size_t i = 0; i < sizeof(repeated) / sizeof(*repeated); i++)
        if (bytes_end_with(type, BYTES_LITERAL(".done")) &&
            llm_value_is(llm_value_get(data, repeated[i]), LLM_JSON_STRING))
            return true;
    return false;
}

static void tell_error(struct llm_draft *draft, struct llm_value data)
{
    if (!llm_decoder_error(draft, data))
        llm_draft_error(draft, BYTES_LITERAL("error"), llm_value_raw(data));
}

static void ignore(struct llm_draft *draft, struct llm_value data)
{
}

static void event(struct llm_draft *draft, struct bytes type, struct llm_value data)
{
    static const struct {
        const char *type;
        void (*tell)(struct llm_draft *draft, struct llm_value data);
    } events[] = {
        {"response.created", start_response},    {"response.queued", start_response},
        {"response.in_progress", ignore},        {"response.output_item.added", start_item},
        {"response.output_item.done", end_item}, {"response.completed", end_response},
        {"response.incomplete", end_response},   {"response.failed", end_response},
        {"response.cancelled", end_response},    {"error", tell_error},
    };
    struct bytes said = llm_value_get_text(data, "type");
    if (said.length)
        type = said;
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++)
        if (bytes_equal_text(type, events[i].type)) {
            events[i].tell(draft, data);
            return;
        }
    if (!tell_part(draft, type, data))
        llm_draft_native(draft, LLM_SIDE_RESPONSE, type, data, PADDING);
}

const struct llm_decoder llm_openai_responses = {about_request, request, tell_whole, event};
