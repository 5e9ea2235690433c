#ifndef POLICY_RULE_LINE_H
#define POLICY_RULE_LINE_H

#include "base/buffer.h"
#include "policy/path_pattern.h"
#include "policy/pattern.h"
#include "policy/policy.h"

/** One line of a policy file, taken apart. */
struct rule_line {
    enum policy_kind kind;
    struct pattern pattern;
    uint16_t port;                            /* 0 for dns */
    struct bytes methods[POLICY_METHODS_MAX]; /* borrowed from the line */
    size_t method_count;
    struct bytes path; /* borrowed from the line; empty when none is written */
    unsigned flags;    /* of enum policy_flag */
};

enum { RULE_LINE_TOKENS_MAX = 8 };

/** The tokens of a line up to its comment; false when there are more than fit. */
bool rule_line_split(struct bytes line, struct bytes tokens[RULE_LINE_TOKENS_MAX], size_t *count);

/**
 * Make a rule of a line's tokens (at least one). On refusal returns false with one line of
 * `reason`; `*rule` is untouched.
 */
bool rule_line_parse(enum policy_kind kind, const struct bytes *tokens, size_t count,
                     struct rule_line *rule, char *reason, size_t reason_size);

/** Append the canonical text: default port left out, flags in fixed order. False: no room. */
bool rule_line_write(const struct rule_line *rule, struct buffer *out);

#endif
