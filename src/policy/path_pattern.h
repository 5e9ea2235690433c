#ifndef POLICY_PATH_PATTERN_H
#define POLICY_PATH_PATTERN_H

#include "base/bytes.h"

/**
 * A pattern over request targets.
 *
 *     /v1/messages             that path, with any query
 *     a segment `*`            one segment, not empty
 *     a last segment `**`      the rest of the path, at least one byte
 *     /owner/repo.git?service=git-upload-pack
 *         the repository's fetch service alone: matches
 *         /owner/repo.git/info/refs?service=git-upload-pack and /owner/repo.git/git-upload-pack.
 *         The path before `?` may name the repository or, as it is, one of these two paths.
 *
 * Comparison is byte by byte on what is forwarded; there is no decoding, hence the refusals of
 * path_pattern_check_target.
 */
struct path_pattern {
    struct bytes path;    /* borrowed from the text parsed */
    struct bytes service; /* "git-upload-pack" and so on; empty when none is selected */
    bool is_rest_open;    /* ends with the `**` segment, which `path` does not contain */
};

/** On refusal returns false with a static `*reason`; `*pattern` is untouched. */
bool path_pattern_parse(struct bytes text, struct path_pattern *pattern, const char **reason);

bool path_pattern_matches(const struct path_pattern *pattern, struct bytes target);

enum path_problem {
    PATH_FINE,
    PATH_HAS_ENCODED_SLASH, /* fine but for %2f: legal where the rule says +encoded-slash */
    PATH_AMBIGUOUS          /* servers differ in what they make of it */
};

/**
 * Look for what two servers may read differently in the path of `target` (up to `?`): empty and
 * dot segments, also behind %2f or with `;` parameters, %25 %2e %5c %00, `\`, bytes that are not
 * visible ASCII, incomplete escapes and overlong UTF-8 in escapes.
 */
enum path_problem path_pattern_check_target(struct bytes target);

#endif
