#include "spy/screen_pane.h"

#include "base/check.h"

enum { TITLE_COLUMNS_THAT_FOLD = 4 };

void screen_pane_done(struct screen_pane *pane)
{
    screen_sections_done(&pane->sections);
    *pane = (struct screen_pane){0};
}

void screen_pane_reset(struct screen_pane *pane)
{
    screen_sections_forget(&pane->sections);
    pane->cursor = 0;
    pane->is_at_end = false;
    pane->scroll.top = 0;
    pane->is_found = false;
}

static size_t index_of(const struct screen_pane *pane, uint64_t key)
{
    for (size_t i = 0; i < pane->sections.count; i++)
        if (pane->sections.items[i].key == key)
            return i;
    return SIZE_MAX;
}

void screen_pane_refresh(struct screen_pane *pane)
{
    if (pane->sections.count > 0 && index_of(pane, pane->cursor) == SIZE_MAX)
        pane->cursor = pane->sections.items[0].key;
}

static void measure(struct screen_pane *pane)
{
    screen_sections_measure(&pane->sections, pane->columns > 0 ? pane->columns : 80);
    screen_scroll_fit(&pane->scroll, pane->sections.lines, pane->scroll.height);
}

void screen_pane_draw(struct screen_pane *pane, struct screen_cells *cells,
                      const struct screen_rectangle *place)
{
    if (place->columns == 0)
        return;
    pane->columns = place->columns;
    pane->scroll.height = place->rows;
    measure(pane);
    if (pane->is_at_end)
        screen_scroll_to_end(&pane->scroll);
    if (pane->sections.count == 0)
        return;
    size_t at = screen_sections_at(&pane->sections, pane->scroll.top);
    for (int i = 0; i < place->rows; i++) {
        size_t line = pane->scroll.top + (size_t)i;
        if (line >= pane->sections.lines)
            break;
        const struct screen_section *section = &pane->sections.items[at];
        while (section->is_hidden || line > section->first_line + section->text_lines)
            section = &pane->sections.items[++at];
        struct screen_pen pen = screen_pen_at(cells, place->column, place->row + i, place->columns);
        struct screen_section_view view = {
            .is_cursor = section->key == pane->cursor,
            .has_children = at + 1 < pane->sections.count && section[1].depth > section->depth,
            .search = &pane->search,
        };
        screen_section_draw(section, line - section->first_line, &pen, &view);
    }
}

struct screen_section *screen_pane_section(struct screen_pane *pane)
{
    size_t at = index_of(pane, pane->cursor);
    return at == SIZE_MAX ? NULL : &pane->sections.items[at];
}

/* The title of the section with the cursor, and of its text what fits below it. */
static void show_cursor(struct screen_pane *pane)
{
    measure(pane);
    const struct screen_section *section = screen_pane_section(pane);
    if (section == NULL)
        return;
    pane->is_at_end = false;
    screen_scroll_show(&pane->scroll, section->first_line + section->text_lines);
    screen_scroll_show(&pane->scroll, section->first_line);
}

void screen_pane_move(struct screen_pane *pane, int sections)
{
    measure(pane);
    size_t at = index_of(pane, pane->cursor), count = pane->sections.count;
    if (at == SIZE_MAX)
        return;
    int step = sections < 0 ? -1 : 1, left = sections < 0 ? -sections : sections;
    for (size_t i = at + (size_t)step; i < count && left > 0; i += (size_t)step) {
        if (!pane->sections.items[i].is_hidden) {
            pane->cursor = pane->sections.items[i].key;
            left--;
        }
    }
    show_cursor(pane);
}

/* The cursor goes along, so that keys never act on what is not seen. */
static void take_cursor_along(struct screen_pane *pane)
{
    const struct screen_section *section = screen_pane_section(pane);
    if (section == NULL || pane->sections.lines == 0)
        return;
    size_t top = pane->scroll.top;
    size_t bottom = top + (size_t)(pane->scroll.height > 0 ? pane->scroll.height : 1);
    if (section->first_line + section->text_lines < top || section->is_hidden)
        pane->cursor = pane->sections.items[screen_sections_at(&pane->sections, top)].key;
    else if (section->first_line >= bottom)
        pane->cursor = pane->sections.items[screen_sections_at(&pane->sections, bottom - 1)].key;
}

void screen_pane_scroll(struct screen_pane *pane, int64_t lines)
{
    measure(pane);
    screen_scroll_by(&pane->scroll, lines);
    pane->is_at_end = lines > 0 && pane->scroll.top == screen_scroll_last_top(&pane->scroll);
    take_cursor_along(pane);
}

void screen_pane_page(struct screen_pane *pane, int pages)
{
    int page = pane->scroll.height > 2 ? pane->scroll.height - 1 : 1;
    screen_pane_scroll(pane, (int64_t)pages * page);
}

static bool has_children(const struct screen_pane *pane, const struct screen_section *section)
{
    size_t at = (size_t)(section - pane->sections.items);
    return at + 1 < pane->sections.count && section[1].depth > section->depth;
}

void screen_pane_toggle(struct screen_pane *pane)
{
    struct screen_section *section = screen_pane_section(pane);
    if (section == NULL)
        return;
    measure(pane);
    bool is_part = section->fold == SCREEN_PREVIEW && section->text.length > 0 &&
                   (section->wrap.length < screen_section_shown(section).length ||
                    section->wrap.count > section->text_lines);
    bool is_folding = section->fold != SCREEN_FOLDED && !is_part;
    screen_section_fold(&pane->sections, section, is_folding ? SCREEN_FOLDED : SCREEN_OPEN);
    show_cursor(pane);
}

void screen_pane_unfold(struct screen_pane *pane)
{
    struct screen_section *section = screen_pane_section(pane);
    if (section)
        screen_section_fold(&pane->sections, section, SCREEN_OPEN);
    show_cursor(pane);
}

/* What is folded already hands over to the section that it stands in. */
void screen_pane_fold(struct screen_pane *pane)
{
    struct screen_section *section = screen_pane_section(pane);
    if (section == NULL)
        return;
    bool can_fold = section->text.length > 0 || has_children(pane, section);
    if (section->fold == SCREEN_FOLDED || !can_fold) {
        struct screen_section *outer = section;
        while (outer > pane->sections.items && outer->depth >= section->depth)
            outer--;
        if (outer->depth < section->depth)
            section = outer;
        pane->cursor = section->key;
    }
    screen_section_fold(&pane->sections, section, SCREEN_FOLDED);
    show_cursor(pane);
}

void screen_pane_fold_all(struct screen_pane *pane, enum screen_fold fold)
{
    screen_sections_fold_all(&pane->sections, fold);
    measure(pane);
    struct screen_section *section = screen_pane_section(pane);
    while (section && section->is_hidden && section > pane->sections.items)
        section--;
    if (section)
        pane->cursor = section->key;
    show_cursor(pane);
}

void screen_pane_click(struct screen_pane *pane, const struct screen_rectangle *place, int column,
                       int row)
{
    size_t line = pane->scroll.top + (size_t)(row - place->row);
    if (row < place->row || line >= pane->sections.lines)
        return;
    struct screen_section *section =
        &pane->sections.items[screen_sections_at(&pane->sections, line)];
    pane->cursor = section->key;
    int start = place->column + section->depth * SCREEN_SECTION_INDENT;
    bool is_rest = line == section->first_line + section->text_lines &&
                   section->fold == SCREEN_PREVIEW && section->text_lines > 0;
    if ((line == section->first_line && column < start + TITLE_COLUMNS_THAT_FOLD) || is_rest)
        screen_pane_toggle(pane);
}

void screen_pane_find_from(struct screen_pane *pane, int direction)
{
    size_t at = direction > 0 ? 0 : pane->sections.count - 1;
    pane->is_found = pane->sections.count > 0;
    if (pane->is_found)
        pane->found = pane->sections.items[at].key;
    pane->found_at = direction > 0 ? -2 : INT64_MAX;
}

/* In one section, title first, behind `from` or before it: the offset, -1 for the title, or -2. */
static int64_t find_in(const struct screen_pane *pane, struct screen_section *section, int64_t from,
                       int direction)
{
    screen_section_make_readable(section);
    struct bytes title = {(const uint8_t *)section->title, section->title_length};
    struct bytes shown = screen_section_shown(section);
    bool is_in_title = screen_search_next(&pane->search, title, 0) < title.length;
    if (direction > 0 && from < -1 && is_in_title)
        return -1;
    if (direction > 0) {
        size_t found = screen_search_next(&pane->search, shown, from < 0 ? 0 : (size_t)from + 1);
        return found < shown.length ? (int64_t)found : -2;
    }
    if (from >= 0) {
        size_t found = screen_search_previous(&pane->search, shown, (size_t)from);
        if (found < shown.length)
            return (int64_t)found;
    }
    return from > -1 && is_in_title ? -1 : -2;
}

static void show_found(struct screen_pane *pane, size_t index, int64_t offset)
{
    struct screen_section *section = &pane->sections.items[index];
    screen_sections_reveal(&pane->sections, index);
    if (offset >= 0)
        section->fold = SCREEN_OPEN;
    pane->cursor = pane->found = section->key;
    pane->found_at = offset;
    pane->is_found = true;
    pane->is_at_end = false;
    measure(pane);
    size_t line = section->first_line;
    if (offset >= 0 && section->wrap.count > 0 && section->form != SCREEN_FORM_HEX)
        line += 1 + screen_wrap_line_of(&section->wrap, (size_t)offset);
    screen_scroll_show(&pane->scroll, line);
}

bool screen_pane_find(struct screen_pane *pane, int direction)
{
    if (pane->search.length == 0 || pane->sections.count == 0)
        return false;
    size_t at = pane->is_found ? index_of(pane, pane->found) : SIZE_MAX;
    int64_t from = pane->found_at;
    if (at == SIZE_MAX) {
        at = index_of(pane, pane->cursor);
        from = direction > 0 ? -2 : INT64_MAX;
    }
    for (; at < pane->sections.count; at += (size_t)direction) {
        int64_t found = find_in(pane, &pane->sections.items[at], from, direction);
        if (found > -2) {
            show_found(pane, at, found);
            return true;
        }
        from = direction > 0 ? -2 : INT64_MAX;
    }
    return false;
}
