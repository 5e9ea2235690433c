#ifndef LLM_LLM_ANTHROPIC_H
#define LLM_LLM_ANTHROPIC_H

#include "llm/llm_decoder.h"

/*
 * Content blocks of Anthropic's Messages API (public API reference, "Messages"), which Bedrock's
 * InvokeModel carries for the same models.
 */

/** What a content block says: kind, id, name; its text where it is one. False: see `other`. */
bool llm_anthropic_read_block(struct llm_value value, struct llm_event *block);

/** Blocks of a message's content: a text or a list of blocks. */
void llm_anthropic_add_content(struct llm_draft *draft, struct llm_event block,
                               struct llm_value content);

/** {"role":...,"content":[...]}, system and tools of a request. */
void llm_anthropic_add_request(struct llm_draft *draft, struct llm_value body);

#endif
