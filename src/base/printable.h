#ifndef BASE_PRINTABLE_H
#define BASE_PRINTABLE_H

#include "base/buffer.h"

/**
 * The filter between remote bytes and a terminal, a log line or a message.
 *
 * Printable UTF-8 passes; control characters (C0, DEL, C1), bidirectional and other invisible
 * format characters, and bytes that are not UTF-8 become `\xHH`; a backslash becomes `\\`.
 * Output stops with `...` when the cap of `out` would be exceeded.
 */
void printable_append(struct buffer *out, struct bytes remote);

/** The same into a text of `size` bytes (at least 4), always NUL-terminated. Returns `text`. */
const char *printable_text(struct bytes remote, char *text, size_t size);

/**
 * False for a character that moves, hides or reorders what a person sees: Unicode Cc, Cf, Zl, Zp,
 * and what is blank or joins without a trace (Default_Ignorable_Code_Point), but for the two
 * selectors that choose between text and picture.
 */
bool printable_is_visible(uint32_t code_point);

/**
 * The next code point of UTF-8 (RFC 3629: shortest form, no surrogates) in `rest`.
 * Returns the number of bytes it takes and sets `*code_point`, or 0 when they are no UTF-8.
 */
size_t printable_next_code_point(struct bytes rest, uint32_t *code_point);

#endif
