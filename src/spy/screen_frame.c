#include "spy/screen_state.h"

#include "spy/screen_format.h"
#include "spy/screen_marks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* From this width on the footer has all sums twice: of the session, and of all. */
enum { TOTALS_COLUMNS = 110 };

static void draw_flag(struct screen_pen *pen, bool is_on, const char *text)
{
    if (is_on) {
        screen_pen_format(pen, SCREEN_BAR_BOLD, " %s", text);
        screen_pen_format(pen, SCREEN_BAR, " ");
    }
}

static void draw_tabs(struct screen *screen)
{
    const struct screen_rectangle *place = &screen->layout.tabs;
    struct screen_pen pen =
        screen_pen_at(&screen->cells, place->column, place->row, place->columns);
    bool is_calls = screen->tab == SCREEN_TAB_CALLS;
    char text[64], count[SCREEN_FORMAT_SIZE];
    const struct spy_totals *totals = spy_store_totals(screen->start.store);
    snprintf(text, sizeof(text), "%sCalls %s%s", is_calls ? "[" : " ",
             screen_format_number((int64_t)screen_list_calls(&screen->list), count),
             is_calls ? "]" : " ");
    screen_pen_format(&pen, is_calls ? SCREEN_BAR_BOLD : SCREEN_BAR, "%s", text);
    screen_pen_advance(&pen, SCREEN_BAR, SCREEN_TABS_CALLS_END);
    screen_format_number((int64_t)screen_notes_count(&screen->notes), count);
    char denied[SCREEN_FORMAT_SIZE];
    screen_pen_format(&pen, is_calls ? SCREEN_BAR : SCREEN_BAR_BOLD, "%sOther %s, %s denied%s",
                      is_calls ? " " : "[", count,
                      screen_format_number((int64_t)totals->denied, denied), is_calls ? " " : "]");
    screen_pen_advance(&pen, SCREEN_BAR, SCREEN_TABS_OTHER_END);
    draw_flag(&pen, screen->is_paused, "PAUSED");
    draw_flag(&pen, screen->list.is_following && !screen->is_paused, "FOLLOW");
    draw_flag(&pen, screen->detail.form == SCREEN_DETAIL_DIFF, "DIFF");
    draw_flag(&pen, screen->detail.form == SCREEN_DETAIL_RAW, "RAW");
    draw_flag(&pen, screen->detail.is_hex, "HEX");
    draw_flag(&pen, screen->list.filter != NULL, "FILTER");
    draw_flag(&pen, screen->is_source_over && !screen->start.is_recording, "ENDED");
    draw_flag(&pen, screen->detail.is_local, "LOCAL");
    screen_pen_fill(&pen, SCREEN_BAR);
}

/* Of the session of the selected call; of its conversation where the client names none. */
static void update_sums(struct screen *screen)
{
    struct spy_store *store = screen->start.store;
    uint64_t selected = screen->list.selected, revision = spy_store_revision(store);
    if (screen->sums_revision == revision && screen->sums_of == selected)
        return;
    screen->sums = (struct screen_sums){.cost_nano = -1};
    screen->sums_revision = revision;
    screen->sums_of = selected;
    uint64_t first = spy_store_first(store), end = spy_store_end(store);
    if (selected == SPY_STORE_NONE || selected < first || selected >= end)
        return;
    const struct spy_summary *mine = spy_store_summary(store, selected);
    for (uint64_t i = first; i < end; i++) {
        const struct spy_summary *other = spy_store_summary(store, i);
        bool is_same = mine->session[0] ? strcmp(mine->session, other->session) == 0
                                        : mine->conversation == other->conversation;
        if (!is_same)
            continue;
        screen->sums.calls++;
        screen->sums.input += other->input > 0 ? (uint64_t)other->input : 0;
        screen->sums.cached += other->cache_read > 0 ? (uint64_t)other->cache_read : 0;
        screen->sums.output += other->output > 0 ? (uint64_t)other->output : 0;
        if (other->cost_nano >= 0)
            screen->sums.cost_nano =
                other->cost_nano + (screen->sums.cost_nano < 0 ? 0 : screen->sums.cost_nano);
    }
}

static void draw_cost(struct screen_pen *pen, int64_t cost_nano)
{
    char text[SCREEN_FORMAT_SIZE];
    if (cost_nano >= 0)
        screen_pen_format(pen, SCREEN_BAR, " %s$%s", screen_marks()->about,
                          screen_format_cost(cost_nano, text));
}

static void draw_sums(struct screen_pen *pen, const char *what, const struct screen_sums *sums,
                      bool is_short)
{
    char text[SCREEN_FORMAT_SIZE];
    screen_pen_format(pen, SCREEN_BAR_BOLD, "%s", what);
    screen_pen_format(pen, SCREEN_BAR, " %s", screen_format_count((int64_t)sums->calls, text));
    if (!is_short) {
        screen_pen_format(pen, SCREEN_BAR, " call%s", sums->calls == 1 ? "" : "s");
        screen_pen_format(pen, SCREEN_BAR, " in %s",
                          screen_format_count((int64_t)sums->input, text));
        screen_format_cached(sums->cached, sums->input, text);
        if (text[0])
            screen_pen_format(pen, SCREEN_BAR, " (%s cached)", text);
        screen_pen_format(pen, SCREEN_BAR, " out %s",
                          screen_format_count((int64_t)sums->output, text));
    }
    draw_cost(pen, sums->cost_nano);
}

static void draw_totals(struct screen *screen)
{
    const struct screen_rectangle *place = &screen->layout.totals;
    const struct spy_totals *totals = spy_store_totals(screen->start.store);
    struct screen_pen pen =
        screen_pen_at(&screen->cells, place->column, place->row, place->columns);
    update_sums(screen);
    struct screen_sums all = {totals->calls, totals->input, totals->cache_read, totals->output,
                              totals->cost_nano > 0 ? (int64_t)totals->cost_nano : -1};
    draw_sums(&pen, " session", &screen->sums, false);
    draw_sums(&pen, "  all", &all, place->columns < TOTALS_COLUMNS);
    char text[SCREEN_FORMAT_SIZE];
    if (totals->errors)
        screen_pen_format(&pen, SCREEN_BAR, " %s error%s",
                          screen_format_count((int64_t)totals->errors, text),
                          totals->errors == 1 ? "" : "s");
    if (totals->lost)
        screen_pen_format(&pen, SCREEN_BAR, " %s lost",
                          screen_format_count((int64_t)totals->lost, text));
    if (totals->bad_lines)
        screen_pen_format(&pen, SCREEN_BAR, " %s bad lines",
                          screen_format_count((int64_t)totals->bad_lines, text));
    screen_pen_fill(&pen, SCREEN_BAR);
}

static void draw_status(struct screen *screen, int *cursor_column, int *cursor_row)
{
    const struct screen_rectangle *place = &screen->layout.status;
    struct screen_pen pen =
        screen_pen_at(&screen->cells, place->column, place->row, place->columns);
    if (screen->message[0] && (screen->prompt.kind != SCREEN_PROMPT_NONE)) {
        /* What is wrong with what was typed stands at its right. */
        int length = (int)strlen(screen->message), most = place->columns / 2;
        int columns = length + 1 < most ? length + 1 : most;
        struct screen_pen right =
            screen_pen_at(&screen->cells, place->columns - columns, place->row, columns);
        screen_pen_text(&right, SCREEN_ERROR, bytes_from_text(screen->message));
        pen.end -= columns;
    }
    if (screen->prompt.kind != SCREEN_PROMPT_NONE) {
        *cursor_column = screen_prompt_draw(&screen->prompt, &pen);
        *cursor_row = place->row;
        if (*cursor_column >= screen->cells.columns)
            *cursor_column = screen->cells.columns - 1;
        return;
    }
    if (screen->message[0]) {
        screen_pen_text(&pen, screen->is_message_error ? SCREEN_ERROR : SCREEN_WARNING,
                        bytes_from_text(screen->message));
        return;
    }
    if (screen->list.filter && screen->filter_text[0]) {
        screen_pen_format(&pen, SCREEN_DIM, "filter: ");
        screen_pen_text(&pen, SCREEN_PLAIN, bytes_from_text(screen->filter_text));
        return;
    }
    screen_pen_format(&pen, SCREEN_DIM,
                      "q quit  [ ] call  j k section  Enter open  / search  d diff  F follow  "
                      "? help");
}

static void draw_splitter(struct screen *screen)
{
    for (int i = 0; screen->layout.splitter >= 0 && i < screen->layout.list.rows; i++) {
        struct screen_pen pen =
            screen_pen_at(&screen->cells, screen->layout.splitter, screen->layout.list.row + i, 1);
        screen_pen_format(&pen, SCREEN_DIM, "%s", screen_marks()->splitter);
    }
}

static void draw_empty(struct screen *screen)
{
    const struct screen_rectangle *place =
        screen->layout.detail.columns ? &screen->layout.detail : &screen->layout.list;
    struct screen_pen pen =
        screen_pen_at(&screen->cells, place->column + 1, place->row + 1, place->columns - 1);
    bool is_calls = screen->tab == SCREEN_TAB_CALLS;
    const char *what = is_calls && screen->list.filter ? "no call matches the filter"
                       : screen->is_source_over        ? "there is nothing here"
                       : is_calls                      ? "waiting for the first call"
                                                       : "nothing was denied so far";
    screen_pen_format(&pen, SCREEN_DIM, "%s", what);
}

/* One line of the help: a chapter, or a key. */
static void draw_help_line(struct screen_pen *pen, size_t line)
{
    size_t count = 0, at = 0;
    const struct screen_key_row *rows = screen_keys_rows(&count);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].chapter && at++ == line) {
            screen_pen_format(pen, SCREEN_HEADING, " %s", rows[i].chapter);
            return;
        }
        if (at++ == line) {
            screen_pen_format(pen, SCREEN_BOLD, "   %s", rows[i].shown);
            screen_pen_advance(pen, SCREEN_PLAIN, 16);
            screen_pen_format(pen, SCREEN_PLAIN, "%s", rows[i].summary);
            return;
        }
    }
}

static size_t help_lines(void)
{
    size_t count = 0, lines = 0;
    const struct screen_key_row *rows = screen_keys_rows(&count);
    for (size_t i = 0; i < count; i++)
        lines += rows[i].chapter ? 2 : 1;
    return lines;
}

/* Two columns of lines where the screen is high enough for it; else it scrolls. */
static void draw_help(struct screen *screen)
{
    int rows = screen->cells.rows - 2, half = screen->cells.columns / 2;
    size_t lines = help_lines();
    size_t each = (lines + 1) / 2;
    screen_cells_clear(&screen->cells);
    struct screen_pen pen = screen_pen_at(&screen->cells, 0, 0, screen->cells.columns);
    screen_pen_format(&pen, SCREEN_BAR_BOLD, " Keys");
    screen_pen_fill(&pen, SCREEN_BAR);
    screen_scroll_fit(&screen->help_scroll, each, rows);
    for (int i = 0; i < rows; i++) {
        size_t line = screen->help_scroll.top + (size_t)i;
        if (line >= each)
            break;
        pen = screen_pen_at(&screen->cells, 0, 1 + i, half - 1);
        draw_help_line(&pen, line);
        pen = screen_pen_at(&screen->cells, half, 1 + i, half);
        draw_help_line(&pen, each + line);
    }
    pen = screen_pen_at(&screen->cells, 0, screen->cells.rows - 1, screen->cells.columns);
    screen_pen_format(&pen, SCREEN_DIM, " any key goes back");
}

static void draw_too_small(struct screen *screen)
{
    struct screen_pen pen = screen_pen_at(&screen->cells, 0, 0, screen->cells.columns);
    screen_pen_format(&pen, SCREEN_BOLD, "%dx%d: too small", screen->cells.columns,
                      screen->cells.rows);
    pen = screen_pen_at(&screen->cells, 0, 1, screen->cells.columns);
    screen_pen_format(&pen, SCREEN_PLAIN, "needs %dx%d; q quits", SCREEN_COLUMNS_MIN,
                      SCREEN_ROWS_MIN);
}

void screen_frame_draw(struct screen *screen, int *cursor_column, int *cursor_row)
{
    *cursor_column = *cursor_row = -1;
    screen_cells_clear(&screen->cells);
    int columns = screen->cells.columns;
    int list = screen->list_columns ? screen->list_columns : screen_layout_default(columns);
    screen->layout = screen_layout_make(columns, screen->cells.rows, list, screen->panes);
    if (screen->layout.is_too_small) {
        draw_too_small(screen);
        return;
    }
    if (screen->is_help) {
        draw_help(screen);
        return;
    }
    draw_tabs(screen);
    draw_splitter(screen);
    bool is_local = screen->detail.is_local;
    if (screen->tab == SCREEN_TAB_CALLS) {
        struct screen_list_view view = {is_local};
        screen_list_draw(&screen->list, &screen->cells, &screen->layout.list, &view);
        screen_pane_draw(&screen->pane, &screen->cells, &screen->layout.detail);
        if (screen_list_count(&screen->list) == 0)
            draw_empty(screen);
    } else {
        screen_notes_draw(&screen->notes, &screen->cells, &screen->layout.list, is_local);
        screen_pane_draw(&screen->note_pane, &screen->cells, &screen->layout.detail);
        if (screen_notes_count(&screen->notes) == 0)
            draw_empty(screen);
    }
    draw_totals(screen);
    draw_status(screen, cursor_column, cursor_row);
}
