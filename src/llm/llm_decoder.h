#ifndef LLM_LLM_DECODER_H
#define LLM_LLM_DECODER_H

#include "llm/llm_draft.h"

/*
 * One of the providers' interfaces: how what it says becomes what a draft is told. Values are
 * hostile: a member may be missing or of any type, and an object half of what was sent.
 */
struct llm_about;
struct llm_decoder {
    /** What the request's body says about itself ... */
    void (*about)(struct llm_value body, struct llm_about *about);
    /** ... and its blocks. */
    void (*request)(struct llm_draft *draft, struct llm_value body);
    /** The body of a response that is no stream and no error. */
    void (*response)(struct llm_draft *draft, struct llm_value body);
    /** One event of a stream; `type` is what the stream's own framing calls it, or empty. */
    void (*event)(struct llm_draft *draft, struct bytes type, struct llm_value data);
};

/** What a request says about itself; borrowed from its body. */
struct llm_about {
    struct bytes model;
    struct bytes parent;
    struct bytes operation; /* empty: "stream" or "create", by is_stream */
    bool is_stream;
    struct llm_value parameters;       /* the object ... */
    const char *const *not_parameters; /* ... without these members */
};

/** NULL for LLM_API_OTHER. */
const struct llm_decoder *llm_decoder_of(enum llm_api api);

/* One for each interface. */
extern const struct llm_decoder llm_anthropic_messages;
extern const struct llm_decoder llm_anthropic_count_tokens;
extern const struct llm_decoder llm_bedrock_converse;
extern const struct llm_decoder llm_bedrock_converse_stream;
extern const struct llm_decoder llm_bedrock_count_tokens;
extern const struct llm_decoder llm_bedrock_invoke;
extern const struct llm_decoder llm_bedrock_invoke_stream;
extern const struct llm_decoder llm_openai_responses;
extern const struct llm_decoder llm_openai_chat;

/** Counts of tokens together; -1 is none. */
int64_t llm_decoder_sum(int64_t a, int64_t b, int64_t c);
/** Size of what base64 letters say. */
uint64_t llm_decoder_base64_bytes(struct bytes letters);
enum llm_role llm_decoder_role(struct bytes word);
/** A block that has no place of its own: its type and all of it. */
void llm_decoder_other_block(struct llm_draft *draft, struct llm_event block, struct bytes type,
                             struct llm_value value);
/** Add a block whose `json` is all of the value, which is compact for the call. */
void llm_decoder_add_with_json(struct llm_draft *draft, struct llm_event block,
                               struct llm_value value);
/** The same with the value as its text. */
void llm_decoder_add_with_value(struct llm_draft *draft, struct llm_event block,
                                struct llm_value value);
/** Settle, with the value as text. */
void llm_decoder_settle_with_value(struct llm_draft *draft, uint64_t key, struct llm_event block,
                                   struct llm_value value);

/** Tell an error in any of the providers' forms; false when the value is none. */
bool llm_decoder_error(struct llm_draft *draft, struct llm_value body);

#endif
