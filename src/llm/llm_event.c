#include "llm/llm_event.h"

#include "base/check.h"

static const char *const kind_names[] = {
    [LLM_CALL] = "call",   [LLM_REQUEST] = "request",   [LLM_BLOCK] = "block",
    [LLM_DELTA] = "delta", [LLM_RESPONSE] = "response", [LLM_USAGE] = "usage",
    [LLM_STOP] = "stop",   [LLM_ERROR] = "error",       [LLM_NATIVE] = "native",
    [LLM_BODY] = "body",   [LLM_END] = "end",           [LLM_AUDIT] = "audit",
    [LLM_LOST] = "lost",
};

static const char *const api_names[] = {
    [LLM_API_ANTHROPIC_MESSAGES] = "anthropic-messages",
    [LLM_API_ANTHROPIC_COUNT_TOKENS] = "anthropic-count-tokens",
    [LLM_API_BEDROCK_CONVERSE] = "bedrock-converse",
    [LLM_API_BEDROCK_CONVERSE_STREAM] = "bedrock-converse-stream",
    [LLM_API_BEDROCK_INVOKE] = "bedrock-invoke",
    [LLM_API_BEDROCK_INVOKE_STREAM] = "bedrock-invoke-stream",
    [LLM_API_BEDROCK_COUNT_TOKENS] = "bedrock-count-tokens",
    [LLM_API_OPENAI_RESPONSES] = "openai-responses",
    [LLM_API_OPENAI_CHAT] = "openai-chat",
    [LLM_API_OTHER] = "other",
};

static const char *const block_kind_names[] = {
    [LLM_BLOCK_TEXT] = "text",
    [LLM_BLOCK_THINKING] = "thinking",
    [LLM_BLOCK_REDACTED] = "redacted",
    [LLM_BLOCK_TOOL_CALL] = "tool_call",
    [LLM_BLOCK_TOOL_RESULT] = "tool_result",
    [LLM_BLOCK_TOOL] = "tool",
    [LLM_BLOCK_MEDIA] = "media",
    [LLM_BLOCK_CACHE_POINT] = "cache_point",
    [LLM_BLOCK_OTHER] = "other",
};

static const char *const role_names[] = {
    [LLM_ROLE_NONE] = "",     [LLM_ROLE_SYSTEM] = "system",
    [LLM_ROLE_USER] = "user", [LLM_ROLE_ASSISTANT] = "assistant",
    [LLM_ROLE_TOOL] = "tool",
};

static const char *const section_names[] = {
    [LLM_SECTION_SYSTEM] = "system",
    [LLM_SECTION_TOOLS] = "tools",
    [LLM_SECTION_MESSAGES] = "messages",
};

static const char *const transport_names[] = {
    [LLM_TRANSPORT_HTTP1] = "h1",
    [LLM_TRANSPORT_HTTP2] = "h2",
    [LLM_TRANSPORT_WEBSOCKET] = "ws",
};

struct llm_event llm_event_make(enum llm_event_kind kind, uint64_t call)
{
    return (struct llm_event){
        .kind = kind,
        .call = call,
        .usage = {-1, -1, -1, -1, -1, BYTES_EMPTY},
        .first_byte_ms = -1,
        .duration_ms = -1,
    };
}

const char *llm_event_kind_name(enum llm_event_kind kind)
{
    CHECK(kind < LLM_EVENT_KIND_COUNT);
    return kind_names[kind];
}

const char *llm_api_name(enum llm_api api)
{
    CHECK(api < LLM_API_COUNT);
    return api_names[api];
}

bool llm_api_find(struct bytes word, enum llm_api *api)
{
    for (int i = 0; i < LLM_API_COUNT; i++)
        if (bytes_equal_text(word, api_names[i])) {
            *api = (enum llm_api)i;
            return true;
        }
    return false;
}

const char *llm_block_kind_name(enum llm_block_kind kind)
{
    CHECK(kind < LLM_BLOCK_KIND_COUNT);
    return block_kind_names[kind];
}

const char *llm_role_name(enum llm_role role)
{
    CHECK(role <= LLM_ROLE_TOOL);
    return role_names[role];
}

const char *llm_section_name(enum llm_section section)
{
    CHECK(section <= LLM_SECTION_MESSAGES);
    return section_names[section];
}

const char *llm_transport_name(enum llm_transport transport)
{
    CHECK(transport <= LLM_TRANSPORT_WEBSOCKET);
    return transport_names[transport];
}
