#ifndef FIREWALL_UPSTREAM_POOL_H
#define FIREWALL_UPSTREAM_POOL_H

#include "firewall/exchange.h"
#include "firewall/upstream_connection.h"

struct proxy;
struct upstream_claim;
struct upstream_pool;

/*
 * Theory of Operation
 *
 * Connections to servers, kept for the next request. A connection belongs to one (name, port,
 * +private, policy epoch) and is never used for another, whatever its certificate would cover:
 * after a reload of the policy no old one takes a new exchange, so nothing that a removed rule
 * allowed lives on in them. Exchanges that are still allowed end on the old ones.
 *
 * A claim goes the first of these ways that is open, and is looked at again when something
 * changes:
 *
 *   a connection with room    HTTP/1.1: an idle one; HTTP/2: one with a free stream
 *   a dial under way          that may end in HTTP/2: one connection will do for all of them
 *   a connection not settled  HTTP/2 before the server's SETTINGS: how many fit is not known yet
 *   a dial of its own         while there is a place below PROXY_UPSTREAM_CONNECTION_LIMIT; the
 *                             idle connection that was not used for longest gives way
 *   a connection that is full HTTP/2: waits for a stream
 *   the queue                 waits for a place
 *
 * What is offered to the server: an agent that speaks HTTP/1.1 gets HTTP/1.1 and, only where the
 * server refuses that, HTTP/2; one that speaks HTTP/2 offers both. A WebSocket, and a
 * request that its server wants over HTTP/1.1, get that or nothing. What a name turned out to speak
 * is remembered (protocol_memory.h).
 *
 * A place is held from the start of a dial until the socket is closed: by connections, by tunnels
 * whose stream was taken, and by streams that linger.
 */

enum {
    UPSTREAM_POOL_IDLE_MS = 60 * 1000,
    UPSTREAM_POOL_IDLE_MAX = 192,      /* all names together: the one not used for longest goes */
    UPSTREAM_POOL_WAIT_MS = 30 * 1000, /* for a place at the limit, or a stream */
};

struct upstream_claim_request {
    struct upstream_key key;     /* copied */
    struct exchange *exchange;   /* borrowed until the claim is over */
    enum http_protocol protocol; /* that the agent speaks */
    bool is_http1_only;          /* a WebSocket, or the server asked for it */
    bool is_fresh;               /* no connection that was there before */
};

/**
 * The claim's result: a side that now belongs to the claimer's exchange, or a failure with one
 * line of detail (borrowed). `is_reused`: the connection has served a request before.
 */
typedef void upstream_claimed_fn(void *owner, struct exchange_side side, bool is_reused,
                                 enum exchange_failure failure, const char *detail);

struct upstream_pool *upstream_pool_new(struct proxy *proxy);
/** Every claim must be over and every connection closed; the loop releases the memory. */
void upstream_pool_free(struct upstream_pool *pool);

/**
 * Claim a connection for an exchange. Returns NULL when `on_claimed` was called already (with a
 * connection that had room; failures always come from the loop), else a claim that may be
 * cancelled until it is.
 */
struct upstream_claim *upstream_pool_claim(struct upstream_pool *pool,
                                           const struct upstream_claim_request *request,
                                           upstream_claimed_fn *on_claimed, void *owner);
void upstream_claim_cancel(struct upstream_claim *claim);

/**
 * The policy was replaced: connections are retired. Claims stay, for the new epoch: whoever made
 * them looks at the policy again and cancels those that are not allowed any more.
 */
void upstream_pool_policy_changed(struct upstream_pool *pool);

/* From connections. The connection may be closed inside: the last call of a turn. */
/** An exchange has ended, or how many it can take has changed. */
void upstream_pool_changed(struct upstream_connection *connection);
/** It takes up no more exchanges, or is closed. */
void upstream_pool_forget(struct upstream_connection *connection);

#endif
