#include "harness/fake_world.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/http1_downstream.h"
#include "firewall/http2_downstream.h"
#include "firewall/protocol_memory.h"
#include "firewall/relay.h"
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { EXCHANGES_MAX = 1024, POLICIES_MAX = 16, ALL_TIME_MS = 24 * 60 * 60 * 1000 };

struct dial {
    struct fake_dial *place; /* borrowed */
    dial_done_fn *on_done;
    void *owner; /* borrowed */
};

/* What was seen of an exchange between its sides. */
struct seen_exchange {
    const struct exchange *exchange; /* NULL: the place is free */
    const void *downstream;          /* the object of its agent's side */
    uint64_t asked_bytes;            /* of the request's body, delivered by the agent's side */
    uint64_t asked_credit;
    uint64_t told_bytes; /* of the response's */
    uint64_t told_credit;
};

static struct fake_world *the_world;
static struct seen_exchange seen[EXCHANGES_MAX];
static uint64_t asked[EXCHANGES_MAX]; /* hashes of method and path */
static unsigned new_count;
static unsigned discarded_count;
static struct protocol_memory *protocols; /* of the pool */

/* --- between codecs and exchange ------------------------------------------------------------ */

struct exchange *__real_exchange_new(const struct exchange_origin *origin,
                                     struct exchange_side downstream);
void __real_exchange_discard(struct exchange *exchange);
void __real_exchange_begin(struct exchange *exchange);
void __real_exchange_reject(struct exchange *exchange, uint16_t status, const char *reason);
void __real_exchange_reject_full(struct exchange *exchange);
void __real_exchange_request_body(struct exchange *exchange, struct bytes body);
void __real_exchange_request_credit(struct exchange *exchange, size_t bytes);
void __real_exchange_response_body(struct exchange *exchange, struct bytes body);
void __real_exchange_response_credit(struct exchange *exchange, size_t bytes);
struct exchange *__wrap_exchange_new(const struct exchange_origin *origin,
                                     struct exchange_side downstream);
void __wrap_exchange_discard(struct exchange *exchange);
void __wrap_exchange_begin(struct exchange *exchange);
void __wrap_exchange_reject(struct exchange *exchange, uint16_t status, const char *reason);
void __wrap_exchange_reject_full(struct exchange *exchange);
void __wrap_exchange_request_body(struct exchange *exchange, struct bytes body);
void __wrap_exchange_request_credit(struct exchange *exchange, size_t bytes);
void __wrap_exchange_response_body(struct exchange *exchange, struct bytes body);
void __wrap_exchange_response_credit(struct exchange *exchange, size_t bytes);

static struct seen_exchange *find(const struct exchange *exchange)
{
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        if (seen[i].exchange == exchange)
            return &seen[i];
    CHECK(!"an exchange that was made");
    return NULL;
}

static uint64_t hash_of(struct bytes method, struct bytes path)
{
    return bytes_hash(method) * 31 + bytes_hash(path);
}

bool fake_world_was_asked(const struct fake_world *world, struct bytes method, struct bytes path)
{
    unsigned count = world->begun_count < EXCHANGES_MAX ? world->begun_count : EXCHANGES_MAX;
    for (unsigned i = 0; i < count; i++)
        if (asked[i] == hash_of(method, path))
            return true;
    return false;
}

struct exchange *__wrap_exchange_new(const struct exchange_origin *origin,
                                     struct exchange_side downstream)
{
    struct exchange *exchange = __real_exchange_new(origin, downstream);
    size_t place = 0;
    /* One that has ended is not told of; its memory may be the new one's. */
    for (size_t i = 0; i < EXCHANGES_MAX; i++)
        if (seen[i].exchange == exchange)
            place = i;
    if (seen[place].exchange != exchange)
        place = new_count % EXCHANGES_MAX;
    seen[place] = (struct seen_exchange){.exchange = exchange, .downstream = downstream.object};
    new_count++;
    return exchange;
}

void __wrap_exchange_discard(struct exchange *exchange)
{
    find(exchange);
    discarded_count++;
    __real_exchange_discard(exchange);
}

/* Requests of one HTTP/1.1 connection are answered in their order. */
static void note_request(struct exchange *exchange)
{
    const struct seen_exchange *its = find(exchange);
    for (size_t i = 0; i < FAKE_AGENTS_MAX; i++) {
        struct fake_agent *agent = &the_world->agents[i];
        if (agent->connection == NULL || agent->connection != its->downstream)
            continue;
        CHECK(agent->request_count < FAKE_REQUESTS_MAX);
        agent->is_head[agent->request_count++] =
            bytes_equal_text(http_head_method(exchange_request(exchange)), "HEAD");
    }
}

void __wrap_exchange_begin(struct exchange *exchange)
{
    const struct http_head *request = exchange_request(exchange);
    asked[the_world->begun_count++ % EXCHANGES_MAX] =
        hash_of(http_head_method(request), http_head_path(request));
    note_request(exchange);
    __real_exchange_begin(exchange);
}

void __wrap_exchange_reject(struct exchange *exchange, uint16_t status, const char *reason)
{
    note_request(exchange);
    __real_exchange_reject(exchange, status, reason);
}

void __wrap_exchange_reject_full(struct exchange *exchange)
{
    note_request(exchange);
    __real_exchange_reject_full(exchange);
}

void __wrap_exchange_request_body(struct exchange *exchange, struct bytes body)
{
    struct seen_exchange *its = find(exchange);
    its->asked_bytes += body.length;
    CHECK(body.length > 0 && its->asked_bytes <= its->asked_credit + EXCHANGE_WINDOW_BYTES);
    __real_exchange_request_body(exchange, body);
}

void __wrap_exchange_request_credit(struct exchange *exchange, size_t bytes)
{
    struct seen_exchange *its = find(exchange);
    its->asked_credit += bytes;
    CHECK(its->asked_credit <= its->asked_bytes);
    __real_exchange_request_credit(exchange, bytes);
}

/* At most: it doubles with each two windows that the agent took. */
static uint64_t window_of(uint64_t taken)
{
    if (taken < EXCHANGE_WINDOW_BYTES)
        return EXCHANGE_WINDOW_BYTES;
    return taken < BODY_BUDGET_WIDE_WINDOW ? taken : BODY_BUDGET_WIDE_WINDOW;
}

void __wrap_exchange_response_body(struct exchange *exchange, struct bytes body)
{
    struct seen_exchange *its = find(exchange);
    its->told_bytes += body.length;
    CHECK(body.length > 0 && its->told_bytes <= its->told_credit + window_of(its->told_credit));
    __real_exchange_response_body(exchange, body);
}

void __wrap_exchange_response_credit(struct exchange *exchange, size_t bytes)
{
    struct seen_exchange *its = find(exchange);
    its->told_credit += bytes;
    CHECK(its->told_credit <= its->told_bytes);
    __real_exchange_response_credit(exchange, bytes);
}

/* --- what lives as long as its process ------------------------------------------------------ */

struct protocol_memory *__real_protocol_memory_new(void);
struct protocol_memory *__wrap_protocol_memory_new(void);

struct protocol_memory *__wrap_protocol_memory_new(void)
{
    return protocols = __real_protocol_memory_new();
}

/* --- between exchange and relay ------------------------------------------------------------- */

struct relay *__real_relay_new(struct stream_loop *streams, struct stream *agent,
                               struct stream *upstream, uint64_t idle_timeout_ms,
                               relay_end_fn *on_end, void *owner);
struct relay *__wrap_relay_new(struct stream_loop *streams, struct stream *agent,
                               struct stream *upstream, uint64_t idle_timeout_ms,
                               relay_end_fn *on_end, void *owner);

struct relay *__wrap_relay_new(struct stream_loop *streams, struct stream *agent,
                               struct stream *upstream, uint64_t idle_timeout_ms,
                               relay_end_fn *on_end, void *owner)
{
    /* A relay may be tested by itself. */
    for (size_t i = 0; the_world && i < the_world->dial_count; i++) {
        struct fake_dial *dial = &the_world->dials[i];
        dial->is_tunnel = dial->is_tunnel || (dial->peer && dial->peer->stream == upstream);
    }
    return __real_relay_new(streams, agent, upstream, idle_timeout_ms, on_end, owner);
}

/* --- in the place of the record queue ------------------------------------------------------- */

void record_queue_send(struct proxy *proxy, const struct audit_record *record)
{
    CHECK(record->kind == AUDIT_HTTP);
    /* A connection has a line of its own when the wall ends it. */
    if (record->has_traffic)
        the_world->record_count++;
    else
        the_world->connection_record_count++;
    size_t length = strlen(the_world->records);
    snprintf(the_world->records + length, sizeof(the_world->records) - length, "%s %u %.*s;",
             audit_record_decision_name(record->decision), record->status,
             (int)record->reason.length, (const char *)record->reason.data);
}

/* --- in the place of the dialer ------------------------------------------------------------- */

struct dial *dial_start(struct dialer *dialer, const struct dial_request *request,
                        dial_done_fn *on_done, void *owner)
{
    struct fake_world *world = the_world;
    CHECK(world->dial_count < FAKE_DIALS_MAX);
    struct fake_dial *place = &world->dials[world->dial_count++];
    struct dial *dial = memory_new(sizeof(*dial));
    *dial = (struct dial){.place = place, .on_done = on_done, .owner = owner};
    *place = (struct fake_dial){.dial = dial, .port = request->port};
    place->may_be_http2 =
        request->security == DIAL_TLS_HTTP_2 || request->security == DIAL_TLS_HTTP_1_FIRST;
    CHECK(host_name_parse(request->name, &place->name) == HOST_NAME_FINE);
    CHECK(policy_decide_tls(world->proxy.policy, &place->name, place->port).is_allowed);
    return dial;
}

void dial_cancel(struct dial *dial)
{
    dial->place->dial = NULL;
    free(dial);
}

struct fake_dial *fake_world_waiting_dial(struct fake_world *world)
{
    for (size_t i = 0; i < world->dial_count; i++)
        if (world->dials[i].dial)
            return &world->dials[i];
    return NULL;
}

void fake_world_settle_dial(struct fake_world *world, struct fake_dial *place,
                            enum dial_outcome outcome, bool is_http2)
{
    struct dial dial = *place->dial;
    free(place->dial);
    place->dial = NULL;
    if (outcome != DIAL_CONNECTED) {
        dial.on_done(dial.owner, outcome, NULL, dial_outcome_text(outcome));
        return;
    }
    place->peer = fake_peer_new(world->proxy.streams);
    place->peer->is_http2 = is_http2;
    if (world->on_connected)
        world->on_connected(world, place);
    dial.on_done(dial.owner, outcome, place->peer->stream, "");
}

bool dial_is_http2(const struct stream *stream)
{
    for (size_t i = 0; i < the_world->dial_count; i++) {
        const struct fake_peer *peer = the_world->dials[i].peer;
        if (peer && peer->stream == stream)
            return peer->is_http2;
    }
    return false;
}

const char *dial_outcome_text(enum dial_outcome outcome)
{
    return "as the test says";
}

/* --- agents --------------------------------------------------------------------------------- */

static void on_agent_end(void *owner)
{
    struct fake_agent *agent = owner;
    agent->connection = NULL;
}

struct fake_agent *fake_world_open_agent(struct fake_world *world, size_t index,
                                         enum http_protocol protocol)
{
    struct fake_agent *agent = &world->agents[index];
    CHECK(agent->peer == NULL);
    struct exchange_origin origin = {
        .proxy = &world->proxy,
        .pool = world->pool,
        .name = &world->name,
        .port = 443,
        .protocol = protocol,
    };
    agent->peer = fake_peer_new(world->proxy.streams);
    agent->protocol = protocol;
    agent->connection =
        protocol == HTTP_PROTOCOL_2
            ? (void *)http2_downstream_new(&origin, agent->peer->stream, on_agent_end, agent)
            : (void *)http1_downstream_new(&origin, agent->peer->stream, on_agent_end, agent);
    return agent;
}

/* --- the world ------------------------------------------------------------------------------ */

/* Compiled once for all worlds of the process: a policy never changes. */
static const struct policy *policy_of(const char *https)
{
    static struct {
        const char *https;
        struct policy *policy;
    } made[POLICIES_MAX];
    struct policy_sources sources = {
        .files = {[POLICY_HTTPS] = {"allowed-https.txt", bytes_from_text(https)},
                  [POLICY_SSH] = {"allowed-ssh.txt", BYTES_EMPTY},
                  [POLICY_DNS] = {"allowed-dns.txt", BYTES_EMPTY}}};
    struct policy_error error;
    size_t i = 0;
    while (i < POLICIES_MAX && made[i].https && strcmp(made[i].https, https) != 0)
        i++;
    CHECK(i < POLICIES_MAX);
    if (made[i].https == NULL)
        CHECK(policy_compile(&sources, &made[i].policy, &error));
    made[i].https = https;
    return made[i].policy;
}

void fake_world_start(struct fake_world *world, const char *name, const char *https)
{
    memset(world, 0, sizeof(*world));
    memset(seen, 0, sizeof(seen));
    new_count = discarded_count = 0;
    the_world = world;
    world->loop = memory_new(sizeof(*world->loop));
    fake_loop_start(world->loop, fake_stream_turn);
    CHECK(host_name_parse(bytes_from_text(name), &world->name) == HOST_NAME_FINE);
    world->proxy.loop = world->loop;
    world->proxy.policy = policy_of(https);
    world->proxy.policy_epoch = 1;
    world->proxy.streams = stream_loop_new(world->loop);
    world->proxy.bodies = stream_loop_bodies(world->proxy.streams);
    world->pool = upstream_pool_new(&world->proxy);
    world->handle_count = fake_loop_handle_count();
}

void fake_world_settle(struct fake_world *world)
{
    fake_loop_settle();
}

static void recheck(struct fake_world *world, struct fake_agent *agent)
{
    if (agent->connection == NULL)
        return;
    bool is_allowed = policy_decide_tls(world->proxy.policy, &world->name, 443).is_allowed;
    bool is_http2 = agent->protocol == HTTP_PROTOCOL_2;
    if (is_allowed && is_http2)
        http2_downstream_policy_changed(agent->connection);
    else if (is_allowed)
        http1_downstream_policy_changed(agent->connection);
    else if (is_http2)
        http2_downstream_cut(agent->connection);
    else
        http1_downstream_cut(agent->connection);
}

void fake_world_reload(struct fake_world *world, const char *https)
{
    world->proxy.policy = policy_of(https);
    world->proxy.policy_epoch++;
    upstream_pool_policy_changed(world->pool);
    for (size_t i = 0; i < FAKE_AGENTS_MAX; i++)
        recheck(world, &world->agents[i]);
}

static void end_peer(struct fake_peer *peer)
{
    if (peer == NULL)
        return;
    fake_peer_take(peer, FAKE_ROOM_ENDLESS);
    fake_peer_end(peer, STREAM_END);
}

/* A dial takes no longer than its timeout: those that nobody settled fail. */
static void fail_dials(struct fake_world *world)
{
    struct fake_dial *dial;
    fake_loop_settle();
    while ((dial = fake_world_waiting_dial(world)) != NULL) {
        fake_world_settle_dial(world, dial, DIAL_TIMED_OUT, false);
        fake_loop_settle();
    }
}

void fake_world_end(struct fake_world *world)
{
    for (size_t i = 0; i < FAKE_AGENTS_MAX; i++)
        end_peer(world->agents[i].peer);
    fail_dials(world);
    for (size_t i = 0; i < world->dial_count; i++)
        end_peer(world->dials[i].peer);
    fail_dials(world);
    fake_loop_advance(ALL_TIME_MS);
    fail_dials(world);
}

void fake_world_stop(struct fake_world *world)
{
    CHECK(world->record_count == new_count - discarded_count);
    CHECK(world->connection_record_count <= FAKE_AGENTS_MAX);
    for (size_t i = 0; i < FAKE_AGENTS_MAX; i++) {
        CHECK(world->agents[i].connection == NULL);
        if (world->agents[i].peer)
            fake_peer_free(world->agents[i].peer);
    }
    for (size_t i = 0; i < world->dial_count; i++)
        if (world->dials[i].peer)
            fake_peer_free(world->dials[i].peer);
    stream_loop_free(world->proxy.streams);
    CHECK(fake_loop_handle_count() == world->handle_count);
    protocol_memory_free(protocols);
    free(world->pool);
    free(world->loop);
}
