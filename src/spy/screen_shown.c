#include "spy/screen_state.h"

#include <time.h>

/* So many calls back, or on, the neighbours of a call are looked for. */
enum { NEIGHBOUR_DISTANCE_MAX = 20000 };

static void forget_neighbours(struct screen *screen)
{
    llm_call_free(screen->previous);
    llm_call_free(screen->next);
    screen->previous = screen->next = NULL;
    screen->previous_position = screen->next_position = SPY_STORE_NONE;
    screen->has_neighbours = false;
}

void screen_shown_done(struct screen *screen)
{
    forget_neighbours(screen);
    llm_call_free(screen->call);
    screen->call = NULL;
}

static bool is_known(const struct screen *screen, uint64_t position)
{
    return position != SPY_STORE_NONE && position >= spy_store_first(screen->start.store) &&
           position < spy_store_end(screen->start.store);
}

void screen_shown_make(struct screen *screen)
{
    struct screen_detail *detail = &screen->detail;
    detail->call = screen->call;
    detail->previous = screen->previous;
    detail->next = screen->next;
    detail->summary = is_known(screen, screen->shown)
                          ? spy_store_summary(screen->start.store, screen->shown)
                          : NULL;
    screen_detail_make(detail, &screen->pane);
    screen->is_call_changed = false;
}

static void show(struct screen *screen, uint64_t position)
{
    struct error error;
    screen_shown_done(screen);
    screen->shown = position;
    screen_pane_reset(&screen->pane);
    if (is_known(screen, position)) {
        screen->call = spy_store_load(screen->start.store, position, &error);
        if (screen->call == NULL)
            screen_set_message(screen, true, "%s", error.text);
    }
    screen_shown_make(screen);
    screen->pane.is_at_end = screen->list.is_following && screen->call && !screen->call->is_over;
}

bool screen_shown_update(struct screen *screen)
{
    if (screen->list.selected != screen->shown) {
        show(screen, screen->list.selected);
        return true;
    }
    if (!screen->is_call_changed || screen->is_paused)
        return false;
    /* A comparison does not look at the response, which is what changes. */
    if (screen->detail.form == SCREEN_DETAIL_DIFF)
        screen->is_call_changed = false;
    else
        screen_shown_make(screen);
    return true;
}

void screen_shown_observe(void *context, const struct spy_added *added)
{
    struct screen *screen = context;
    if (added->event->call == 0 || screen->is_paused)
        return;
    if (added->position == screen->shown && screen->call) {
        llm_call_apply(screen->call, added->event);
        screen->is_call_changed = true;
    } else if (added->position == screen->next_position ||
               (added->event->kind == LLM_BLOCK && screen->next_position == SPY_STORE_NONE &&
                added->event->side == LLM_SIDE_REQUEST)) {
        screen->has_neighbours = false; /* a result may have come */
    }
}

static uint64_t find_previous(const struct screen *screen, const struct spy_summary *mine)
{
    struct spy_store *store = screen->start.store;
    if (mine->parent != SPY_STORE_NONE && is_known(screen, mine->parent))
        return mine->parent;
    uint64_t first = spy_store_first(store);
    uint64_t position = screen->shown;
    for (int i = 0; i < NEIGHBOUR_DISTANCE_MAX && position > first; i++)
        if (spy_store_summary(store, --position)->conversation == mine->conversation)
            return position;
    return SPY_STORE_NONE;
}

static uint64_t find_next(const struct screen *screen, const struct spy_summary *mine)
{
    struct spy_store *store = screen->start.store;
    uint64_t position = screen->shown + 1, end = spy_store_end(store);
    for (int i = 0; i < NEIGHBOUR_DISTANCE_MAX && position < end; i++, position++) {
        const struct spy_summary *other = spy_store_summary(store, position);
        if (other->parent == screen->shown ||
            (other->parent == SPY_STORE_NONE && other->conversation == mine->conversation))
            return position;
    }
    return SPY_STORE_NONE;
}

static bool has_block(const struct llm_block_list *list, enum llm_block_kind kind)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].kind == kind)
            return true;
    return false;
}

bool screen_shown_load_neighbours(struct screen *screen)
{
    if (screen->has_neighbours || screen->call == NULL || screen->is_paused ||
        !is_known(screen, screen->shown))
        return false;
    screen->has_neighbours = true;
    struct error error;
    struct spy_store *store = screen->start.store;
    bool is_changed = false;
    struct spy_summary mine = *spy_store_summary(store, screen->shown);
    bool wants_previous = screen->detail.form == SCREEN_DETAIL_DIFF ||
                          has_block(&screen->call->request, LLM_BLOCK_TOOL_RESULT);
    uint64_t previous = wants_previous ? find_previous(screen, &mine) : SPY_STORE_NONE;
    if (previous != SPY_STORE_NONE && screen->previous == NULL) {
        screen->previous = spy_store_load(store, previous, &error);
        screen->previous_position = previous;
        is_changed = true;
    }
    bool wants_next = has_block(&screen->call->response, LLM_BLOCK_TOOL_CALL);
    uint64_t next = wants_next ? find_next(screen, &mine) : SPY_STORE_NONE;
    if (next != SPY_STORE_NONE) {
        llm_call_free(screen->next);
        screen->next = spy_store_load(store, next, &error);
        screen->next_position = next;
        is_changed = true;
    }
    if (is_changed)
        screen_shown_make(screen);
    return is_changed;
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void screen_shown_hunt(struct screen *screen, int budget_ms)
{
    struct screen_hunt *hunt = &screen->hunt;
    int64_t until = now_ms() + budget_ms;
    size_t count = screen_list_count(&screen->list);
    while (hunt->is_running && hunt->left > 0 && count > 0) {
        size_t row = hunt->row % count;
        hunt->row = (row + (hunt->direction > 0 ? 1 : count - 1)) % count;
        hunt->left--;
        struct screen_row found = screen_list_row(&screen->list, row);
        if (!found.is_heading) {
            show(screen, found.position);
            screen_pane_find_from(&screen->pane, hunt->direction);
            if (screen_pane_find(&screen->pane, hunt->direction)) {
                screen_list_select(&screen->list, found.position);
                screen_set_message(screen, false, "found in call #%llu",
                                   (unsigned long long)(screen->call ? screen->call->number : 0));
                hunt->is_running = false;
                return;
            }
        }
        if (now_ms() >= until)
            break;
    }
    if (hunt->left > 0 && count > 0) {
        screen_set_message(screen, false, "searching: %zu calls to go, any key stops", hunt->left);
        return;
    }
    hunt->is_running = false;
    screen_set_message(screen, true, "not found");
    show(screen, hunt->from);
    screen_list_select(&screen->list, hunt->from);
}
