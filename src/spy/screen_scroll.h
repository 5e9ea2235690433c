#ifndef SPY_SCREEN_SCROLL_H
#define SPY_SCREEN_SCROLL_H

#include <stdint.h>
#include <stdlib.h>

/** Which of many lines are seen. Zeroed it is at the top. */
struct screen_scroll {
    size_t top;   /* first line that is seen */
    size_t count; /* lines there are */
    int height;   /* lines that have room */
};

/** There are so many lines now, and so much room. */
void screen_scroll_fit(struct screen_scroll *scroll, size_t count, int height);
void screen_scroll_by(struct screen_scroll *scroll, int64_t lines);
/** The smallest move after which this line is seen. */
void screen_scroll_show(struct screen_scroll *scroll, size_t line);
void screen_scroll_to_end(struct screen_scroll *scroll);
size_t screen_scroll_last_top(const struct screen_scroll *scroll);

#endif
