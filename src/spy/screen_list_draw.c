#include "spy/screen_list.h"

#include "spy/screen_format.h"
#include "spy/screen_marks.h"

#include <stdio.h>
#include <string.h>

/* A column, and how early it gets room: those with the lowest rank first. */
enum column_kind {
    COLUMN_TIME,
    COLUMN_PROVIDER,
    COLUMN_MODEL,
    COLUMN_KIND,
    COLUMN_STATUS,
    COLUMN_INPUT,
    COLUMN_CACHED,
    COLUMN_OUTPUT,
    COLUMN_FIRST_BYTE,
    COLUMN_DURATION,
    COLUMN_COST,
    COLUMN_COUNT
};

static const struct {
    const char *title;
    int columns;
    int rank;
    bool is_number; /* stands at the right */
} columns[COLUMN_COUNT] = {
    [COLUMN_TIME] = {"time", 8, 0, false},        [COLUMN_PROVIDER] = {"provider", 9, 7, false},
    [COLUMN_MODEL] = {"model", 8, 1, false},      [COLUMN_KIND] = {"kind", 7, 9, false},
    [COLUMN_STATUS] = {"stat", 4, 2, false},      [COLUMN_INPUT] = {"in", 5, 4, true},
    [COLUMN_CACHED] = {"cach", 5, 5, true},       [COLUMN_OUTPUT] = {"out", 5, 3, true},
    [COLUMN_FIRST_BYTE] = {"first", 5, 10, true}, [COLUMN_DURATION] = {"took", 5, 6, true},
    [COLUMN_COST] = {"cost $", 6, 8, true},
};

/* Widths of the columns that have room, 0 of the others; the model takes what is left. */
static void choose_columns(int room, int widths[COLUMN_COUNT])
{
    memset(widths, 0, COLUMN_COUNT * sizeof(widths[0]));
    int left = room - 1; /* the mark at the edge */
    for (int rank = 0; rank < COLUMN_COUNT; rank++) {
        for (int i = 0; i < COLUMN_COUNT; i++) {
            if (columns[i].rank != rank)
                continue;
            if (columns[i].columns + 1 > left)
                return;
            widths[i] = columns[i].columns;
            left -= columns[i].columns + 1;
        }
    }
}

static void spread(int room, int widths[COLUMN_COUNT])
{
    choose_columns(room, widths);
    int used = 1;
    for (int i = 0; i < COLUMN_COUNT; i++)
        used += widths[i] ? widths[i] + 1 : 0;
    if (used < room)
        widths[COLUMN_MODEL] += room - used;
}

/* What a call has come to, in four columns. */
static const char *status_of(const struct spy_summary *summary, char *text)
{
    bool is_failed = summary->errors > 0 && summary->status < 400;
    if (is_failed)
        return "err";
    if (!summary->is_over && summary->status == 0)
        return screen_marks()->dots;
    if (summary->status == 0 && !summary->is_truncated)
        return "-";
    if (summary->is_truncated && summary->status < 400)
        return "cut";
    snprintf(text, SCREEN_FORMAT_SIZE, "%u", (unsigned)summary->status);
    return text;
}

static const char *cell_text(const struct spy_summary *summary, enum column_kind kind,
                             bool is_local, char *text)
{
    switch (kind) {
    case COLUMN_TIME:
        return screen_format_time(summary->start_ms, is_local, text);
    case COLUMN_PROVIDER:
        return summary->provider;
    case COLUMN_MODEL:
        return summary->model;
    case COLUMN_KIND:
        return summary->operation;
    case COLUMN_STATUS:
        return status_of(summary, text);
    case COLUMN_INPUT:
        return screen_format_count(summary->input, text);
    case COLUMN_CACHED:
        return screen_format_count(summary->cache_read, text);
    case COLUMN_OUTPUT:
        return screen_format_count(summary->output, text);
    case COLUMN_FIRST_BYTE:
        return screen_format_duration(summary->first_byte_ms, text);
    case COLUMN_DURATION:
        return screen_format_duration(summary->duration_ms, text);
    case COLUMN_COST:
        return screen_format_cost(summary->cost_nano, text);
    case COLUMN_COUNT:
        break;
    }
    return "";
}

static void draw_call(struct screen_pen *pen, const struct spy_summary *summary,
                      const int widths[COLUMN_COUNT], bool is_local)
{
    bool is_failed = summary->errors > 0 || summary->status >= 400;
    enum screen_style style = is_failed           ? SCREEN_ERROR
                              : !summary->is_over ? SCREEN_LIVE
                                                  : SCREEN_PLAIN;
    screen_pen_format(pen, style, "%s", is_failed ? "!" : summary->is_over ? " " : "*");
    int stop = 1;
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (widths[i] == 0)
            continue;
        char text[SCREEN_FORMAT_SIZE];
        const char *shown = cell_text(summary, (enum column_kind)i, is_local, text);
        if (columns[i].is_number) {
            screen_pen_right(pen, style, shown, widths[i]);
        } else {
            struct screen_pen part = *pen;
            part.start = pen->column;
            part.end = pen->column + widths[i] < pen->end ? pen->column + widths[i] : pen->end;
            screen_pen_text(&part, style, bytes_from_text(shown));
            pen->column = part.column;
        }
        stop += widths[i] + 1;
        screen_pen_advance(pen, style, stop);
    }
    screen_pen_fill(pen, style);
}

/* Sums of a conversation: only those on the screen are added up. */
static void draw_heading(struct screen_pen *pen, const struct screen_list *list,
                         const struct screen_group *group)
{
    uint64_t input = 0, cached = 0, output = 0;
    int64_t cost = -1;
    const struct spy_summary *last = NULL;
    for (size_t i = 0; i < group->count; i++) {
        last = spy_store_summary(list->store, list->order[group->first + i]);
        input += last->input > 0 ? (uint64_t)last->input : 0;
        cached += last->cache_read > 0 ? (uint64_t)last->cache_read : 0;
        output += last->output > 0 ? (uint64_t)last->output : 0;
        if (last->cost_nano >= 0)
            cost = last->cost_nano + (cost < 0 ? 0 : cost);
    }
    const struct screen_marks *marks = screen_marks();
    char text[SCREEN_FORMAT_SIZE];
    screen_pen_format(pen, SCREEN_HEADING, "%s ",
                      group->is_folded ? marks->folded : marks->unfolded);
    screen_pen_text(pen, SCREEN_HEADING,
                    bytes_from_text(last->session[0] ? last->session : last->model));
    screen_pen_format(pen, SCREEN_DIM, " %s %zu call%s", marks->dot, group->count,
                      group->count == 1 ? "" : "s");
    screen_pen_format(pen, SCREEN_DIM, " in %s", screen_format_count((int64_t)input, text));
    screen_format_cached(cached, input, text);
    if (text[0])
        screen_pen_format(pen, SCREEN_DIM, " (%s)", text);
    screen_pen_format(pen, SCREEN_DIM, " out %s", screen_format_count((int64_t)output, text));
    if (cost >= 0)
        screen_pen_format(pen, SCREEN_DIM, " %s$%s", marks->about, screen_format_cost(cost, text));
    screen_pen_fill(pen, SCREEN_DIM);
}

static void draw_titles(struct screen_pen *pen, const int widths[COLUMN_COUNT])
{
    int stop = 1;
    screen_pen_advance(pen, SCREEN_DIM, 1);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (widths[i] == 0)
            continue;
        if (columns[i].is_number)
            screen_pen_right(pen, SCREEN_DIM, columns[i].title, widths[i]);
        else
            screen_pen_format(pen, SCREEN_DIM, "%.*s", widths[i], columns[i].title);
        stop += widths[i] + 1;
        screen_pen_advance(pen, SCREEN_DIM, stop);
    }
}

static bool is_selected(const struct screen_list *list, struct screen_row row)
{
    if (list->selected == SPY_STORE_NONE)
        return false;
    if (!row.is_heading)
        return row.position == list->selected;
    const struct screen_group *group = &list->groups[row.group];
    return group->is_folded && list->selected >= spy_store_first(list->store) &&
           list->selected < spy_store_end(list->store) &&
           spy_store_summary(list->store, list->selected)->conversation == group->conversation;
}

void screen_list_draw(struct screen_list *list, struct screen_cells *cells,
                      const struct screen_rectangle *place, const struct screen_list_view *view)
{
    int widths[COLUMN_COUNT];
    if (place->columns == 0)
        return;
    spread(place->columns, widths);
    struct screen_pen pen = screen_pen_at(cells, place->column, place->row, place->columns);
    draw_titles(&pen, widths);
    int height = place->rows - 1;
    bool is_resized = height != list->scroll.height;
    screen_scroll_fit(&list->scroll, screen_list_count(list), height);
    if (is_resized && list->selected != SPY_STORE_NONE)
        screen_list_show(list);
    for (int i = 0; i < height; i++) {
        size_t index = list->scroll.top + (size_t)i;
        if (index >= list->scroll.count)
            break;
        struct screen_row row = screen_list_row(list, index);
        pen = screen_pen_at(cells, place->column, place->row + 1 + i, place->columns);
        if (row.is_heading)
            draw_heading(&pen, list, &list->groups[row.group]);
        else
            draw_call(&pen, spy_store_summary(list->store, row.position), widths, view->is_local);
        if (is_selected(list, row))
            screen_pen_restyle(&pen, SCREEN_SELECTED);
    }
}
