#ifndef POLICY_HOST_NAME_H
#define POLICY_HOST_NAME_H

#include "base/bytes.h"

enum { HOST_NAME_LENGTH_MAX = 253, HOST_NAME_LABEL_MAX = 63 };

/**
 * A host name in the one form that decisions are made on. Only host_name_parse makes it: lower
 * case, labels of letters, digits and hyphens (and `_`, see below) joined by dots, no dot at the
 * end, never anything that a resolver could read as an address.
 */
struct host_name {
    uint8_t length;                      /* 1..253 */
    bool has_underscore;                 /* only a rule that writes the `_` out matches it */
    char text[HOST_NAME_LENGTH_MAX + 1]; /* NUL-terminated */
};

enum host_name_problem {
    HOST_NAME_FINE,
    HOST_NAME_EMPTY,
    HOST_NAME_TOO_LONG,
    HOST_NAME_BAD_BYTE,    /* anything but letters, digits, `-`, `_`, `.`: NUL, `%`, `*`, 0x80.. */
    HOST_NAME_EMPTY_LABEL, /* two dots in a row, a dot at either end */
    HOST_NAME_LONG_LABEL,
    HOST_NAME_HYPHEN,    /* a label starts or ends with a hyphen */
    HOST_NAME_ADDRESS,   /* the last label is a number, decimal or 0x hexadecimal */
    HOST_NAME_BAD_ALABEL /* `xn--` that is no Punycode (RFC 3492) */
};

/**
 * Make the canonical form of `text` (RFC 1123 section 2.1, RFC 5890: A-labels only).
 * A trailing dot is refused: it is legal in DNS messages only, where the reader drops it.
 * Returns HOST_NAME_FINE, or why not, with `*name` untouched.
 */
enum host_name_problem host_name_parse(struct bytes text, struct host_name *name);

/** The reason as a clause: "the name is empty". */
const char *host_name_problem_text(enum host_name_problem problem);

/** The name's bytes, borrowed from it. */
struct bytes host_name_bytes(const struct host_name *name);

bool host_name_equal(const struct host_name *a, const struct host_name *b);

#endif
