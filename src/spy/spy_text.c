#include "spy/spy_text.h"

#include "base/check.h"
#include "base/memory.h"
#include "spy/spy_section.h"

#include <stdlib.h>
#include <string.h>

/* A section on its way: that of a call, or the one for all that is denied. */
struct slot {
    struct spy_text *view; /* borrowed */
    bool is_used, is_ended, has_begun;
    uint64_t position;
    uint64_t last_ms;    /* of its last event */
    uint64_t waiting_ms; /* since when something is held */
    struct buffer held;
    struct spy_section section;
};

enum { NOTES = SPY_TEXT_SECTIONS, SLOT_COUNT };

struct spy_text {
    struct spy_store *store;   /* borrowed */
    struct spy_output *output; /* borrowed */
    struct spy_text_options options;
    struct spy_choice choice;
    struct spy_section_world world;
    struct slot slots[SLOT_COUNT];
    struct slot *focus; /* one of them, or NULL */
    uint64_t now_ms;
};

/* Text of a section: out, or kept until it has the focus. */
static bool take_text(void *context, struct bytes text);

struct spy_text *spy_text_new(struct spy_store *store, struct spy_output *output,
                              const struct spy_text_options *options,
                              const struct spy_choice *choice)
{
    struct spy_text *view = memory_new(sizeof(*view));
    view->store = store;
    view->output = output;
    view->options = *options;
    view->choice = *choice;
    spy_section_world_init(&view->world, store, &view->options);
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        view->slots[i].view = view;
        buffer_init(&view->slots[i].held, SPY_TEXT_HELD_BYTES);
    }
    return view;
}

static void release(struct slot *slot)
{
    struct spy_text *view = slot->view;
    if (view->focus == slot)
        view->focus = NULL;
    slot->is_used = false;
    spy_section_done(&slot->section);
    buffer_done(&slot->held);
}

void spy_text_free(struct spy_text *view)
{
    if (view == NULL)
        return;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (view->slots[i].is_used)
            release(&view->slots[i]);
    }
    spy_section_world_done(&view->world);
    free(view);
}

static bool is_waiting(const struct slot *slot)
{
    return slot->is_used && buffer_length(&slot->held) > 0;
}

/* Whoever has the focus ends its line; the other says what it is and what it kept. */
static void take_focus(struct slot *slot)
{
    struct spy_text *view = slot->view;
    struct slot *before = view->focus;
    if (before == slot)
        return;
    if (before) {
        spy_section_pause(&before->section);
        view->focus = NULL;
        if (before->is_ended)
            release(before);
    }
    view->focus = slot;
    if (slot->has_begun && slot != &view->slots[NOTES])
        spy_section_go_on(&slot->section);
    spy_output_add(view->output, buffer_bytes(&slot->held));
    buffer_clear(&slot->held);
    slot->has_begun = true;
}

static bool take_text(void *context, struct bytes text)
{
    struct slot *slot = context;
    struct spy_text *view = slot->view;
    if (view->focus != slot) {
        if (buffer_length(&slot->held) == 0)
            slot->waiting_ms = view->now_ms;
        if (buffer_append(&slot->held, text))
            return true;
        take_focus(slot);
    }
    spy_output_add(view->output, text);
    return !view->output->is_broken;
}

static struct slot *longest_waiting(struct spy_text *view)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        struct slot *slot = &view->slots[i];
        if (slot != view->focus && is_waiting(slot) &&
            (found == NULL || slot->waiting_ms < found->waiting_ms))
            found = slot;
    }
    return found;
}

/* A section that is over leaves when it has said all. */
static void clear_ended(struct spy_text *view)
{
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        struct slot *slot = &view->slots[i];
        if (slot->is_used && slot->is_ended && (slot == view->focus || !is_waiting(slot)))
            release(slot);
    }
}

static bool is_busy(const struct spy_text *view)
{
    const struct slot *focus = view->focus;
    if (focus == NULL || focus == &view->slots[NOTES])
        return false;
    uint64_t patience =
        spy_section_is_in_block(&focus->section) ? SPY_TEXT_PATIENCE_MS : SPY_TEXT_PAUSE_MS;
    return view->now_ms < focus->last_ms + patience;
}

static void pass_focus(struct spy_text *view)
{
    struct slot *next;
    clear_ended(view);
    while ((next = longest_waiting(view)) != NULL && !is_busy(view)) {
        take_focus(next);
        clear_ended(view);
    }
}

static void start_slot(struct slot *slot, uint64_t position)
{
    slot->is_used = true;
    slot->is_ended = slot->has_begun = false;
    slot->position = position;
    slot->last_ms = slot->view->now_ms;
    spy_section_start(&slot->section, &slot->view->world, position, take_text, slot);
}

/* The slot of a call: where all are taken, the one that was quiet longest makes room. */
static struct slot *slot_of(struct spy_text *view, uint64_t position)
{
    struct slot *unused = NULL, *quiet = &view->slots[0];
    for (size_t i = 0; i < SPY_TEXT_SECTIONS; i++) {
        struct slot *slot = &view->slots[i];
        if (slot->is_used && !slot->is_ended && slot->position == position)
            return slot;
        if (!slot->is_used)
            unused = slot;
        else if (slot->last_ms < quiet->last_ms)
            quiet = slot;
    }
    if (unused == NULL) {
        spy_section_pause(&quiet->section);
        if (is_waiting(quiet))
            take_focus(quiet);
        release(quiet);
        unused = quiet;
    }
    start_slot(unused, position);
    return unused;
}

static void show_event(struct spy_text *view, uint64_t position, const struct llm_event *event)
{
    /* Bodies are shown when the call is over; the first come before the model is known. */
    if (event->kind == LLM_BODY)
        return;
    struct slot *slot = slot_of(view, position);
    slot->last_ms = view->now_ms;
    if (view->focus == NULL)
        take_focus(slot);
    spy_section_add(&slot->section, event);
    slot->is_ended = event->kind == LLM_END;
}

struct replay {
    struct spy_text *view; /* borrowed */
    uint64_t position;
};

static void show_replayed(void *context, const struct llm_event *event)
{
    const struct replay *replay = context;
    show_event(replay->view, replay->position, event);
}

/* A call that could not be chosen before it was over. */
static void show_late(struct spy_text *view, uint64_t position)
{
    struct replay replay = {view, position};
    struct error ignored;
    if (spy_choice_has(&view->choice, view->store, position))
        spy_store_replay(view->store, position, show_replayed, &replay, &ignored);
}

static void show_note(struct spy_text *view, const struct spy_added *added)
{
    const struct spy_note *note = spy_store_note(view->store, added->position);
    bool is_hidden = note->kind == SPY_NOTE_AUDIT || note->time_ms < view->choice.since_ms ||
                     (note->kind == SPY_NOTE_DENIED && view->options.is_denied_hidden);
    if (is_hidden)
        return;
    struct slot *slot = &view->slots[NOTES];
    if (!slot->is_used)
        start_slot(slot, SPY_STORE_NONE);
    if (view->focus == NULL)
        take_focus(slot);
    spy_section_add_note(&slot->section, note, added->event);
    slot->is_ended = true; /* a line is all there is to say */
}

void spy_text_take(void *context, const struct spy_added *added)
{
    struct spy_text *view = context;
    const struct llm_event *event = added->event;
    if (event->time_ms > view->now_ms)
        view->now_ms = event->time_ms;
    if (event->call == 0) {
        show_note(view, added);
    } else if (spy_choice_needs(&view->choice) == SPY_FILTER_REQUEST) {
        /* The first event alone does not say enough to choose by, nor to be shown. */
        if (event->kind != LLM_CALL && spy_choice_has(&view->choice, view->store, added->position))
            show_event(view, added->position, event);
    } else if (event->kind == LLM_END) {
        show_late(view, added->position);
    }
    pass_focus(view);
}

void spy_text_tick(struct spy_text *view, uint64_t now_ms)
{
    if (now_ms > view->now_ms)
        view->now_ms = now_ms;
    if (view->focus)
        spy_section_rest(&view->focus->section);
    pass_focus(view);
}

void spy_text_set_width(struct spy_text *view, int width)
{
    view->options.width = width;
}

void spy_text_finish(struct spy_text *view)
{
    bool is_late = spy_choice_needs(&view->choice) != SPY_FILTER_REQUEST;
    for (uint64_t position = spy_store_first(view->store);
         is_late && position < spy_store_end(view->store); position++) {
        if (!spy_store_summary(view->store, position)->is_over)
            show_late(view, position);
    }
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        struct slot *slot = &view->slots[i];
        if (slot->is_used && (slot == view->focus || is_waiting(slot) || !slot->is_ended)) {
            take_focus(slot);
            spy_section_pause(&slot->section);
        }
    }
}
