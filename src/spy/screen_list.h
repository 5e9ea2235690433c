#ifndef SPY_SCREEN_LIST_H
#define SPY_SCREEN_LIST_H

#include "spy/screen_cells.h"
#include "spy/screen_layout.h"
#include "spy/screen_scroll.h"
#include "spy/spy_filter.h"
#include "spy/spy_store.h"

/*
 * Theory of Operation
 *
 * The list of calls. `matched` holds the positions of those that the filter lets through, in their
 * order; a call that cannot be judged yet (the filter asks for what is known at its end) waits in
 * `waiting`. Rows are either `matched` as it is, or, grouped by conversation, `rows`, which is made
 * anew in one pass whenever something was added. A frame looks at the rows that are seen only, so
 * it costs the same for fifty calls and for fifty thousand.
 *
 * A call is selected, never a heading; where its conversation is folded, the heading stands for it.
 */
struct screen_row {
    uint64_t position; /* of the call; of a heading its conversation's last call */
    uint32_t group;    /* index into groups */
    bool is_heading;
};

struct screen_group {
    uint64_t conversation;
    size_t first, count; /* of its calls, in `order` */
    bool is_folded;
};

struct screen_list {
    struct spy_store *store;   /* borrowed */
    struct spy_filter *filter; /* owned; NULL: all */
    uint64_t *matched;         /* owned */
    size_t matched_start, matched_end, matched_allocated;
    uint64_t next;     /* first position that was not looked at */
    uint64_t limit;    /* calls from here on are left out: paused */
    uint64_t *waiting; /* owned */
    size_t waiting_count, waiting_allocated;
    bool is_grouped;
    uint64_t *order; /* owned: grouped, the positions of `matched`, conversation by conversation */
    struct screen_row *rows;     /* owned */
    struct screen_group *groups; /* owned */
    size_t row_count, group_count;
    uint64_t *folded; /* owned: conversations */
    size_t folded_count;
    bool is_stale;     /* rows are to be made anew */
    uint64_t selected; /* position; SPY_STORE_NONE: none */
    bool is_following;
    struct screen_scroll scroll;
};

void screen_list_init(struct screen_list *list, struct spy_store *store);
void screen_list_done(struct screen_list *list);

/** Take over another filter, or NULL. */
void screen_list_set_filter(struct screen_list *list, struct spy_filter *filter);
void screen_list_set_grouped(struct screen_list *list, bool is_grouped);

/**
 * Look at what is new in the store, at most so many milliseconds where the filter has to load
 * calls. False: there is more to look at.
 */
bool screen_list_update(struct screen_list *list, int budget_ms);

/** The row that stands for the selected call; SIZE_MAX: none. */
size_t screen_list_selected_row(const struct screen_list *list);
size_t screen_list_count(const struct screen_list *list);
struct screen_row screen_list_row(const struct screen_list *list, size_t index);
/** Calls that are shown, headings not counted. */
size_t screen_list_calls(const struct screen_list *list);

/** Select so many calls further, or back. Following ends. */
void screen_list_move(struct screen_list *list, int64_t calls);
void screen_list_select_first(struct screen_list *list);
void screen_list_select_last(struct screen_list *list);
void screen_list_select(struct screen_list *list, uint64_t position);
/** The next (or previous) conversation's first call. */
void screen_list_move_conversation(struct screen_list *list, int direction);
/** The next call with an error behind the selected one, from the start again after the last. False:
 * there is none. */
bool screen_list_next_error(struct screen_list *list);
/** Fold, or unfold, the conversation of the selected call. */
void screen_list_fold(struct screen_list *list);
void screen_list_follow(struct screen_list *list, bool is_following);

/** Scroll to the selected call. */
void screen_list_show(struct screen_list *list);

/** What a click on a line of the rectangle did. */
void screen_list_click(struct screen_list *list, const struct screen_rectangle *place, int row);

struct screen_list_view {
    bool is_local; /* time */
};
/** Draw headings and the rows that have room. */
void screen_list_draw(struct screen_list *list, struct screen_cells *cells,
                      const struct screen_rectangle *place, const struct screen_list_view *view);

#endif
