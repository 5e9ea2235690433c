#ifndef LLM_LLM_BEDROCK_H
#define LLM_LLM_BEDROCK_H

#include "llm/llm_decoder.h"

/* Bedrock's Converse (AWS API reference, "Converse", "ConverseStream"). */
void llm_bedrock_read_about(struct llm_value body, struct llm_about *about);
void llm_bedrock_add_request(struct llm_draft *draft, struct llm_value body);
void llm_bedrock_tell_response(struct llm_draft *draft, struct llm_value body);
/** An event named `type`; false when it has no place. */
bool llm_bedrock_tell_event(struct llm_draft *draft, struct bytes type, struct llm_value data);

#endif
