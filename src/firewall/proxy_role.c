#include "firewall/proxy_role.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "firewall/capture_tee.h"
#include "firewall/dialer.h"
#include "firewall/dns_service.h"
#include "firewall/link_watch.h"
#include "firewall/listeners.h"
#include "firewall/own_addresses.h"
#include "firewall/policy_bundle.h"
#include "firewall/proxy.h"
#include "firewall/resolver.h"
#include "firewall/role.h"
#include "firewall/role_confine.h"
#include "firewall/role_message.h"
#include "policy/address_pool.h"
#include "policy/policy.h"
#include "base/body_budget.h"
#include "system/linux_memory.h"
#include "system/linux_privilege.h"
#include "system/linux_secret.h"
#include "system/stream.h"
#include "system/tls_memory.h"
#include "system/wall_clock.h"

enum {
    DESCRIPTORS_WANTED = 8192,
    TRIM_AFTER_MS = 1000,
    DESCRIPTORS_RESERVED = 128, /* listeners, resolver, loop, channel, and room to breathe */
};

/* The proxy and what only its start and its channel know. */
struct proxy_role {
    struct proxy proxy; /* first: proxy_release_connection finds the role by it */
    uv_loop_t loop;
    uv_poll_t channel_poll;
    uv_timer_t trim_timer; /* runs for a while after a connection has ended */
    uv_signal_t end_signal;
    int channel;
};

/* What ended connections left in the heap, in whole pages, goes back to the machine. */
static void on_trim_due(uv_timer_t *timer)
{
    malloc_trim(0);
}

void proxy_release_connection(struct proxy *proxy)
{
    CHECK(proxy->agent_connections > 0);
    proxy->agent_connections--;
    listeners_resume(proxy->listeners);
    struct proxy_role *role = (struct proxy_role *)proxy;
    if (!uv_is_active((uv_handle_t *)&role->trim_timer))
        uv_timer_start(&role->trim_timer, on_trim_due, TRIM_AFTER_MS, 0);
}

static void on_stream_closed(void *owner)
{
    proxy_release_connection(owner);
}

struct stream *proxy_accept_stream(struct proxy *proxy, int descriptor, stream_event_fn *on_event,
                                   void *owner)
{
    struct stream *stream = stream_new(proxy->streams, descriptor, on_event, owner);
    stream_on_closed(stream, on_stream_closed, proxy);
    return stream;
}

/* --- policy --------------------------------------------------------------------------------- */

static void update_pool(struct proxy *proxy)
{
    size_t count = 0;
    const struct bytes *keys = policy_pool_keys(proxy->policy, &count);
    size_t homeless =
        address_pool_update(proxy->pool, keys, count, (uint64_t)wall_clock_monotonic_ms());
    if (homeless == 0)
        return;
    struct audit_record record = {
        .kind = AUDIT_POLICY,
        .decision = AUDIT_INFO,
        .reason = BYTES_LITERAL("the address pool is full: names are left without an address"),
        .count = homeless > UINT32_MAX ? UINT32_MAX : (uint32_t)homeless,
    };
    record_queue_send(proxy, &record);
}

static void change_addresses(struct proxy *proxy, int descriptor)
{
    struct own_addresses own;
    CHECK(pread(descriptor, &own, sizeof(own), 0) == (ssize_t)sizeof(own));
    dialer_set_own_addresses(proxy->dialer, &own);
}

/* The supervisor compiled the same text before it sent it: a failure here is our mistake. */
static struct policy *compile_memory(int descriptor)
{
    struct stat status;
    CHECK(fstat(descriptor, &status) == 0 && status.st_size > 0);
    size_t length = (size_t)status.st_size;
    void *mapped = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    CHECK(mapped != MAP_FAILED);
    struct policy *policy = NULL;
    struct error error;
    CHECK(policy_bundle_compile((struct bytes){mapped, length}, &policy, &error));
    munmap(mapped, length);
    return policy;
}

/* Only what was asked is answered, so there is room. */
static void answer(struct proxy_role *role, struct role_message message)
{
    struct error error;
    CHECK(role_message_send(role->channel, &message, -1,
                            wall_clock_monotonic_ms() + ROLE_MESSAGE_SEND_MS, &error));
}

static void change_policy(struct proxy_role *role, int descriptor, uint64_t epoch)
{
    struct proxy *proxy = &role->proxy;
    struct policy *policy_before = (struct policy *)proxy->policy;
    proxy->policy = compile_memory(descriptor);
    proxy->policy_epoch = epoch;
    update_pool(proxy);
    https_service_policy_changed(proxy);
    ssh_service_policy_changed(proxy);
    policy_free(policy_before);
    answer(role, (struct role_message){.kind = ROLE_MESSAGE_IN_FORCE, .number = epoch});
    /* A large policy that went leaves nothing behind. */
    malloc_trim(0);
}

/* --- channel -------------------------------------------------------------------------------- */

static void send_counters(struct proxy_role *role)
{
    answer(role, (struct role_message){
                     .kind = ROLE_MESSAGE_COUNTERS,
                     .number = role->proxy.agent_connections,
                     .second = record_queue_dropped(role->proxy.records),
                 });
}

static void switch_capture(struct proxy_role *role, const struct role_message *message)
{
    CHECK(message->number > 0 && message->number <= UINT32_MAX);
    capture_switch(role->proxy.capture, message->number % 2 == 1 ? (uint32_t)message->number : 0);
    answer(role, (struct role_message){.kind = ROLE_MESSAGE_CAPTURING, .number = message->number});
    malloc_trim(0);
}

static void handle_message(struct proxy_role *role, const struct role_message *message,
                           int descriptor)
{
    struct proxy *proxy = &role->proxy;
    switch ((enum role_message_kind)message->kind) {
    case ROLE_MESSAGE_LISTENER:
        listeners_add(proxy->listeners, descriptor, (uint16_t)message->number);
        return;
    case ROLE_MESSAGE_DATAGRAM:
        dns_service_start(proxy->dns, descriptor);
        return;
    case ROLE_MESSAGE_LINK:
        link_watch_start(proxy->link, descriptor);
        return;
    case ROLE_MESSAGE_LISTENER_GONE:
        listeners_remove(proxy->listeners, (uint16_t)message->number);
        break;
    case ROLE_MESSAGE_POLICY:
        change_policy(role, descriptor, message->number);
        break;
    case ROLE_MESSAGE_ADDRESSES:
        change_addresses(proxy, descriptor);
        break;
    case ROLE_MESSAGE_STATUS:
        send_counters(role);
        break;
    case ROLE_MESSAGE_CAPTURE:
        switch_capture(role, message);
        break;
    case ROLE_MESSAGE_IN_FORCE:
    case ROLE_MESSAGE_COUNTERS:
    case ROLE_MESSAGE_CAPTURING:
    case ROLE_MESSAGE_VIEWER:
    case ROLE_MESSAGE_KIND_COUNT:
        CHECK(!"a message that the supervisor does not send");
    }
    if (descriptor >= 0)
        close(descriptor);
}

/* All messages that are there. False when the supervisor is gone. */
static bool receive_messages(struct proxy_role *role)
{
    struct role_message message;
    int descriptor = -1;
    for (;;) {
        switch (role_message_receive(role->channel, &message, &descriptor)) {
        case DESCRIPTOR_CHANNEL_WAIT:
            return true;
        case DESCRIPTOR_CHANNEL_END:
            return false;
        case DESCRIPTOR_CHANNEL_MESSAGE:
            handle_message(role, &message, descriptor);
            break;
        }
    }
}

static void on_channel(uv_poll_t *poll, int status, int events)
{
    struct proxy_role *role = poll->data;
    if (!receive_messages(role))
        uv_stop(&role->loop); /* without its supervisor a proxy ends */
}

/*
 * Agents that wait on the sockets already are looked at when there is a policy: the empty one, with
 * which a proxy is born, would deny them what is allowed. False when the supervisor is gone.
 */
static bool await_policy(struct proxy_role *role)
{
    struct pollfd polled = {.fd = role->channel, .events = POLLIN};
    while (role->proxy.policy_epoch == 0) {
        poll(&polled, 1, -1);
        if (!receive_messages(role))
            return false;
    }
    return true;
}

static void on_end_signal(uv_signal_t *handle, int number)
{
    uv_stop(handle->loop);
}

/* --- start ---------------------------------------------------------------------------------- */

static void set_connection_limit(struct proxy *proxy, unsigned descriptors)
{
    /* An agent connection may need an upstream one; and the rest must always find a descriptor. */
    unsigned usable = descriptors > 2 * DESCRIPTORS_RESERVED ? descriptors - DESCRIPTORS_RESERVED
                                                             : descriptors / 2;
    proxy->agent_connection_limit =
        usable / 2 < PROXY_AGENT_CONNECTION_LIMIT ? usable / 2 : PROXY_AGENT_CONNECTION_LIMIT;
}

static bool make_services(struct proxy_role *role, const struct proxy_start *start,
                          struct resolver *resolver, struct error *error)
{
    struct proxy *proxy = &role->proxy;
    proxy->loop = &role->loop;
    proxy->options = start->options;
    proxy->files = start->files;
    proxy->policy = policy_new_empty();
    proxy->pool = address_pool_new(start->options->pool_address, start->options->pool_prefix);
    proxy->records = record_queue_new(proxy->loop, start->record_socket);
    proxy->capture = capture_new(proxy->loop, start->capture_socket, start->providers);
    proxy->streams = stream_loop_new(proxy->loop);
    proxy->bodies = stream_loop_bodies(proxy->streams);
    body_budget_init(proxy->bodies, body_budget_limit(linux_memory_bytes()));
    struct dialer_settings settings = {
        .resolver = resolver,
        .upstream_ca_pem = (const char *)start->files->upstream_ca.data,
        .upstream_ca_pem_length = start->files->upstream_ca.length,
    };
    if (!dialer_new(proxy->streams, &settings, &proxy->dialer, error))
        return false;
    proxy->https = https_service_new(proxy);
    proxy->ssh = ssh_service_new(proxy);
    proxy->connect = connect_service_new(proxy);
    proxy->dns = dns_service_new(proxy);
    proxy->link = link_watch_new(proxy, start->address, start->netmask);
    proxy->listeners = listeners_new(proxy);
    return true;
}

static void watch_channel(struct proxy_role *role)
{
    role->channel_poll.data = role;
    CHECK(uv_poll_init(&role->loop, &role->channel_poll, role->channel) == 0);
    uv_poll_start(&role->channel_poll, UV_READABLE, on_channel);
    CHECK(uv_timer_init(&role->loop, &role->trim_timer) == 0);
    CHECK(uv_signal_init(&role->loop, &role->end_signal) == 0);
    uv_signal_start(&role->end_signal, on_end_signal, SIGTERM);
}

int proxy_role_main(void *context, int channel)
{
    const struct proxy_start *start = context;
    struct error error;
    struct proxy_role *role = memory_new(sizeof(*role));
    role->channel = channel;
    set_connection_limit(&role->proxy, linux_privilege_raise_descriptors(DESCRIPTORS_WANTED));
    CHECK(tls_memory_keep_keys_apart());
    CHECK(uv_loop_init(&role->loop) == 0);
    struct resolver *resolver = NULL;
    if (!resolver_new(&role->loop, (const struct sockaddr *)&start->options->upstream_dns,
                      &resolver, &error) ||
        !role_confine(ROLE_PROXY, start->parent, &error)) {
        fprintf(stderr, "rootcell-firewall: proxy: %s\n", error.text);
        return PROXY_EXIT_FAILED;
    }
    if (!make_services(role, start, resolver, &error)) {
        fprintf(stderr, "rootcell-firewall: %s\n", error.text);
        return PROXY_EXIT_REFUSED;
    }
    linux_secret_done(start->ca_key);
    watch_channel(role);
    if (await_policy(role))
        uv_run(&role->loop, UV_RUN_DEFAULT);
    /* The process ends with its connections; what is queued for the log still goes out. */
    record_queue_close(role->proxy.records);
    return 0;
}
