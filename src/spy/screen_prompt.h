#ifndef SPY_SCREEN_PROMPT_H
#define SPY_SCREEN_PROMPT_H

#include "spy/screen_cells.h"
#include "spy/screen_input.h"

/** A line that the user types. */
enum screen_prompt_kind {
    SCREEN_PROMPT_NONE,
    SCREEN_PROMPT_SEARCH,
    SCREEN_PROMPT_FILTER,
    SCREEN_PROMPT_SAVE,
    SCREEN_PROMPT_OVERWRITE /* y or n */
};

enum { SCREEN_PROMPT_MAX = 1000 };

struct screen_prompt {
    enum screen_prompt_kind kind;
    char text[SCREEN_PROMPT_MAX + 8]; /* ends with NUL */
    size_t length;
};

enum screen_prompt_result { SCREEN_PROMPT_GOES_ON, SCREEN_PROMPT_DONE, SCREEN_PROMPT_CANCELLED };

void screen_prompt_begin(struct screen_prompt *prompt, enum screen_prompt_kind kind,
                         const char *text);
/** A key while the prompt is there: characters, Backspace, Ctrl-U, Ctrl-W, Enter, Escape. */
enum screen_prompt_result screen_prompt_key(struct screen_prompt *prompt,
                                            const struct screen_input_event *event);
/** Draw it, the end of a long text in sight. Returns the cursor's column. */
int screen_prompt_draw(const struct screen_prompt *prompt, struct screen_pen *pen);

#endif
