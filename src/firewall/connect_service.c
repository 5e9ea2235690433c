#include "firewall/proxy.h"

#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "firewall/ssh_service.h"
#include "policy/policy.h"
#include "system/stream.h"
#include "wire/connect_request.h"

/*
 * Port 8080: `CONNECT name:port` for SSH clients that are configured to use a proxy, and nothing
 * else. A request is one head within 10 s; what is refused gets a short answer and the end.
 */

struct connect_connection {
    struct proxy *proxy;
    struct stream *stream; /* owned until handed on */
    uv_timer_t deadline;
    struct buffer head;
};

struct connect_service *connect_service_new(struct proxy *proxy)
{
    /* It has no state of its own: each connection stands alone. */
    return NULL;
}

static void on_deadline_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void forget(struct connect_connection *connection)
{
    buffer_done(&connection->head);
    uv_close((uv_handle_t *)&connection->deadline, on_deadline_closed);
}

static void end(struct connect_connection *connection, enum stream_ending ending)
{
    stream_close(connection->stream, ending);
    forget(connection);
}

static void record_refusal(struct connect_connection *connection, struct bytes name, uint16_t port,
                           int status, const char *reason)
{
    struct audit_record record = {
        .kind = AUDIT_CONNECT,
        .decision = AUDIT_DENY,
        .name = name,
        .port = port,
        .status = (uint16_t)status,
        .reason = bytes_from_text(reason),
    };
    record_queue_send(connection->proxy, &record);
}

static void refuse(struct connect_connection *connection, struct bytes name, uint16_t port,
                   int status, const char *reason)
{
    static const char body[] = "refused: this port takes CONNECT to SSH hosts on the list of "
                               "this firewall, and nothing else\n";
    record_refusal(connection, name, port, status, reason);
    struct buffer answer;
    buffer_init(&answer, 1024);
    CHECK(buffer_append_format(&answer,
                               "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\n"
                               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                               status, status == 403 ? "Forbidden" : "Refused", sizeof(body) - 1,
                               body));
    stream_send(connection->stream, buffer_bytes(&answer));
    buffer_done(&answer);
    end(connection, STREAM_ENDING_CLEAN);
}

static void hand_on(struct connect_connection *connection, const struct host_name *name,
                    uint16_t port)
{
    ssh_service_take(connection->proxy, connection->stream, name, port);
    forget(connection);
}

static void decide(struct connect_connection *connection, const struct connect_request *request)
{
    struct host_name name;
    uint16_t port = request->target.port;
    enum host_name_problem problem = host_name_parse(request->target.host, &name);
    if (problem != HOST_NAME_FINE) {
        refuse(connection, request->target.host, port, 400, host_name_problem_text(problem));
        return;
    }
    struct policy_decision decision = policy_decide_ssh(connection->proxy->policy, &name, port);
    if (decision.is_allowed)
        hand_on(connection, &name, port);
    else
        refuse(connection, host_name_bytes(&name), port, 403, policy_reason_text(decision.reason));
}

static void read_head(struct connect_connection *connection)
{
    for (;;) {
        size_t room = 0, length = 0;
        struct connect_request request;
        uint8_t *into = buffer_reserve(&connection->head, CONNECT_REQUEST_BYTES_MAX, &room);
        if (room == 0) {
            refuse(connection, BYTES_EMPTY, 0, 431, "the request is too long");
            return;
        }
        enum stream_result result = stream_read(connection->stream, into, room, &length);
        if (result == STREAM_WAIT)
            return;
        if (result != STREAM_DATA) {
            if (buffer_length(&connection->head) > 0)
                record_refusal(connection, BYTES_EMPTY, 0, 0, "ended within the request");
            end(connection, STREAM_ENDING_RESET);
            return;
        }
        buffer_commit(&connection->head, length);
        switch (connect_request_parse(buffer_bytes(&connection->head), &request)) {
        case PARSE_NEED_MORE:
            break;
        case PARSE_BAD:
            refuse(connection, BYTES_EMPTY, 0, connect_reason_status(request.reason),
                   connect_reason_text(request.reason));
            return;
        case PARSE_OK:
            decide(connection, &request);
            return;
        }
    }
}

static void on_stream(void *owner, enum stream_event event)
{
    struct connect_connection *connection = owner;
    if (event == STREAM_FAILED)
        end(connection, STREAM_ENDING_RESET);
    else if (event != STREAM_DRAINED)
        read_head(connection);
}

static void on_head_late(uv_timer_t *timer)
{
    struct connect_connection *connection = timer->data;
    record_refusal(connection, BYTES_EMPTY, 0, 0, "no complete request in time");
    end(connection, STREAM_ENDING_RESET);
}

void connect_service_accept(struct proxy *proxy, int descriptor, uint16_t port)
{
    struct connect_connection *connection = memory_new(sizeof(*connection));
    connection->proxy = proxy;
    buffer_init(&connection->head, CONNECT_REQUEST_BYTES_MAX);
    CHECK(uv_timer_init(proxy->loop, &connection->deadline) == 0);
    connection->deadline.data = connection;
    uv_timer_start(&connection->deadline, on_head_late, CONNECT_HEAD_MS, 0);
    connection->stream = proxy_accept_stream(proxy, descriptor, on_stream, connection);
}
