#ifndef SPY_SPY_FILTER_H
#define SPY_SPY_FILTER_H

#include "base/error.h"
#include "llm/llm_call.h"
#include "spy/spy_store.h"

/*
 * Which calls are shown: an expression of a user's.
 *
 *   model=claude-* and (out>1k or error) and !tool=bash
 *   ~"permission denied" provider=bedrock
 *
 * FIELD OP VALUE, where OP is one of = != ~ < <= > >=. A value with spaces or parentheses stands in
 * double quotes, in which a backslash takes the next character as it is. `=` compares without case
 * and knows `*`; `~` is "contains". FIELD alone: it has a value that is not 0. `~TEXT`: any text of
 * the call contains it. `!` or `not` before, `and` (or nothing) and `or` between, parentheses.
 * Numbers take k and m (10^3, 10^6); times ms, s, m and h, without a unit seconds.
 */
struct spy_filter;

enum { SPY_FILTER_TEXT_MAX = 4096 };

/** NULL, with what is wrong and where, for what is no expression. */
struct spy_filter *spy_filter_parse(struct bytes text, struct error *error);
void spy_filter_free(struct spy_filter *filter);

/** What a call has to have come to before the question can be asked. */
enum spy_filter_need {
    SPY_FILTER_REQUEST, /* the head of its request is known */
    SPY_FILTER_END,     /* it is over */
    SPY_FILTER_CALL     /* and it has been loaded */
};
enum spy_filter_need spy_filter_needs(const struct spy_filter *filter);

/** `call` may be NULL where it is not needed. */
bool spy_filter_matches(const struct spy_filter *filter, const struct spy_summary *summary,
                        const struct llm_call *call);

#endif
