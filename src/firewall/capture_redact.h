#ifndef FIREWALL_CAPTURE_REDACT_H
#define FIREWALL_CAPTURE_REDACT_H

#include "base/buffer.h"

/*
 * What heads of captured exchanges show in place of secrets, "[redacted]". Runs in the proxy, so a
 * secret of a head never reaches another process. Pure.
 *
 *   fields    credentials, cookies, and ids of accounts and organisations lose their whole value
 *   values    of any field: what follows `Bearer` or `Basic`, the value of a `key=value` whose key
 *             names a secret by its end, what has the form of a known kind of key, behind other
 *             letters too, as in a subprotocol of a WebSocket; all of a value that has `signature=`
 *             or `credential=`
 *   targets   the same in path and query
 *
 * Bodies are content, and not redacted here (llm/llm_secret.h). Logins and tokens are not captured
 * at all (policy/provider_file.h).
 */

#define CAPTURE_REDACTED "[redacted]"

/** The whole value of a field of this name (lower case) is secret. */
bool capture_redact_is_secret_name(struct bytes name);

/** Append the value of the field as it may be shown. False when `out` lacks room. */
bool capture_redact_value(struct bytes name, struct bytes value, struct buffer *out)
    __attribute__((warn_unused_result));

/** Append path and query as they may be shown. False when `out` lacks room. */
bool capture_redact_target(struct bytes target, struct buffer *out)
    __attribute__((warn_unused_result));

#endif
