#include "spy/screen.h"

#include "base/check.h"
#include "spy/screen_state.h"
#include "spy/screen_terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAME_MS = 33,      /* events alone draw no more often; a key draws at once */
    ESCAPE_MS = 25,     /* what follows an Escape by then belongs to it */
    READ_BUDGET_MS = 12 /* of reading events before keys are looked at again */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void init(struct screen *screen, const struct screen_start *start)
{
    *screen = (struct screen){
        .start = *start,
        .shown = SPY_STORE_NONE,
        .previous_position = SPY_STORE_NONE,
        .next_position = SPY_STORE_NONE,
        .shown_note = SPY_STORE_NONE,
        .sums_revision = UINT64_MAX,
    };
    screen_list_init(&screen->list, start->store);
    screen_notes_init(&screen->notes, start->store);
    screen_detail_init(&screen->detail);
    screen->detail.is_local = start->is_local;
    screen->list.is_following = screen->notes.is_following = !start->is_recording;
    if (start->filter)
        screen_list_set_filter(&screen->list, start->filter);
    if (start->filter_text)
        snprintf(screen->filter_text, sizeof(screen->filter_text), "%s", start->filter_text);
    spy_store_observe(start->store, screen_shown_observe, screen);
}

static void done(struct screen *screen)
{
    spy_store_observe(screen->start.store, NULL, NULL);
    screen_shown_done(screen);
    screen_pane_done(&screen->pane);
    screen_pane_done(&screen->note_pane);
    screen_detail_done(&screen->detail);
    screen_notes_done(&screen->notes);
    screen_list_done(&screen->list);
    screen_cells_done(&screen->cells);
}

static void fit(struct screen *screen)
{
    int columns = 0, rows = 0;
    screen_terminal_size(&columns, &rows);
    columns = columns < 1 ? 1 : columns > SCREEN_COLUMNS_MAX ? SCREEN_COLUMNS_MAX : columns;
    rows = rows < 1 ? 1 : rows > SCREEN_ROWS_MAX ? SCREEN_ROWS_MAX : rows;
    if (screen->cells.columns == columns && screen->cells.rows == rows)
        return;
    screen_cells_done(&screen->cells);
    screen_cells_init(&screen->cells, columns, rows);
}

/* Lists and details as the store is now. */
static void update(struct screen *screen)
{
    bool was_empty = screen_list_calls(&screen->list) == 0;
    screen->has_list_backlog = !screen_list_update(&screen->list, READ_BUDGET_MS);
    if (screen->start.is_recording && was_empty && !screen->list.is_following)
        screen_list_select_first(&screen->list);
    screen_notes_update(&screen->notes);
    if (!screen->hunt.is_running)
        screen_shown_update(screen);
    if (screen->shown_note != screen->notes.selected) {
        screen->shown_note = screen->notes.selected;
        screen_pane_reset(&screen->note_pane);
        screen_notes_make(&screen->notes, &screen->note_pane);
    }
}

static void draw(struct screen *screen)
{
    int column = -1, row = -1;
    update(screen);
    screen_frame_draw(screen, &column, &row);
    if (screen->wants_redraw)
        screen_terminal_redraw();
    screen->wants_redraw = false;
    screen_terminal_show(&screen->cells, column, row);
}

/* A key that was pressed is never paid for with a frame for the one before it. */
static bool take_keys(struct screen *screen, struct screen_input *input, bool is_all)
{
    struct screen_input_event event;
    bool is_any = false;
    while (screen_input_next(input, is_all, &event)) {
        screen_act_on(screen, &event);
        is_any = true;
        update(screen);
        if (screen->copied.length > 0 && !screen_terminal_copy(screen->copied))
            screen_set_message(screen, true, "too long to be copied: s saves it");
        screen->copied = BYTES_EMPTY;
    }
    return is_any;
}

static bool read_keys(struct screen *screen, struct screen_input *input)
{
    uint8_t bytes[256];
    ssize_t length = read(screen_terminal_keys(), bytes, sizeof(bytes) - input->length);
    if (length == 0 || (length < 0 && errno != EINTR && errno != EAGAIN)) {
        screen->is_quitting = true; /* the terminal is gone */
        return true;
    }
    if (length < 0)
        return false;
    screen_input_add(input, (struct bytes){bytes, (size_t)length});
    return take_keys(screen, input, false);
}

static void read_source(struct screen *screen)
{
    int64_t until = now_ms() + READ_BUDGET_MS;
    struct pollfd ready = {screen->start.fd, POLLIN, 0};
    do {
        struct error error;
        enum spy_source_state state = screen->start.read(screen->start.context, &error);
        if (state == SPY_SOURCE_FAILED)
            screen_set_message(screen, true, "%s", error.text);
        if (state != SPY_SOURCE_MORE) {
            screen->is_source_over = true;
            return;
        }
    } while (now_ms() < until && poll(&ready, 1, 0) == 1);
}

/* How long to wait: until the next frame is due, an Escape is alone, or for ever. */
static int wait_ms(const struct screen *screen, const struct screen_input *input, bool is_due,
                   int64_t last_frame)
{
    if (screen->hunt.is_running || screen->has_list_backlog)
        return 0;
    int64_t wait = -1;
    if (is_due) {
        wait = last_frame + FRAME_MS - now_ms();
        wait = wait < 0 ? 0 : wait;
    }
    if (input->length > 0 && (wait < 0 || wait > ESCAPE_MS))
        wait = ESCAPE_MS;
    return (int)wait;
}

enum { POLL_KEYS, POLL_SIGNALS, POLL_SOURCE, POLL_COUNT };

static void take_signals(struct screen *screen)
{
    for (;;) {
        enum screen_signal signal = screen_terminal_next_signal();
        if (signal == SCREEN_SIGNAL_NONE)
            return;
        if (signal == SCREEN_SIGNAL_END)
            screen->is_quitting = true;
        else
            fit(screen);
        screen_terminal_redraw();
    }
}

/* One wait and what it brought. `*is_due`: there is something that is not on the screen yet. */
static void turn(struct screen *screen, struct screen_input *input, bool *is_due,
                 int64_t *last_frame)
{
    struct pollfd polled[POLL_COUNT] = {
        [POLL_KEYS] = {screen_terminal_keys(), POLLIN, 0},
        [POLL_SIGNALS] = {screen_terminal_signals(), POLLIN, 0},
        [POLL_SOURCE] = {screen->is_source_over ? -1 : screen->start.fd, POLLIN, 0},
    };
    bool is_now = false;
    int ready = poll(polled, POLL_COUNT, wait_ms(screen, input, *is_due, *last_frame));
    if (ready > 0 && polled[POLL_SIGNALS].revents) {
        take_signals(screen);
        is_now = true;
    }
    if (ready > 0 && polled[POLL_KEYS].revents)
        is_now |= read_keys(screen, input);
    else if (input->length > 0)
        is_now |= take_keys(screen, input, true);
    if (ready > 0 && polled[POLL_SOURCE].revents) {
        read_source(screen);
        *is_due = true;
    }
    if (screen->hunt.is_running) {
        screen_shown_hunt(screen, READ_BUDGET_MS);
        *is_due = true;
    }
    *is_due |= screen->has_list_backlog;
    if (is_now || (*is_due && now_ms() - *last_frame >= FRAME_MS)) {
        draw(screen);
        *is_due = screen_shown_load_neighbours(screen);
        *last_frame = now_ms();
    }
}

bool screen_run(const struct screen_start *start, int *end_signal, struct error *error)
{
    if (!screen_terminal_open(error)) {
        spy_filter_free(start->filter);
        return false;
    }
    struct screen screen;
    struct screen_input input = {.length = 0};
    init(&screen, start);
    fit(&screen);
    draw(&screen);
    bool is_due = false;
    int64_t last_frame = now_ms();
    while (!screen.is_quitting)
        turn(&screen, &input, &is_due, &last_frame);
    *end_signal = screen_terminal_end_signal();
    screen_terminal_close();
    done(&screen);
    return true;
}
