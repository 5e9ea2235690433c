#include "firewall/exchange.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/capture_redact.h"
#include "firewall/capture_tee.h"
#include "firewall/exchange_answer.h"
#include "firewall/proxy.h"
#include "firewall/relay.h"
#include "firewall/upstream_pool.h"
#include "policy/policy.h"
#include "system/stream.h"
#include "system/tls_digest.h"
#include "wire/websocket_handshake.h"

#include <stdlib.h>
#include <uv.h>

enum request_state {
    REQUEST_ARRIVING,
    REQUEST_COMPLETE,
};

enum response_state {
    RESPONSE_DECIDING,
    RESPONSE_CLAIMING,
    RESPONSE_WAITING,
    RESPONSE_BODY,
    RESPONSE_TUNNEL,
    RESPONSE_OVER,
};

/* What became of Expect: 100-continue. */
enum continue_state {
    CONTINUE_NOT_ASKED,
    CONTINUE_AWAITED, /* the timer runs */
    CONTINUE_SAID,    /* by the server or by us; later ones are dropped */
};

struct exchange {
    struct exchange_origin origin;
    struct exchange_side downstream;
    struct exchange_side upstream;
    struct upstream_claim *claim; /* owned while claiming */
    struct relay *relay;          /* owned while tunnelling */
    struct capture_tee *tee;      /* owned; NULL: nobody watches */
    enum request_state request_state;
    enum response_state response_state;
    enum continue_state continue_state;
    bool is_reused;           /* the upstream connection has served a request before */
    bool is_retried;          /* a second connection is being tried */
    unsigned untouched_count; /* servers that have said that they did nothing */
    bool is_body_delivered;   /* some of the request's body went to the upstream side */
    bool is_http1_asked;      /* by the server: the next try is over HTTP/1.1 */
    bool is_private_allowed;  /* when the connection was claimed */
    bool has_timer;           /* `timer` was initialised: memory goes with its closing */
    unsigned interim_count;
    uint16_t status; /* given to the agent */
    size_t window;   /* of the response: credit beyond what the agent took */
    size_t lent;     /* of that, by the budget */
    size_t taken;    /* by the agent since the window last grew */
    uint64_t sent;
    uint64_t received;
    uint64_t started_ms;
    const struct policy_rule *rule; /* borrowed from the policy in force */
    struct http_head request;
    struct body_share share; /* of `request` */
    uv_timer_t timer;
};

static const char *const failure_texts[] = {
    [EXCHANGE_AGENT_GONE] = "agent closed the connection",
    [EXCHANGE_AGENT_PROTOCOL] = "agent broke the protocol",
    [EXCHANGE_AGENT_TIMEOUT] = "agent timed out",
    [EXCHANGE_UPSTREAM_NAME] = "name could not be resolved",
    [EXCHANGE_UPSTREAM_ADDRESS] = "address is not to be dialled",
    [EXCHANGE_UPSTREAM_REFUSED] = "no connection to the server",
    [EXCHANGE_UPSTREAM_TLS] = "TLS with the server failed",
    [EXCHANGE_UPSTREAM_LOST] = "server closed the connection early",
    [EXCHANGE_UPSTREAM_GIVEN_UP] = "connection to the server was given up",
    [EXCHANGE_UPSTREAM_PROTOCOL] = "server broke the protocol",
    [EXCHANGE_UPSTREAM_TIMEOUT] = "server timed out",
    [EXCHANGE_UPSTREAM_UNTOUCHED] = "server did not take the request",
    [EXCHANGE_UPSTREAM_CANCELLED] = "server cancelled the request",
    [EXCHANGE_UPSTREAM_CALM] = "server asks for fewer requests",
    [EXCHANGE_UPSTREAM_HTTP1] = "server asks for HTTP/1.1",
    [EXCHANGE_UPSTREAM_BUSY] = "too many connections to servers",
    [EXCHANGE_TOO_MANY] = "too many requests at once",
    [EXCHANGE_POLICY_CHANGED] = "no longer allowed",
    [EXCHANGE_SHUTDOWN] = "firewall is ending",
    [EXCHANGE_BODIES_FULL] = "too many bytes wait for peers that do not take them",
    [EXCHANGE_INTERNAL] = "refused by the writer",
};
_Static_assert(sizeof(failure_texts) / sizeof(failure_texts[0]) == EXCHANGE_FAILURE_COUNT,
               "every failure has its text");

static void claim(struct exchange *exchange, bool is_fresh);

const char *exchange_failure_text(enum exchange_failure failure)
{
    CHECK(failure < EXCHANGE_FAILURE_COUNT);
    return failure_texts[failure];
}

/* --- life ----------------------------------------------------------------------------------- */

struct exchange *exchange_new(const struct exchange_origin *origin, struct exchange_side downstream)
{
    struct exchange *exchange = memory_new(sizeof(*exchange));
    exchange->origin = *origin;
    exchange->downstream = downstream;
    exchange->started_ms = uv_now(origin->proxy->loop);
    origin->proxy->exchanges++;
    http_head_init(&exchange->request, HTTP_REQUEST);
    exchange->share.budget = origin->proxy->bodies;
    return exchange;
}

struct http_head *exchange_request(struct exchange *exchange)
{
    return &exchange->request;
}

bool exchange_count_request(struct exchange *exchange)
{
    body_share_set(&exchange->share, http_head_held_bytes(&exchange->request));
    if (!body_budget_is_full(exchange->origin.proxy->bodies))
        return true;
    http_head_done(&exchange->request);
    body_share_set(&exchange->share, 0);
    return false;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void release(struct exchange *exchange)
{
    exchange->origin.proxy->exchanges--;
    body_budget_return(exchange->origin.proxy->bodies, exchange->lent);
    http_head_done(&exchange->request);
    body_share_set(&exchange->share, 0);
    exchange->response_state = RESPONSE_OVER;
    if (exchange->has_timer)
        uv_close((uv_handle_t *)&exchange->timer, on_timer_closed);
    else
        free(exchange);
}

void exchange_discard(struct exchange *exchange)
{
    CHECK(exchange->response_state == RESPONSE_DECIDING);
    release(exchange);
}

/* As the log may have it: whoever reads the log is not to learn the secrets of queries. */
static struct bytes shown_path(const struct exchange *exchange, struct buffer *room)
{
    enum { PATH_MAX_SHOWN = 32 * 1024 };
    struct bytes path = http_head_path(&exchange->request);
    buffer_init(room, PATH_MAX_SHOWN);
    if (bytes_index_of(path, '?') == path.length)
        return path;
    return capture_redact_target(path, room) ? buffer_bytes(room)
                                             : bytes_first(path, bytes_index_of(path, '?'));
}

static void write_record(const struct exchange *exchange, enum audit_decision decision,
                         const char *reason, const char *detail)
{
    struct proxy *proxy = exchange->origin.proxy;
    struct buffer path;
    struct audit_record record = {
        .kind = AUDIT_HTTP,
        .decision = decision,
        .name = host_name_bytes(exchange->origin.name),
        .port = exchange->origin.port,
        .method = http_head_method(&exchange->request),
        .path = shown_path(exchange, &path),
        .status = exchange->status,
        .has_traffic = true,
        .sent = exchange->sent,
        .received = exchange->received,
        .duration_ms = uv_now(proxy->loop) - exchange->started_ms,
    };
    if (exchange->rule)
        record.rule = bytes_from_text(exchange->rule->text);
    if (reason)
        record.reason = bytes_from_text(reason);
    if (detail)
        record.detail = bytes_from_text(detail);
    record_queue_send(proxy, &record);
    buffer_done(&path);
}

/* `reason` is NULL when the response was complete. */
static void end_tee(struct exchange *exchange, const char *reason)
{
    if (exchange->tee)
        capture_tee_end(exchange->tee, reason);
    exchange->tee = NULL;
}

/* Let go of the upstream side, or of the claim for one. */
static void drop_upstream(struct exchange *exchange, enum exchange_failure failure)
{
    struct exchange_side side = exchange->upstream;
    exchange->upstream = (struct exchange_side){NULL, NULL};
    if (exchange->claim)
        upstream_claim_cancel(exchange->claim);
    exchange->claim = NULL;
    if (exchange->relay)
        relay_cut(exchange->relay);
    exchange->relay = NULL;
    if (side.operations)
        side.operations->reset(side.object, failure);
}

/* End with an answer of our own. Nothing of a response was sent before. */
static void answer(struct exchange *exchange, enum audit_decision decision,
                   const struct exchange_answer *content)
{
    CHECK(exchange->response_state < RESPONSE_BODY);
    drop_upstream(exchange, EXCHANGE_INTERNAL);
    exchange->status = content->status;
    write_record(exchange, decision, content->reason, content->detail);
    end_tee(exchange, content->reason);
    struct http_head head;
    struct buffer body;
    http_head_init(&head, HTTP_RESPONSE);
    buffer_init(&body, EXCHANGE_ANSWER_MAX);
    exchange_answer_write(content, &head, &body);
    struct exchange_side side = exchange->downstream;
    if (content->status >= 400 && content->status < 500 && content->status != 403)
        side.operations->make_last(side.object);
    side.operations->send_head(side.object, &head);
    if (buffer_length(&body) > 0)
        side.operations->send_body(side.object, buffer_bytes(&body));
    side.operations->send_end(side.object, NULL);
    http_head_done(&head);
    buffer_done(&body);
    release(exchange);
}

static void refuse(struct exchange *exchange, uint16_t status, const char *reason,
                   bool is_allowable)
{
    struct exchange_answer content = {
        .status = status,
        .error = status == 403 ? "denied by the policy of this cell" : "bad request",
        .reason = reason,
        .name = exchange->origin.name,
        .port = exchange->origin.port,
        .method = http_head_method(&exchange->request),
        .path = http_head_path(&exchange->request),
        .is_allowable = is_allowable,
    };
    answer(exchange, AUDIT_DENY, &content);
}

/* Whether it was the wall that would not go on, or the world that could not. */
static enum audit_decision failure_decision(enum exchange_failure failure)
{
    switch (failure) {
    case EXCHANGE_AGENT_PROTOCOL:
    case EXCHANGE_UPSTREAM_ADDRESS:
    case EXCHANGE_UPSTREAM_TLS:
    case EXCHANGE_POLICY_CHANGED:
        return AUDIT_DENY;
    default:
        return AUDIT_ALLOW;
    }
}

/* The agent is still owed a response, and none can come. */
static void answer_failure(struct exchange *exchange, enum exchange_failure failure,
                           const char *detail)
{
    bool is_timeout = failure == EXCHANGE_UPSTREAM_TIMEOUT;
    bool is_busy = failure == EXCHANGE_UPSTREAM_BUSY || failure == EXCHANGE_TOO_MANY ||
                   failure == EXCHANGE_BODIES_FULL || failure == EXCHANGE_UPSTREAM_UNTOUCHED ||
                   failure == EXCHANGE_UPSTREAM_CALM;
    struct exchange_answer content = {
        .status = is_busy      ? 503
                  : is_timeout ? 504
                               : 502,
        .error = "the server could not be reached",
        .reason = exchange_failure_text(failure),
        .detail = detail && detail[0] ? detail : NULL,
        .name = exchange->origin.name,
        .port = exchange->origin.port,
        .method = http_head_method(&exchange->request),
        .path = http_head_path(&exchange->request),
    };
    answer(exchange, failure_decision(failure), &content);
}

/* End without a whole response: both sides break off. */
static void break_off(struct exchange *exchange, enum exchange_failure failure, const char *detail,
                      bool is_downstream_told)
{
    if (exchange->relay) {
        exchange->sent = relay_sent(exchange->relay);
        exchange->received = relay_received(exchange->relay);
    }
    write_record(exchange, failure_decision(failure), exchange_failure_text(failure), detail);
    end_tee(exchange, exchange_failure_text(failure));
    drop_upstream(exchange, failure);
    struct exchange_side side = exchange->downstream;
    if (is_downstream_told)
        side.operations->reset(side.object, failure);
    release(exchange);
}

void exchange_reject(struct exchange *exchange, uint16_t status, const char *reason)
{
    CHECK(exchange->response_state == RESPONSE_DECIDING);
    /* What was read of a broken head is not to be shown as if it were a request. */
    http_head_clear(&exchange->request, HTTP_REQUEST);
    refuse(exchange, status, reason, false);
}

void exchange_reject_full(struct exchange *exchange)
{
    CHECK(exchange->response_state == RESPONSE_DECIDING);
    http_head_clear(&exchange->request, HTTP_REQUEST);
    answer_failure(exchange, EXCHANGE_BODIES_FULL, NULL);
}

/* --- deciding ------------------------------------------------------------------------------- */

static struct policy_decision decide(const struct exchange *exchange)
{
    return policy_decide_http(exchange->origin.proxy->policy, exchange->origin.name,
                              exchange->origin.port, http_head_method(&exchange->request),
                              http_head_path(&exchange->request));
}

static bool has_method_override(const struct http_head *request)
{
    for (size_t i = 0; i < http_head_field_count(request); i++)
        if (policy_is_method_override(http_head_field_name(request, i)))
            return true;
    return false;
}

static void on_continue_due(uv_timer_t *timer)
{
    struct exchange *exchange = timer->data;
    if (exchange->response_state != RESPONSE_CLAIMING &&
        exchange->response_state != RESPONSE_WAITING)
        return;
    if (exchange->continue_state != CONTINUE_AWAITED)
        return;
    exchange->continue_state = CONTINUE_SAID;
    struct http_head head;
    http_head_init(&head, HTTP_RESPONSE);
    head.status = 100;
    exchange->downstream.operations->send_head(exchange->downstream.object, &head);
    exchange->downstream.operations->flush(exchange->downstream.object);
    http_head_done(&head);
}

static void await_continue(struct exchange *exchange)
{
    exchange->continue_state = CONTINUE_AWAITED;
    exchange->has_timer = true;
    uv_timer_init(exchange->origin.proxy->loop, &exchange->timer);
    exchange->timer.data = exchange;
    uv_timer_start(&exchange->timer, on_continue_due, EXCHANGE_CONTINUE_WAIT_MS, 0);
}

static void begin_tee(struct exchange *exchange)
{
    exchange->tee = capture_begin(exchange->origin.proxy->capture, exchange->origin.name,
                                  exchange->origin.protocol, &exchange->request);
    if (exchange->tee && exchange->request_state == REQUEST_COMPLETE)
        capture_tee_request_end(exchange->tee);
}

void exchange_begin(struct exchange *exchange)
{
    const struct http_head *request = &exchange->request;
    body_share_set(&exchange->share, http_head_held_bytes(request));
    if (request->body == HTTP_BODY_NONE)
        exchange->request_state = REQUEST_COMPLETE;
    if (websocket_handshake_is_asked(request)) {
        enum websocket_reason reason = websocket_handshake_check_request(request);
        if (reason != WEBSOCKET_FINE) {
            refuse(exchange, (uint16_t)websocket_reason_status(reason),
                   websocket_reason_text(reason), false);
            return;
        }
    }
    struct policy_decision decision = decide(exchange);
    if (!decision.is_allowed) {
        refuse(exchange, (uint16_t)decision.status, policy_reason_text(decision.reason),
               decision.status == 403);
        return;
    }
    if (decision.has_method_rules && has_method_override(request)) {
        refuse(exchange, 403, "a field would change the method behind the rule", false);
        return;
    }
    exchange->rule = decision.rule;
    if (exchange->origin.proxy->exchanges > PROXY_EXCHANGE_LIMIT) {
        answer_failure(exchange, EXCHANGE_TOO_MANY, NULL);
        return;
    }
    if (body_budget_is_full(exchange->origin.proxy->bodies)) {
        answer_failure(exchange, EXCHANGE_BODIES_FULL, NULL);
        return;
    }
    if (request->expects_continue && exchange->request_state == REQUEST_ARRIVING)
        await_continue(exchange);
    begin_tee(exchange);
    claim(exchange, false);
}

/* --- the upstream side ---------------------------------------------------------------------- */

static void attach(struct exchange *exchange, struct exchange_side side)
{
    exchange->upstream = side;
    exchange->response_state = RESPONSE_WAITING;
    side.operations->send_head(side.object, &exchange->request);
    if (exchange->request_state == REQUEST_COMPLETE)
        side.operations->send_end(side.object, NULL);
    side.operations->flush(side.object);
    size_t window = body_budget_window(exchange->origin.proxy->bodies);
    exchange->window = window + exchange->lent;
    side.operations->give_credit(side.object, exchange->window);
    if (exchange->request_state == REQUEST_ARRIVING)
        exchange->downstream.operations->give_credit(exchange->downstream.object, window);
}

static void on_claimed(void *owner, struct exchange_side side, bool is_reused,
                       enum exchange_failure failure, const char *detail)
{
    struct exchange *exchange = owner;
    exchange->claim = NULL;
    exchange->is_reused = is_reused;
    if (side.operations)
        attach(exchange, side);
    else
        answer_failure(exchange, failure, detail);
}

static bool may_be_private(const struct exchange *exchange)
{
    return policy_decide_tls(exchange->origin.proxy->policy, exchange->origin.name,
                             exchange->origin.port)
        .may_be_private;
}

static void claim(struct exchange *exchange, bool is_fresh)
{
    exchange->is_private_allowed = may_be_private(exchange);
    struct upstream_claim_request request = {
        .key = {.name = *exchange->origin.name,
                .port = exchange->origin.port,
                .is_private_allowed = exchange->is_private_allowed,
                .epoch = exchange->origin.proxy->policy_epoch},
        .exchange = exchange,
        .protocol = exchange->origin.protocol,
        .is_http1_only = exchange->request.upgrade != HTTP_UPGRADE_NONE || exchange->is_http1_asked,
        .is_fresh = is_fresh,
    };
    exchange->response_state = RESPONSE_CLAIMING;
    exchange->claim = upstream_pool_claim(exchange->origin.pool, &request, on_claimed, exchange);
}

static bool is_idempotent(struct bytes method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (bytes_equal_text(method, methods[i]))
            return true;
    return false;
}

/* See exchange.h. Counts the attempt. */
static bool may_replay(struct exchange *exchange, enum exchange_failure failure,
                       enum exchange_progress progress)
{
    bool is_possible = exchange->response_state == RESPONSE_WAITING &&
                       exchange->request_state == REQUEST_COMPLETE && !exchange->is_body_delivered;
    if (!is_possible || progress == EXCHANGE_ANSWERED)
        return false;
    if (progress == EXCHANGE_UNTOUCHED)
        return ++exchange->untouched_count <= EXCHANGE_UNTOUCHED_MAX;
    bool is_first = !exchange->is_retried;
    exchange->is_retried = true;
    bool is_broken = (failure == EXCHANGE_UPSTREAM_LOST && exchange->is_reused) ||
                     failure == EXCHANGE_UPSTREAM_GIVEN_UP;
    return is_first && is_broken && is_idempotent(http_head_method(&exchange->request));
}

/* A reset whose meaning an agent of HTTP/2 understands as it is. */
static bool is_said_by_server(enum exchange_failure failure)
{
    return failure == EXCHANGE_UPSTREAM_UNTOUCHED || failure == EXCHANGE_UPSTREAM_CANCELLED ||
           failure == EXCHANGE_UPSTREAM_CALM || failure == EXCHANGE_UPSTREAM_HTTP1;
}

void exchange_upstream_failed(struct exchange *exchange, enum exchange_failure failure,
                              enum exchange_progress progress, const char *detail)
{
    exchange->upstream = (struct exchange_side){NULL, NULL};
    exchange->is_http1_asked |= failure == EXCHANGE_UPSTREAM_HTTP1;
    if (progress == EXCHANGE_UNTOUCHED && failure != EXCHANGE_UPSTREAM_HTTP1)
        failure = EXCHANGE_UPSTREAM_UNTOUCHED;
    bool is_told_alike = is_said_by_server(failure) && exchange->origin.protocol == HTTP_PROTOCOL_2;
    if (may_replay(exchange, failure, progress)) {
        claim(exchange, true);
    } else if (exchange->response_state == RESPONSE_WAITING && !is_told_alike) {
        answer_failure(exchange, failure, detail);
    } else {
        break_off(exchange, failure, detail, true);
    }
}

void exchange_request_credit(struct exchange *exchange, size_t bytes)
{
    if (exchange->request_state == REQUEST_ARRIVING)
        exchange->downstream.operations->give_credit(exchange->downstream.object, bytes);
}

/* --- the tunnel ----------------------------------------------------------------------------- */

static void on_tunnel_end(void *owner, enum relay_end end, uint64_t sent, uint64_t received)
{
    struct exchange *exchange = owner;
    static const char *const reasons[] = {
        [RELAY_END_FINISHED] = NULL,
        [RELAY_END_AGENT_LOST] = "agent closed the connection",
        [RELAY_END_UPSTREAM_LOST] = "server closed the connection early",
        [RELAY_END_IDLE] = "idle for too long",
    };
    exchange->relay = NULL;
    exchange->sent = sent;
    exchange->received = received;
    write_record(exchange, AUDIT_ALLOW, reasons[end], "WebSocket");
    end_tee(exchange, reasons[end]);
    struct exchange_side side = exchange->downstream;
    release(exchange);
    side.operations->send_end(side.object, NULL);
}

static void on_tunnel_bytes(void *owner, enum relay_from from, struct bytes bytes)
{
    struct exchange *exchange = owner;
    if (from == RELAY_FROM_AGENT)
        capture_tee_request_body(exchange->tee, bytes);
    else
        capture_tee_response_body(exchange->tee, bytes);
}

static void start_tunnel(struct exchange *exchange, const struct http_head *head)
{
    struct exchange_side downstream = exchange->downstream;
    struct exchange_side upstream = exchange->upstream;
    exchange->status = 101;
    exchange->response_state = RESPONSE_TUNNEL;
    if (exchange->tee)
        capture_tee_response_head(exchange->tee, head);
    downstream.operations->send_head(downstream.object, head);
    downstream.operations->flush(downstream.object);
    struct buffer from_agent;
    struct buffer from_upstream;
    buffer_init(&from_agent, EXCHANGE_WINDOW_BYTES);
    buffer_init(&from_upstream, EXCHANGE_WINDOW_BYTES * 2);
    exchange->upstream = (struct exchange_side){NULL, NULL};
    struct stream *server = upstream.operations->take_stream(upstream.object, &from_upstream);
    struct stream *agent = downstream.operations->take_stream(downstream.object, &from_agent);
    CHECK(server && agent);
    exchange->relay = relay_new(exchange->origin.proxy->streams, agent, server,
                                EXCHANGE_TUNNEL_IDLE_MS, on_tunnel_end, exchange);
    if (exchange->tee)
        relay_watch(exchange->relay, on_tunnel_bytes);
    if (buffer_length(&from_upstream) > 0)
        relay_pass_to_agent(exchange->relay, buffer_bytes(&from_upstream));
    /* The agent may not have sent a frame before it saw the 101 (RFC 6455 section 4.1). */
    bool is_early = buffer_length(&from_agent) > 0;
    buffer_done(&from_agent);
    buffer_done(&from_upstream);
    if (is_early)
        break_off(exchange, EXCHANGE_AGENT_PROTOCOL, "bytes before the WebSocket was open", true);
    else
        relay_start(exchange->relay);
}

/* --- response ------------------------------------------------------------------------------- */

static void pass_interim(struct exchange *exchange, const struct http_head *head)
{
    if (++exchange->interim_count > EXCHANGE_INTERIM_MAX) {
        answer_failure(exchange, EXCHANGE_UPSTREAM_PROTOCOL, "too many interim responses");
        return;
    }
    if (head->status == 100) {
        if (exchange->continue_state != CONTINUE_AWAITED)
            return;
        exchange->continue_state = CONTINUE_SAID;
    }
    exchange->downstream.operations->send_head(exchange->downstream.object, head);
}

/* False when the exchange has ended. */
static bool is_upgrade_good(struct exchange *exchange, const struct http_head *head)
{
    const char *detail = "101 without an upgrade asked for";
    if (exchange->request.upgrade == HTTP_UPGRADE_WEBSOCKET) {
        enum websocket_reason reason =
            websocket_handshake_check_response(&exchange->request, head, tls_digest_sha1);
        if (reason == WEBSOCKET_FINE)
            return true;
        detail = websocket_reason_text(reason);
    }
    answer_failure(exchange, EXCHANGE_UPSTREAM_PROTOCOL, detail);
    return false;
}

void exchange_response_head(struct exchange *exchange, struct http_head *head)
{
    CHECK(exchange->response_state == RESPONSE_WAITING);
    if (body_budget_is_full(exchange->origin.proxy->bodies)) {
        answer_failure(exchange, EXCHANGE_BODIES_FULL, NULL);
        return;
    }
    if (head->status == 101) {
        if (is_upgrade_good(exchange, head))
            start_tunnel(exchange, head);
        return;
    }
    if (head->status < 200) {
        pass_interim(exchange, head);
        return;
    }
    exchange->response_state = RESPONSE_BODY;
    exchange->continue_state = CONTINUE_SAID;
    exchange->status = head->status;
    /* It names ports and protocols that do not pass the wall. */
    http_head_remove(head, "alt-svc");
    if (exchange->tee)
        capture_tee_response_head(exchange->tee, head);
    exchange->downstream.operations->send_head(exchange->downstream.object, head);
}

void exchange_response_body(struct exchange *exchange, struct bytes body)
{
    exchange->received += body.length;
    if (body_budget_is_full(exchange->origin.proxy->bodies)) {
        break_off(exchange, EXCHANGE_BODIES_FULL, NULL, true);
        return;
    }
    if (exchange->tee)
        capture_tee_response_body(exchange->tee, body);
    exchange->downstream.operations->send_body(exchange->downstream.object, body);
}

void exchange_response_end(struct exchange *exchange, const struct http_head *trailers)
{
    CHECK(exchange->response_state == RESPONSE_BODY);
    exchange->upstream = (struct exchange_side){NULL, NULL};
    write_record(exchange, AUDIT_ALLOW, NULL, NULL);
    end_tee(exchange, NULL);
    struct exchange_side side = exchange->downstream;
    release(exchange);
    side.operations->send_end(side.object, trailers);
}

void exchange_response_flush(struct exchange *exchange)
{
    exchange->downstream.operations->flush(exchange->downstream.object);
}

/* By how much the response's window grows now. */
static size_t widen(struct exchange *exchange)
{
    size_t more = exchange->window;
    bool is_due = exchange->taken >= EXCHANGE_WIDEN_AFTER * exchange->window &&
                  2 * exchange->window <= BODY_BUDGET_WIDE_WINDOW;
    if (!is_due || !body_budget_lend(exchange->origin.proxy->bodies, more))
        return 0;
    exchange->lent += more;
    exchange->window += more;
    exchange->taken = 0;
    return more;
}

void exchange_response_credit(struct exchange *exchange, size_t bytes)
{
    if (exchange->upstream.operations == NULL)
        return;
    exchange->taken += bytes;
    bytes += widen(exchange);
    exchange->upstream.operations->give_credit(exchange->upstream.object, bytes);
}

/* --- request -------------------------------------------------------------------------------- */

void exchange_request_body(struct exchange *exchange, struct bytes body)
{
    CHECK(exchange->upstream.operations != NULL);
    exchange->is_body_delivered = true;
    exchange->sent += body.length;
    if (body_budget_is_full(exchange->origin.proxy->bodies)) {
        if (exchange->response_state == RESPONSE_WAITING)
            answer_failure(exchange, EXCHANGE_BODIES_FULL, NULL);
        else
            break_off(exchange, EXCHANGE_BODIES_FULL, NULL, true);
        return;
    }
    if (exchange->tee)
        capture_tee_request_body(exchange->tee, body);
    exchange->upstream.operations->send_body(exchange->upstream.object, body);
}

void exchange_request_end(struct exchange *exchange, const struct http_head *trailers)
{
    CHECK(exchange->upstream.operations != NULL);
    CHECK(exchange->request_state == REQUEST_ARRIVING);
    exchange->request_state = REQUEST_COMPLETE;
    if (exchange->tee)
        capture_tee_request_end(exchange->tee);
    exchange->upstream.operations->send_end(exchange->upstream.object, trailers);
}

void exchange_request_flush(struct exchange *exchange)
{
    if (exchange->upstream.operations)
        exchange->upstream.operations->flush(exchange->upstream.object);
}

void exchange_downstream_failed(struct exchange *exchange, enum exchange_failure failure,
                                const char *detail)
{
    break_off(exchange, failure, detail, false);
}

/* --- the service's part --------------------------------------------------------------------- */

void exchange_policy_changed(struct exchange *exchange)
{
    struct policy_decision decision = decide(exchange);
    bool is_private_over = exchange->is_private_allowed && !may_be_private(exchange);
    if (!decision.is_allowed || is_private_over ||
        (decision.has_method_rules && has_method_override(&exchange->request)))
        exchange_cut(exchange, EXCHANGE_POLICY_CHANGED);
    else
        exchange->rule = decision.rule;
}

void exchange_cut(struct exchange *exchange, enum exchange_failure failure)
{
    break_off(exchange, failure, NULL, true);
}
