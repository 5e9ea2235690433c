#ifndef LLM_LLM_SECRET_H
#define LLM_LLM_SECRET_H

#include "base/bytes.h"

/*
 * Values of JSON keys that are credentials whatever the interface: those by which a request lets
 * the model's provider log in elsewhere (`authorization_token` of an MCP server), and answers of
 * token endpoints at hosts of providers. "[redacted]" stands in their place before a body is
 * decoded or told.
 *
 * Only strings that are values in the JSON of the body itself: what stands inside of a string
 * (prompts, results, arguments of tools as text) is content, and stays as it is. Pure, and holds no
 * bytes; a line end ends a string, so that text around JSON, as in a stream of events, does no
 * harm.
 */

enum { LLM_SECRET_KEY_LENGTH = 24 }; /* letters of a key that is one */

enum llm_secret_state {
    LLM_SECRET_OUTSIDE,
    LLM_SECRET_STRING,
    LLM_SECRET_STRING_ESCAPE,
    LLM_SECRET_BEHIND_STRING, /* a colon would make it a key */
    LLM_SECRET_BEHIND_COLON,
    LLM_SECRET_VALUE_BEGINS,
    LLM_SECRET_VALUE,
    LLM_SECRET_VALUE_ESCAPE,
    LLM_SECRET_VALUE_ENDS,
};

/** All zero at the beginning of a body. */
struct llm_secret {
    enum llm_secret_state state;
    uint8_t string[LLM_SECRET_KEY_LENGTH + 1]; /* the last one, as far as it matters */
    size_t string_length;
};

/** The next piece of `*rest` as it may be shown; empty when all of it was taken. */
struct bytes llm_secret_next(struct llm_secret *secret, struct bytes *rest);

#endif
