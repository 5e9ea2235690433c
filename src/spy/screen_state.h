#ifndef SPY_SCREEN_STATE_H
#define SPY_SCREEN_STATE_H

#include "spy/screen.h"
#include "spy/screen_detail.h"
#include "spy/screen_keys.h"
#include "spy/screen_list.h"
#include "spy/screen_notes.h"
#include "spy/screen_prompt.h"

/*
 * Theory of Operation
 *
 * screen.c waits for keys, signals and events, and draws a frame when something has changed.
 * screen_act.c is what keys and clicks do, screen_shown.c keeps the call that is shown up to date,
 * screen_frame.c draws. None of them but screen.c knows the terminal; what they want of it they
 * leave here (`is_quitting`, `copied`, `wants_redraw`).
 */
enum screen_tab { SCREEN_TAB_CALLS, SCREEN_TAB_NOTES, SCREEN_TAB_COUNT };

/** Where the tabs of the first row end. */
enum { SCREEN_TABS_CALLS_END = 16, SCREEN_TABS_OTHER_END = 44 };

/** Sums of one session, for the footer. */
struct screen_sums {
    uint64_t calls, input, cached, output;
    int64_t cost_nano; /* -1: no price is known */
};

/** A search that goes on over other calls. */
struct screen_hunt {
    bool is_running;
    int direction;
    uint64_t from; /* the call that it began at, and where it ends */
    size_t row;    /* of the list: the next to look at */
    size_t left;   /* rows to look at */
};

struct screen {
    struct screen_start start;
    struct screen_cells cells;
    struct screen_layout layout;
    int list_columns; /* as the user set it; 0: as is usual for this width */
    enum screen_panes panes;
    enum screen_tab tab;

    struct screen_list list;
    struct screen_pane pane; /* of the call */
    struct screen_detail detail;
    uint64_t shown;                          /* position of the call in the pane */
    struct llm_call *call, *previous, *next; /* owned; NULL: not there, or not loaded yet */
    uint64_t previous_position, next_position;
    bool has_neighbours; /* previous and next were looked for */
    bool is_call_changed;

    struct screen_notes notes;
    struct screen_pane note_pane;
    uint64_t shown_note;

    struct screen_prompt prompt;
    struct screen_hunt hunt;
    struct bytes save_text; /* borrowed from the shown section */
    char filter_text[SCREEN_PROMPT_MAX + 8];
    char message[256];
    bool is_message_error;

    struct screen_sums sums;
    uint64_t sums_revision, sums_of; /* what they were made from */

    bool is_paused;
    bool is_help;
    struct screen_scroll help_scroll;
    bool is_dragging; /* the splitter */
    bool is_source_over;
    bool has_list_backlog; /* the filter has calls to look at still */
    bool is_quitting;
    bool wants_redraw;
    struct bytes copied; /* borrowed until the next event; to be given to the clipboard */
};

void screen_set_message(struct screen *screen, bool is_error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* screen_shown.c */
/** Show the selected call, or what is new in it. True when something changed. */
bool screen_shown_update(struct screen *screen);
/** Load what the detail takes from the calls before and after. True when something changed. */
bool screen_shown_load_neighbours(struct screen *screen);
/** An event of the store (spy_store_observer). */
void screen_shown_observe(void *context, const struct spy_added *added);
void screen_shown_done(struct screen *screen);
/** Make the sections of the call anew. */
void screen_shown_make(struct screen *screen);
/** Look at the next calls of the search, for some milliseconds. */
void screen_shown_hunt(struct screen *screen, int budget_ms);

/* screen_act.c */
void screen_act_on(struct screen *screen, const struct screen_input_event *event);
/** The pane that is seen. */
struct screen_pane *screen_act_pane(struct screen *screen);

/* screen_frame.c */
/** Draw all into the cells; the cursor's place is set to -1 where there is none. */
void screen_frame_draw(struct screen *screen, int *cursor_column, int *cursor_row);

#endif
