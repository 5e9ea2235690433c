#include "spy/screen_section.h"

#include "spy/screen_format.h"
#include "spy/screen_hex.h"
#include "spy/screen_marks.h"

/* A text with what the search finds in it. */
static void draw_text(struct screen_pen *pen, enum screen_style style, struct bytes text,
                      const struct screen_search *search)
{
    size_t at = 0;
    while (at < text.length) {
        size_t found = screen_search_next(search, text, at);
        screen_pen_text(pen, style, bytes_first(bytes_from(text, at), found - at));
        at = found;
        if (found < text.length) {
            screen_pen_text(pen, SCREEN_FOUND, bytes_first(bytes_from(text, at), search->length));
            at += search->length;
        }
    }
}

static void draw_title(const struct screen_section *section, struct screen_pen *pen,
                       const struct screen_section_view *view)
{
    const struct screen_marks *marks = screen_marks();
    enum screen_style style = view->is_cursor ? SCREEN_CURSOR : section->title_style;
    screen_pen_advance(pen, SCREEN_PLAIN, section->depth * SCREEN_SECTION_INDENT);
    bool is_foldable = view->has_children || section->text.length > 0;
    const char *mark = !is_foldable                     ? " "
                       : section->fold == SCREEN_FOLDED ? marks->folded
                                                        : marks->unfolded;
    screen_pen_format(pen, style, "%s ", mark);
    struct bytes title = {(const uint8_t *)section->title, section->title_length};
    struct bytes note = {(const uint8_t *)section->note, section->note_length};
    draw_text(pen, style, title, view->search);
    if (section->note_length > 0 && screen_pen_left(pen) > 3) {
        screen_pen_format(pen, SCREEN_DIM, "  ");
        draw_text(pen, SCREEN_DIM, note, view->search);
    }
    /* Folded, a text still shows how it begins. */
    if (section->fold == SCREEN_FOLDED && section->text.length > 0 && screen_pen_left(pen) > 8) {
        screen_pen_format(pen, SCREEN_DIM, "  ");
        screen_pen_text(pen, SCREEN_DIM, bytes_first(section->text, 1000));
    }
}

/* A line of a comparison goes on as it began. */
static enum screen_style style_of_line(const struct screen_section *section, struct bytes shown,
                                       size_t line)
{
    if (section->form != SCREEN_FORM_DIFF)
        return section->style;
    size_t start = section->wrap.starts[line];
    while (start > 0 && shown.data[start - 1] != '\n')
        start--;
    uint8_t first = start < shown.length ? shown.data[start] : ' ';
    return first == '+' ? SCREEN_ADDED : first == '-' ? SCREEN_REMOVED : SCREEN_DIM;
}

/* Spaces at the end of a wrapped line may stand past its last column. */
static struct bytes without_spaces(struct bytes line)
{
    while (line.length && line.data[line.length - 1] == ' ')
        line.length--;
    return line;
}

static void draw_rest(const struct screen_section *section, struct screen_pen *pen)
{
    struct bytes shown = screen_section_shown(section);
    size_t drawn = section->text_lines - 1;
    size_t seen = drawn < section->wrap.count ? section->wrap.starts[drawn] : section->wrap.length;
    char text[SCREEN_FORMAT_SIZE];
    screen_pen_format(pen, SCREEN_WARNING, "%s %s more: Enter", screen_marks()->dots,
                      screen_format_bytes(shown.length - seen, text));
}

void screen_section_draw(const struct screen_section *section, size_t line, struct screen_pen *pen,
                         const struct screen_section_view *view)
{
    if (line == 0) {
        draw_title(section, pen, view);
        return;
    }
    line--;
    int indent = (section->depth + 1) * SCREEN_SECTION_INDENT;
    screen_pen_advance(pen, SCREEN_PLAIN, indent);
    /* Tabs stop where the line was wrapped for. */
    struct screen_pen part = *pen;
    part.start = part.column;
    if (section->form == SCREEN_FORM_HEX) {
        screen_hex_draw(&part, section->text, line, part.end - part.start);
        return;
    }
    struct bytes shown = screen_section_shown(section);
    bool has_rest = section->fold == SCREEN_PREVIEW && (section->wrap.count > section->text_lines ||
                                                        section->wrap.length < shown.length);
    if (has_rest && line + 1 == section->text_lines)
        draw_rest(section, &part);
    else
        draw_text(&part, style_of_line(section, shown, line),
                  without_spaces(screen_wrap_line(&section->wrap, shown, line)), view->search);
}
