#include "firewall/upstream_pool.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/dialer.h"
#include "firewall/http1_upstream.h"
#include "firewall/proxy.h"
#include "system/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uv.h>

struct upstream_claim {
    TAILQ_ENTRY(upstream_claim) link; /* while it waits for a place */
    struct upstream_pool *pool;       /* borrowed */
    struct upstream_key key;
    struct exchange *exchange; /* borrowed */
    struct dial *dial;         /* owned; NULL while it waits */
    uint64_t since_ms;
    upstream_claimed_fn *on_claimed;
    void *owner; /* borrowed */
};

struct upstream_pool {
    struct proxy *proxy; /* borrowed */
    size_t open_count;   /* connections, idle or busy, and dials */
    TAILQ_HEAD(, upstream_claim) waiting;
    uv_timer_t timer; /* runs while claims wait */
    size_t idle_count;
    struct http1_upstream *idle[UPSTREAM_POOL_IDLE_MAX]; /* owned; least recently used first */
};

static void serve_waiting(struct upstream_pool *pool);

struct upstream_pool *upstream_pool_new(struct proxy *proxy)
{
    struct upstream_pool *pool = memory_new(sizeof(*pool));
    pool->proxy = proxy;
    TAILQ_INIT(&pool->waiting);
    CHECK(uv_timer_init(proxy->loop, &pool->timer) == 0);
    pool->timer.data = pool;
    return pool;
}

static bool key_equal(const struct upstream_key *a, const struct upstream_key *b)
{
    return a->port == b->port && a->epoch == b->epoch &&
           a->is_private_allowed == b->is_private_allowed && host_name_equal(&a->name, &b->name);
}

/* --- idle connections ----------------------------------------------------------------------- */

static void remove_idle(struct upstream_pool *pool, size_t index)
{
    pool->idle_count--;
    memmove(&pool->idle[index], &pool->idle[index + 1],
            (pool->idle_count - index) * sizeof(pool->idle[0]));
}

static void close_idle(struct upstream_pool *pool, size_t index)
{
    struct http1_upstream *connection = pool->idle[index];
    remove_idle(pool, index);
    pool->open_count--;
    http1_upstream_close(connection);
}

static struct http1_upstream *take_idle(struct upstream_pool *pool, const struct upstream_key *key)
{
    for (size_t i = pool->idle_count; i > 0; i--) {
        struct http1_upstream *connection = pool->idle[i - 1];
        /* One that has something to read is about to be closed by its own event. */
        if (key_equal(http1_upstream_key(connection), key) && http1_upstream_is_ready(connection)) {
            remove_idle(pool, i - 1);
            return connection;
        }
    }
    return NULL;
}

void upstream_pool_give_back(struct upstream_pool *pool, struct http1_upstream *connection)
{
    const struct upstream_key *key = http1_upstream_key(connection);
    size_t same_count = 0;
    size_t oldest_same = 0;
    for (size_t i = pool->idle_count; i > 0; i--)
        if (key_equal(http1_upstream_key(pool->idle[i - 1]), key)) {
            same_count++;
            oldest_same = i - 1;
        }
    if (same_count == UPSTREAM_POOL_IDLE_PER_NAME)
        close_idle(pool, oldest_same);
    else if (pool->idle_count == UPSTREAM_POOL_IDLE_MAX)
        close_idle(pool, 0);
    pool->idle[pool->idle_count++] = connection;
    bool is_stale = key->epoch != pool->proxy->policy_epoch;
    if (is_stale || !TAILQ_EMPTY(&pool->waiting))
        close_idle(pool, pool->idle_count - 1);
    serve_waiting(pool);
}

void upstream_pool_forget(struct upstream_pool *pool, struct http1_upstream *connection)
{
    for (size_t i = 0; i < pool->idle_count; i++)
        if (pool->idle[i] == connection) {
            remove_idle(pool, i);
            break;
        }
    pool->open_count--;
    serve_waiting(pool);
}

void upstream_pool_clear(struct upstream_pool *pool)
{
    while (pool->idle_count > 0)
        close_idle(pool, pool->idle_count - 1);
}

/* --- claims --------------------------------------------------------------------------------- */

static enum exchange_failure failure_of(enum dial_outcome outcome)
{
    switch (outcome) {
    case DIAL_NAME_UNKNOWN:
    case DIAL_NAME_UNRESOLVED:
        return EXCHANGE_UPSTREAM_NAME;
    case DIAL_ADDRESS_FORBIDDEN:
        return EXCHANGE_UPSTREAM_ADDRESS;
    case DIAL_REFUSED:
        return EXCHANGE_UPSTREAM_REFUSED;
    case DIAL_TIMED_OUT:
        return EXCHANGE_UPSTREAM_TIMEOUT;
    case DIAL_HANDSHAKE_FAILED:
    case DIAL_CERTIFICATE_INVALID:
        return EXCHANGE_UPSTREAM_TLS;
    case DIAL_CONNECTED:
        break;
    }
    return EXCHANGE_INTERNAL;
}

/* The claim is over: tell its owner and let go of it. */
static void settle(struct upstream_claim *claim, struct exchange_side side, bool is_reused,
                   enum exchange_failure failure, const char *detail)
{
    struct upstream_claim done = *claim;
    free(claim);
    done.on_claimed(done.owner, side, is_reused, failure, detail);
}

static void on_dialled(void *owner, enum dial_outcome outcome, struct stream *stream,
                       const char *detail)
{
    struct upstream_claim *claim = owner;
    struct upstream_pool *pool = claim->pool;
    struct exchange_side none = {NULL, NULL};
    claim->dial = NULL;
    if (outcome != DIAL_CONNECTED) {
        pool->open_count--;
        settle(claim, none, false, failure_of(outcome), detail);
        serve_waiting(pool);
        return;
    }
    struct http1_upstream *connection = http1_upstream_new(pool, pool->proxy, &claim->key, stream);
    settle(claim, http1_upstream_start(connection, claim->exchange), false, EXCHANGE_INTERNAL, "");
}

static void start_dial(struct upstream_claim *claim)
{
    struct dial_request request = {
        .name = host_name_bytes(&claim->key.name),
        .port = claim->key.port,
        .security = DIAL_TLS,
        .is_private_allowed = claim->key.is_private_allowed,
    };
    claim->pool->open_count++;
    claim->dial = dial_start(claim->pool->proxy->dialer, &request, on_dialled, claim);
}

static bool has_place(struct upstream_pool *pool)
{
    if (pool->open_count >= PROXY_UPSTREAM_CONNECTION_LIMIT && pool->idle_count > 0)
        close_idle(pool, 0);
    return pool->open_count < PROXY_UPSTREAM_CONNECTION_LIMIT;
}

static void serve_waiting(struct upstream_pool *pool)
{
    struct upstream_claim *claim;
    while ((claim = TAILQ_FIRST(&pool->waiting)) != NULL && has_place(pool)) {
        TAILQ_REMOVE(&pool->waiting, claim, link);
        start_dial(claim);
    }
    if (TAILQ_EMPTY(&pool->waiting))
        uv_timer_stop(&pool->timer);
}

static void on_tick(uv_timer_t *timer)
{
    struct upstream_pool *pool = timer->data;
    struct exchange_side none = {NULL, NULL};
    struct upstream_claim *claim;
    while ((claim = TAILQ_FIRST(&pool->waiting)) != NULL &&
           uv_now(timer->loop) - claim->since_ms >= UPSTREAM_POOL_WAIT_MS) {
        TAILQ_REMOVE(&pool->waiting, claim, link);
        settle(claim, none, false, EXCHANGE_UPSTREAM_BUSY, "");
    }
    serve_waiting(pool);
}

struct upstream_claim *upstream_pool_claim(struct upstream_pool *pool,
                                           const struct upstream_key *key,
                                           struct exchange *exchange, bool is_fresh,
                                           upstream_claimed_fn *on_claimed, void *owner)
{
    struct http1_upstream *connection = is_fresh ? NULL : take_idle(pool, key);
    if (connection) {
        struct exchange_side side = http1_upstream_start(connection, exchange);
        on_claimed(owner, side, http1_upstream_is_used(connection), EXCHANGE_INTERNAL, "");
        return NULL;
    }
    struct upstream_claim *claim = memory_new(sizeof(*claim));
    claim->pool = pool;
    claim->key = *key;
    claim->exchange = exchange;
    claim->on_claimed = on_claimed;
    claim->owner = owner;
    claim->since_ms = uv_now(pool->proxy->loop);
    if (has_place(pool)) {
        start_dial(claim);
        return claim;
    }
    TAILQ_INSERT_TAIL(&pool->waiting, claim, link);
    if (!uv_is_active((uv_handle_t *)&pool->timer))
        uv_timer_start(&pool->timer, on_tick, 1000, 1000);
    return claim;
}

void upstream_claim_cancel(struct upstream_claim *claim)
{
    struct upstream_pool *pool = claim->pool;
    if (claim->dial) {
        dial_cancel(claim->dial);
        pool->open_count--;
    } else {
        TAILQ_REMOVE(&pool->waiting, claim, link);
    }
    free(claim);
    serve_waiting(pool);
}
