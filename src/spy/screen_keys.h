#ifndef SPY_SCREEN_KEYS_H
#define SPY_SCREEN_KEYS_H

#include "base/buffer.h"
#include "spy/screen_input.h"

/** What a key does. */
enum screen_action {
    SCREEN_NOTHING,
    SCREEN_QUIT,
    SCREEN_HELP,
    SCREEN_NEXT_TAB,
    SCREEN_NEXT_CALL,
    SCREEN_PREVIOUS_CALL,
    SCREEN_FIRST_CALL,
    SCREEN_LAST_CALL,
    SCREEN_NEXT_CONVERSATION,
    SCREEN_PREVIOUS_CONVERSATION,
    SCREEN_NEXT_ERROR,
    SCREEN_FOLLOW,
    SCREEN_PAUSE,
    SCREEN_GROUP,
    SCREEN_FOLD_CONVERSATION,
    SCREEN_NEXT_SECTION,
    SCREEN_PREVIOUS_SECTION,
    SCREEN_SCROLL_UP,
    SCREEN_SCROLL_DOWN,
    SCREEN_PAGE_UP,
    SCREEN_PAGE_DOWN,
    SCREEN_TOGGLE,
    SCREEN_FOLD,
    SCREEN_UNFOLD,
    SCREEN_FOLD_ALL,
    SCREEN_UNFOLD_ALL,
    SCREEN_DIFF,
    SCREEN_RAW,
    SCREEN_HEX,
    SCREEN_SEARCH,
    SCREEN_FIND_NEXT,
    SCREEN_FIND_PREVIOUS,
    SCREEN_FILTER,
    SCREEN_COPY,
    SCREEN_SAVE,
    SCREEN_NARROWER,
    SCREEN_WIDER,
    SCREEN_PANES,
    SCREEN_TIME_ZONE,
    SCREEN_REDRAW,
    SCREEN_CANCEL,
    SCREEN_ACTION_COUNT
};

struct screen_key_row {
    enum screen_action action;
    const char *characters;  /* each of them does it */
    enum screen_key keys[2]; /* and these; SCREEN_KEY_CHARACTER: none */
    const char *shown;       /* how the help calls the keys; NULL: not told */
    const char *summary;
    const char *chapter; /* begins a chapter of the help; else NULL */
};

/** The table of keys, in the order of the help. */
const struct screen_key_row *screen_keys_rows(size_t *count);

enum screen_action screen_keys_find(const struct screen_input_event *event);

/** The table as lists of a manual page (mdoc), which docs/man/rootcell-spy-screen.7 holds. */
bool screen_keys_manual(struct buffer *out);

#endif
