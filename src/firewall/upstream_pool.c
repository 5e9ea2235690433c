#include "firewall/upstream_pool.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/dialer.h"
#include "firewall/http1_upstream.h"
#include "firewall/http2_upstream.h"
#include "firewall/protocol_memory.h"
#include "firewall/proxy.h"
#include "system/stream.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <uv.h>

enum {
    POOL_BUCKETS = 64,
    POOL_TICK_MS = 1000, /* how exactly a wait is measured */
};

/* One dial, for one claim or, when it may end in HTTP/2, for all that want the same. */
struct pool_dial {
    TAILQ_ENTRY(pool_dial) link;
    struct upstream_pool *pool; /* borrowed */
    struct upstream_key key;
    enum dial_security security;
    struct dial *dial; /* owned; NULL when it has ended */
    struct upstream_claim_list claims;
};

enum claim_state {
    CLAIM_NEW,
    CLAIM_DIALLING,
    CLAIM_FOLLOWING,
    CLAIM_QUEUED,
};

struct upstream_claim {
    TAILQ_ENTRY(upstream_claim) link;         /* in the list of its state */
    TAILQ_ENTRY(upstream_claim) waiting_link; /* following and queued */
    struct upstream_pool *pool;               /* borrowed */
    struct upstream_claim_request request;
    enum claim_state state;
    struct pool_dial *dial;               /* borrowed; dialling */
    struct upstream_connection *followed; /* borrowed; following */
    uint64_t since_ms;
    upstream_claimed_fn *on_claimed;
    void *owner; /* borrowed */
};

struct upstream_pool {
    struct proxy *proxy;                                     /* borrowed */
    size_t open_count;                                       /* places taken */
    struct protocol_memory *protocols;                       /* owned */
    TAILQ_HEAD(, upstream_connection) buckets[POOL_BUCKETS]; /* those that are listed */
    TAILQ_HEAD(, upstream_connection) idle;                  /* last used at the end */
    TAILQ_HEAD(followed_list, upstream_connection) followed; /* with followers */
    TAILQ_HEAD(, pool_dial) dials;
    TAILQ_HEAD(waiting_list, upstream_claim) waiting;
    struct upstream_claim_list queue;
    size_t idle_count;
    uv_timer_t tick;  /* runs while claims wait */
    uv_timer_t serve; /* something has changed for those that wait */
};

static void on_serve(uv_timer_t *timer);
static void on_tick(uv_timer_t *timer);

struct upstream_pool *upstream_pool_new(struct proxy *proxy)
{
    struct upstream_pool *pool = memory_new(sizeof(*pool));
    pool->proxy = proxy;
    pool->protocols = protocol_memory_new();
    for (size_t i = 0; i < POOL_BUCKETS; i++)
        TAILQ_INIT(&pool->buckets[i]);
    TAILQ_INIT(&pool->idle);
    TAILQ_INIT(&pool->followed);
    TAILQ_INIT(&pool->dials);
    TAILQ_INIT(&pool->waiting);
    TAILQ_INIT(&pool->queue);
    CHECK(uv_timer_init(proxy->loop, &pool->tick) == 0);
    CHECK(uv_timer_init(proxy->loop, &pool->serve) == 0);
    pool->tick.data = pool;
    pool->serve.data = pool;
    return pool;
}

static void on_serve_closed(uv_handle_t *handle)
{
    struct upstream_pool *pool = handle->data;
    protocol_memory_free(pool->protocols);
    free(pool);
}

static void on_tick_closed(uv_handle_t *handle)
{
    struct upstream_pool *pool = handle->data;
    uv_close((uv_handle_t *)&pool->serve, on_serve_closed);
}

void upstream_pool_free(struct upstream_pool *pool)
{
    uv_close((uv_handle_t *)&pool->tick, on_tick_closed);
}

bool upstream_key_equal(const struct upstream_key *a, const struct upstream_key *b)
{
    return a->port == b->port && a->epoch == b->epoch &&
           a->is_private_allowed == b->is_private_allowed && host_name_equal(&a->name, &b->name);
}

static size_t bucket_of(const struct upstream_key *key)
{
    return (bytes_hash(host_name_bytes(&key->name)) + key->port) % POOL_BUCKETS;
}

static enum protocol_knowledge knowledge_of(const struct upstream_pool *pool,
                                            const struct upstream_key *key)
{
    return protocol_memory_find(pool->protocols, &key->name, key->port, uv_now(pool->proxy->loop));
}

/* Those that wait are served from the loop: never inside another connection's turn. */
static void serve_soon(struct upstream_pool *pool)
{
    bool is_awaited = !TAILQ_EMPTY(&pool->queue) || !TAILQ_EMPTY(&pool->followed);
    if (is_awaited && !uv_is_active((uv_handle_t *)&pool->serve))
        uv_timer_start(&pool->serve, on_serve, 0, 0);
}

/* --- what claims wait for ------------------------------------------------------------------- */

static void begin_waiting(struct upstream_claim *claim)
{
    struct upstream_pool *pool = claim->pool;
    TAILQ_INSERT_TAIL(&pool->waiting, claim, waiting_link);
    if (!uv_is_active((uv_handle_t *)&pool->tick))
        uv_timer_start(&pool->tick, on_tick, POOL_TICK_MS, POOL_TICK_MS);
}

static void follow(struct upstream_claim *claim, struct upstream_connection *connection)
{
    struct upstream_pool *pool = claim->pool;
    if (TAILQ_EMPTY(&connection->followers))
        TAILQ_INSERT_TAIL(&pool->followed, connection, followed_link);
    TAILQ_INSERT_TAIL(&connection->followers, claim, link);
    claim->state = CLAIM_FOLLOWING;
    claim->followed = connection;
    begin_waiting(claim);
}

static void enqueue(struct upstream_claim *claim)
{
    TAILQ_INSERT_TAIL(&claim->pool->queue, claim, link);
    claim->state = CLAIM_QUEUED;
    begin_waiting(claim);
}

static void end_dial(struct pool_dial *dial)
{
    dial_cancel(dial->dial);
    dial->pool->open_count--;
    TAILQ_REMOVE(&dial->pool->dials, dial, link);
    free(dial);
}

/* Out of every list. The last claim of a dial takes the dial along. */
static void unlink_claim(struct upstream_claim *claim)
{
    struct upstream_pool *pool = claim->pool;
    switch (claim->state) {
    case CLAIM_NEW:
        return;
    case CLAIM_DIALLING:
        TAILQ_REMOVE(&claim->dial->claims, claim, link);
        if (claim->dial->dial && TAILQ_EMPTY(&claim->dial->claims)) {
            end_dial(claim->dial);
            serve_soon(pool);
        }
        break;
    case CLAIM_FOLLOWING:
        TAILQ_REMOVE(&claim->followed->followers, claim, link);
        if (TAILQ_EMPTY(&claim->followed->followers))
            TAILQ_REMOVE(&pool->followed, claim->followed, followed_link);
        TAILQ_REMOVE(&pool->waiting, claim, waiting_link);
        break;
    case CLAIM_QUEUED:
        TAILQ_REMOVE(&pool->queue, claim, link);
        TAILQ_REMOVE(&pool->waiting, claim, waiting_link);
        break;
    }
    claim->state = CLAIM_NEW;
    if (TAILQ_EMPTY(&pool->waiting))
        uv_timer_stop(&pool->tick);
}

/* The claim is over: tell its owner and let go of it. */
static void settle(struct upstream_claim *claim, struct exchange_side side, bool is_reused,
                   enum exchange_failure failure, const char *detail)
{
    unlink_claim(claim);
    struct upstream_claim done = *claim;
    free(claim);
    done.on_claimed(done.owner, side, is_reused, failure, detail);
}

static void settle_failed(struct upstream_claim *claim, enum exchange_failure failure,
                          const char *detail)
{
    struct exchange_side none = {NULL, NULL};
    settle(claim, none, false, failure, detail);
}

/* --- connections ---------------------------------------------------------------------------- */

/* Give its followers another way. */
static void turn_away_followers(struct upstream_connection *connection)
{
    struct upstream_claim *claim;
    while ((claim = TAILQ_FIRST(&connection->followers)) != NULL) {
        unlink_claim(claim);
        enqueue(claim);
    }
}

static void unlist(struct upstream_connection *connection)
{
    struct upstream_pool *pool = connection->pool;
    if (connection->listing == UPSTREAM_UNLISTED)
        return;
    TAILQ_REMOVE(&pool->buckets[connection->bucket], connection, bucket_link);
    if (connection->listing == UPSTREAM_IDLE) {
        TAILQ_REMOVE(&pool->idle, connection, idle_link);
        pool->idle_count--;
    }
    connection->listing = UPSTREAM_UNLISTED;
}

/* At the front of its bucket: what was used last is used next. */
static void list(struct upstream_connection *connection, enum upstream_listing listing)
{
    struct upstream_pool *pool = connection->pool;
    unlist(connection);
    connection->bucket = bucket_of(&connection->key);
    TAILQ_INSERT_HEAD(&pool->buckets[connection->bucket], connection, bucket_link);
    if (listing == UPSTREAM_IDLE) {
        TAILQ_INSERT_TAIL(&pool->idle, connection, idle_link);
        pool->idle_count++;
    }
    connection->listing = listing;
}

static void retire(struct upstream_connection *connection)
{
    turn_away_followers(connection);
    unlist(connection);
    connection->operations->retire(connection);
}

void upstream_pool_forget(struct upstream_connection *connection)
{
    turn_away_followers(connection);
    unlist(connection);
    serve_soon(connection->pool);
}

void upstream_pool_changed(struct upstream_connection *connection)
{
    struct upstream_pool *pool = connection->pool;
    if (connection->key.epoch != pool->proxy->policy_epoch) {
        retire(connection);
        return;
    }
    if (connection->running > 0) {
        list(connection, UPSTREAM_SHARED);
    } else {
        bool is_new = connection->listing != UPSTREAM_IDLE;
        if (is_new && pool->idle_count >= UPSTREAM_POOL_IDLE_MAX)
            retire(TAILQ_FIRST(&pool->idle));
        list(connection, UPSTREAM_IDLE);
    }
    serve_soon(pool);
}

static struct exchange_side start_exchange(struct upstream_connection *connection,
                                           struct exchange *exchange)
{
    struct exchange_side side = connection->operations->start(connection, exchange);
    if (connection->protocol == HTTP_PROTOCOL_1)
        unlist(connection);
    else
        list(connection, UPSTREAM_SHARED);
    return side;
}

static void give(struct upstream_claim *claim, struct upstream_connection *connection)
{
    struct exchange_side side = start_exchange(connection, claim->request.exchange);
    settle(claim, side, connection->served_count > 1, EXCHANGE_INTERNAL, "");
}

static bool fits(const struct upstream_connection *connection,
                 const struct upstream_claim_request *request, enum protocol_knowledge knowledge)
{
    if (connection->protocol == request->protocol || request->is_http1_only)
        return connection->protocol ==
               (request->is_http1_only ? HTTP_PROTOCOL_1 : request->protocol);
    return knowledge ==
           (connection->protocol == HTTP_PROTOCOL_1 ? PROTOCOL_ONLY_1 : PROTOCOL_ONLY_2);
}

/* --- dials ---------------------------------------------------------------------------------- */

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

static enum dial_security security_of(const struct upstream_claim_request *request,
                                      enum protocol_knowledge knowledge)
{
    if (request->is_http1_only)
        return DIAL_TLS_HTTP_1;
    if (request->protocol == HTTP_PROTOCOL_2 || knowledge == PROTOCOL_ONLY_2)
        return DIAL_TLS_HTTP_2;
    return DIAL_TLS_HTTP_1_FIRST;
}

static void on_stream_closed(void *owner)
{
    struct upstream_pool *pool = owner;
    pool->open_count--;
    serve_soon(pool);
}

static void note_protocol(const struct pool_dial *dial, enum http_protocol protocol)
{
    struct upstream_pool *pool = dial->pool;
    enum protocol_knowledge before = knowledge_of(pool, &dial->key);
    enum protocol_knowledge now = before;
    if (dial->security == DIAL_TLS_HTTP_1_FIRST && protocol == HTTP_PROTOCOL_2)
        now = PROTOCOL_ONLY_2;
    else if (dial->security == DIAL_TLS_HTTP_2 && protocol == HTTP_PROTOCOL_1)
        now = PROTOCOL_ONLY_1;
    else if (protocol == HTTP_PROTOCOL_2 && before == PROTOCOL_ONLY_1)
        now = PROTOCOL_UNKNOWN;
    if (now != before || now != PROTOCOL_UNKNOWN)
        protocol_memory_note(pool->protocols, &dial->key.name, dial->key.port, now,
                             uv_now(pool->proxy->loop));
}

static struct upstream_connection *connection_of(struct pool_dial *dial, struct stream *stream)
{
    struct upstream_pool *pool = dial->pool;
    stream_on_closed(stream, on_stream_closed, pool);
    enum http_protocol protocol = dial_is_http2(stream) ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1;
    note_protocol(dial, protocol);
    return protocol == HTTP_PROTOCOL_2 ? http2_upstream_new(pool, pool->proxy, &dial->key, stream)
                                       : http1_upstream_new(pool, pool->proxy, &dial->key, stream);
}

static void on_dialled(void *owner, enum dial_outcome outcome, struct stream *stream,
                       const char *detail)
{
    struct pool_dial *dial = owner;
    struct upstream_pool *pool = dial->pool;
    struct upstream_claim *claim;
    dial->dial = NULL;
    TAILQ_REMOVE(&pool->dials, dial, link);
    if (outcome != DIAL_CONNECTED) {
        pool->open_count--;
        while ((claim = TAILQ_FIRST(&dial->claims)) != NULL)
            settle_failed(claim, failure_of(outcome), detail);
        free(dial);
        serve_soon(pool);
        return;
    }
    struct upstream_connection *connection = connection_of(dial, stream);
    struct upstream_claim *first = TAILQ_FIRST(&dial->claims);
    while ((claim = TAILQ_NEXT(first, link)) != NULL) {
        unlink_claim(claim);
        if (connection->protocol == HTTP_PROTOCOL_2)
            follow(claim, connection);
        else
            enqueue(claim);
    }
    unlink_claim(first);
    free(dial);
    give(first, connection);
    serve_soon(pool);
}

static void join(struct upstream_claim *claim, struct pool_dial *dial)
{
    TAILQ_INSERT_TAIL(&dial->claims, claim, link);
    claim->state = CLAIM_DIALLING;
    claim->dial = dial;
}

static void start_dial(struct upstream_claim *claim, enum dial_security security)
{
    struct upstream_pool *pool = claim->pool;
    struct pool_dial *dial = memory_new(sizeof(*dial));
    dial->pool = pool;
    dial->key = claim->request.key;
    dial->security = security;
    TAILQ_INIT(&dial->claims);
    TAILQ_INSERT_TAIL(&pool->dials, dial, link);
    struct dial_request request = {
        .name = host_name_bytes(&dial->key.name),
        .port = dial->key.port,
        .security = security,
        .is_private_allowed = dial->key.is_private_allowed,
    };
    pool->open_count++;
    dial->dial = dial_start(pool->proxy->dialer, &request, on_dialled, dial);
    join(claim, dial);
}

/* --- claims --------------------------------------------------------------------------------- */

static bool has_place(struct upstream_pool *pool)
{
    if (pool->open_count >= PROXY_UPSTREAM_CONNECTION_LIMIT && pool->idle_count > 0) {
        struct upstream_connection *connection = TAILQ_FIRST(&pool->idle);
        turn_away_followers(connection);
        unlist(connection);
        connection->operations->discard(connection);
    }
    return pool->open_count < PROXY_UPSTREAM_CONNECTION_LIMIT;
}

enum connection_need { NEED_ROOM, NEED_UNSETTLED, NEED_ANY };

static struct upstream_connection *find_connection(struct upstream_pool *pool,
                                                   const struct upstream_claim_request *request,
                                                   enum protocol_knowledge knowledge,
                                                   enum connection_need need)
{
    struct upstream_connection *connection;
    TAILQ_FOREACH(connection, &pool->buckets[bucket_of(&request->key)], bucket_link)
    {
        if (!upstream_key_equal(&connection->key, &request->key) ||
            !fits(connection, request, knowledge))
            continue;
        bool is_shareable = connection->protocol == HTTP_PROTOCOL_2;
        if ((need == NEED_ROOM && connection->operations->is_ready(connection)) ||
            (need == NEED_UNSETTLED && is_shareable && !connection->is_settled) ||
            (need == NEED_ANY && is_shareable))
            return connection;
    }
    return NULL;
}

static struct pool_dial *find_dial(struct upstream_claim *claim, enum dial_security security)
{
    struct pool_dial *dial;
    TAILQ_FOREACH(dial, &claim->pool->dials, link)
    if (dial->security == security && upstream_key_equal(&dial->key, &claim->request.key))
        return dial;
    return NULL;
}

/* The first way that is open (see upstream_pool.h). False: there is none. */
static bool find_way(struct upstream_claim *claim)
{
    struct upstream_pool *pool = claim->pool;
    const struct upstream_claim_request *request = &claim->request;
    enum protocol_knowledge knowledge = knowledge_of(pool, &request->key);
    enum dial_security security = security_of(request, knowledge);
    bool may_share = security == DIAL_TLS_HTTP_2 && knowledge != PROTOCOL_ONLY_1;
    struct upstream_connection *connection =
        request->is_fresh ? NULL : find_connection(pool, request, knowledge, NEED_ROOM);
    if (connection) {
        give(claim, connection);
        return true;
    }
    struct pool_dial *dial = may_share ? find_dial(claim, security) : NULL;
    if (dial) {
        join(claim, dial);
        return true;
    }
    connection = may_share ? find_connection(pool, request, knowledge, NEED_UNSETTLED) : NULL;
    if (connection == NULL && has_place(pool)) {
        start_dial(claim, security);
        return true;
    }
    if (connection == NULL && may_share)
        connection = find_connection(pool, request, knowledge, NEED_ANY);
    if (connection)
        follow(claim, connection);
    return connection != NULL;
}

/* Followers for whom there is room, and, where there will not be soon, another way for the rest. */
static void serve_followers(struct upstream_connection *connection)
{
    struct upstream_claim *claim;
    while ((claim = TAILQ_FIRST(&connection->followers)) != NULL &&
           connection->operations->is_ready(connection))
        give(claim, connection);
    if (connection->is_settled && !TAILQ_EMPTY(&connection->followers) &&
        connection->pool->open_count < PROXY_UPSTREAM_CONNECTION_LIMIT)
        turn_away_followers(connection);
}

static void on_serve(uv_timer_t *timer)
{
    struct upstream_pool *pool = timer->data;
    struct upstream_connection *connection = TAILQ_FIRST(&pool->followed);
    while (connection) {
        struct upstream_connection *next = TAILQ_NEXT(connection, followed_link);
        serve_followers(connection);
        connection = next;
    }
    struct upstream_claim *claim;
    while ((claim = TAILQ_FIRST(&pool->queue)) != NULL) {
        unlink_claim(claim);
        if (find_way(claim))
            continue;
        /* It stays the first, and the one that has waited for longest. */
        enqueue(claim);
        TAILQ_REMOVE(&pool->queue, claim, link);
        TAILQ_INSERT_HEAD(&pool->queue, claim, link);
        break;
    }
}

/* Claims were put into this list when their present wait began, which need not be their first. */
static struct upstream_claim *find_overdue(const struct upstream_pool *pool)
{
    uint64_t now_ms = uv_now(pool->proxy->loop);
    struct upstream_claim *claim;
    TAILQ_FOREACH(claim, &pool->waiting, waiting_link)
    if (now_ms - claim->since_ms >= UPSTREAM_POOL_WAIT_MS)
        return claim;
    return NULL;
}

static void on_tick(uv_timer_t *timer)
{
    struct upstream_pool *pool = timer->data;
    struct upstream_claim *claim;
    while ((claim = find_overdue(pool)) != NULL)
        settle_failed(claim, EXCHANGE_UPSTREAM_BUSY, "");
    serve_soon(pool);
}

struct upstream_claim *upstream_pool_claim(struct upstream_pool *pool,
                                           const struct upstream_claim_request *request,
                                           upstream_claimed_fn *on_claimed, void *owner)
{
    struct upstream_connection *connection =
        request->is_fresh
            ? NULL
            : find_connection(pool, request, knowledge_of(pool, &request->key), NEED_ROOM);
    if (connection) {
        struct exchange_side side = start_exchange(connection, request->exchange);
        on_claimed(owner, side, connection->served_count > 1, EXCHANGE_INTERNAL, "");
        return NULL;
    }
    struct upstream_claim *claim = memory_new(sizeof(*claim));
    claim->pool = pool;
    claim->request = *request;
    claim->on_claimed = on_claimed;
    claim->owner = owner;
    claim->since_ms = uv_now(pool->proxy->loop);
    if (!find_way(claim))
        enqueue(claim);
    return claim;
}

void upstream_claim_cancel(struct upstream_claim *claim)
{
    unlink_claim(claim);
    free(claim);
}

/* --- the policy ----------------------------------------------------------------------------- */

static void renew(struct upstream_claim_list *claims, uint64_t epoch)
{
    struct upstream_claim *claim;
    TAILQ_FOREACH(claim, claims, link)
    claim->request.key.epoch = epoch;
}

void upstream_pool_policy_changed(struct upstream_pool *pool)
{
    uint64_t epoch = pool->proxy->policy_epoch;
    for (size_t i = 0; i < POOL_BUCKETS; i++) {
        struct upstream_connection *connection;
        while ((connection = TAILQ_FIRST(&pool->buckets[i])) != NULL)
            retire(connection);
    }
    struct pool_dial *dial;
    TAILQ_FOREACH(dial, &pool->dials, link)
    {
        dial->key.epoch = epoch;
        renew(&dial->claims, epoch);
    }
    renew(&pool->queue, epoch);
    serve_soon(pool);
}
