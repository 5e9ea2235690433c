#ifndef SPY_SPY_TEXT_H
#define SPY_SPY_TEXT_H

#include "spy/spy_choice.h"
#include "spy/spy_output.h"

/*
 * Theory of Operation
 *
 * The text view shows events of a store as they come, each call as a section: a head line, what is
 * new in its request, the response as it streams, and a line of figures.
 *
 * Calls run side by side, but a terminal has one end. So one call has the focus and its text goes
 * out at once; what others say is kept (up to SPY_TEXT_HELD_BYTES each) until the one in focus is
 * over, or is quiet in the middle of a block for SPY_TEXT_PATIENCE_MS, or between blocks for
 * SPY_TEXT_PAUSE_MS. Then the one that has waited longest takes over, with a line that says which
 * call goes on. When one has too much to keep it takes the focus at once. Time is that of the
 * events, and of spy_text_tick where none come.
 *
 * What is denied meanwhile is a section of its own.
 *
 * Where the filter asks for what is known late (tokens, texts), a call is shown when it is over.
 */

enum {
    SPY_TEXT_SECTIONS = 32, /* calls that are shown side by side */
    SPY_TEXT_HELD_BYTES = 128 * 1024,
    SPY_TEXT_PATIENCE_MS = 2000,
    SPY_TEXT_PAUSE_MS = 200,
};

struct spy_text_options {
    int width; /* 0: lines are as long as they are */
    bool has_colours, is_utc;
    bool is_all;    /* what was seen before, too */
    bool is_raw;    /* headers and bodies, too */
    bool has_tools; /* what tools do and take, not only their names */
    bool is_denied_hidden;
};

struct spy_text;

/** All but `store` and `output` is copied; those and what is chosen are borrowed. */
struct spy_text *spy_text_new(struct spy_store *store, struct spy_output *output,
                              const struct spy_text_options *options,
                              const struct spy_choice *choice);
void spy_text_free(struct spy_text *view);

/** A spy_store_observer; `context` is the view. */
void spy_text_take(void *context, const struct spy_added *added);
/** It is now so late and nothing came: whoever waits may go on. */
void spy_text_tick(struct spy_text *view, uint64_t now_ms);
/** Columns from now on, for calls that begin. */
void spy_text_set_width(struct spy_text *view, int width);
/** Nothing more will come. */
void spy_text_finish(struct spy_text *view);

#endif
