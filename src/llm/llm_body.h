#ifndef LLM_LLM_BODY_H
#define LLM_LLM_BODY_H

#include "llm/llm_draft.h"

/* LLM_BODY events: a body in pieces that are not cut within a character. */
struct llm_body {
    uint8_t tail[4]; /* the beginning of a character */
    size_t tail_length;
    bool is_message; /* told at once: all pieces but the last are LLM_BODY that go on (is_open) */
};

void llm_body_tell(struct llm_body *body, struct llm_draft *draft, enum llm_side side,
                   struct bytes bytes);
/** What is left. */
void llm_body_end(struct llm_body *body, struct llm_draft *draft, enum llm_side side);

#endif
