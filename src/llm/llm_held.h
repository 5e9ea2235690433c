#ifndef LLM_LLM_HELD_H
#define LLM_LLM_HELD_H

#include "base/buffer.h"
#include "llm/llm_exchange.h"

/*
 * Memory that is counted in llm_context.held_bytes: a buffer whose peer decides how long it gets.
 */
struct llm_held {
    struct buffer buffer;        /* owned */
    struct llm_context *context; /* borrowed */
    size_t counted;
};

void llm_held_init(struct llm_held *held, struct llm_context *context, size_t cap);
void llm_held_done(struct llm_held *held);
/** All or nothing. False when the cap or the context's maximum would be passed. */
bool llm_held_append(struct llm_held *held, struct bytes bytes) __attribute__((warn_unused_result));
/** As much as fits; returns how many bytes did. */
size_t llm_held_append_some(struct llm_held *held, struct bytes bytes);
struct bytes llm_held_bytes(const struct llm_held *held);

/** Count `size` bytes where `*counted` were counted before. False when it is too much now. */
bool llm_held_count(struct llm_context *context, size_t *counted, size_t size);

#endif
