#ifndef FIREWALL_DNS_SERVICE_H
#define FIREWALL_DNS_SERVICE_H

struct dns_service;
struct proxy;

enum {
    DNS_TCP_CONNECTIONS_MAX = 64,
    DNS_TCP_QUERY_BYTES_MAX = 4096, /* no question of a host is longer */
    DNS_TCP_UNSENT_BYTES_MAX = 16 * 1024,
    DNS_TCP_IDLE_MS = 10000,
};

/**
 * The synthetic name service on port 53: whatever server the agent asks, we answer, and nothing
 * that it asks is sent anywhere. Names that a rule allows have an address of the pool, all others
 * do not exist.
 */
struct dns_service *dns_service_new(struct proxy *proxy);

/** Answer on this UDP socket (linux_socket_datagram); owns it. Called once. */
void dns_service_start(struct dns_service *service, int descriptor);

/** A connection to TCP port 53 (RFC 7766): pipelining, and a close when it is idle. */
void dns_service_accept(struct proxy *proxy, int descriptor);

#endif
