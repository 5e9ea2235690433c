#ifndef SPY_SCREEN_GLYPH_H
#define SPY_SCREEN_GLYPH_H

#include "base/bytes.h"

/*
 * What a piece of remote text looks like in a terminal. Widths are those of the locale (wcwidth),
 * so that the terminal library counts as we do; without a locale of UTF-8 only ASCII is drawn and
 * the rest is escaped.
 */

enum { SCREEN_GLYPH_TAB = 8, SCREEN_GLYPH_ESCAPED = 4 };

struct screen_glyph {
    uint32_t code_point;
    size_t length;   /* bytes that it takes of the text */
    uint8_t columns; /* 0: joins the glyph before; of an escaped byte SCREEN_GLYPH_ESCAPED */
    bool is_escaped; /* drawn as `\xHH`: a byte of something that may not reach a terminal */
};

/** The first glyph of a text that is not empty. Line ends and tabs are escaped like the rest. */
struct screen_glyph screen_glyph_first(struct bytes text);

/** Columns of a text on one line, tabs and line ends as in screen_pen_text. */
size_t screen_glyph_columns(struct bytes text);

#endif
