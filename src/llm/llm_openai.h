#ifndef LLM_LLM_OPENAI_H
#define LLM_LLM_OPENAI_H

#include "llm/llm_decoder.h"

/* What Responses and Chat Completions share (OpenAI API reference). */

/** Parts of a message's content: a text, or a list of typed parts. `block` has role and message. */
void llm_openai_add_content(struct llm_draft *draft, struct llm_event block,
                            struct llm_value content);
/** Tools of a request, those in namespaces with their names before them. */
void llm_openai_add_tools(struct llm_draft *draft, struct llm_value tools);
/** Both names of each count are understood. */
struct llm_usage llm_openai_normalise(struct llm_value native);

/**
 * One item of a Responses input or output. With `first_key` its blocks are those of a response and
 * are settled under keys from there on; LLM_OPENAI_NO_KEY adds them to the request.
 */
#define LLM_OPENAI_NO_KEY UINT64_MAX
void llm_openai_tell_item(struct llm_draft *draft, uint64_t first_key, uint32_t message,
                          struct llm_value item);

/* Keys of the blocks of item number n of an output: n << 32, and then: */
enum {
    LLM_OPENAI_KEY_CALL = 0,              /* arguments of a call */
    LLM_OPENAI_KEY_PART = 0x1000000,      /* + number of the part of a message */
    LLM_OPENAI_KEY_SUMMARY = 0x2000000,   /* + number of the part of a reasoning's summary */
    LLM_OPENAI_KEY_REASONING = 0x3000000, /* + number of the part of a reasoning's text */
    LLM_OPENAI_KEY_REDACTED = 0x4000000,  /* a reasoning's encrypted content */
    LLM_OPENAI_KEY_RESULT = 0x5000000,    /* + number of the part of a call's result */
    LLM_OPENAI_KEY_MASK = 0xffffff,
};

/** What kind of call an item is, if it is one: id and name are set. */
bool llm_openai_read_call(struct llm_value item, struct llm_event *block);

#endif
