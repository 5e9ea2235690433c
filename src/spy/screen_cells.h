#ifndef SPY_SCREEN_CELLS_H
#define SPY_SCREEN_CELLS_H

#include "spy/screen_glyph.h"

/*
 * What the screen shows, as values: a grid of cells, each with a glyph and a style. The views draw
 * into it and the terminal copies it; nothing else reaches the terminal. No cell ever holds a
 * control character: what may not be shown is drawn as `\xHH` in a style of its own, so that it
 * cannot be confused with a text that spells the same.
 */

/** How a cell looks. Colours and attributes: screen_terminal.c. */
enum screen_style {
    SCREEN_PLAIN,
    SCREEN_BOLD,
    SCREEN_DIM,
    SCREEN_BAR,      /* headings and footer */
    SCREEN_BAR_BOLD, /* of them, what is switched on */
    SCREEN_SELECTED, /* row of the list */
    SCREEN_HEADING,  /* title of a section */
    SCREEN_CURSOR,   /* title of the section that keys act on */
    SCREEN_ERROR,
    SCREEN_WARNING,
    SCREEN_LIVE,     /* still arriving */
    SCREEN_THINKING, /* text of reasoning */
    SCREEN_TOOL,     /* tool calls */
    SCREEN_ADDED,    /* lines of a comparison */
    SCREEN_REMOVED,
    SCREEN_FOUND,   /* by the search */
    SCREEN_ESCAPED, /* bytes that a terminal may not get */
    SCREEN_STYLE_COUNT
};

struct screen_cell {
    uint32_t code_points[3]; /* a glyph and what joins it; all 0: right half of a wide one */
    enum screen_style style;
};

struct screen_cells {
    int columns, rows;
    struct screen_cell *cells; /* owned, row by row */
};

void screen_cells_init(struct screen_cells *cells, int columns, int rows);
void screen_cells_done(struct screen_cells *cells);
/** All spaces; what it held before is forgotten. */
void screen_cells_clear(struct screen_cells *cells);
const struct screen_cell *screen_cells_at(const struct screen_cells *cells, int column, int row);
/** A row's text as UTF-8, for tests; `text` needs 12 bytes a column. */
const char *screen_cells_row(const struct screen_cells *cells, int row, char *text, size_t size);

/** A run of cells in one row, written from left to right; what does not fit is cut with a mark. */
struct screen_pen {
    struct screen_cells *cells; /* borrowed */
    int row, start, column, end;
    bool is_full; /* something was cut */
};

/** Columns out of the grid are ignored. */
struct screen_pen screen_pen_at(struct screen_cells *cells, int column, int row, int columns);
int screen_pen_left(const struct screen_pen *pen);
/** Remote or own text; tabs advance to the next stop, line ends become a space. */
void screen_pen_text(struct screen_pen *pen, enum screen_style style, struct bytes text);
void screen_pen_format(struct screen_pen *pen, enum screen_style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** The text at the end of the next `columns` columns, cut where it is longer. */
void screen_pen_right(struct screen_pen *pen, enum screen_style style, const char *text,
                      int columns);
/** Spaces, to `column` counted from the pen's start. */
void screen_pen_advance(struct screen_pen *pen, enum screen_style style, int column);
/** Spaces, to the end. */
void screen_pen_fill(struct screen_pen *pen, enum screen_style style);
/** Give all cells of the pen's run another style. */
void screen_pen_restyle(struct screen_pen *pen, enum screen_style style);

#endif
