#include "spy/screen_scroll.h"

size_t screen_scroll_last_top(const struct screen_scroll *scroll)
{
    size_t height = scroll->height > 0 ? (size_t)scroll->height : 1;
    return scroll->count > height ? scroll->count - height : 0;
}

void screen_scroll_fit(struct screen_scroll *scroll, size_t count, int height)
{
    scroll->count = count;
    scroll->height = height;
    size_t last = screen_scroll_last_top(scroll);
    if (scroll->top > last)
        scroll->top = last;
}

void screen_scroll_by(struct screen_scroll *scroll, int64_t lines)
{
    size_t last = screen_scroll_last_top(scroll);
    if (lines < 0) {
        size_t back = (size_t)-lines;
        scroll->top = scroll->top > back ? scroll->top - back : 0;
    } else {
        scroll->top = last - scroll->top > (size_t)lines ? scroll->top + (size_t)lines : last;
    }
}

void screen_scroll_show(struct screen_scroll *scroll, size_t line)
{
    size_t height = scroll->height > 0 ? (size_t)scroll->height : 1;
    if (line < scroll->top)
        scroll->top = line;
    else if (line >= scroll->top + height)
        scroll->top = line - height + 1;
}

void screen_scroll_to_end(struct screen_scroll *scroll)
{
    scroll->top = screen_scroll_last_top(scroll);
}
