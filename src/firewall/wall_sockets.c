#include "firewall/wall_sockets.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "firewall/link_packet.h"
#include "system/linux_socket.h"

enum { LISTEN_BACKLOG = 512 };

void wall_sockets_init(struct wall_sockets *sockets)
{
    *sockets = (struct wall_sockets){.datagram = -1, .packet = -1};
}

static int compare_ports(const void *left, const void *right)
{
    return *(const uint16_t *)left - *(const uint16_t *)right;
}

size_t wall_sockets_ports(const struct policy *policy, uint16_t ports[LINK_RULES_PORTS_MAX])
{
    struct policy_ports wanted = policy_ports(policy);
    CHECK(wanted.https_count + wanted.ssh_count + 4 <= LINK_RULES_PORTS_MAX);
    size_t count = 0;
    ports[count++] = WALL_PORT_SSH;
    ports[count++] = WALL_PORT_DNS;
    ports[count++] = WALL_PORT_HTTPS;
    ports[count++] = WALL_PORT_CONNECT;
    for (size_t i = 0; i < wanted.https_count; i++)
        ports[count++] = wanted.https[i];
    for (size_t i = 0; i < wanted.ssh_count; i++)
        ports[count++] = wanted.ssh[i];
    qsort(ports, count, sizeof(*ports), compare_ports);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (i == 0 || ports[i] != ports[i - 1])
            ports[unique++] = ports[i];
    return unique;
}

bool wall_sockets_open(struct wall_sockets *sockets, const char *interface, struct error *error)
{
    sockets->datagram = linux_socket_datagram(interface, WALL_PORT_DNS, error);
    return sockets->datagram >= 0;
}

bool wall_sockets_watch(struct wall_sockets *sockets, const char *interface,
                        const struct link_packet_view *view, struct error *error)
{
    struct sock_filter filter[LINK_PACKET_FILTER_LENGTH];
    link_packet_write_filter(view, filter);
    sockets->packet = linux_socket_packet(interface, filter, LINK_PACKET_FILTER_LENGTH, error);
    return sockets->packet >= 0;
}

static bool has_listener(const struct wall_sockets *sockets, uint16_t port)
{
    for (size_t i = 0; i < sockets->listener_count; i++)
        if (sockets->listeners[i].port == port)
            return true;
    return false;
}

static bool is_wanted(const uint16_t *ports, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        if (ports[i] == port)
            return true;
    return false;
}

bool wall_sockets_add(struct wall_sockets *sockets, const char *interface, const uint16_t *ports,
                      size_t count, struct error *error)
{
    size_t count_before = sockets->listener_count;
    for (size_t i = 0; i < count; i++) {
        if (has_listener(sockets, ports[i]))
            continue;
        CHECK(sockets->listener_count < WALL_LISTENERS_MAX);
        int descriptor = linux_socket_listen(interface, ports[i], LISTEN_BACKLOG, error);
        if (descriptor < 0) {
            while (sockets->listener_count > count_before)
                close(sockets->listeners[--sockets->listener_count].descriptor);
            return false;
        }
        sockets->listeners[sockets->listener_count].port = ports[i];
        sockets->listeners[sockets->listener_count++].descriptor = descriptor;
    }
    return true;
}

size_t wall_sockets_remove(struct wall_sockets *sockets, const uint16_t *ports, size_t count,
                           uint16_t gone[WALL_LISTENERS_MAX])
{
    size_t kept = 0, gone_count = 0;
    for (size_t i = 0; i < sockets->listener_count; i++) {
        if (is_wanted(ports, count, sockets->listeners[i].port)) {
            sockets->listeners[kept++] = sockets->listeners[i];
            continue;
        }
        gone[gone_count++] = sockets->listeners[i].port;
        close(sockets->listeners[i].descriptor);
    }
    sockets->listener_count = kept;
    return gone_count;
}
