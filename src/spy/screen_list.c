#include "spy/screen_list.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MAX = 65536, FOLDED_MAX = 4096 };

void screen_list_init(struct screen_list *list, struct spy_store *store)
{
    *list = (struct screen_list){
        .store = store,
        .next = spy_store_first(store),
        .limit = SPY_STORE_NONE,
        .selected = SPY_STORE_NONE,
        .is_following = true,
    };
}

void screen_list_done(struct screen_list *list)
{
    spy_filter_free(list->filter);
    free(list->matched);
    free(list->waiting);
    free(list->order);
    free(list->rows);
    free(list->groups);
    free(list->folded);
    *list = (struct screen_list){0};
}

void screen_list_set_filter(struct screen_list *list, struct spy_filter *filter)
{
    spy_filter_free(list->filter);
    list->filter = filter;
    list->matched_start = list->matched_end = 0;
    list->waiting_count = 0;
    list->next = spy_store_first(list->store);
    list->is_stale = true;
}

void screen_list_set_grouped(struct screen_list *list, bool is_grouped)
{
    list->is_grouped = is_grouped;
    list->is_stale = true;
}

size_t screen_list_calls(const struct screen_list *list)
{
    return list->matched_end - list->matched_start;
}

size_t screen_list_count(const struct screen_list *list)
{
    return list->is_grouped ? list->row_count : screen_list_calls(list);
}

struct screen_row screen_list_row(const struct screen_list *list, size_t index)
{
    CHECK(index < screen_list_count(list));
    if (list->is_grouped)
        return list->rows[index];
    return (struct screen_row){.position = list->matched[list->matched_start + index]};
}

/* Into its place: nearly always the end. */
static void add_matched(struct screen_list *list, uint64_t position)
{
    if (list->matched_end == list->matched_allocated) {
        list->matched_allocated = list->matched_allocated ? 2 * list->matched_allocated : 1024;
        list->matched =
            memory_resize_array(list->matched, list->matched_allocated, sizeof(*list->matched));
    }
    size_t at = list->matched_end;
    while (at > list->matched_start && list->matched[at - 1] > position)
        at--;
    memmove(list->matched + at + 1, list->matched + at,
            (list->matched_end - at) * sizeof(*list->matched));
    list->matched[at] = position;
    list->matched_end++;
    list->is_stale = true;
}

static void add_waiting(struct screen_list *list, uint64_t position)
{
    if (list->waiting_count == list->waiting_allocated) {
        list->waiting_allocated = list->waiting_allocated ? 2 * list->waiting_allocated : 64;
        list->waiting =
            memory_resize_array(list->waiting, list->waiting_allocated, sizeof(*list->waiting));
    }
    if (list->waiting_count < WAITING_MAX)
        list->waiting[list->waiting_count++] = position;
}

/* True: the call was judged. */
static bool judge(struct screen_list *list, uint64_t position)
{
    const struct spy_summary *summary = spy_store_summary(list->store, position);
    if (list->filter == NULL) {
        add_matched(list, position);
        return true;
    }
    enum spy_filter_need need = spy_filter_needs(list->filter);
    if (need == SPY_FILTER_REQUEST && summary->provider[0] == '\0' && !summary->is_over)
        return false;
    if (need != SPY_FILTER_REQUEST && !summary->is_over)
        return false;
    struct llm_call *call = NULL;
    struct error error;
    if (need == SPY_FILTER_CALL)
        call = spy_store_load(list->store, position, &error);
    summary = spy_store_summary(list->store, position);
    if ((need != SPY_FILTER_CALL || call) && spy_filter_matches(list->filter, summary, call))
        add_matched(list, position);
    if (call)
        llm_call_free(call);
    return true;
}

static void judge_waiting(struct screen_list *list, uint64_t first)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->waiting_count; i++) {
        uint64_t position = list->waiting[i];
        if (position >= first && !judge(list, position))
            list->waiting[kept++] = position;
    }
    list->waiting_count = kept;
}

static void forget(struct screen_list *list, uint64_t first)
{
    size_t start = list->matched_start;
    while (start < list->matched_end && list->matched[start] < first)
        start++;
    if (start != list->matched_start)
        list->is_stale = true;
    list->matched_start = start;
    /* The room at the front is used again when half of it is free. */
    if (start > 1024 && start > list->matched_allocated / 2) {
        memmove(list->matched, list->matched + start,
                (list->matched_end - start) * sizeof(*list->matched));
        list->matched_end -= start;
        list->matched_start = 0;
    }
    if (list->next < first)
        list->next = first;
}

static bool is_folded(const struct screen_list *list, uint64_t conversation)
{
    for (size_t i = 0; i < list->folded_count; i++)
        if (list->folded[i] == conversation)
            return true;
    return false;
}

/* Index of the group of each conversation, by open addressing: 0 is none. */
struct group_table {
    uint32_t *slots;
    size_t mask;
};

static uint32_t group_of(struct screen_list *list, struct group_table *table, uint64_t conversation)
{
    size_t slot = (size_t)(conversation * 0x9e3779b97f4a7c15u >> 20) & table->mask;
    while (table->slots[slot] && list->groups[table->slots[slot] - 1].conversation != conversation)
        slot = (slot + 1) & table->mask;
    if (table->slots[slot] == 0) {
        list->groups[list->group_count++] = (struct screen_group){.conversation = conversation};
        table->slots[slot] = (uint32_t)list->group_count;
    }
    return table->slots[slot] - 1;
}

/* Calls of a conversation together, conversations in the order of their first call. */
static void order_by_group(struct screen_list *list)
{
    size_t count = screen_list_calls(list), room = 16;
    while (room < 2 * count)
        room *= 2;
    struct group_table table = {memory_new_array(room, sizeof(*table.slots)), room - 1};
    uint32_t *groups = memory_new_array(count, sizeof(*groups));
    list->groups = memory_resize_array(list->groups, count, sizeof(*list->groups));
    list->order = memory_resize_array(list->order, count, sizeof(*list->order));
    list->group_count = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t position = list->matched[list->matched_start + i];
        groups[i] = group_of(list, &table, spy_store_summary(list->store, position)->conversation);
        list->groups[groups[i]].count++;
    }
    size_t next = 0;
    for (size_t i = 0; i < list->group_count; i++) {
        list->groups[i].first = next;
        next += list->groups[i].count;
        list->groups[i].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct screen_group *group = &list->groups[groups[i]];
        list->order[group->first + group->count++] = list->matched[list->matched_start + i];
    }
    free(groups);
    free(table.slots);
}

static void make_rows(struct screen_list *list)
{
    list->is_stale = false;
    list->row_count = list->group_count = 0;
    if (!list->is_grouped || screen_list_calls(list) == 0)
        return;
    order_by_group(list);
    size_t most = screen_list_calls(list) + list->group_count;
    list->rows = memory_resize_array(list->rows, most, sizeof(*list->rows));
    for (size_t i = 0; i < list->group_count; i++) {
        struct screen_group *group = &list->groups[i];
        const uint64_t *calls = list->order + group->first;
        group->is_folded = is_folded(list, group->conversation);
        list->rows[list->row_count++] =
            (struct screen_row){calls[group->count - 1], (uint32_t)i, true};
        for (size_t j = 0; j < group->count && !group->is_folded; j++)
            list->rows[list->row_count++] = (struct screen_row){calls[j], (uint32_t)i, false};
    }
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_selectable(const struct screen_list *list, struct screen_row row)
{
    return !row.is_heading || list->groups[row.group].is_folded;
}

size_t screen_list_selected_row(const struct screen_list *list)
{
    size_t count = screen_list_count(list);
    if (list->selected == SPY_STORE_NONE || count == 0)
        return SIZE_MAX;
    if (!list->is_grouped) {
        size_t low = 0, high = count;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (screen_list_row(list, middle).position < list->selected)
                low = middle + 1;
            else
                high = middle;
        }
        return low < count && screen_list_row(list, low).position == list->selected ? low
                                                                                    : SIZE_MAX;
    }
    size_t folded = SIZE_MAX;
    uint64_t conversation = SPY_STORE_NONE;
    if (list->selected >= spy_store_first(list->store) &&
        list->selected < spy_store_end(list->store))
        conversation = spy_store_summary(list->store, list->selected)->conversation;
    for (size_t i = 0; i < count; i++) {
        struct screen_row row = list->rows[i];
        if (!row.is_heading && row.position == list->selected)
            return i;
        if (row.is_heading && list->groups[row.group].is_folded &&
            list->groups[row.group].conversation == conversation)
            folded = i;
    }
    return folded;
}

void screen_list_show(struct screen_list *list)
{
    size_t row = screen_list_selected_row(list);
    screen_scroll_fit(&list->scroll, screen_list_count(list), list->scroll.height);
    if (row != SIZE_MAX)
        screen_scroll_show(&list->scroll, row);
}

/* A selection that is gone moves to the nearest call that is there. */
static void keep_selection(struct screen_list *list)
{
    size_t calls = screen_list_calls(list);
    if (calls == 0) {
        list->selected = SPY_STORE_NONE;
        return;
    }
    uint64_t last = list->matched[list->matched_end - 1];
    if (list->is_following) {
        list->selected = last;
        screen_list_show(list);
        return;
    }
    if (screen_list_selected_row(list) != SIZE_MAX)
        return;
    uint64_t chosen = last;
    for (size_t i = list->matched_end; i > list->matched_start; i--)
        if (list->selected == SPY_STORE_NONE || list->matched[i - 1] >= list->selected)
            chosen = list->matched[i - 1];
    list->selected = chosen;
    screen_list_show(list);
}

bool screen_list_update(struct screen_list *list, int budget_ms)
{
    int64_t until = now_ms() + budget_ms;
    uint64_t first = spy_store_first(list->store), end = spy_store_end(list->store);
    if (end > list->limit)
        end = list->limit > first ? list->limit : first;
    forget(list, first);
    judge_waiting(list, first);
    bool is_slow = list->filter && spy_filter_needs(list->filter) == SPY_FILTER_CALL;
    while (list->next < end) {
        if (!judge(list, list->next))
            add_waiting(list, list->next);
        list->next++;
        if (is_slow && now_ms() >= until)
            break;
    }
    if (list->is_stale) {
        make_rows(list);
        keep_selection(list);
    }
    return list->next >= end;
}

void screen_list_select(struct screen_list *list, uint64_t position)
{
    list->selected = position;
    list->is_following = false;
    screen_list_show(list);
}

void screen_list_move(struct screen_list *list, int64_t calls)
{
    size_t count = screen_list_count(list), at = screen_list_selected_row(list);
    int64_t step = calls < 0 ? -1 : 1, left = calls < 0 ? -calls : calls;
    if (at == SIZE_MAX)
        return;
    size_t found = at;
    for (int64_t i = (int64_t)at + step; i >= 0 && i < (int64_t)count && left > 0; i += step) {
        if (is_selectable(list, screen_list_row(list, (size_t)i))) {
            found = (size_t)i;
            left--;
        }
    }
    if (found != at)
        screen_list_select(list, screen_list_row(list, found).position);
    else
        list->is_following = list->is_following && calls > 0;
}

void screen_list_select_first(struct screen_list *list)
{
    for (size_t i = 0; i < screen_list_count(list); i++) {
        if (is_selectable(list, screen_list_row(list, i))) {
            screen_list_select(list, screen_list_row(list, i).position);
            list->scroll.top = 0;
            return;
        }
    }
}

void screen_list_select_last(struct screen_list *list)
{
    if (screen_list_count(list) > 0)
        screen_list_select(list, screen_list_row(list, screen_list_count(list) - 1).position);
}

static uint64_t conversation_at(const struct screen_list *list, size_t row)
{
    return spy_store_summary(list->store, screen_list_row(list, row).position)->conversation;
}

void screen_list_move_conversation(struct screen_list *list, int direction)
{
    size_t at = screen_list_selected_row(list), count = screen_list_count(list);
    if (at == SIZE_MAX)
        return;
    uint64_t mine = conversation_at(list, at);
    int64_t i = (int64_t)at;
    while (i >= 0 && i < (int64_t)count && conversation_at(list, (size_t)i) == mine)
        i += direction;
    if (i < 0 || i >= (int64_t)count)
        return;
    /* Backwards it is the last row: go on to the first of that run. */
    uint64_t other = conversation_at(list, (size_t)i);
    while (direction < 0 && i > 0 && conversation_at(list, (size_t)i - 1) == other)
        i--;
    if (!is_selectable(list, screen_list_row(list, (size_t)i)))
        i++;
    screen_list_select(list, screen_list_row(list, (size_t)i).position);
}

bool screen_list_next_error(struct screen_list *list)
{
    size_t count = screen_list_count(list), at = screen_list_selected_row(list);
    for (size_t i = 1; i <= count; i++) {
        size_t row = at == SIZE_MAX ? i - 1 : (at + i) % count;
        uint64_t position = screen_list_row(list, row).position;
        const struct spy_summary *summary = spy_store_summary(list->store, position);
        if (is_selectable(list, screen_list_row(list, row)) &&
            (summary->errors > 0 || summary->status >= 400)) {
            screen_list_select(list, position);
            return true;
        }
    }
    return false;
}

static void set_folded(struct screen_list *list, uint64_t conversation, bool is_to_fold)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->folded_count; i++)
        if (list->folded[i] != conversation)
            list->folded[kept++] = list->folded[i];
    list->folded_count = kept;
    if (is_to_fold && list->folded_count < FOLDED_MAX) {
        list->folded =
            memory_resize_array(list->folded, list->folded_count + 1, sizeof(*list->folded));
        list->folded[list->folded_count++] = conversation;
    }
    make_rows(list);
    screen_list_show(list);
}

void screen_list_fold(struct screen_list *list)
{
    size_t at = screen_list_selected_row(list);
    if (!list->is_grouped || at == SIZE_MAX)
        return;
    const struct screen_group *group = &list->groups[list->rows[at].group];
    set_folded(list, group->conversation, !group->is_folded);
}

void screen_list_follow(struct screen_list *list, bool is_following)
{
    list->is_following = is_following;
    if (is_following)
        keep_selection(list);
}

void screen_list_click(struct screen_list *list, const struct screen_rectangle *place, int row)
{
    int line = row - place->row - 1; /* headings of columns */
    size_t index = list->scroll.top + (size_t)(line < 0 ? 0 : line);
    if (line < 0 || index >= screen_list_count(list))
        return;
    struct screen_row clicked = screen_list_row(list, index);
    if (clicked.is_heading) {
        const struct screen_group *group = &list->groups[clicked.group];
        set_folded(list, group->conversation, !group->is_folded);
    } else {
        screen_list_select(list, clicked.position);
    }
}
