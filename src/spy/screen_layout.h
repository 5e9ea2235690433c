#ifndef SPY_SCREEN_LAYOUT_H
#define SPY_SCREEN_LAYOUT_H

#include <stdbool.h>

/** Where things are on a screen of so many columns and rows. */
enum {
    SCREEN_COLUMNS_MIN = 80,
    SCREEN_ROWS_MIN = 24,
    SCREEN_COLUMNS_MAX = 1000,
    SCREEN_ROWS_MAX = 500,
    SCREEN_LIST_MIN = 32, /* columns of the list beside the detail */
    SCREEN_LIST_MAX = 100,
    SCREEN_LIST_STEP = 4, /* of the keys that move the splitter */
    SCREEN_DETAIL_MIN = 32
};

enum screen_panes { SCREEN_PANES_BOTH, SCREEN_PANES_DETAIL, SCREEN_PANES_LIST, SCREEN_PANES_COUNT };

struct screen_rectangle {
    int column, row, columns, rows;
};

struct screen_layout {
    bool is_too_small;              /* nothing below is set */
    struct screen_rectangle tabs;   /* first row */
    struct screen_rectangle list;   /* its headings and rows; no columns when it is hidden */
    struct screen_rectangle detail; /* no columns when it is hidden */
    int splitter;                   /* column between them; -1 where one is hidden */
    struct screen_rectangle totals; /* last row but one */
    struct screen_rectangle status; /* last row */
};

/** Columns of the list before anybody moved the splitter. */
int screen_layout_default(int columns);

/** The nearest width of the list that a screen of so many columns can have. */
int screen_layout_clamp(int columns, int list_columns);

struct screen_layout screen_layout_make(int columns, int rows, int list_columns,
                                        enum screen_panes panes);

bool screen_rectangle_has(const struct screen_rectangle *rectangle, int column, int row);

#endif
