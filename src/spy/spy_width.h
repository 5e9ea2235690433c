#ifndef SPY_SPY_WIDTH_H
#define SPY_SPY_WIDTH_H

#include "base/bytes.h"

/** Columns of a terminal that a visible code point takes: 0 (it combines), 1 or 2. */
int spy_width_of(uint32_t code_point);

enum { SPY_WIDTH_SHOWN = 16 };

/** A code point in its escaped form: `\xHH` below 0x80, else `\u{H}`. Returns its columns. */
int spy_width_escape(uint32_t code_point, char shown[SPY_WIDTH_SHOWN]);

/**
 * The next character of a remote text in the form in which it may be shown: itself where it is
 * visible, else escaped as `\xHH` (a control character, or a byte that is no UTF-8) or `\u{H}` (one
 * that is invisible or changes the direction). A backslash stays as it is: the text is for eyes.
 * `shown` ends with NUL; `*width` is how many columns it takes. Returns how many bytes were taken,
 * 0 for an empty text only. Line feeds and tabs are control characters here: callers take them out.
 */
size_t spy_width_take(struct bytes rest, char shown[SPY_WIDTH_SHOWN], int *width, bool *is_escaped);

#endif
