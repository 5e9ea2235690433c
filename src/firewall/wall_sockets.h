#ifndef FIREWALL_WALL_SOCKETS_H
#define FIREWALL_WALL_SOCKETS_H

#include "base/error.h"
#include "firewall/link_packet.h"
#include "firewall/link_rules.h"
#include "policy/policy.h"

/** Ports that stand whatever the policy says. */
enum { WALL_PORT_SSH = 22, WALL_PORT_DNS = 53, WALL_PORT_HTTPS = 443, WALL_PORT_CONNECT = 8080 };

/** While a reload changes every port, the old listeners stand beside the new ones. */
enum { WALL_LISTENERS_MAX = 2 * LINK_RULES_PORTS_MAX };

/**
 * The supervisor's copies of all sockets on the link: they outlive a proxy that dies, so that its
 * successor needs no new ones and the agent's attempts wait in the backlog meanwhile.
 */
struct wall_sockets {
    struct {
        uint16_t port;
        int descriptor; /* owned */
    } listeners[WALL_LISTENERS_MAX];
    size_t listener_count;
    int datagram; /* UDP port 53; owned; -1 before wall_sockets_open */
    int packet;   /* what arrives on the link, filtered; owned; -1 before */
};

void wall_sockets_init(struct wall_sockets *sockets);

/** Every TCP port that a policy needs, our own included, ascending. Returns their number. */
size_t wall_sockets_ports(const struct policy *policy, uint16_t ports[LINK_RULES_PORTS_MAX]);

/** Make the UDP socket. */
bool wall_sockets_open(struct wall_sockets *sockets, const char *interface, struct error *error);
/** Make the packet socket, which takes the kernel some milliseconds; of `view` addresses count. */
bool wall_sockets_watch(struct wall_sockets *sockets, const char *interface,
                        const struct link_packet_view *view, struct error *error);

/**
 * Make the listeners that are missing from `ports`. On failure those that were made are closed
 * again.
 */
bool wall_sockets_add(struct wall_sockets *sockets, const char *interface, const uint16_t *ports,
                      size_t count, struct error *error);

/** Close the listeners that are not in `ports`. Their numbers go to `gone`; returns how many. */
size_t wall_sockets_remove(struct wall_sockets *sockets, const uint16_t *ports, size_t count,
                           uint16_t gone[WALL_LISTENERS_MAX]);

#endif
