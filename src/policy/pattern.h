#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "policy/host_name.h"

/**
 * A pattern over host names: the only matcher of names in the project.
 *
 *     api.github.com                               that name
 *     *.example.com                                exactly one label more, never the apex
 *     **.example.com                               one label more or several
 *     bedrock-runtime.{aws-region}.amazonaws.com   a label of the form [a-z]{2}(-[a-z]+)+-[0-9]
 *
 * A wildcard stands for whole labels and only at the start; it never matches a label with `_`.
 */
enum pattern_kind {
    PATTERN_EXACT,
    PATTERN_ONE_LABEL,  /* `*.`  */
    PATTERN_ANY_LABELS, /* `**.` */
};

struct pattern {
    enum pattern_kind kind;
    bool has_hole;      /* some label is {aws-region} */
    size_t base_offset; /* where the part after `*.` or `**.` starts in text; 0 when exact */
    size_t length;
    /* canonical: lower case; NUL-terminated. Room for the wildcard and for written holes. */
    char text[HOST_NAME_LENGTH_MAX + 3 + 1];
};

/**
 * Parse a pattern as it stands in a policy file, without its port.
 * On refusal returns false and sets `*reason` to a static text; `*pattern` is untouched.
 */
bool pattern_parse(struct bytes text, struct pattern *pattern, const char **reason);

bool pattern_matches(const struct pattern *pattern, const struct host_name *name);

/** The pattern's text, and the part behind the wildcard. Borrowed from it. */
struct bytes pattern_bytes(const struct pattern *pattern);
struct bytes pattern_base(const struct pattern *pattern);

/** True when the label is an AWS region: [a-z]{2}(-[a-z]+)+-[0-9]. */
bool pattern_is_aws_region(struct bytes label);

#endif
