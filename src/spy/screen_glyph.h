#ifndef SPY_SCREEN_GLYPH_H
#define SPY_SCREEN_GLYPH_H

#include "spy/spy_width.h"

/*
 * What a piece of remote text looks like on the full screen: as spy_width.h has it, but that a
 * character whose width the terminal library counts otherwise (wcwidth of the locale) is escaped,
 * too. Without a locale of UTF-8 these are all but ASCII.
 */

enum { SCREEN_GLYPH_TAB = 8 };

struct screen_glyph {
    uint32_t code_point;
    size_t length;   /* bytes that it takes of the text */
    uint8_t columns; /* 0: joins the glyph before */
    bool is_escaped; /* drawn as `shown`: something that may not reach a terminal */
    char shown[SPY_WIDTH_SHOWN];
};

/** The first glyph of a text that is not empty. Line ends and tabs are escaped like the rest. */
struct screen_glyph screen_glyph_first(struct bytes text);

/** Columns of a text on one line, tabs and line ends as in screen_pen_text. */
size_t screen_glyph_columns(struct bytes text);

#endif
