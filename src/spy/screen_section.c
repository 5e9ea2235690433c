#include "spy/screen_section.h"

#include "base/check.h"
#include "base/memory.h"
#include "spy/screen_hex.h"
#include "spy/screen_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READABLE_MAX = 32 * 1024 * 1024, READABLE_FROM_MAX = 4 * 1024 * 1024 };

static void section_done(struct screen_section *section)
{
    buffer_done(&section->readable);
    screen_wrap_done(&section->wrap);
}

static void list_done(struct screen_section *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        section_done(&items[i]);
    free(items);
}

void screen_sections_done(struct screen_sections *sections)
{
    list_done(sections->items, sections->count);
    list_done(sections->old, sections->old_count);
    *sections = (struct screen_sections){0};
}

void screen_sections_forget(struct screen_sections *sections)
{
    uint8_t sticky[SCREEN_SECTION_STICKY];
    memcpy(sticky, sections->sticky, sizeof(sticky));
    screen_sections_done(sections);
    memcpy(sections->sticky, sticky, sizeof(sticky));
}

void screen_sections_begin(struct screen_sections *sections)
{
    CHECK(sections->old == NULL);
    sections->old = sections->items;
    sections->old_count = sections->count;
    sections->old_at = 0;
    sections->items = NULL;
    sections->count = sections->allocated = 0;
}

/* The section of that key in the list before. Lists change little, so the next one is tried first.
 */
static struct screen_section *find_old(struct screen_sections *sections, uint64_t key)
{
    for (size_t i = 0; i < sections->old_count; i++) {
        size_t at = (sections->old_at + i) % sections->old_count;
        if (sections->old[at].key == key) {
            sections->old_at = at + 1;
            return &sections->old[at];
        }
    }
    return NULL;
}

struct screen_section *screen_sections_add(struct screen_sections *sections, uint64_t key,
                                           int depth, enum screen_fold fold)
{
    if (sections->count == sections->allocated) {
        sections->allocated = sections->allocated ? 2 * sections->allocated : 32;
        sections->items =
            memory_resize_array(sections->items, sections->allocated, sizeof(*sections->items));
    }
    struct screen_section *section = &sections->items[sections->count++];
    *section = (struct screen_section){.key = key,
                                       .depth = depth,
                                       .fold = fold,
                                       .first_fold = fold,
                                       .title_style = SCREEN_HEADING};
    buffer_init(&section->readable, READABLE_MAX);
    struct screen_section *old = find_old(sections, key);
    section->old = old;
    /* One whose place asks for another fold now was not folded by hand since. */
    if (old && (old->fold != old->first_fold || old->first_fold == fold))
        section->fold = old->fold;
    else if (old == NULL && key < SCREEN_SECTION_STICKY && sections->sticky[key])
        section->fold = (enum screen_fold)(sections->sticky[key] - 1);
    return section;
}

static size_t add_text(char *text, size_t length, size_t size, struct bytes bytes)
{
    bytes = bytes_first(bytes, size - length);
    if (bytes.length)
        memcpy(text + length, bytes.data, bytes.length);
    return length + bytes.length;
}

void screen_section_title(struct screen_section *section, enum screen_style style,
                          const char *format, ...)
{
    char text[SCREEN_SECTION_TITLE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    section->title_style = style;
    screen_section_title_add(section, bytes_from_text(text));
}

void screen_section_title_add(struct screen_section *section, struct bytes remote)
{
    section->title_length =
        add_text(section->title, section->title_length, sizeof(section->title), remote);
}

void screen_section_note(struct screen_section *section, const char *format, ...)
{
    char text[SCREEN_SECTION_NOTE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    screen_section_note_add(section, bytes_from_text(text));
}

void screen_section_note_add(struct screen_section *section, struct bytes remote)
{
    section->note_length =
        add_text(section->note, section->note_length, sizeof(section->note), remote);
}

void screen_section_text(struct screen_section *section, struct bytes text, uint64_t stamp)
{
    section->text = text;
    section->stamp = stamp;
    struct screen_section *old = section->old;
    if (old == NULL || old->form != section->form)
        return;
    bool is_same = old->stamp == stamp && old->text.length == text.length;
    if (is_same) {
        buffer_done(&section->readable);
        section->readable = old->readable;
        section->is_readable_made = old->is_readable_made;
        buffer_init(&old->readable, READABLE_MAX);
    }
    if (is_same || (section->is_growing && old->is_growing && section->form == SCREEN_FORM_TEXT)) {
        section->wrap = old->wrap;
        old->wrap = (struct screen_wrap){0};
    }
}

void screen_sections_end(struct screen_sections *sections)
{
    for (size_t i = 0; i < sections->count; i++)
        sections->items[i].old = NULL;
    list_done(sections->old, sections->old_count);
    sections->old = NULL;
    sections->old_count = 0;
}

struct bytes screen_section_shown(const struct screen_section *section)
{
    struct bytes readable = buffer_bytes(&section->readable);
    return readable.length ? readable : section->text;
}

void screen_section_make_readable(struct screen_section *section)
{
    if (section->is_readable_made || section->text.length > READABLE_FROM_MAX)
        return;
    section->is_readable_made = true;
    if (section->form == SCREEN_FORM_JSON)
        (void)screen_json_readable(section->text, &section->readable);
    else if (section->form == SCREEN_FORM_HEADERS)
        (void)screen_json_headers(section->text, &section->readable);
}

static size_t measure_text(struct screen_section *section, int columns)
{
    if (section->fold == SCREEN_FOLDED || section->text.length == 0)
        return 0;
    screen_section_make_readable(section);
    if (section->form == SCREEN_FORM_HEX)
        return screen_hex_lines(section->text, columns);
    struct bytes shown = screen_section_shown(section);
    bool is_preview = section->fold == SCREEN_PREVIEW;
    if (is_preview)
        shown = bytes_first(shown, SCREEN_SECTION_PREVIEW_BYTES);
    bool is_same_text = section->wrap.length == shown.length || section->is_growing;
    screen_wrap_update(&section->wrap, shown, columns,
                       is_same_text && section->wrap.length <= shown.length);
    size_t lines = section->wrap.count;
    bool is_cut = shown.length < screen_section_shown(section).length;
    if (is_preview && (lines > SCREEN_SECTION_PREVIEW + 1 || is_cut))
        return (lines < SCREEN_SECTION_PREVIEW ? lines : SCREEN_SECTION_PREVIEW) + 1;
    return lines;
}

void screen_sections_measure(struct screen_sections *sections, int columns)
{
    int hidden_below = INT32_MAX;
    sections->lines = 0;
    sections->columns = columns;
    for (size_t i = 0; i < sections->count; i++) {
        struct screen_section *section = &sections->items[i];
        section->first_line = sections->lines;
        section->is_hidden = section->depth > hidden_below;
        section->text_lines = 0;
        if (section->is_hidden)
            continue;
        hidden_below = section->fold == SCREEN_FOLDED ? section->depth : INT32_MAX;
        int left = columns - (section->depth + 1) * SCREEN_SECTION_INDENT;
        section->text_lines = measure_text(section, left > 8 ? left : 8);
        sections->lines += 1 + section->text_lines;
    }
}

size_t screen_sections_at(const struct screen_sections *sections, size_t line)
{
    CHECK(sections->count > 0);
    size_t found = 0;
    for (size_t i = 0; i < sections->count; i++)
        if (!sections->items[i].is_hidden && sections->items[i].first_line <= line)
            found = i;
    return found;
}

void screen_section_fold(struct screen_sections *sections, struct screen_section *section,
                         enum screen_fold fold)
{
    section->fold = fold;
    if (section->key < SCREEN_SECTION_STICKY)
        sections->sticky[section->key] = (uint8_t)(fold + 1);
}

void screen_sections_fold_all(struct screen_sections *sections, enum screen_fold fold)
{
    for (size_t i = 0; i < sections->count; i++)
        sections->items[i].fold = fold;
}

void screen_sections_reveal(struct screen_sections *sections, size_t index)
{
    int depth = sections->items[index].depth;
    for (size_t i = index; i-- > 0 && depth > 0;) {
        if (sections->items[i].depth < depth) {
            depth = sections->items[i].depth;
            if (sections->items[i].fold == SCREEN_FOLDED)
                sections->items[i].fold =
                    sections->items[i].text.length ? SCREEN_PREVIEW : SCREEN_OPEN;
        }
    }
}
