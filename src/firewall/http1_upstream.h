#ifndef FIREWALL_HTTP1_UPSTREAM_H
#define FIREWALL_HTTP1_UPSTREAM_H

#include "firewall/upstream_pool.h"

struct http1_upstream;
struct stream;

/*
 * The upstream side of exchanges over one HTTP/1.1 connection, one after the other.
 *
 *   IDLE -> HEAD -> BODY -> IDLE (given back to the pool) or closed
 *
 * In IDLE the server may not say anything: a byte, or its end, closes the connection, so a
 * response that nobody asked for is never taken for the answer to the next request. Silence in
 * HEAD and BODY is allowed for 15 minutes (a model that thinks).
 */

enum { HTTP1_UPSTREAM_SILENCE_MS = 15 * 60 * 1000 };

/** Over an open stream (owned from now on), idle. The key is copied. */
struct http1_upstream *http1_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                          const struct upstream_key *key, struct stream *stream);
/** Take up an exchange; the side is the exchange's until one of its endings. */
struct exchange_side http1_upstream_start(struct http1_upstream *connection,
                                          struct exchange *exchange);
/** Close an idle connection. The pool is not told. */
void http1_upstream_close(struct http1_upstream *connection);

const struct upstream_key *http1_upstream_key(const struct http1_upstream *connection);

/** Idle, and the server has sent nothing and not closed: it may be started. */
bool http1_upstream_is_ready(const struct http1_upstream *connection);
/** It has served an exchange before the present one. */
bool http1_upstream_is_used(const struct http1_upstream *connection);

#endif
