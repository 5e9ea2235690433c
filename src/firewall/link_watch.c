#include "firewall/link_watch.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/number.h"
#include "firewall/link_packet.h"
#include "firewall/listeners.h"
#include "firewall/proxy.h"
#include "system/wall_clock.h"

enum { PACKET_BYTES = 64 };

/* A slot per hash of (kind, port): a clash costs a record more or less, never memory. */
struct attempt {
    uint64_t window_end_ms; /* 0: free */
    uint32_t count;         /* since the record that was made */
    uint16_t port;
    uint8_t kind;
};

struct link_watch {
    struct proxy *proxy;
    uv_poll_t poll;
    uv_timer_t rest;
    int descriptor; /* owned */
    uint32_t address;
    uint32_t netmask;
    struct attempt attempts[LINK_WATCH_ATTEMPTS_MAX];
};

struct link_watch *link_watch_new(struct proxy *proxy, uint32_t address, uint32_t netmask)
{
    struct link_watch *watch = memory_new(sizeof(*watch));
    watch->proxy = proxy;
    watch->descriptor = -1;
    watch->address = address;
    watch->netmask = netmask;
    CHECK(uv_timer_init(proxy->loop, &watch->rest) == 0);
    watch->rest.data = watch;
    return watch;
}

static void make_record(struct link_watch *watch, const struct link_packet *packet, uint32_t count)
{
    char name[16] = "", detail[64];
    const char *kind = link_packet_kind_name(packet->kind);
    bool is_port = packet->kind == LINK_PACKET_TCP || packet->kind == LINK_PACKET_UDP;
    if (packet->destination != 0)
        number_format_ipv4(packet->destination, name);
    if (!is_port && packet->port != 0)
        snprintf(detail, sizeof(detail), "%s %u", kind, packet->port);
    else
        snprintf(detail, sizeof(detail), "%s", kind);
    struct audit_record record = {
        .kind = AUDIT_LINK,
        .decision = AUDIT_DENY,
        .name = bytes_from_text(name),
        .port = is_port ? packet->port : 0,
        .reason = is_port ? BYTES_LITERAL("port closed") : BYTES_LITERAL("protocol not allowed"),
        .count = count,
        .detail = bytes_from_text(detail),
    };
    record_queue_send(watch->proxy, &record);
}

static void note_packet(struct link_watch *watch, uint16_t ethernet_type, struct bytes bytes)
{
    struct link_packet_view view = {.address = watch->address, .netmask = watch->netmask};
    view.open_ports = listeners_ports(watch->proxy->listeners, &view.open_port_count);
    struct link_packet packet = link_packet_classify(&view, ethernet_type, bytes);
    if (packet.kind == LINK_PACKET_ORDINARY)
        return;
    uint64_t now_ms = (uint64_t)wall_clock_monotonic_ms();
    size_t slot = ((size_t)packet.port * 31 + (size_t)packet.kind * 7919) % LINK_WATCH_ATTEMPTS_MAX;
    struct attempt *attempt = &watch->attempts[slot];
    bool is_same = attempt->port == packet.port && attempt->kind == packet.kind;
    if (is_same && now_ms < attempt->window_end_ms) {
        attempt->count++;
        return;
    }
    uint32_t count = is_same ? attempt->count : 0;
    *attempt =
        (struct attempt){now_ms + LINK_WATCH_WINDOW_MS, 0, packet.port, (uint8_t)packet.kind};
    make_record(watch, &packet, count);
}

static void on_packets(uv_poll_t *poll, int status, int events);

static void on_rested(uv_timer_t *timer)
{
    struct link_watch *watch = timer->data;
    uv_poll_start(&watch->poll, UV_READABLE, on_packets);
}

static void on_packets(uv_poll_t *poll, int status, int events)
{
    struct link_watch *watch = poll->data;
    for (int i = 0; i < LINK_WATCH_PACKETS_PER_TURN; i++) {
        uint8_t packet[PACKET_BYTES];
        struct sockaddr_ll from = {0};
        socklen_t length = sizeof(from);
        ssize_t got = recvfrom(watch->descriptor, packet, sizeof(packet), MSG_DONTWAIT,
                               (struct sockaddr *)&from, &length);
        if (got < 0)
            return;
        note_packet(watch, ntohs(from.sll_protocol), (struct bytes){packet, (size_t)got});
    }
    uv_poll_stop(poll);
    uv_timer_start(&watch->rest, on_rested, LINK_WATCH_REST_MS, 0);
}

void link_watch_start(struct link_watch *watch, int descriptor)
{
    CHECK(watch->descriptor < 0);
    watch->descriptor = descriptor;
    watch->poll.data = watch;
    CHECK(uv_poll_init(watch->proxy->loop, &watch->poll, descriptor) == 0);
    uv_poll_start(&watch->poll, UV_READABLE, on_packets);
}
