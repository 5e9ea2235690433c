#include "firewall/proxy.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/http1_downstream.h"
#include "firewall/http2_downstream.h"
#include "firewall/tls_server.h"
#include "firewall/upstream_pool.h"
#include "policy/policy.h"
#include "system/stream.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <uv.h>

/*
 * Theory of Operation
 *
 * The agent's connections to ports of https rules, from accept to close:
 *
 *   HELLO -> HANDSHAKE -> HTTP1 or HTTP2 -> gone
 *
 *   HELLO      at most 10 s until a complete ClientHello has named a host that the policy allows
 *   HANDSHAKE  at most 15 s from accept until TLS is established
 *   HTTP1, 2   the connection belongs to a downstream codec, by ALPN; without it, HTTP/1.1
 *
 * Whatever does not go this way is closed with an alert, and recorded with the name that was
 * asked for.
 */

enum https_state {
    STATE_HELLO,
    STATE_HANDSHAKE,
    STATE_HTTP1,
    STATE_HTTP2,
};

struct https_connection {
    LIST_ENTRY(https_connection) link;
    struct https_service *service; /* borrowed */
    enum https_state state;
    uint16_t port;                  /* that the agent dialled */
    struct stream *stream;          /* owned until HTTP1 or HTTP2 */
    struct http1_downstream *http1; /* owned in HTTP1 */
    struct http2_downstream *http2; /* owned in HTTP2 */
    struct tls_agent_session tls;
    uv_timer_t timer;
    uint64_t accepted_ms;
};

struct https_service {
    struct proxy *proxy;        /* borrowed */
    struct tls_server *tls;     /* owned */
    struct upstream_pool *pool; /* owned */
    LIST_HEAD(, https_connection) connections;
};

bool https_service_check(const struct options *options, const struct proxy_files *files,
                         struct error *error)
{
    struct tls_server *tls;
    if (!tls_server_new(files->ca_certificate, files->ca_key, &tls, error))
        return false;
    tls_server_free(tls);
    return true;
}

struct https_service *https_service_new(struct proxy *proxy)
{
    struct https_service *service = memory_new(sizeof(*service));
    struct error error;
    service->proxy = proxy;
    LIST_INIT(&service->connections);
    /* Both were found good by https_service_check before the proxy was started. */
    CHECK(
        tls_server_new(proxy->files->ca_certificate, proxy->files->ca_key, &service->tls, &error));
    service->pool = upstream_pool_new(proxy);
    return service;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void release(struct https_connection *connection)
{
    LIST_REMOVE(connection, link);
    uv_close((uv_handle_t *)&connection->timer, on_timer_closed);
}

/* A client that gives up, say because it does not know our CA, was not denied anything. */
static void write_end(const struct https_connection *connection, const char *reason,
                      const char *detail)
{
    struct proxy *proxy = connection->service->proxy;
    bool is_own_failure = connection->state == STATE_HANDSHAKE && connection->tls.refusal == NULL;
    struct audit_record record = {
        .kind = AUDIT_TLS,
        .decision = is_own_failure ? AUDIT_INFO : AUDIT_DENY,
        .name = bytes_from_text(connection->tls.raw_name),
        .port = connection->port,
        .duration_ms = uv_now(proxy->loop) - connection->accepted_ms,
        .reason = bytes_from_text(reason),
        .detail = bytes_from_text(detail),
    };
    record_queue_send(proxy, &record);
}

static void refuse(struct https_connection *connection, const char *reason, const char *detail)
{
    write_end(connection, reason, detail);
    stream_close(connection->stream, STREAM_ENDING_CLEAN);
    release(connection);
}

/* --- the handshake -------------------------------------------------------------------------- */

static bool decide(void *owner, const struct host_name *name, struct bytes *rule,
                   const char **refusal)
{
    struct https_connection *connection = owner;
    struct policy_decision decision =
        policy_decide_tls(connection->service->proxy->policy, name, connection->port);
    if (!decision.is_allowed) {
        *refusal = policy_reason_text(decision.reason);
        return false;
    }
    connection->state = STATE_HANDSHAKE;
    *rule = bytes_from_text(decision.rule->text);
    return true;
}

static void on_http_end(void *owner)
{
    release(owner);
}

static void start_http(struct https_connection *connection)
{
    struct exchange_origin origin = {
        .proxy = connection->service->proxy,
        .pool = connection->service->pool,
        .name = &connection->tls.name,
        .port = connection->port,
        .protocol = connection->tls.is_http2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1,
    };
    uv_timer_stop(&connection->timer);
    if (connection->tls.is_http2) {
        connection->state = STATE_HTTP2;
        connection->http2 =
            http2_downstream_new(&origin, connection->stream, on_http_end, connection);
    } else {
        connection->state = STATE_HTTP1;
        connection->http1 =
            http1_downstream_new(&origin, connection->stream, on_http_end, connection);
    }
    connection->stream = NULL;
}

static void on_stream(void *owner, enum stream_event event)
{
    struct https_connection *connection = owner;
    if (event == STREAM_OPENED) {
        start_http(connection);
    } else if (event == STREAM_FAILED) {
        const char *failure = stream_failure(connection->stream);
        const char *refusal = connection->tls.refusal;
        if (refusal == NULL)
            refusal =
                connection->state == STATE_HELLO ? "no TLS ClientHello" : "TLS handshake failed";
        refuse(connection, refusal, connection->tls.refusal ? "" : failure);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct https_connection *connection = timer->data;
    if (connection->state == STATE_HANDSHAKE) {
        uint64_t passed_ms = uv_now(timer->loop) - connection->accepted_ms;
        if (passed_ms < HTTPS_HANDSHAKE_MS) {
            uv_timer_start(timer, on_timer, HTTPS_HANDSHAKE_MS - passed_ms, 0);
            return;
        }
        refuse(connection, "TLS handshake not complete within 15 seconds", "");
        return;
    }
    refuse(connection, "no ClientHello within 10 seconds", "");
}

void https_service_accept(struct proxy *proxy, int descriptor, uint16_t port)
{
    struct https_service *service = proxy->https;
    struct https_connection *connection = memory_new(sizeof(*connection));
    connection->service = service;
    connection->port = port;
    connection->accepted_ms = uv_now(proxy->loop);
    connection->tls.decide = decide;
    connection->tls.owner = connection;
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    LIST_INSERT_HEAD(&service->connections, connection, link);
    CHECK(uv_timer_init(proxy->loop, &connection->timer) == 0);
    connection->timer.data = connection;
    uv_timer_start(&connection->timer, on_timer, HTTPS_HELLO_MS, 0);
    connection->stream = proxy_accept_stream(proxy, descriptor, on_stream, connection);
    stream_watch_peer(connection->stream);
    stream_start_tls(connection->stream, tls_server_session(service->tls, &connection->tls));
}

/* --- reload --------------------------------------------------------------------------------- */

static void recheck(struct https_connection *connection)
{
    struct proxy *proxy = connection->service->proxy;
    if (connection->state == STATE_HELLO)
        return;
    struct policy_decision decision =
        policy_decide_tls(proxy->policy, &connection->tls.name, connection->port);
    bool is_allowed = decision.is_allowed;
    /* The rule before is about to go. */
    connection->tls.rule = is_allowed ? bytes_from_text(decision.rule->text) : BYTES_EMPTY;
    if (connection->state == STATE_HANDSHAKE && !is_allowed) {
        connection->tls.refusal = "no longer allowed";
        refuse(connection, connection->tls.refusal, "");
        return;
    }
    if (connection->state == STATE_HTTP1 && is_allowed)
        http1_downstream_policy_changed(connection->http1);
    else if (connection->state == STATE_HTTP1)
        http1_downstream_cut(connection->http1);
    else if (connection->state == STATE_HTTP2 && is_allowed)
        http2_downstream_policy_changed(connection->http2);
    else if (connection->state == STATE_HTTP2)
        http2_downstream_cut(connection->http2);
}

void https_service_policy_changed(struct proxy *proxy)
{
    struct https_service *service = proxy->https;
    upstream_pool_policy_changed(service->pool);
    struct https_connection *connection = LIST_FIRST(&service->connections);
    while (connection) {
        struct https_connection *next = LIST_NEXT(connection, link);
        recheck(connection);
        connection = next;
    }
}
