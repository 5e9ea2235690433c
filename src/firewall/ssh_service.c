#include "firewall/ssh_service.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"
#include "firewall/dialer.h"
#include "firewall/proxy.h"
#include "firewall/relay.h"
#include "policy/address_pool.h"
#include "policy/policy.h"
#include "system/linux_socket.h"
#include "system/stream.h"
#include "system/wall_clock.h"
#include "wire/ssh_banner.h"

enum ssh_state { SSH_DIALLING, SSH_GREETING, SSH_RELAYING };

/* One side before the relay. */
enum side_state {
    SIDE_SILENT,  /* no banner yet */
    SIDE_GREETED, /* its banner was seen */
};

struct ssh_side {
    struct stream *stream; /* owned until the relay has it */
    enum side_state state;
    struct buffer held; /* what it sent */
};

enum ssh_origin { SSH_FROM_ADDRESS, SSH_FROM_CONNECT };

struct ssh_connection {
    struct ssh_connection *next, *previous;
    struct proxy *proxy;
    enum ssh_state state;
    enum ssh_origin origin;
    struct ssh_side agent, upstream;
    struct dial *dial;   /* in SSH_DIALLING */
    struct relay *relay; /* in SSH_RELAYING */
    uv_timer_t deadline; /* in SSH_GREETING */
    struct host_name name;
    uint16_t port;
    bool is_private_allowed; /* when it was dialled */
    char *rule;              /* owned */
    int64_t started_ms;
    size_t greeting_bytes; /* of the server's banner, sent to the agent before the relay */
};

struct ssh_service {
    struct ssh_connection *first;
    unsigned count;
};

struct ssh_service *ssh_service_new(struct proxy *proxy)
{
    return memory_new(sizeof(struct ssh_service));
}

/* --- records and ends ----------------------------------------------------------------------- */

static void record_refusal(struct proxy *proxy, struct bytes name, uint16_t port,
                           const char *reason, const char *detail)
{
    struct audit_record record = {
        .kind = AUDIT_SSH,
        .decision = AUDIT_DENY,
        .name = name,
        .port = port,
        .reason = bytes_from_text(reason),
        .detail = bytes_from_text(detail),
    };
    record_queue_send(proxy, &record);
}

static void record_end(const struct ssh_connection *connection, enum audit_decision decision,
                       const char *reason, const char *detail, uint64_t sent, uint64_t received)
{
    struct audit_record record = {
        .kind = AUDIT_SSH,
        .decision = decision,
        .name = host_name_bytes(&connection->name),
        .port = connection->port,
        .rule = bytes_from_text(connection->rule),
        .reason = bytes_from_text(reason),
        .has_traffic = true,
        .sent = sent,
        .received = received + connection->greeting_bytes,
        .duration_ms = (uint64_t)(wall_clock_monotonic_ms() - connection->started_ms),
        .detail = bytes_from_text(detail),
    };
    record_queue_send(connection->proxy, &record);
}

static void on_deadline_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Streams and relay are gone; release the rest. */
static void forget(struct ssh_connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        connection->proxy->ssh->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    connection->proxy->ssh->count--;
    buffer_done(&connection->agent.held);
    buffer_done(&connection->upstream.held);
    free(connection->rule);
    uv_close((uv_handle_t *)&connection->deadline, on_deadline_closed);
}

/* Close both sides before the relay had them. */
static void end_before_relay(struct ssh_connection *connection, enum stream_ending ending)
{
    if (connection->dial)
        dial_cancel(connection->dial);
    if (connection->upstream.stream)
        stream_close(connection->upstream.stream, STREAM_ENDING_RESET);
    stream_close(connection->agent.stream, ending);
    forget(connection);
}

static void refuse(struct ssh_connection *connection, const char *reason, const char *detail)
{
    record_end(connection, AUDIT_DENY, reason, detail, 0, 0);
    end_before_relay(connection, STREAM_ENDING_RESET);
}

/* --- relaying ------------------------------------------------------------------------------- */

static void on_relay_end(void *owner, enum relay_end end, uint64_t sent, uint64_t received)
{
    static const char *const details[] = {
        [RELAY_END_FINISHED] = "",
        [RELAY_END_AGENT_LOST] = "the agent broke the connection",
        [RELAY_END_UPSTREAM_LOST] = "the server broke the connection",
        [RELAY_END_IDLE] = "idle for too long",
    };
    struct ssh_connection *connection = owner;
    record_end(connection, AUDIT_ALLOW, "", details[end], sent, received);
    forget(connection);
}

static void keep_alive(struct stream *stream)
{
    int one = 1;
    setsockopt(stream_descriptor(stream), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static void start_relay(struct ssh_connection *connection)
{
    struct ssh_side *agent = &connection->agent, *upstream = &connection->upstream;
    uv_timer_stop(&connection->deadline);
    keep_alive(agent->stream);
    keep_alive(upstream->stream);
    connection->state = SSH_RELAYING;
    connection->relay = relay_new(connection->proxy->streams, agent->stream, upstream->stream,
                                  SSH_IDLE_MS, on_relay_end, connection);
    agent->stream = upstream->stream = NULL;
    relay_pass_to_upstream(connection->relay, buffer_bytes(&agent->held));
    relay_pass_to_agent(connection->relay,
                        bytes_from(buffer_bytes(&upstream->held), connection->greeting_bytes));
    buffer_done(&agent->held);
    buffer_done(&upstream->held);
    relay_start(connection->relay);
}

/* --- greeting ------------------------------------------------------------------------------- */

enum greeting { GREETING_WAIT, GREETING_DONE, GREETING_ENDED };

/* Read what a side sent and look for its banner; GREETING_ENDED: the connection is gone. */
static enum greeting read_greeting(struct ssh_connection *connection, struct ssh_side *side)
{
    bool is_agent = side == &connection->agent;
    for (;;) {
        size_t room = 0, length = 0, banner_bytes = 0;
        struct bytes banner;
        uint8_t *into = buffer_reserve(&side->held, SSH_HELD_BYTES_MAX, &room);
        if (room == 0) {
            stream_pause_reading(side->stream);
            return GREETING_WAIT;
        }
        enum stream_result result = stream_read(side->stream, into, room, &length);
        if (result == STREAM_WAIT)
            return GREETING_WAIT;
        if (result != STREAM_DATA) {
            refuse(connection,
                   is_agent ? "agent closed before the greeting"
                            : "server closed before the greeting",
                   "");
            return GREETING_ENDED;
        }
        buffer_commit(&side->held, length);
        if (side->state == SIDE_GREETED)
            continue;
        switch (ssh_banner_parse(buffer_bytes(&side->held), &banner, &banner_bytes)) {
        case PARSE_NEED_MORE:
            break;
        case PARSE_BAD:
            refuse(connection, is_agent ? "agent does not speak SSH" : "server does not speak SSH",
                   "");
            return GREETING_ENDED;
        case PARSE_OK:
            side->state = SIDE_GREETED;
            if (!is_agent) {
                connection->greeting_bytes = banner_bytes;
                stream_send(connection->agent.stream,
                            bytes_first(buffer_bytes(&side->held), banner_bytes));
            }
            return GREETING_DONE;
        }
    }
}

static void on_side_event(struct ssh_connection *connection, struct ssh_side *side,
                          enum stream_event event)
{
    if (event == STREAM_DRAINED)
        return;
    if (event == STREAM_FAILED) {
        refuse(connection, side == &connection->agent ? "agent lost" : "server lost",
               stream_failure(side->stream));
        return;
    }
    if (read_greeting(connection, side) == GREETING_DONE &&
        connection->agent.state == SIDE_GREETED && connection->upstream.state == SIDE_GREETED)
        start_relay(connection);
}

static void on_agent_event(void *owner, enum stream_event event)
{
    struct ssh_connection *connection = owner;
    on_side_event(connection, &connection->agent, event);
}

static void on_upstream_event(void *owner, enum stream_event event)
{
    struct ssh_connection *connection = owner;
    on_side_event(connection, &connection->upstream, event);
}

static void on_greeting_late(uv_timer_t *timer)
{
    struct ssh_connection *connection = timer->data;
    refuse(connection,
           connection->upstream.state == SIDE_SILENT ? "server showed no SSH banner in time"
                                                     : "agent showed no SSH banner in time",
           "");
}

/* --- dialling ------------------------------------------------------------------------------- */

static void answer_connect_failure(struct ssh_connection *connection)
{
    stream_send(connection->agent.stream,
                BYTES_LITERAL("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
                              "Connection: close\r\n\r\n"));
}

static void on_dialled(void *owner, enum dial_outcome outcome, struct stream *stream,
                       const char *detail)
{
    struct ssh_connection *connection = owner;
    connection->dial = NULL;
    if (outcome != DIAL_CONNECTED) {
        record_end(connection, AUDIT_DENY, dial_outcome_text(outcome), detail, 0, 0);
        if (connection->origin == SSH_FROM_CONNECT) {
            answer_connect_failure(connection);
            end_before_relay(connection, STREAM_ENDING_CLEAN);
        } else {
            end_before_relay(connection, STREAM_ENDING_RESET);
        }
        return;
    }
    connection->upstream.stream = stream;
    connection->state = SSH_GREETING;
    if (connection->origin == SSH_FROM_CONNECT) {
        stream_send(connection->agent.stream,
                    BYTES_LITERAL("HTTP/1.1 200 Connection established\r\n\r\n"));
        stream_resume_reading(connection->agent.stream);
    }
    stream_set_owner(stream, on_upstream_event, connection);
    stream_resume_reading(stream);
    uv_timer_start(&connection->deadline, on_greeting_late, SSH_GREETING_MS, 0);
}

static void start(struct proxy *proxy, struct stream *agent, const struct host_name *name,
                  uint16_t port, enum ssh_origin origin)
{
    struct policy_decision decision = policy_decide_ssh(proxy->policy, name, port);
    CHECK(decision.is_allowed);
    struct ssh_connection *connection = memory_new(sizeof(*connection));
    *connection = (struct ssh_connection){
        .next = proxy->ssh->first,
        .proxy = proxy,
        .state = SSH_DIALLING,
        .origin = origin,
        .agent.stream = agent,
        .name = *name,
        .port = port,
        .is_private_allowed = decision.may_be_private,
        .rule = memory_copy_text(decision.rule ? decision.rule->text : ""),
        .started_ms = wall_clock_monotonic_ms(),
    };
    if (connection->next)
        connection->next->previous = connection;
    proxy->ssh->first = connection;
    proxy->ssh->count++;
    buffer_init(&connection->agent.held, SSH_HELD_BYTES_MAX);
    buffer_init(&connection->upstream.held, SSH_HELD_BYTES_MAX);
    CHECK(uv_timer_init(proxy->loop, &connection->deadline) == 0);
    connection->deadline.data = connection;
    /* After CONNECT nothing may come before our answer, so nothing is read. */
    if (origin == SSH_FROM_CONNECT)
        stream_pause_reading(agent);
    stream_set_owner(agent, on_agent_event, connection);
    struct dial_request request = {
        .name = host_name_bytes(name),
        .port = port,
        .security = DIAL_PLAIN,
        .is_private_allowed = decision.may_be_private,
        .timeout_ms = SSH_DIAL_MS,
    };
    connection->dial = dial_start(proxy->dialer, &request, on_dialled, connection);
}

void ssh_service_take(struct proxy *proxy, struct stream *agent, const struct host_name *name,
                      uint16_t port)
{
    if (proxy->ssh->count >= SSH_CONNECTIONS_MAX) {
        record_refusal(proxy, host_name_bytes(name), port, "too many SSH connections", "");
        stream_close(agent, STREAM_ENDING_RESET);
        return;
    }
    start(proxy, agent, name, port, SSH_FROM_CONNECT);
}

/* The one name that the dialled address belongs to; false leaves why in `reason`. */
static bool find_name(const struct proxy *proxy, uint32_t address, uint16_t port,
                      struct host_name *name, const char **reason)
{
    struct bytes key = address_pool_key(proxy->pool, address);
    if (key.length == 0) {
        *reason = "the address belongs to no name";
        return false;
    }
    if (host_name_parse(key, name) != HOST_NAME_FINE) {
        *reason = "the address belongs to a pattern, not to one name";
        return false;
    }
    struct policy_decision decision = policy_decide_ssh(proxy->policy, name, port);
    *reason = policy_reason_text(decision.reason);
    if (decision.is_allowed && proxy->ssh->count >= SSH_CONNECTIONS_MAX) {
        *reason = "too many SSH connections";
        return false;
    }
    return decision.is_allowed;
}

void ssh_service_accept(struct proxy *proxy, int descriptor, uint16_t port)
{
    uint32_t address = 0;
    uint16_t dialled_port = 0;
    struct host_name name = {0};
    const char *reason = "the connection ended";
    if (linux_socket_dialled_address(descriptor, &address, &dialled_port) &&
        find_name(proxy, address, port, &name, &reason)) {
        start(proxy, proxy_accept_stream(proxy, descriptor, NULL, NULL), &name, port,
              SSH_FROM_ADDRESS);
        return;
    }
    char dotted[16];
    number_format_ipv4(address, dotted);
    record_refusal(proxy, name.length ? host_name_bytes(&name) : bytes_from_text(dotted), port,
                   reason, name.length ? "" : dotted);
    /* An orderly end: a reset could overtake the connect() that it answers. */
    close(descriptor);
    proxy_release_connection(proxy);
}

void ssh_service_policy_changed(struct proxy *proxy)
{
    struct ssh_connection *connection = proxy->ssh->first;
    while (connection) {
        struct ssh_connection *next = connection->next;
        struct policy_decision decision =
            policy_decide_ssh(proxy->policy, &connection->name, connection->port);
        bool is_private_over = connection->is_private_allowed && !decision.may_be_private;
        if (!decision.is_allowed || is_private_over) {
            if (connection->state == SSH_RELAYING) {
                record_end(connection, AUDIT_DENY, "policy changed", "cut",
                           relay_sent(connection->relay), relay_received(connection->relay));
                relay_cut(connection->relay);
                forget(connection);
            } else {
                refuse(connection, "policy changed", "cut");
            }
        }
        connection = next;
    }
}
