#include "spy/screen_glyph.h"

#include "base/check.h"
#include "base/printable.h"

#include <wchar.h>

/* Selectors of a glyph's variant: invisible, and thus a way to smuggle bytes into a text. The one
 * that asks for a coloured picture is common and harmless. */
static bool is_variation(uint32_t code_point)
{
    return (code_point >= 0xfe00 && code_point <= 0xfe0e) ||
           (code_point >= 0xe0100 && code_point <= 0xe01ef);
}

struct screen_glyph screen_glyph_first(struct bytes text)
{
    CHECK(text.length > 0);
    struct screen_glyph glyph = {text.data[0], 1, 1, false};
    if (glyph.code_point >= 0x20 && glyph.code_point < 0x7f)
        return glyph;
    glyph.length = printable_next_code_point(text, &glyph.code_point);
    int columns = -1;
    if (glyph.length > 0 && printable_is_visible(glyph.code_point) &&
        !is_variation(glyph.code_point))
        columns = wcwidth((wchar_t)glyph.code_point);
    if (columns < 0 || columns > 2)
        return (struct screen_glyph){text.data[0], 1, SCREEN_GLYPH_ESCAPED, true};
    glyph.columns = (uint8_t)columns;
    return glyph;
}

size_t screen_glyph_columns(struct bytes text)
{
    size_t columns = 0;
    while (text.length) {
        if (text.data[0] == '\t') {
            columns += SCREEN_GLYPH_TAB - columns % SCREEN_GLYPH_TAB;
            text = bytes_from(text, 1);
            continue;
        }
        struct screen_glyph glyph = screen_glyph_first(text);
        columns += text.data[0] == '\n' ? 1 : glyph.columns;
        text = bytes_from(text, glyph.length);
    }
    return columns;
}
