#ifndef SPY_SCREEN_NOTES_H
#define SPY_SCREEN_NOTES_H

#include "spy/screen_layout.h"
#include "spy/screen_pane.h"
#include "spy/spy_store.h"

/*
 * The second list: what was denied, and other traffic; records of the audit log, and gaps. A row is
 * read from the store's file when it is seen.
 */
struct screen_notes {
    struct spy_store *store; /* borrowed */
    uint64_t limit;          /* notes from here on are left out: paused */
    uint64_t selected;       /* position, SPY_STORE_NONE: none */
    bool is_following;
    struct screen_scroll scroll;
    struct buffer record; /* owned: JSON of the one in the detail */
    struct buffer advice; /* owned: the command that would allow it */
};

void screen_notes_init(struct screen_notes *notes, struct spy_store *store);
void screen_notes_done(struct screen_notes *notes);
/** Look at what is new. */
void screen_notes_update(struct screen_notes *notes);
size_t screen_notes_count(const struct screen_notes *notes);
void screen_notes_move(struct screen_notes *notes, int64_t rows);
void screen_notes_select_first(struct screen_notes *notes);
void screen_notes_select_last(struct screen_notes *notes);
/** The next one that was denied, from the start again after the last. */
bool screen_notes_next_denied(struct screen_notes *notes);
void screen_notes_click(struct screen_notes *notes, const struct screen_rectangle *place, int row);
void screen_notes_draw(struct screen_notes *notes, struct screen_cells *cells,
                       const struct screen_rectangle *place, bool is_local);
/** Make the sections of the selected note. */
void screen_notes_make(struct screen_notes *notes, struct screen_pane *pane);

#endif
