#ifndef SPY_SCREEN_DETAIL_H
#define SPY_SCREEN_DETAIL_H

#include "llm/llm_call.h"
#include "spy/screen_pane.h"
#include "spy/spy_store.h"

/*
 * One call as sections: what it is and what it cost, what went wrong, the request with what is new
 * in it apart from what was seen before, tool calls with their results below them, the response,
 * and what nobody has a place for. Or what changed in the request since the call before; or the
 * bodies as they were captured.
 */
enum screen_detail_form { SCREEN_DETAIL_CALL, SCREEN_DETAIL_DIFF, SCREEN_DETAIL_RAW };

struct screen_detail {
    enum screen_detail_form form;
    bool is_hex;
    bool is_local; /* times */
    /* Borrowed until screen_detail_make is called again. */
    const struct llm_call *call;
    const struct spy_summary *summary;
    const struct llm_call *previous; /* of the conversation; NULL: not known */
    const struct llm_call *next;     /* of the conversation, for results; NULL: not known */
    struct buffer head;              /* owned: text of the first section */
    struct buffer *texts;            /* owned: texts of comparisons */
    size_t text_count;
};

void screen_detail_init(struct screen_detail *detail);
void screen_detail_done(struct screen_detail *detail);

/** Make the sections of the pane anew. */
void screen_detail_make(struct screen_detail *detail, struct screen_pane *pane);

#endif
