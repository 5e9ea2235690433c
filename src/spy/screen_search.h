#ifndef SPY_SCREEN_SEARCH_H
#define SPY_SCREEN_SEARCH_H

#include "base/bytes.h"

/** What is searched for: a text as it is; with a capital letter in it, case matters. */
struct screen_search {
    char text[256];
    size_t length; /* 0: nothing is searched */
    bool is_exact; /* case matters */
};

/** Longer texts are cut. */
void screen_search_set(struct screen_search *search, struct bytes text);

/** The first place at or after `from`, or text.length. */
size_t screen_search_next(const struct screen_search *search, struct bytes text, size_t from);
/** The last place that begins before `before`, or text.length. */
size_t screen_search_previous(const struct screen_search *search, struct bytes text, size_t before);

#endif
