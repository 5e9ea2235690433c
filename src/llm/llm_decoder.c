#include "llm/llm_decoder.h"

static const struct llm_decoder *const decoders[LLM_API_COUNT] = {
    [LLM_API_ANTHROPIC_MESSAGES] = &llm_anthropic_messages,
    [LLM_API_ANTHROPIC_COUNT_TOKENS] = &llm_anthropic_count_tokens,
    [LLM_API_BEDROCK_CONVERSE] = &llm_bedrock_converse,
    [LLM_API_BEDROCK_CONVERSE_STREAM] = &llm_bedrock_converse_stream,
    [LLM_API_BEDROCK_INVOKE] = &llm_bedrock_invoke,
    [LLM_API_BEDROCK_INVOKE_STREAM] = &llm_bedrock_invoke_stream,
    [LLM_API_BEDROCK_COUNT_TOKENS] = &llm_bedrock_count_tokens,
    [LLM_API_OPENAI_RESPONSES] = &llm_openai_responses,
    [LLM_API_OPENAI_CHAT] = &llm_openai_chat,
};

const struct llm_decoder *llm_decoder_of(enum llm_api api)
{
    return decoders[api];
}

int64_t llm_decoder_sum(int64_t a, int64_t b, int64_t c)
{
    const int64_t parts[] = {a, b, c};
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (parts[i] > 0 && __builtin_add_overflow(sum, parts[i], &sum))
            return INT64_MAX;
    return sum;
}

uint64_t llm_decoder_base64_bytes(struct bytes letters)
{
    while (letters.length && letters.data[letters.length - 1] == '=')
        letters.length--;
    return letters.length * 3 / 4;
}

enum llm_role llm_decoder_role(struct bytes word)
{
    static const struct {
        const char *word;
        enum llm_role role;
    } roles[] = {
        {"user", LLM_ROLE_USER},     {"assistant", LLM_ROLE_ASSISTANT},
        {"system", LLM_ROLE_SYSTEM}, {"developer", LLM_ROLE_SYSTEM},
        {"tool", LLM_ROLE_TOOL},     {"function", LLM_ROLE_TOOL},
    };
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
        if (bytes_equal_text(word, roles[i].word))
            return roles[i].role;
    return LLM_ROLE_NONE;
}

static struct bytes compact(struct llm_value value, struct buffer *out)
{
    buffer_init(out, 4 * llm_value_raw(value).length + 64);
    return llm_value_compact(value, out) ? buffer_bytes(out) : llm_value_raw(value);
}

void llm_decoder_add_with_json(struct llm_draft *draft, struct llm_event block,
                               struct llm_value value)
{
    struct buffer out;
    block.json = compact(value, &out);
    llm_draft_add(draft, &block);
    buffer_done(&out);
}

void llm_decoder_add_with_value(struct llm_draft *draft, struct llm_event block,
                                struct llm_value value)
{
    struct buffer out;
    block.text = compact(value, &out);
    llm_draft_add(draft, &block);
    buffer_done(&out);
}

void llm_decoder_settle_with_value(struct llm_draft *draft, uint64_t key, struct llm_event block,
                                   struct llm_value value)
{
    struct buffer out;
    block.text = compact(value, &out);
    llm_draft_settle(draft, key, &block);
    buffer_done(&out);
}

void llm_decoder_other_block(struct llm_draft *draft, struct llm_event block, struct bytes type,
                             struct llm_value value)
{
    block.block_kind = LLM_BLOCK_OTHER;
    block.name = type;
    llm_decoder_add_with_json(draft, block, value);
}

/*
 * Anthropic and OpenAI say {"error":{"type","code","message"}}, also within an event; Bedrock
 * {"message"} or {"Message"}; the backend of ChatGPT {"detail"}.
 */
bool llm_decoder_error(struct llm_draft *draft, struct llm_value body)
{
    struct llm_value error = llm_value_get(body, "error");
    if (llm_value_is(error, LLM_JSON_STRING)) {
        llm_draft_error(draft, llm_value_text(error),
                        llm_value_get_text(body, "error_description"));
        return true;
    }
    if (!llm_value_is(error, LLM_JSON_OBJECT))
        error = body;
    struct bytes type = llm_value_get_text(error, "type");
    if (error.node == body.node)
        type = llm_value_get_text(error, "code");
    if (type.length == 0)
        type = llm_value_get_text(error, "code");
    struct bytes message = llm_value_get_text(error, "message");
    if (message.length == 0)
        message = llm_value_get_text(error, "Message");
    if (message.length == 0)
        message = llm_value_get_text(error, "detail");
    if (type.length == 0 && message.length == 0)
        return false;
    llm_draft_error(draft, type, message);
    return true;
}
