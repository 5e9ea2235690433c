#ifndef WIRE_SSH_BANNER_H
#define WIRE_SSH_BANNER_H

#include "base/bytes.h"
#include "wire/parse_status.h"

/** The identification line of RFC 4253 section 4.2, with which both sides must begin. */
enum { SSH_BANNER_BYTES_MAX = 255 }; /* with CR LF */

/**
 * PARSE_OK when `received` starts with `SSH-2.0-...` or `SSH-1.99-...`, printable ASCII, ended by
 * CR LF (or LF) within 255 bytes; `*banner` is then the line without its end and
 * `*banner_bytes` its length with it. PARSE_BAD with the first byte that cannot be part of one:
 * lines before the identification, which servers may send by the RFC, are refused.
 */
enum parse_status ssh_banner_parse(struct bytes received, struct bytes *banner,
                                   size_t *banner_bytes);

#endif
