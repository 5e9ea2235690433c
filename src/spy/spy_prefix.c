#include "spy/spy_prefix.h"

#include "base/memory.h"
#include "spy/spy_hash.h"

#include <stdlib.h>

void spy_prefix_start(struct spy_prefix *prefix, struct bytes session, struct bytes model)
{
    uint64_t whose[] = {session.length > 0, spy_hash(session.length > 0 ? session : model), 0};
    *prefix = (struct spy_prefix){.is_started = true};
    for (uint64_t i = 0; i < SPY_PREFIX_SECTIONS; i++) {
        whose[2] = i;
        prefix->hashes[i] = spy_hash_of(whose, 3);
    }
}

static bool is_left_out(const struct llm_event *block)
{
    switch (block->block_kind) {
    case LLM_BLOCK_THINKING:
    case LLM_BLOCK_REDACTED:
    case LLM_BLOCK_CACHE_POINT:
        return true;
    case LLM_BLOCK_TEXT:
        return block->text.length == 0;
    default:
        return false;
    }
}

/* JSON without the spaces between its words; what is no JSON loses some, which does no harm. */
static uint64_t hash_of_arguments(struct bytes text)
{
    CLEANUP_FREE uint8_t *kept = memory_new(text.length);
    size_t length = 0;
    bool is_in_string = false;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t byte = text.data[i];
        bool is_space = byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
        if (is_space && !is_in_string)
            continue;
        kept[length++] = byte;
        if (byte == '\\' && is_in_string && i + 1 < text.length)
            kept[length++] = text.data[++i];
        else if (byte == '"')
            is_in_string = !is_in_string;
    }
    /* No arguments are an empty object when they come back. */
    struct bytes rest = {kept, length};
    return spy_hash(length ? rest : BYTES_LITERAL("{}"));
}

static uint64_t hash_of_block(const struct llm_event *block)
{
    bool is_call = block->block_kind == LLM_BLOCK_TOOL_CALL;
    enum llm_role role = block->side == LLM_SIDE_RESPONSE ? LLM_ROLE_ASSISTANT : block->role;
    uint64_t parts[] = {
        block->block_kind,
        role,
        block->is_error,
        spy_hash(block->id),
        spy_hash(block->name),
        is_call ? hash_of_arguments(block->text) : spy_hash(block->text),
        is_call ? 0 : spy_hash(block->json),
        block->block_kind == LLM_BLOCK_MEDIA ? block->bytes : 0,
    };
    return spy_hash_of(parts, sizeof(parts) / sizeof(parts[0]));
}

bool spy_prefix_add(struct spy_prefix *prefix, struct spy_table *seen,
                    const struct llm_event *block, uint64_t *mark)
{
    bool is_request = block->side == LLM_SIDE_REQUEST;
    enum llm_section section = is_request ? block->section : LLM_SECTION_MESSAGES;
    if (!is_left_out(block)) {
        uint64_t parts[] = {prefix->hashes[section], hash_of_block(block)}, found;
        uint64_t hash = spy_hash_of(parts, 2);
        prefix->hashes[section] = hash;
        if (!spy_table_find(seen, hash, &found)) {
            prefix->is_new[section] = true;
            spy_table_set(seen, hash, *mark);
        } else if (is_request && section == LLM_SECTION_MESSAGES && !prefix->is_new[section]) {
            *mark = found;
        }
    }
    return is_request && !prefix->is_new[section];
}
