#ifndef SPY_SCREEN_H
#define SPY_SCREEN_H

#include "spy/spy_filter.h"
#include "spy/spy_source.h"
#include "spy/spy_store.h"

/*
 * The full-screen view: a list of calls beside one of them in detail, live. Draws on /dev/tty and
 * takes keys from there; standard input and output stay what they are.
 */

struct screen_start {
    struct spy_store *store; /* borrowed; its observer is taken */
    int fd;                  /* borrowed: readable when there are events */
    /* Read once from where events come from, into the store. Called when `fd` is readable. */
    enum spy_source_state (*read)(void *context, struct error *error);
    void *context;             /* borrowed, for `read` */
    struct spy_filter *filter; /* owned from now on; NULL: all */
    const char *filter_text;   /* borrowed for the call: how it was spelled; may be NULL */
    bool is_local;             /* times in the user's zone */
    bool is_recording;         /* `fd` is a file that ends: begin with its first call */
};

/**
 * Show the store until the user quits, or a signal ends it: `*end_signal` is then its number, else
 * 0. False when there is no terminal, or one that cannot be drawn on.
 */
bool screen_run(const struct screen_start *start, int *end_signal, struct error *error);

#endif
