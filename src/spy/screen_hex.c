#include "spy/screen_hex.h"

/* 8 digits, then for each byte ` hh` and its character, with two spaces and two bars between. */
static size_t bytes_on_line(int columns)
{
    return columns >= 8 + 4 + 4 * 32 ? 32 : columns >= 8 + 4 + 4 * 16 ? 16 : 8;
}

size_t screen_hex_lines(struct bytes text, int columns)
{
    size_t each = bytes_on_line(columns);
    return (text.length + each - 1) / each;
}

void screen_hex_draw(struct screen_pen *pen, struct bytes text, size_t line, int columns)
{
    size_t each = bytes_on_line(columns);
    struct bytes part = bytes_first(bytes_from(text, line * each), each);
    screen_pen_format(pen, SCREEN_DIM, "%08zx", line * each);
    for (size_t i = 0; i < each; i++) {
        if (i < part.length)
            screen_pen_format(pen, SCREEN_PLAIN, " %02x", part.data[i]);
        else
            screen_pen_format(pen, SCREEN_PLAIN, "   ");
    }
    screen_pen_format(pen, SCREEN_DIM, "  |");
    for (size_t i = 0; i < part.length; i++) {
        bool is_plain = part.data[i] >= 0x20 && part.data[i] < 0x7f;
        screen_pen_format(pen, is_plain ? SCREEN_PLAIN : SCREEN_DIM, "%c",
                          is_plain ? part.data[i] : '.');
    }
    screen_pen_format(pen, SCREEN_DIM, "|");
}
