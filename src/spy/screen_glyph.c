#include "spy/screen_glyph.h"

#include "base/check.h"
#include "base/printable.h"

#include <wchar.h>

struct screen_glyph screen_glyph_first(struct bytes text)
{
    CHECK(text.length > 0);
    struct screen_glyph glyph = {.code_point = text.data[0], .length = 1, .columns = 1};
    if (glyph.code_point >= 0x20 && glyph.code_point < 0x7f)
        return glyph;
    int columns;
    glyph.length = spy_width_take(text, glyph.shown, &columns, &glyph.is_escaped);
    if (!glyph.is_escaped) {
        (void)printable_next_code_point(text, &glyph.code_point);
        glyph.is_escaped = wcwidth((wchar_t)glyph.code_point) != columns;
        if (glyph.is_escaped)
            columns = spy_width_escape(glyph.code_point, glyph.shown);
    }
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
