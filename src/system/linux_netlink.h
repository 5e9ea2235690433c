#ifndef SYSTEM_LINUX_NETLINK_H
#define SYSTEM_LINUX_NETLINK_H

#include "base/error.h"

#include <stdint.h>

/*
 * Routes and rules of this network namespace, by netlink (RFC 3549): what `ip route replace` and
 * `ip rule add` do, without a process for each. Needs CAP_NET_ADMIN.
 */

/**
 * Every address of `network`/`bits` (host byte order) is local, in the routing table of that
 * number; what the table had for it is replaced.
 */
bool linux_netlink_replace_local_route(uint32_t network, unsigned bits, uint8_t table,
                                       struct error *error);

/** What comes in on `interface` is looked up in that table; fine when the rule stands already. */
bool linux_netlink_add_rule(const char *interface, uint8_t table, uint32_t preference,
                            struct error *error);

/** Is there an nftables table `inet NAME`? True as well when the kernel does not say. */
bool linux_netlink_has_filter_table(const char *name);

#endif
