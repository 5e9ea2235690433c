#ifndef FIREWALL_LINK_WATCH_H
#define FIREWALL_LINK_WATCH_H

#include <stdint.h>

struct link_watch;
struct proxy;

enum {
    LINK_WATCH_WINDOW_MS = 60 * 1000,
    LINK_WATCH_ATTEMPTS_MAX = 1024,   /* different ones remembered; a power of two */
    LINK_WATCH_PACKETS_PER_TURN = 64, /* then the socket rests: */
    LINK_WATCH_REST_MS = 20, /* a flood costs little, and its later packets are lost to the watch */
};

/**
 * Records what the agent tries on the link beside the open services: the first attempt per
 * protocol and port in a minute makes a record, the next one of them in a later minute tells how
 * many there were. It only watches; what drops and refuses are the packet rules.
 */
struct link_watch *link_watch_new(struct proxy *proxy, uint32_t address, uint32_t netmask);

/** Watch this packet socket (linux_socket_packet); owns it. Called once. */
void link_watch_start(struct link_watch *watch, int descriptor);

#endif
