#ifndef LLM_LLM_RESPONSE_H
#define LLM_LLM_RESPONSE_H

#include "llm/llm_draft.h"

/*
 * The body of a response over HTTP, without its content codings: events of a stream as they come,
 * or a document that is read at its end; an error whatever the status was.
 */
struct llm_response;

/** LLM_RESPONSE is told at once. `draft` is borrowed. */
struct llm_response *llm_response_new(struct llm_draft *draft, uint16_t status,
                                      const struct llm_field *fields, size_t field_count);
void llm_response_free(struct llm_response *response);
/** Content-Encoding. */
struct bytes llm_response_encodings(const struct llm_response *response);
/** Made of messages whose checksums cover every byte. */
bool llm_response_is_checked(const struct llm_response *response);
/** The next bytes. NULL, or a static text that says why no more can be read. */
const char *llm_response_feed(struct llm_response *response, struct bytes bytes);
/** The body is over. False when it was not complete. */
bool llm_response_end(struct llm_response *response);

#endif
