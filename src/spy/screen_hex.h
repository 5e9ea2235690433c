#ifndef SPY_SCREEN_HEX_H
#define SPY_SCREEN_HEX_H

#include "spy/screen_cells.h"

/** Lines of `offset  bytes  |text|`, as many bytes on each as fit: 8, 16 or 32. */
size_t screen_hex_lines(struct bytes text, int columns);
void screen_hex_draw(struct screen_pen *pen, struct bytes text, size_t line, int columns);

#endif
