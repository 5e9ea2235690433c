#ifndef WIRE_AUTHORITY_H
#define WIRE_AUTHORITY_H

#include "base/buffer.h"

/** host[:port] (RFC 3986 section 3.2 without user info): Host, :authority, CONNECT. */
struct authority {
    struct bytes host; /* borrowed, as written; not empty; letters, digits, `-` `_` `.` only */
    uint16_t port;     /* 0 when none is written */
};

/**
 * False for user info, `%`, brackets, an empty host, an empty port, a port with a sign, leading
 * zero or over 65535, and any byte that no host name has. The host is not checked further:
 * compare it with a known name or parse it with host_name_parse.
 */
bool authority_parse(struct bytes text, struct authority *authority);

/**
 * True when `text` names `host` (lower case; letters of `text` may be of either case) and its
 * port is absent or `port`.
 */
bool authority_matches(struct bytes text, struct bytes host, uint16_t port);

/** Append `host`, or `host:port` when the port is not `default_port`. False: no room. */
bool authority_append(struct buffer *out, struct bytes host, uint16_t port, uint16_t default_port);

#endif
