#ifndef LLM_LLM_DRAFT_H
#define LLM_LLM_DRAFT_H

#include "llm/llm_exchange.h"
#include "llm/llm_held.h"
#include "llm/llm_json.h"

/*
 * Theory of Operation
 *
 * A draft is a call while it is decoded: the decoders of the providers' interfaces say to it what
 * they understand, and it makes the events, numbers the blocks, holds the text of those that are
 * open so that they can be told whole at their end, and merges token counts.
 *
 * Blocks of the response are named by a key of the decoder's choice. A block is new, open or told;
 * a decoder may settle any block at any time: what was told already is not told again. So a
 * stream whose last event repeats everything gives the same events as one that does not, and one
 * of which pieces are missing is completed.
 */
enum {
    LLM_DRAFT_BLOCKS_MAX = 4096, /* of a response */
    LLM_DRAFT_WORD_MAX = 4096,   /* ids, names, types: what is longer is cut */
};

struct llm_draft {
    struct llm_context *context; /* borrowed */
    uint64_t number;
    uint64_t time_ms; /* of all events made now */
    uint64_t start_ms;
    uint64_t first_byte_ms; /* 0: not yet */
    enum llm_api api;
    struct bytes path_model; /* borrowed: what the path says, decoded */
    uint16_t status;         /* of the response's head; 0: not yet */
    uint32_t request_blocks, response_blocks;
    struct llm_draft_block *blocks; /* owned: open and told ones of the response */
    size_t block_count, block_allocated, block_counted;
    struct llm_held native_usage;
    bool is_answered; /* id and model of the response were told */
    bool is_complete; /* the answer's last word was said, or an error in its place */
    bool is_truncated;
    char truncation[160];
};

void llm_draft_init(struct llm_draft *draft, struct llm_context *context, uint64_t number,
                    uint64_t time_ms, enum llm_api api);
void llm_draft_done(struct llm_draft *draft);

/** An event of this call, at the draft's time, to be completed and emitted. */
struct llm_event llm_draft_event(const struct llm_draft *draft, enum llm_event_kind kind);
/** A block's event: side, role and kind; section messages. */
struct llm_event llm_draft_block(const struct llm_draft *draft, enum llm_side side,
                                 enum llm_role role, enum llm_block_kind kind);
void llm_draft_emit(struct llm_draft *draft, const struct llm_event *event);

/** A whole block of the request, or one of the response that has no key; it gets the next number.
 */
void llm_draft_add(struct llm_draft *draft, const struct llm_event *block);

/** Open a block of the response. Nothing happens when it is open or told. */
void llm_draft_open(struct llm_draft *draft, uint64_t key, const struct llm_event *block);
/** More text for a block; opened as `block` says when it is new, nothing when it is told. */
void llm_draft_grow(struct llm_draft *draft, uint64_t key, const struct llm_event *block,
                    struct bytes text);
/** More of what stands in the block's `json`: a signature, or one citation after the other. */
void llm_draft_grow_json(struct llm_draft *draft, uint64_t key, const struct llm_event *block,
                         struct llm_value value);
/** The text of an open block of that kind that has got none. */
void llm_draft_fill(struct llm_draft *draft, uint64_t key, enum llm_block_kind kind,
                    struct bytes text);
/** The end of a block; what it held is told whole. */
void llm_draft_close(struct llm_draft *draft, uint64_t key);
void llm_draft_close_all(struct llm_draft *draft);
/** Tell a whole block of the response, unless it was told; one that is open ends as `block`. */
void llm_draft_settle(struct llm_draft *draft, uint64_t key, const struct llm_event *block);

/** Id and model of the response, once. */
void llm_draft_answer(struct llm_draft *draft, struct bytes id, struct bytes model);
/** Merge the provider's object and tell what `normalise` makes of all that came so far. */
void llm_draft_usage(struct llm_draft *draft, struct llm_value native,
                     struct llm_usage (*normalise)(struct llm_value native));
void llm_draft_stop(struct llm_draft *draft, struct bytes reason, struct bytes detail);
void llm_draft_error(struct llm_draft *draft, struct bytes type, struct bytes message);
/** An event without a place; `hidden` is a key that is left out (padding), or NULL. */
void llm_draft_native(struct llm_draft *draft, enum llm_side side, struct bytes name,
                      struct llm_value value, const char *hidden);
void llm_draft_native_text(struct llm_draft *draft, enum llm_side side, struct bytes name,
                           struct bytes text);
/** Members that are not in the NULL-terminated list and not null, as one native event if any. */
void llm_draft_rest(struct llm_draft *draft, enum llm_side side, const char *name,
                    struct llm_value object, const char *const *known);
/** Not all of the call is known; the first reason stays. */
void llm_draft_truncate(struct llm_draft *draft, const char *reason);

/** Append the object of the members that are not in the NULL-terminated list. */
bool llm_draft_write_rest(struct llm_value object, const char *const *known, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
