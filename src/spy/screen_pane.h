#ifndef SPY_SCREEN_PANE_H
#define SPY_SCREEN_PANE_H

#include "spy/screen_layout.h"
#include "spy/screen_scroll.h"
#include "spy/screen_section.h"

/*
 * The view of a list of sections: which part of it is seen, and the section that keys act on.
 */
struct screen_pane {
    struct screen_sections sections;
    uint64_t cursor; /* key of a section */
    bool is_at_end;  /* stays at the end while the text grows */
    struct screen_scroll scroll;
    int columns; /* as last drawn */
    struct screen_search search;
    uint64_t found;   /* key of the section where the search stands */
    int64_t found_at; /* offset in what is shown of it; -1: in the title */
    bool is_found;
};

void screen_pane_done(struct screen_pane *pane);
/** Something else is shown from now on, from its top. */
void screen_pane_reset(struct screen_pane *pane);

/** Sections were made anew: keep the cursor, or put it on the first one. */
void screen_pane_refresh(struct screen_pane *pane);

void screen_pane_draw(struct screen_pane *pane, struct screen_cells *cells,
                      const struct screen_rectangle *place);

void screen_pane_move(struct screen_pane *pane, int sections);
void screen_pane_scroll(struct screen_pane *pane, int64_t lines);
void screen_pane_page(struct screen_pane *pane, int pages);
/** Open what is folded or shown in part, else fold. */
void screen_pane_toggle(struct screen_pane *pane);
void screen_pane_fold(struct screen_pane *pane);
void screen_pane_unfold(struct screen_pane *pane);
void screen_pane_fold_all(struct screen_pane *pane, enum screen_fold fold);

/** A click on a line: the first columns of a title open or fold it, the rest moves the cursor. */
void screen_pane_click(struct screen_pane *pane, const struct screen_rectangle *place, int column,
                       int row);

/** The section that keys act on; NULL when there is none. */
struct screen_section *screen_pane_section(struct screen_pane *pane);

/**
 * Go to the next place of the search (or the previous one), from where it stands. False: there is
 * none between here and the end (or the beginning); nothing has moved.
 */
bool screen_pane_find(struct screen_pane *pane, int direction);
/** The next search begins at the top (or at the end, to go backwards). */
void screen_pane_find_from(struct screen_pane *pane, int direction);

#endif
