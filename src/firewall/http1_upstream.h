#ifndef FIREWALL_HTTP1_UPSTREAM_H
#define FIREWALL_HTTP1_UPSTREAM_H

#include "firewall/upstream_pool.h"

struct proxy;
struct stream;

/*
 * The upstream side of exchanges over one HTTP/1.1 connection, one after the other.
 *
 *   IDLE -> HEAD -> BODY -> IDLE (idle in the pool) or closed
 *
 * In IDLE the server may not say anything: a byte, or its end, closes the connection, so a
 * response that nobody asked for is never taken for the answer to the next request. Silence in
 * HEAD and BODY is allowed for 15 minutes (a model that thinks).
 */

enum { HTTP1_UPSTREAM_SILENCE_MS = 15 * 60 * 1000 };

/**
 * Over an open stream (owned from now on), with nothing listed yet: the pool gives it its first
 * exchange at once. The key is copied.
 */
struct upstream_connection *http1_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream);

#endif
