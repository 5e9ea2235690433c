#include "spy/screen_layout.h"

int screen_layout_clamp(int columns, int list_columns)
{
    int most = columns - 1 - SCREEN_DETAIL_MIN;
    if (most > SCREEN_LIST_MAX)
        most = SCREEN_LIST_MAX;
    if (list_columns > most)
        list_columns = most;
    return list_columns < SCREEN_LIST_MIN ? SCREEN_LIST_MIN : list_columns;
}

int screen_layout_default(int columns)
{
    int wanted = columns >= 200 ? 88 : columns >= 132 ? 58 : columns / 2 - 1;
    return screen_layout_clamp(columns, wanted);
}

struct screen_layout screen_layout_make(int columns, int rows, int list_columns,
                                        enum screen_panes panes)
{
    struct screen_layout layout = {.splitter = -1};
    if (columns < SCREEN_COLUMNS_MIN || rows < SCREEN_ROWS_MIN) {
        layout.is_too_small = true;
        return layout;
    }
    int height = rows - 3;
    layout.tabs = (struct screen_rectangle){0, 0, columns, 1};
    layout.totals = (struct screen_rectangle){0, rows - 2, columns, 1};
    layout.status = (struct screen_rectangle){0, rows - 1, columns, 1};
    if (panes == SCREEN_PANES_LIST) {
        layout.list = (struct screen_rectangle){0, 1, columns, height};
    } else if (panes == SCREEN_PANES_DETAIL) {
        layout.detail = (struct screen_rectangle){0, 1, columns, height};
    } else {
        int list = screen_layout_clamp(columns, list_columns);
        layout.list = (struct screen_rectangle){0, 1, list, height};
        layout.splitter = list;
        layout.detail = (struct screen_rectangle){list + 1, 1, columns - list - 1, height};
    }
    return layout;
}

bool screen_rectangle_has(const struct screen_rectangle *rectangle, int column, int row)
{
    return column >= rectangle->column && column < rectangle->column + rectangle->columns &&
           row >= rectangle->row && row < rectangle->row + rectangle->rows;
}
