#include "spy/screen_wrap.h"

#include "base/check.h"
#include "base/memory.h"
#include "spy/screen_glyph.h"

#include <stdlib.h>

void screen_wrap_done(struct screen_wrap *wrap)
{
    free(wrap->starts);
    *wrap = (struct screen_wrap){0};
}

/* Of a text that grows so many lines are wrapped again: its end may have been half a code point,
 * whose bytes took lines of their own. */
enum { LINES_AGAIN = 5 };

static void add_start(struct screen_wrap *wrap, size_t offset)
{
    if (wrap->count == wrap->allocated) {
        wrap->allocated = wrap->allocated ? 2 * wrap->allocated : 16;
        wrap->starts = memory_resize_array(wrap->starts, wrap->allocated, sizeof(*wrap->starts));
    }
    wrap->starts[wrap->count++] = (uint32_t)offset;
}

static int columns_of(struct screen_glyph glyph, uint8_t first, int column)
{
    return first == '\t' ? SCREEN_GLYPH_TAB - column % SCREEN_GLYPH_TAB : glyph.columns;
}

/* Where the line that starts at `start` ends: one past its last byte, line end included. */
static size_t end_of_line(struct bytes text, size_t start, int columns)
{
    int column = 0;
    size_t word = start; /* start of the last word that began in this line */
    size_t offset = start;
    while (offset < text.length) {
        uint8_t first = text.data[offset];
        if (first == '\n')
            return offset + 1;
        struct screen_glyph glyph = screen_glyph_first(bytes_from(text, offset));
        int wide = columns_of(glyph, first, column);
        /* Spaces may hang over the end: they are not seen. */
        if (column + wide > columns && column > 0 && first != ' ')
            return word > start ? word : offset;
        column += wide;
        offset += glyph.length;
        if (first == ' ' || first == '\t')
            word = offset;
    }
    return offset;
}

void screen_wrap_update(struct screen_wrap *wrap, struct bytes text, int columns, bool is_grown)
{
    CHECK(columns > 0);
    text = bytes_first(text, SCREEN_WRAP_BYTES_MAX);
    size_t offset = 0;
    if (is_grown && wrap->columns == columns && text.length >= wrap->length && wrap->count > 0) {
        if (text.length == wrap->length)
            return;
        wrap->count = wrap->count > LINES_AGAIN ? wrap->count - LINES_AGAIN : 0;
        offset = wrap->starts[wrap->count];
    } else {
        wrap->count = 0;
    }
    while (offset < text.length) {
        add_start(wrap, offset);
        offset = end_of_line(text, offset, columns);
    }
    wrap->length = text.length;
    wrap->columns = columns;
}

struct bytes screen_wrap_line(const struct screen_wrap *wrap, struct bytes text, size_t line)
{
    CHECK(line < wrap->count);
    size_t start = wrap->starts[line];
    size_t end = line + 1 < wrap->count ? wrap->starts[line + 1] : wrap->length;
    CHECK(end <= text.length);
    struct bytes found = bytes_first(bytes_from(text, start), end - start);
    if (found.length && found.data[found.length - 1] == '\n')
        found.length--;
    if (found.length && found.data[found.length - 1] == '\r')
        found.length--;
    return found;
}

size_t screen_wrap_line_of(const struct screen_wrap *wrap, size_t offset)
{
    CHECK(wrap->count > 0);
    size_t low = 0, high = wrap->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (wrap->starts[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}
