#include "firewall/listeners.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "firewall/dns_service.h"
#include "firewall/link_rules.h"
#include "firewall/proxy.h"
#include "firewall/wall_sockets.h"
#include "policy/address_pool.h"
#include "policy/policy.h"
#include "system/linux_socket.h"

enum {
    TLS_HANDSHAKE_BYTE = 0x16, /* RFC 8446 section 5.1 */
};

struct listener {
    uv_poll_t poll;
    struct listeners *listeners;
    int descriptor; /* owned */
    uint16_t port;
};

enum listeners_state { LISTENERS_ACCEPTING, LISTENERS_FULL, LISTENERS_OUT_OF_DESCRIPTORS };

struct listeners {
    struct proxy *proxy;
    enum listeners_state state;
    uv_timer_t timer; /* in LISTENERS_OUT_OF_DESCRIPTORS */
    struct listener *all[WALL_LISTENERS_MAX];
    uint16_t ports[WALL_LISTENERS_MAX];
    size_t count;
};

/* A connection that waits for its first byte. */
struct undecided {
    uv_poll_t poll;
    uv_timer_t timer;
    struct proxy *proxy;
    int descriptor; /* owned until handed on; then -1 */
    uint16_t port;
    unsigned handles_open;
};

static void on_acceptable(uv_poll_t *poll, int status, int events);

struct listeners *listeners_new(struct proxy *proxy)
{
    struct listeners *listeners = memory_new(sizeof(*listeners));
    listeners->proxy = proxy;
    CHECK(uv_timer_init(proxy->loop, &listeners->timer) == 0);
    listeners->timer.data = listeners;
    return listeners;
}

static void set_state(struct listeners *listeners, enum listeners_state state)
{
    listeners->state = state;
    for (size_t i = 0; i < listeners->count; i++) {
        if (state == LISTENERS_ACCEPTING)
            uv_poll_start(&listeners->all[i]->poll, UV_READABLE, on_acceptable);
        else
            uv_poll_stop(&listeners->all[i]->poll);
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct listeners *listeners = timer->data;
    if (listeners->state == LISTENERS_OUT_OF_DESCRIPTORS)
        set_state(listeners, LISTENERS_ACCEPTING);
}

void listeners_resume(struct listeners *listeners)
{
    if (listeners && listeners->state == LISTENERS_FULL)
        set_state(listeners, LISTENERS_ACCEPTING);
}

/* --- connections whose first byte decides --------------------------------------------------- */

static void on_undecided_closed(uv_handle_t *handle)
{
    struct undecided *undecided = handle->data;
    if (--undecided->handles_open == 0)
        free(undecided);
}

static void end_undecided(struct undecided *undecided)
{
    uv_close((uv_handle_t *)&undecided->poll, on_undecided_closed);
    uv_close((uv_handle_t *)&undecided->timer, on_undecided_closed);
}

static void refuse_undecided(struct undecided *undecided, const char *reason)
{
    struct audit_record record = {.kind = AUDIT_LINK,
                                  .decision = AUDIT_DENY,
                                  .port = undecided->port,
                                  .reason = bytes_from_text(reason)};
    record_queue_send(undecided->proxy, &record);
    linux_socket_reset(undecided->descriptor);
    proxy_release_connection(undecided->proxy);
    end_undecided(undecided);
}

static void on_first_byte(uv_poll_t *poll, int status, int events)
{
    struct undecided *undecided = poll->data;
    uint8_t byte = 0;
    ssize_t got = recv(undecided->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != 1 || (byte != 'S' && byte != TLS_HANDSHAKE_BYTE)) {
        refuse_undecided(undecided, got == 1 ? "neither TLS nor SSH" : "closed before any byte");
        return;
    }
    int descriptor = undecided->descriptor;
    uv_poll_stop(poll);
    end_undecided(undecided);
    if (byte == 'S')
        ssh_service_accept(undecided->proxy, descriptor, undecided->port);
    else
        https_service_accept(undecided->proxy, descriptor, undecided->port);
}

static void on_first_byte_late(uv_timer_t *timer)
{
    refuse_undecided(timer->data, "no byte in time");
}

static void await_first_byte(struct proxy *proxy, int descriptor, uint16_t port)
{
    struct undecided *undecided = memory_new(sizeof(*undecided));
    undecided->proxy = proxy;
    undecided->descriptor = descriptor;
    undecided->port = port;
    undecided->poll.data = undecided->timer.data = undecided;
    undecided->handles_open = 2;
    CHECK(uv_poll_init(proxy->loop, &undecided->poll, descriptor) == 0);
    CHECK(uv_timer_init(proxy->loop, &undecided->timer) == 0);
    uv_poll_start(&undecided->poll, UV_READABLE, on_first_byte);
    uv_timer_start(&undecided->timer, on_first_byte_late, LISTENERS_FIRST_BYTE_MS, 0);
}

/* --- which service -------------------------------------------------------------------------- */

static bool has_port(const uint16_t *ports, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

/* The dialled address belongs to an exact name that an ssh rule has on this port. */
static bool is_ssh_name(const struct proxy *proxy, int descriptor, uint16_t port)
{
    uint32_t address;
    uint16_t dialled_port;
    struct host_name name;
    if (!linux_socket_dialled_address(descriptor, &address, &dialled_port))
        return false;
    struct bytes key = address_pool_key(proxy->pool, address);
    return key.length > 0 && host_name_parse(key, &name) == HOST_NAME_FINE &&
           policy_decide_ssh(proxy->policy, &name, port).is_allowed;
}

static void dispatch(struct proxy *proxy, int descriptor, uint16_t port)
{
    if (port == WALL_PORT_DNS) {
        dns_service_accept(proxy, descriptor);
        return;
    }
    if (port == WALL_PORT_CONNECT) {
        connect_service_accept(proxy, descriptor, port);
        return;
    }
    struct policy_ports ports = policy_ports(proxy->policy);
    bool is_ssh = has_port(ports.ssh, ports.ssh_count, port);
    bool is_https = has_port(ports.https, ports.https_count, port);
    if (is_ssh && is_https && is_ssh_name(proxy, descriptor, port))
        await_first_byte(proxy, descriptor, port);
    else if (is_ssh && !is_https)
        ssh_service_accept(proxy, descriptor, port);
    else
        https_service_accept(proxy, descriptor, port);
}

static bool accept_one(struct listener *listener)
{
    struct listeners *listeners = listener->listeners;
    struct proxy *proxy = listeners->proxy;
    if (proxy->agent_connections >= proxy->agent_connection_limit) {
        set_state(listeners, LISTENERS_FULL);
        return false;
    }
    int descriptor = accept4(listener->descriptor, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (descriptor < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            set_state(listeners, LISTENERS_OUT_OF_DESCRIPTORS);
            uv_timer_start(&listeners->timer, on_pause_over, LISTENERS_PAUSE_MS, 0);
        }
        /* ECONNABORTED and what the network reported on a connection: the next one may be fine. */
        return errno == ECONNABORTED || errno == EINTR || errno == EPROTO;
    }
    proxy->agent_connections++;
    dispatch(proxy, descriptor, listener->port);
    return true;
}

static void on_acceptable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    for (int i = 0; i < LISTENERS_ACCEPTS_PER_TURN && accept_one(listener); i++)
        continue;
}

/* --- the set -------------------------------------------------------------------------------- */

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void listeners_remove(struct listeners *listeners, uint16_t port)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (listeners->ports[i] != port)
            continue;
        struct listener *listener = listeners->all[i];
        size_t last = --listeners->count;
        listeners->all[i] = listeners->all[last];
        listeners->ports[i] = listeners->ports[last];
        uv_poll_stop(&listener->poll);
        close(listener->descriptor);
        uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
        return;
    }
}

void listeners_add(struct listeners *listeners, int descriptor, uint16_t port)
{
    listeners_remove(listeners, port);
    CHECK(listeners->count < WALL_LISTENERS_MAX);
    struct listener *listener = memory_new(sizeof(*listener));
    listener->listeners = listeners;
    listener->descriptor = descriptor;
    listener->port = port;
    listener->poll.data = listener;
    CHECK(uv_poll_init(listeners->proxy->loop, &listener->poll, descriptor) == 0);
    listeners->all[listeners->count] = listener;
    listeners->ports[listeners->count++] = port;
    if (listeners->state == LISTENERS_ACCEPTING)
        uv_poll_start(&listener->poll, UV_READABLE, on_acceptable);
}

const uint16_t *listeners_ports(const struct listeners *listeners, size_t *count)
{
    *count = listeners->count;
    return listeners->ports;
}
