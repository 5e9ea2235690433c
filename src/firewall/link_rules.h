#ifndef FIREWALL_LINK_RULES_H
#define FIREWALL_LINK_RULES_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"
#include "firewall/options.h"
#include "firewall/own_addresses.h"

/*
 * Theory of Operation
 *
 * Three things make every address that the agent dials end at our sockets, and nothing else:
 *
 *   routes    the pool is a local route, and a rule for what comes in on the link makes every
 *             other address local too (table 100). Nothing is ever forwarded: ip_forward is 0.
 *   input     nftables drops what is malformed, spoofed, not IPv4, or sent to another interface;
 *             refuses closed TCP ports with a reset and closed UDP ports of our own addresses
 *             with port-unreachable, so that clients fail at once; silently drops the rest.
 *   output    the proxy's user reaches no address of the floor, and opens nothing to the agent,
 *             whatever becomes of the proxy.
 *
 * Everything is replaced as a whole, so a run finds the leftovers of one that was killed and
 * puts its own in their place; the rules stay when the firewall ends: without it the link is
 * closed, not open.
 */

enum {
    LINK_RULES_PORTS_MAX = 136,
    LINK_RULES_FILTER_BYTES_MAX = 64 * 1024, /* of the script for nft */
};

/** What the rules are made from. Addresses in host byte order. */
struct link_rules {
    const struct options *options;
    const struct own_addresses *own; /* borrowed; ours, closed to the agent and to the proxy */
    uint32_t address;                /* ours on the link */
    uint32_t netmask;
    uint16_t ports[LINK_RULES_PORTS_MAX]; /* open TCP ports */
    size_t port_count;
    unsigned proxy_user;
};

enum link_rules_state {
    LINK_RULES_FIRST,    /* there are none */
    LINK_RULES_REPLACED, /* there may be some of an earlier run, or of before a change */
};

/** Append the nftables script: pure. False when `out` has no room. */
bool link_rules_write_filter(const struct link_rules *rules, enum link_rules_state state,
                             struct buffer *out);

/** Refuse a pool that overlaps the link's or another interface's network. */
bool link_rules_check_pool(const struct link_rules *rules, struct error *error);

/** Load the filter: one nft run, one transaction. */
bool link_rules_load_filter(const struct link_rules *rules, struct error *error);

/** Kernel settings of the link, routes and the rule. */
bool link_rules_set_routes(const struct link_rules *rules, struct error *error);

/** The same as link_rules_load_filter while the caller does something else. */
struct link_rules_loading {
    pid_t process;
    int complaints; /* owned; a pipe */
};
bool link_rules_begin(const struct link_rules *rules, struct link_rules_loading *loading,
                      struct error *error);
/** Wait for its end: once for each beginning. */
bool link_rules_end(struct link_rules_loading *loading, struct error *error);

#endif
