#ifndef FIREWALL_LINK_PACKET_H
#define FIREWALL_LINK_PACKET_H

#include <linux/filter.h>

#include "base/bytes.h"

/** What an attempt was. */
enum link_packet_kind {
    LINK_PACKET_ORDINARY, /* nothing to record */
    LINK_PACKET_TCP,      /* a SYN to a closed port */
    LINK_PACKET_UDP,      /* a datagram to any port but 53 */
    LINK_PACKET_ICMP,     /* anything but an echo request to us */
    LINK_PACKET_IPV6,
    LINK_PACKET_FRAGMENT,
    LINK_PACKET_OPTIONS,  /* IPv4 header with options */
    LINK_PACKET_SPOOFED,  /* a source that is not the agent's */
    LINK_PACKET_PROTOCOL, /* another IP protocol: `port` is its number */
    LINK_PACKET_ETHERNET, /* another protocol on Ethernet: `port` is its number */
    LINK_PACKET_MALFORMED,
    LINK_PACKET_KIND_COUNT
};

/** "tcp", "udp", "ipv6", ... */
const char *link_packet_kind_name(enum link_packet_kind kind);

/** What the classification depends on. Addresses in host byte order. */
struct link_packet_view {
    uint32_t address; /* ours on the link */
    uint32_t netmask;
    const uint16_t *open_ports; /* TCP; borrowed */
    size_t open_port_count;
};

enum { LINK_PACKET_FILTER_LENGTH = 23 };

/**
 * The kernel's part: which packets the link watch gets to see, as a classic BPF program over the
 * network header. Passed: everything that is neither ARP nor ordinary traffic of an open service,
 * where ordinary is TCP without a bare SYN and UDP to port 53, from a source on the link's
 * network; each cut to 64 bytes. Ports do not matter here.
 */
void link_packet_write_filter(const struct link_packet_view *view,
                              struct sock_filter filter[LINK_PACKET_FILTER_LENGTH]);

struct link_packet {
    enum link_packet_kind kind;
    uint16_t port;        /* TCP, UDP destination; or the protocol's number */
    uint32_t destination; /* IPv4; 0 where there is none */
};

/** Classify a packet from its network header on; `ethernet_type` in host byte order. Pure. */
struct link_packet link_packet_classify(const struct link_packet_view *view, uint16_t ethernet_type,
                                        struct bytes packet);

#endif
