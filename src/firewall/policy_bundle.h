#ifndef FIREWALL_POLICY_BUNDLE_H
#define FIREWALL_POLICY_BUNDLE_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/reader.h"
#include "policy/policy.h"

/*
 * All files of a policy folder in one run of bytes, as they travel from the supervisor to the
 * proxy: entries of (u16 length, name, u32 length, text). The first POLICY_KIND_COUNT entries are
 * the three lists, named as their kinds; the others are groups by their bare names.
 */

enum { POLICY_BUNDLE_BYTES_MAX = 64 * 1024 * 1024, POLICY_BUNDLE_GROUPS_MAX = 256 };

/** False when `out` has no room. */
bool policy_bundle_append(struct buffer *out, struct bytes name, struct bytes text)
    __attribute__((warn_unused_result));

/** The next entry, borrowed from the bundle; false at its end or where it is broken. */
bool policy_bundle_next(struct reader *reader, struct bytes *name, struct bytes *text);

/** Compile; the error is `FILE:LINE: reason`. */
bool policy_bundle_compile(struct bytes bundle, struct policy **policy, struct error *error);

/** A group's name as it may stand in a file name: letters, digits, `-`, `_`, at most 64. */
bool policy_bundle_is_group_name(struct bytes name);

#endif
