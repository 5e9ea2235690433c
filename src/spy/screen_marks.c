#include "spy/screen_marks.h"

#include <wchar.h>

const struct screen_marks *screen_marks(void)
{
    static const struct screen_marks unicode = {0x2026, "▸", "▾", "│", "…", "↳", "≈", "·", "─"};
    static const struct screen_marks ascii = {'~', ">", "v", "|", "...", "->", "~", "-", "-"};
    return wcwidth(0x25b8) == 1 ? &unicode : &ascii;
}
