#include "spy/screen_detail_parts.h"

#include "spy/screen_format.h"
#include "spy/screen_marks.h"

uint64_t screen_detail_block_key(enum llm_side side, const struct llm_block *block,
                                 enum screen_detail_part part)
{
    return (uint64_t)(side + 1) << 40 | (uint64_t)block->number << 4 | (uint64_t)part;
}

void screen_detail_text(const struct screen_detail *detail, struct screen_section *section,
                        enum screen_form form, struct bytes text, uint64_t stamp)
{
    section->form = detail->is_hex ? SCREEN_FORM_HEX : form;
    screen_section_text(section, text, stamp);
}

static void note_bytes(struct screen_section *section, uint64_t bytes)
{
    char text[SCREEN_FORMAT_SIZE];
    screen_section_note(section, "%s%s", section->note_length ? " " : "",
                        screen_format_bytes(bytes, text));
}

static void title_of(struct screen_section *section, const struct llm_block *block)
{
    switch (block->kind) {
    case LLM_BLOCK_TEXT:
        screen_section_title(section, SCREEN_HEADING, "text");
        break;
    case LLM_BLOCK_THINKING:
        screen_section_title(section, SCREEN_THINKING, "thinking");
        section->style = SCREEN_THINKING;
        break;
    case LLM_BLOCK_REDACTED:
        screen_section_title(section, SCREEN_THINKING, "thinking, encrypted");
        break;
    case LLM_BLOCK_TOOL_CALL:
        screen_section_title(section, SCREEN_TOOL, "tool call ");
        screen_section_title_add(section, llm_text_bytes(&block->name));
        screen_section_note_add(section, llm_text_bytes(&block->id));
        break;
    case LLM_BLOCK_TOOL_RESULT:
        screen_section_title(section, block->is_error ? SCREEN_ERROR : SCREEN_TOOL, "%s %s",
                             screen_marks()->result, block->is_error ? "failed" : "result");
        screen_section_note_add(section, llm_text_bytes(&block->id));
        break;
    case LLM_BLOCK_TOOL:
        section->title_style = SCREEN_TOOL;
        screen_section_title_add(section, llm_text_bytes(&block->name));
        break;
    case LLM_BLOCK_MEDIA:
        screen_section_title(section, SCREEN_HEADING, "media ");
        screen_section_title_add(section, llm_text_bytes(&block->name));
        break;
    case LLM_BLOCK_CACHE_POINT:
        screen_section_title(section, SCREEN_DIM, "cache point");
        break;
    case LLM_BLOCK_OTHER:
    case LLM_BLOCK_KIND_COUNT:
        section->title_style = SCREEN_HEADING;
        screen_section_title_add(section, llm_text_bytes(&block->name));
        break;
    }
}

struct screen_section *screen_detail_add_block(const struct screen_detail *detail,
                                               struct screen_sections *sections, enum llm_side side,
                                               const struct llm_block *block, int depth,
                                               enum screen_fold fold)
{
    uint64_t key = screen_detail_block_key(side, block, SCREEN_DETAIL_PART_BLOCK);
    struct screen_section *section = screen_sections_add(sections, key, depth, fold);
    title_of(section, block);
    struct bytes text = llm_text_bytes(&block->text), json = llm_text_bytes(&block->json);
    bool is_json = text.length == 0;
    section->is_growing = block->is_open;
    uint64_t size = block->bytes ? block->bytes : is_json ? json.length : text.length;
    if (block->is_open)
        screen_section_note(section, "%sarriving", section->note_length ? " " : "");
    else if (size > 0)
        note_bytes(section, size);
    screen_detail_text(detail, section,
                       is_json || block->kind == LLM_BLOCK_TOOL_CALL ? SCREEN_FORM_JSON
                                                                     : SCREEN_FORM_TEXT,
                       is_json ? json : text, block->hash);
    if (!is_json && json.length > 0) {
        key = screen_detail_block_key(side, block, SCREEN_DETAIL_PART_SCHEMA);
        struct screen_section *schema =
            screen_sections_add(sections, key, depth + 1, SCREEN_FOLDED);
        screen_section_title(schema, SCREEN_HEADING, "%s",
                             block->kind == LLM_BLOCK_TOOL ? "schema" : "more");
        note_bytes(schema, json.length);
        screen_detail_text(detail, schema, SCREEN_FORM_JSON, json, block->hash);
        /* The list may have moved. */
        section = &sections->items[sections->count - 2];
    }
    return section;
}
