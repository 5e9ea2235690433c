#ifndef SPY_SCREEN_INPUT_H
#define SPY_SCREEN_INPUT_H

#include "base/bytes.h"

/*
 * From the bytes of a terminal to keys and clicks: UTF-8, the sequences that terminals of today
 * send (ECMA-48, xterm, rxvt, Linux), mouse reports in both forms. What is not known is skipped
 * whole, so that no part of a sequence is taken for a key.
 */
enum screen_key {
    SCREEN_KEY_CHARACTER, /* see code_point; control characters included */
    SCREEN_KEY_UP,
    SCREEN_KEY_DOWN,
    SCREEN_KEY_LEFT,
    SCREEN_KEY_RIGHT,
    SCREEN_KEY_CONTROL_LEFT,
    SCREEN_KEY_CONTROL_RIGHT,
    SCREEN_KEY_PAGE_UP,
    SCREEN_KEY_PAGE_DOWN,
    SCREEN_KEY_HOME,
    SCREEN_KEY_END,
    SCREEN_KEY_ENTER,
    SCREEN_KEY_TAB,
    SCREEN_KEY_BACKSPACE,
    SCREEN_KEY_ESCAPE,
    SCREEN_KEY_PRESS, /* of the mouse's left button; see column and row */
    SCREEN_KEY_DRAG,
    SCREEN_KEY_RELEASE,
    SCREEN_KEY_WHEEL_UP,
    SCREEN_KEY_WHEEL_DOWN,
    SCREEN_KEY_COUNT
};

struct screen_input_event {
    enum screen_key key;
    uint32_t code_point;
    int column, row; /* from 0 */
};

struct screen_input {
    uint8_t held[256]; /* not yet understood */
    size_t length;
};

/** Take what was read; returns how many bytes of it had room. */
size_t screen_input_add(struct screen_input *input, struct bytes bytes);

/**
 * The next event. `is_all`: nothing has followed for a moment, so that what could be the beginning
 * of a sequence is none. False when there is no event yet.
 */
bool screen_input_next(struct screen_input *input, bool is_all, struct screen_input_event *event);

#endif
