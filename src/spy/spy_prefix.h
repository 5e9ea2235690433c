#ifndef SPY_SPY_PREFIX_H
#define SPY_SPY_PREFIX_H

#include "llm/llm_event.h"
#include "spy/spy_table.h"

/*
 * Theory of Operation
 *
 * A client sends the whole conversation with each call. What is new in it is what stands behind
 * the longest beginning that was seen before. So each boundary between blocks has a hash over all
 * blocks before it, made from the hash of the boundary before and the block; a block stands in a
 * known beginning as long as the hash behind it is known. System texts, tools and messages are
 * beginnings of their own.
 *
 * The blocks of a response go on from the request's messages, since the client will send them with
 * its next call. What comes back changed is left out of the hashes: reasoning (dropped, or without
 * its text), marks of the cache (they move with each call) and empty texts; and spaces between the
 * words of a tool call's JSON do not count.
 *
 * Hashes begin with the session where the client names one, else with the model.
 */
enum { SPY_PREFIX_SECTIONS = LLM_SECTION_MESSAGES + 1 };

/** How far the beginnings of one call are known. */
struct spy_prefix {
    uint64_t hashes[SPY_PREFIX_SECTIONS]; /* behind the last block */
    bool is_started;
    bool is_new[SPY_PREFIX_SECTIONS]; /* a block came that was not seen before */
};

/** Before the first block of a call. Either text may be empty. */
void spy_prefix_start(struct spy_prefix *prefix, struct bytes session, struct bytes model);

/**
 * A whole block of a request or of a response. `seen` has a number for each known boundary: those
 * that are made known here get `mark`, and `*mark` becomes that of a known one. True when the block
 * is one of a request that stands in a known beginning.
 */
bool spy_prefix_add(struct spy_prefix *prefix, struct spy_table *seen,
                    const struct llm_event *block, uint64_t *mark);

#endif
