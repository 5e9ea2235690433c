#ifndef FIREWALL_UPSTREAM_POOL_H
#define FIREWALL_UPSTREAM_POOL_H

#include "firewall/exchange.h"

struct http1_upstream;
struct proxy;
struct upstream_claim;
struct upstream_pool;

/*
 * Connections to servers, kept for the next request. A connection belongs to one (name, port,
 * protocol, policy epoch): after a reload of the policy none of the old ones is used again, so
 * nothing that a removed rule allowed lives on in them. Idle ones are kept for 60 s, at most 8 a
 * name and 128 in all, the most recently used first. At PROXY_UPSTREAM_CONNECTION_LIMIT the
 * oldest idle one gives way; where all are busy, claims wait.
 */

enum {
    UPSTREAM_POOL_IDLE_MS = 60 * 1000,
    UPSTREAM_POOL_IDLE_PER_NAME = 8,
    UPSTREAM_POOL_IDLE_MAX = 128,
    UPSTREAM_POOL_WAIT_MS = 30 * 1000, /* for a place at the limit */
};

/** Whose connection. The name is copied. */
struct upstream_key {
    struct host_name name;
    uint16_t port;
    bool is_private_allowed;
    uint64_t epoch;
};

/**
 * The claim's result: a side that now belongs to the claimer's exchange, or a failure with one
 * line of detail (borrowed). `is_reused`: the connection has served a request before.
 */
typedef void upstream_claimed_fn(void *owner, struct exchange_side side, bool is_reused,
                                 enum exchange_failure failure, const char *detail);

struct upstream_pool *upstream_pool_new(struct proxy *proxy);

/**
 * Claim a connection for `exchange`; `is_fresh` asks for one that has served nothing yet.
 * Returns NULL when `on_claimed` was called already (with an idle connection; failures always
 * come from the loop), else a claim that may be cancelled until it is.
 */
struct upstream_claim *upstream_pool_claim(struct upstream_pool *pool,
                                           const struct upstream_key *key,
                                           struct exchange *exchange, bool is_fresh,
                                           upstream_claimed_fn *on_claimed, void *owner);
void upstream_claim_cancel(struct upstream_claim *claim);

/** Close every idle connection: the policy has changed. */
void upstream_pool_clear(struct upstream_pool *pool);

/* From connections. */
/** It has finished its exchange and can serve another one. */
void upstream_pool_give_back(struct upstream_pool *pool, struct http1_upstream *connection);
/** It is closed; it was idle in the pool or busy. */
void upstream_pool_forget(struct upstream_pool *pool, struct http1_upstream *connection);

#endif
