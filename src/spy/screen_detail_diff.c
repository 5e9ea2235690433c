#include "spy/screen_detail_parts.h"

#include "base/check.h"
#include "base/memory.h"
#include "spy/screen_diff.h"
#include "spy/screen_json.h"

#include <stdlib.h>

enum { DIFF_TEXT_MAX = 8 * 1024 * 1024, DIFF_KEY = 10000, LINES_MAX = 200000 };

/* Blocks of both calls, the one before first; the response of the one before will be in the next
 * request, so it counts as a part of the conversation. */
struct blocks {
    const struct llm_block **items;
    uint64_t *hashes;
    size_t count;
};

static void collect(struct blocks *blocks, const struct llm_block_list *list,
                    enum llm_section section)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].section == section) {
            blocks->items[blocks->count] = &list->items[i];
            blocks->hashes[blocks->count++] = list->items[i].hash;
        }
    }
}

static struct blocks blocks_of(const struct llm_call *call, enum llm_section section,
                               bool with_response)
{
    size_t most = call->request.count + (with_response ? call->response.count : 0);
    struct blocks blocks = {memory_new_array(most + 1, sizeof(*blocks.items)),
                            memory_new_array(most + 1, sizeof(*blocks.hashes)), 0};
    collect(&blocks, &call->request, section);
    if (with_response)
        collect(&blocks, &call->response, section);
    return blocks;
}

static void blocks_done(struct blocks *blocks)
{
    free(blocks->items);
    free(blocks->hashes);
}

struct lines {
    struct bytes *items;
    uint64_t *hashes;
    size_t count;
};

static struct lines lines_of(struct bytes text)
{
    struct lines lines = {0};
    size_t allocated = 0;
    struct bytes line;
    while (lines.count < LINES_MAX && bytes_next_token(&text, '\n', &line)) {
        if (lines.count == allocated) {
            allocated = allocated ? 2 * allocated : 64;
            lines.items = memory_resize_array(lines.items, allocated, sizeof(*lines.items));
            lines.hashes = memory_resize_array(lines.hashes, allocated, sizeof(*lines.hashes));
        }
        lines.items[lines.count] = line;
        lines.hashes[lines.count++] = bytes_hash(line);
    }
    return lines;
}

static void lines_done(struct lines *lines)
{
    free(lines->items);
    free(lines->hashes);
}

/* So many lines around a change are shown. */
enum { CONTEXT = 3 };

static void write_line(struct buffer *out, const char *mark, struct bytes line)
{
    (void)(buffer_append_text(out, mark) && buffer_append(out, line) &&
           buffer_append_text(out, "\n"));
}

static void write_same(struct buffer *out, const struct lines *lines, size_t start, size_t length,
                       bool is_first, bool is_last)
{
    size_t head = is_first ? 0 : CONTEXT, tail = is_last ? 0 : CONTEXT;
    for (size_t i = 0; i < length; i++) {
        if (i < head || i + tail >= length)
            write_line(out, "  ", lines->items[start + i]);
        else if (i == head)
            (void)!buffer_append_format(out, "  (%zu lines the same)\n", length - head - tail);
    }
}

/* Lines with a mark, into `out`. */
static void write_diff(struct buffer *out, struct bytes before, struct bytes after)
{
    struct lines old = lines_of(before), new = lines_of(after);
    struct screen_diff diff;
    screen_diff_init(&diff, old.hashes, old.count, new.hashes, new.count);
    for (size_t i = 0; i < diff.count; i++) {
        const struct screen_diff_run *run = &diff.runs[i];
        if (run->kind == SCREEN_DIFF_SAME)
            write_same(out, &old, run->before, run->length, i == 0, i + 1 == diff.count);
        for (size_t j = 0; j < run->length && run->kind != SCREEN_DIFF_SAME; j++)
            write_line(out, run->kind == SCREEN_DIFF_ADDED ? "+ " : "- ",
                       run->kind == SCREEN_DIFF_ADDED ? new.items[run->after + j]
                                                      : old.items[run->before + j]);
    }
    screen_diff_done(&diff);
    lines_done(&old);
    lines_done(&new);
}

/* A text that lives until the sections are made anew. */
static struct buffer *new_text(struct screen_detail *detail)
{
    detail->texts =
        memory_resize_array(detail->texts, detail->text_count + 1, sizeof(*detail->texts));
    struct buffer *text = &detail->texts[detail->text_count++];
    buffer_init(text, DIFF_TEXT_MAX);
    return text;
}

static struct bytes readable(struct screen_detail *detail, struct bytes text)
{
    struct buffer *out = new_text(detail);
    return screen_json_readable(text, out) ? buffer_bytes(out) : text;
}

static void add_text_diff(struct screen_detail *detail, struct screen_section *section,
                          struct bytes before, struct bytes after)
{
    before = readable(detail, before);
    after = readable(detail, after);
    struct buffer *text = new_text(detail);
    write_diff(text, before, after);
    section->form = SCREEN_FORM_DIFF;
    screen_section_text(section, buffer_bytes(text), bytes_hash(buffer_bytes(text)));
}

static void add_texts(struct screen_detail *detail, struct screen_sections *sections, uint64_t key,
                      const char *title, const struct llm_text *before,
                      const struct llm_text *after)
{
    if (bytes_equal(llm_text_bytes(before), llm_text_bytes(after)))
        return;
    struct screen_section *section = screen_sections_add(sections, key, 0, SCREEN_OPEN);
    screen_section_title(section, SCREEN_HEADING, "%s", title);
    add_text_diff(detail, section, llm_text_bytes(before), llm_text_bytes(after));
}

static struct bytes what_it_says(const struct llm_block *block)
{
    return llm_text_bytes(block->text.length ? &block->text : &block->json);
}

/* A block of one call alone. `key` keeps those of both calls apart. */
static void add_alone(struct screen_detail *detail, struct screen_sections *sections, uint64_t key,
                      const struct llm_block *block, bool is_added)
{
    struct screen_section *section = screen_sections_add(sections, key, 1, SCREEN_PREVIEW);
    enum screen_style style = is_added ? SCREEN_ADDED : SCREEN_REMOVED;
    screen_section_title(section, style, "%s %s %s ", is_added ? "+" : "-",
                         llm_role_name(block->role), llm_block_kind_name(block->kind));
    screen_section_title_add(section, llm_text_bytes(&block->name));
    section->style = style;
    screen_detail_text(detail, section, SCREEN_FORM_JSON, what_it_says(block), block->hash);
}

static void add_changed(struct screen_detail *detail, struct screen_sections *sections,
                        uint64_t key, const struct llm_block *before, const struct llm_block *after)
{
    struct screen_section *section = screen_sections_add(sections, key, 1, SCREEN_OPEN);
    screen_section_title(section, SCREEN_WARNING, "changed: %s %s ", llm_role_name(after->role),
                         llm_block_kind_name(after->kind));
    screen_section_title_add(section, llm_text_bytes(&after->name));
    add_text_diff(detail, section, what_it_says(before), what_it_says(after));
    section->style = SCREEN_PLAIN;
}

/* Blocks of the same kind at the same place are one block that changed. */
static bool is_same_thing(const struct llm_block *before, const struct llm_block *after)
{
    return before->kind == after->kind && before->role == after->role &&
           bytes_equal(llm_text_bytes(&before->name), llm_text_bytes(&after->name)) &&
           bytes_equal(llm_text_bytes(&before->id), llm_text_bytes(&after->id));
}

struct change {
    const struct screen_diff_run *removed, *added; /* NULL: none */
};

static void add_change(struct screen_detail *detail, struct screen_sections *sections,
                       uint64_t *key, const struct blocks *old, const struct blocks *new,
                       struct change change)
{
    size_t removed = change.removed ? change.removed->length : 0;
    size_t added = change.added ? change.added->length : 0, paired = 0;
    for (; paired < removed && paired < added; paired++) {
        const struct llm_block *before = old->items[change.removed->before + paired];
        const struct llm_block *after = new->items[change.added->after + paired];
        if (!is_same_thing(before, after))
            break;
        add_changed(detail, sections, (*key)++, before, after);
    }
    for (size_t i = paired; i < removed; i++)
        add_alone(detail, sections, (*key)++, old->items[change.removed->before + i], false);
    for (size_t i = paired; i < added; i++)
        add_alone(detail, sections, (*key)++, new->items[change.added->after + i], true);
}

static void add_runs(struct screen_detail *detail, struct screen_sections *sections, uint64_t key,
                     const struct blocks *old, const struct blocks *new)
{
    struct screen_diff diff;
    screen_diff_init(&diff, old->hashes, old->count, new->hashes, new->count);
    for (size_t i = 0; i < diff.count; i++) {
        const struct screen_diff_run *run = &diff.runs[i];
        if (run->kind == SCREEN_DIFF_SAME) {
            struct screen_section *section = screen_sections_add(sections, key++, 1, SCREEN_FOLDED);
            screen_section_title(section, SCREEN_DIM, "%zu block%s the same", run->length,
                                 run->length == 1 ? "" : "s");
            continue;
        }
        struct change change = {run->kind == SCREEN_DIFF_REMOVED ? run : NULL,
                                run->kind == SCREEN_DIFF_ADDED ? run : NULL};
        if (change.removed && i + 1 < diff.count && run[1].kind == SCREEN_DIFF_ADDED)
            change.added = &diff.runs[++i];
        add_change(detail, sections, &key, old, new, change);
    }
    screen_diff_done(&diff);
}

static void add_section(struct screen_detail *detail, struct screen_sections *sections,
                        enum llm_section section)
{
    struct blocks old = blocks_of(detail->previous, section, section == LLM_SECTION_MESSAGES);
    struct blocks new = blocks_of(detail->call, section, false);
    if (old.count > 0 || new.count > 0) {
        uint64_t key = DIFF_KEY * (uint64_t)(section + 2);
        struct screen_section *heading = screen_sections_add(sections, key, 0, SCREEN_OPEN);
        screen_section_title(heading, SCREEN_HEADING, "%s", llm_section_name(section));
        screen_section_note(heading, "%zu before, %zu now", old.count, new.count);
        add_runs(detail, sections, key + 1, &old, &new);
    }
    blocks_done(&old);
    blocks_done(&new);
}

void screen_detail_make_diff(struct screen_detail *detail, struct screen_sections *sections)
{
    const struct llm_call *now = detail->call, *before = detail->previous;
    struct screen_section *section = screen_sections_add(sections, DIFF_KEY, 0, SCREEN_OPEN);
    if (before == NULL) {
        screen_section_title(section, SCREEN_BOLD, "first call of its conversation");
        screen_section_note(section, "there is nothing to compare it with");
        return;
    }
    screen_section_title(section, SCREEN_BOLD, "call #%llu compared with #%llu",
                         (unsigned long long)now->number, (unsigned long long)before->number);
    screen_section_note(section, "- before, + now");
    add_texts(detail, sections, DIFF_KEY + 1, "model", &before->model, &now->model);
    add_texts(detail, sections, DIFF_KEY + 2, "parameters", &before->parameters, &now->parameters);
    add_texts(detail, sections, DIFF_KEY + 3, "request headers", &before->request_headers,
              &now->request_headers);
    add_section(detail, sections, LLM_SECTION_SYSTEM);
    add_section(detail, sections, LLM_SECTION_TOOLS);
    add_section(detail, sections, LLM_SECTION_MESSAGES);
}
