#include "spy/screen_state.h"

#include "base/printable.h"
#include "spy/screen_file.h"
#include "spy/screen_format.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WHEEL_LINES = 3 };

void screen_set_message(struct screen *screen, bool is_error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(screen->message, sizeof(screen->message), format, arguments);
    va_end(arguments);
    screen->is_message_error = is_error;
}

struct screen_pane *screen_act_pane(struct screen *screen)
{
    return screen->tab == SCREEN_TAB_CALLS ? &screen->pane : &screen->note_pane;
}

static bool is_on_calls(const struct screen *screen)
{
    return screen->tab == SCREEN_TAB_CALLS;
}

static void move_row(struct screen *screen, int64_t rows)
{
    if (is_on_calls(screen))
        screen_list_move(&screen->list, rows);
    else
        screen_notes_move(&screen->notes, rows);
}

static void go_to_end(struct screen *screen, bool is_first)
{
    if (!is_on_calls(screen))
        (is_first ? screen_notes_select_first : screen_notes_select_last)(&screen->notes);
    else
        (is_first ? screen_list_select_first : screen_list_select_last)(&screen->list);
}

static void next_error(struct screen *screen)
{
    bool is_found = is_on_calls(screen) ? screen_list_next_error(&screen->list)
                                        : screen_notes_next_denied(&screen->notes);
    if (!is_found)
        screen_set_message(screen, false,
                           is_on_calls(screen) ? "there is no call with an error"
                                               : "nothing was denied");
}

static void pause_or_go_on(struct screen *screen)
{
    screen->is_paused = !screen->is_paused;
    struct spy_store *store = screen->start.store;
    screen->list.limit = screen->is_paused ? spy_store_end(store) : SPY_STORE_NONE;
    screen->notes.limit = screen->is_paused ? spy_store_end_note(store) : SPY_STORE_NONE;
    /* What came in between stands in the store: the call is folded anew, in its place. */
    if (!screen->is_paused && screen->call) {
        struct error error;
        struct llm_call *now = spy_store_load(store, screen->shown, &error);
        if (now) {
            llm_call_free(screen->call);
            screen->call = now;
            screen->has_neighbours = false;
            screen_shown_make(screen);
        }
    }
}

static void follow(struct screen *screen)
{
    bool is_on = !screen->list.is_following;
    screen_list_follow(&screen->list, is_on);
    screen->notes.is_following = is_on;
    screen->pane.is_at_end = is_on;
}

static void set_form(struct screen *screen, enum screen_detail_form form)
{
    bool is_back = screen->detail.form == form;
    screen->detail.form = is_back ? SCREEN_DETAIL_CALL : form;
    screen->has_neighbours = false;
    screen_pane_reset(&screen->pane);
    screen_shown_make(screen);
}

static void set_hex(struct screen *screen)
{
    screen->detail.is_hex = !screen->detail.is_hex;
    screen_shown_make(screen);
}

static void copy(struct screen *screen)
{
    const struct screen_section *section = screen_pane_section(screen_act_pane(screen));
    char text[SCREEN_FORMAT_SIZE];
    if (section == NULL || section->text.length == 0) {
        screen_set_message(screen, true, "this section has no text of its own");
        return;
    }
    screen->copied = section->text;
    screen_set_message(screen, false, "copied %s", screen_format_bytes(section->text.length, text));
}

static void ask_for_file(struct screen *screen)
{
    const struct screen_section *section = screen_pane_section(screen_act_pane(screen));
    if (section == NULL || section->text.length == 0) {
        screen_set_message(screen, true, "this section has no text of its own");
        return;
    }
    char name[128];
    struct bytes title = {(const uint8_t *)section->title, section->title_length};
    bool is_call = is_on_calls(screen) && screen->call;
    screen_file_name(is_call ? screen->call->number : 0, title, name, sizeof(name));
    screen_prompt_begin(&screen->prompt, SCREEN_PROMPT_SAVE, is_call ? name : "record.txt");
}

static void save(struct screen *screen, bool is_overwriting)
{
    const struct screen_section *section = screen_pane_section(screen_act_pane(screen));
    struct error error;
    char shown[128];
    screen->prompt.kind = SCREEN_PROMPT_NONE;
    if (section == NULL || screen->prompt.length == 0)
        return;
    switch (screen_file_save(screen->prompt.text, section->text, is_overwriting, &error)) {
    case SCREEN_FILE_SAVED:
        screen_set_message(screen, false, "saved to %s",
                           printable_text((struct bytes){(const uint8_t *)screen->prompt.text,
                                                         screen->prompt.length},
                                          shown, sizeof(shown)));
        break;
    case SCREEN_FILE_EXISTS:
        screen->prompt.kind = SCREEN_PROMPT_OVERWRITE;
        break;
    case SCREEN_FILE_FAILED:
        screen_set_message(screen, true, "%s", error.text);
        break;
    }
}

/* Here first, then over the other calls of the list. */
static void find(struct screen *screen, int direction)
{
    struct screen_pane *pane = screen_act_pane(screen);
    if (pane->search.length == 0) {
        screen_set_message(screen, true, "nothing is searched: / begins");
        return;
    }
    if (screen_pane_find(pane, direction))
        return;
    size_t count = is_on_calls(screen) ? screen_list_count(&screen->list) : 0;
    if (count == 0) {
        screen_set_message(screen, true, "not found");
        return;
    }
    size_t row = screen_list_selected_row(&screen->list);
    row = row == SIZE_MAX ? 0 : row;
    screen->hunt = (struct screen_hunt){
        .is_running = true,
        .direction = direction,
        .from = screen->list.selected,
        .row = (row + (direction > 0 ? 1 : count - 1)) % count,
        .left = count,
    };
    screen->list.is_following = false;
}

static void search(struct screen *screen)
{
    struct bytes text = {(const uint8_t *)screen->prompt.text, screen->prompt.length};
    screen_search_set(&screen->pane.search, text);
    screen_search_set(&screen->note_pane.search, text);
    screen->pane.is_found = screen->note_pane.is_found = false;
    screen->prompt.kind = SCREEN_PROMPT_NONE;
    if (text.length > 0)
        find(screen, 1);
}

static void set_filter(struct screen *screen)
{
    struct error error;
    struct bytes text =
        bytes_trim((struct bytes){(const uint8_t *)screen->prompt.text, screen->prompt.length});
    struct spy_filter *filter = text.length ? spy_filter_parse(text, &error) : NULL;
    if (text.length && filter == NULL) {
        screen_set_message(screen, true, "%s", error.text);
        return; /* to be mended */
    }
    screen->prompt.kind = SCREEN_PROMPT_NONE;
    snprintf(screen->filter_text, sizeof(screen->filter_text), "%s", screen->prompt.text);
    screen_list_set_filter(&screen->list, filter);
}

/* Escape ends what was begun last. */
static void cancel(struct screen *screen)
{
    if (screen->is_help) {
        screen->is_help = false;
    } else if (screen->pane.search.length > 0) {
        screen_search_set(&screen->pane.search, BYTES_EMPTY);
        screen_search_set(&screen->note_pane.search, BYTES_EMPTY);
    } else if (screen->list.filter) {
        screen->filter_text[0] = '\0';
        screen_list_set_filter(&screen->list, NULL);
    }
}

static void move_splitter(struct screen *screen, int step)
{
    int columns = screen->cells.columns;
    int now = screen->list_columns ? screen->list_columns : screen_layout_default(columns);
    if (screen->panes == SCREEN_PANES_BOTH)
        screen->list_columns =
            screen_layout_clamp(columns, screen_layout_clamp(columns, now) + step);
}

static void act_on_view(struct screen *screen, enum screen_action action)
{
    if (action == SCREEN_NARROWER)
        move_splitter(screen, -SCREEN_LIST_STEP);
    else if (action == SCREEN_WIDER)
        move_splitter(screen, SCREEN_LIST_STEP);
    else if (action == SCREEN_PANES)
        screen->panes = (screen->panes + 1) % SCREEN_PANES_COUNT;
    else if (action == SCREEN_NEXT_TAB)
        screen->tab = (screen->tab + 1) % SCREEN_TAB_COUNT;
    else if (action == SCREEN_REDRAW)
        screen->wants_redraw = true;
    else if (action == SCREEN_HELP)
        screen->is_help = true;
    else if (action == SCREEN_QUIT)
        screen->is_quitting = true;
    else if (action == SCREEN_CANCEL)
        cancel(screen);
    else if (action == SCREEN_TIME_ZONE) {
        screen->detail.is_local = !screen->detail.is_local;
        screen_shown_make(screen);
    }
}

static void act_on_pane(struct screen *screen, enum screen_action action)
{
    struct screen_pane *pane = screen_act_pane(screen);
    if (action == SCREEN_NEXT_SECTION)
        screen_pane_move(pane, 1);
    else if (action == SCREEN_PREVIOUS_SECTION)
        screen_pane_move(pane, -1);
    else if (action == SCREEN_SCROLL_UP)
        screen_pane_scroll(pane, -1);
    else if (action == SCREEN_SCROLL_DOWN)
        screen_pane_scroll(pane, 1);
    else if (action == SCREEN_PAGE_UP)
        screen_pane_page(pane, -1);
    else if (action == SCREEN_PAGE_DOWN)
        screen_pane_page(pane, 1);
    else if (action == SCREEN_TOGGLE)
        screen_pane_toggle(pane);
    else if (action == SCREEN_FOLD)
        screen_pane_fold(pane);
    else if (action == SCREEN_UNFOLD)
        screen_pane_unfold(pane);
    else if (action == SCREEN_FOLD_ALL)
        screen_pane_fold_all(pane, SCREEN_FOLDED);
    else if (action == SCREEN_UNFOLD_ALL)
        screen_pane_fold_all(pane, SCREEN_OPEN);
    else if (action == SCREEN_COPY)
        copy(screen);
    else if (action == SCREEN_SAVE)
        ask_for_file(screen);
    else if (action == SCREEN_FIND_NEXT)
        find(screen, 1);
    else if (action == SCREEN_FIND_PREVIOUS)
        find(screen, -1);
    else if (action == SCREEN_SEARCH)
        screen_prompt_begin(&screen->prompt, SCREEN_PROMPT_SEARCH, "");
    else
        act_on_view(screen, action);
}

/* What there is for calls only. */
static void act_on_calls(struct screen *screen, enum screen_action action)
{
    if (action == SCREEN_NEXT_CONVERSATION)
        screen_list_move_conversation(&screen->list, 1);
    else if (action == SCREEN_PREVIOUS_CONVERSATION)
        screen_list_move_conversation(&screen->list, -1);
    else if (action == SCREEN_GROUP)
        screen_list_set_grouped(&screen->list, !screen->list.is_grouped);
    else if (action == SCREEN_FOLD_CONVERSATION)
        screen_list_fold(&screen->list);
    else if (action == SCREEN_DIFF)
        set_form(screen, SCREEN_DETAIL_DIFF);
    else if (action == SCREEN_RAW)
        set_form(screen, SCREEN_DETAIL_RAW);
    else if (action == SCREEN_HEX)
        set_hex(screen);
    else
        screen_prompt_begin(&screen->prompt, SCREEN_PROMPT_FILTER, screen->filter_text);
}

static void act(struct screen *screen, enum screen_action action)
{
    switch (action) {
    case SCREEN_NEXT_CALL:
        move_row(screen, 1);
        break;
    case SCREEN_PREVIOUS_CALL:
        move_row(screen, -1);
        break;
    case SCREEN_FIRST_CALL:
        go_to_end(screen, true);
        break;
    case SCREEN_LAST_CALL:
        go_to_end(screen, false);
        break;
    case SCREEN_NEXT_ERROR:
        next_error(screen);
        break;
    case SCREEN_FOLLOW:
        follow(screen);
        break;
    case SCREEN_PAUSE:
        pause_or_go_on(screen);
        break;
    case SCREEN_NEXT_CONVERSATION:
    case SCREEN_PREVIOUS_CONVERSATION:
    case SCREEN_GROUP:
    case SCREEN_FOLD_CONVERSATION:
    case SCREEN_DIFF:
    case SCREEN_RAW:
    case SCREEN_HEX:
    case SCREEN_FILTER:
        if (is_on_calls(screen))
            act_on_calls(screen, action);
        break;
    default:
        act_on_pane(screen, action);
    }
}

static void act_on_prompt(struct screen *screen, const struct screen_input_event *event)
{
    enum screen_prompt_result result = screen_prompt_key(&screen->prompt, event);
    if (result == SCREEN_PROMPT_GOES_ON)
        return;
    if (result == SCREEN_PROMPT_CANCELLED)
        screen->prompt.kind = SCREEN_PROMPT_NONE;
    else if (screen->prompt.kind == SCREEN_PROMPT_SEARCH)
        search(screen);
    else if (screen->prompt.kind == SCREEN_PROMPT_FILTER)
        set_filter(screen);
    else
        save(screen, screen->prompt.kind == SCREEN_PROMPT_OVERWRITE);
}

static void press(struct screen *screen, int column, int row)
{
    const struct screen_layout *layout = &screen->layout;
    if (row == layout->tabs.row) {
        screen->tab = column < SCREEN_TABS_CALLS_END   ? SCREEN_TAB_CALLS
                      : column < SCREEN_TABS_OTHER_END ? SCREEN_TAB_NOTES
                                                       : screen->tab;
    } else if (layout->splitter >= 0 && column == layout->splitter) {
        screen->is_dragging = true;
    } else if (screen_rectangle_has(&layout->list, column, row)) {
        if (is_on_calls(screen))
            screen_list_click(&screen->list, &layout->list, row);
        else
            screen_notes_click(&screen->notes, &layout->list, row);
    } else if (screen_rectangle_has(&layout->detail, column, row)) {
        screen_pane_click(screen_act_pane(screen), &layout->detail, column, row);
    }
}

static void wheel(struct screen *screen, int column, int row, int lines)
{
    if (!screen_rectangle_has(&screen->layout.list, column, row))
        screen_pane_scroll(screen_act_pane(screen), lines);
    else if (is_on_calls(screen))
        screen_scroll_by(&screen->list.scroll, lines);
    else
        move_row(screen, lines);
}

/* True: it was one of the mouse. */
static bool act_on_mouse(struct screen *screen, const struct screen_input_event *event)
{
    switch (event->key) {
    case SCREEN_KEY_PRESS:
        press(screen, event->column, event->row);
        return true;
    case SCREEN_KEY_DRAG:
        if (screen->is_dragging)
            screen->list_columns = screen_layout_clamp(screen->cells.columns, event->column);
        return true;
    case SCREEN_KEY_RELEASE:
        screen->is_dragging = false;
        return true;
    case SCREEN_KEY_WHEEL_UP:
        wheel(screen, event->column, event->row, -WHEEL_LINES);
        return true;
    case SCREEN_KEY_WHEEL_DOWN:
        wheel(screen, event->column, event->row, WHEEL_LINES);
        return true;
    default:
        return false;
    }
}

/* Help goes with any key but those that scroll it. */
static void act_on_help(struct screen *screen, const struct screen_input_event *event)
{
    enum screen_action action = screen_keys_find(event);
    if (event->key == SCREEN_KEY_WHEEL_UP || action == SCREEN_SCROLL_UP)
        screen_scroll_by(&screen->help_scroll, -1);
    else if (event->key == SCREEN_KEY_WHEEL_DOWN || action == SCREEN_SCROLL_DOWN)
        screen_scroll_by(&screen->help_scroll, 1);
    else if (event->key != SCREEN_KEY_RELEASE && event->key != SCREEN_KEY_DRAG)
        screen->is_help = false;
}

void screen_act_on(struct screen *screen, const struct screen_input_event *event)
{
    bool is_press = event->key != SCREEN_KEY_RELEASE && event->key != SCREEN_KEY_DRAG;
    if (is_press)
        screen->message[0] = '\0';
    if (screen->hunt.is_running && is_press) {
        screen->hunt.is_running = false;
        screen_list_select(&screen->list, screen->hunt.from);
        return;
    }
    if (screen->layout.is_too_small) {
        screen->is_quitting = screen_keys_find(event) == SCREEN_QUIT;
    } else if (screen->is_help) {
        act_on_help(screen, event);
    } else if (screen->prompt.kind != SCREEN_PROMPT_NONE) {
        if (event->key < SCREEN_KEY_PRESS)
            act_on_prompt(screen, event);
    } else if (!act_on_mouse(screen, event)) {
        act(screen, screen_keys_find(event));
    }
}
