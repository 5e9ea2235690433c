#ifndef HOST_POLICY_EDIT_H
#define HOST_POLICY_EDIT_H

#include "base/buffer.h"

/**
 * Edits of an allowlist that leave every other line, comments and blank ones included, as it is.
 * Pure; rules are compared by their words, without comments, hosts without case.
 */

/**
 * Append `text` with a line for `rule` at its end. `*is_changed` is false when the rule is there
 * already. False when `out` lacks room.
 */
bool policy_edit_add(struct bytes text, struct bytes rule, struct buffer *out, bool *is_changed);

/**
 * Append `text` without the lines of `rule`: those that say exactly that, or, when the rule is one
 * word, all whose host it is. `*is_changed` is false when there is none.
 */
bool policy_edit_remove(struct bytes text, struct bytes rule, struct buffer *out, bool *is_changed);

#endif
