#ifndef FIREWALL_OWN_ADDRESSES_H
#define FIREWALL_OWN_ADDRESSES_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "firewall/options.h"

/*
 * The addresses of this machine's interfaces: no name may lead to them, and the agent reaches none
 * but the link's. The supervisor reads them, loads packet rules that close them and hands them to
 * the proxy; when the kernel tells of a change, again.
 */

enum { OWN_ADDRESSES_MAX = 64 };

struct own_address {
    struct in6_addr address; /* IPv4 in its mapped form, ::ffff:0:0/96 */
    uint32_t bits;           /* of the network, in the address's own family */
    bool is_ipv4;
    bool is_link;           /* of the agent's interface */
    bool is_network_closed; /* not the address alone: see own_addresses_read */
};

/** Travels to the proxy as it is in memory: both ends are the same program. */
struct own_addresses {
    size_t count;
    struct own_address list[OWN_ADDRESSES_MAX];
};

/**
 * Read them, loopback's and link-local IPv6 ones left out (the floor has them). Whole networks are
 * closed where they are the link, and where they are the user-mode network of a VM runner, whose
 * gateway is the host itself: QEMU's 10.0.2.0/24, or the one that holds the resolver when that
 * has a private address. False when there are more than OWN_ADDRESSES_MAX.
 */
bool own_addresses_read(const struct options *options, struct own_addresses *own,
                        struct error *error);

/** The address of an IPv4 entry, host byte order. */
uint32_t own_address_ipv4(const struct own_address *own);

bool own_addresses_equal(const struct own_addresses *a, const struct own_addresses *b);

#endif
