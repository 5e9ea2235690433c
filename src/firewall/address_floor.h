#ifndef FIREWALL_ADDRESS_FLOOR_H
#define FIREWALL_ADDRESS_FLOOR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The addresses that are never dialled, whatever a name resolves to: the machine itself, its
 * links and what no public server has. A resolver is an outsider: without this check, whoever
 * owns an allowed name could point it at the firewall's own services or at the user's network
 * (DNS rebinding).
 */

enum address_verdict {
    ADDRESS_OPEN,      /* may be dialled */
    ADDRESS_PRIVATE,   /* only under a rule with +private: RFC 1918, 100.64/10, ULA */
    ADDRESS_FORBIDDEN, /* never */
};

enum { ADDRESS_FLOOR_OWN_MAX = 64 };

/** A run of addresses; IPv4 stands in its mapped form (::ffff:0:0/96). */
struct address_prefix {
    uint8_t bytes[16];
    unsigned bits; /* 0..128 */
};

/** The fixed ranges and the firewall's own addresses and networks. Zeroed it is ready for use. */
struct address_floor {
    struct address_prefix own[ADDRESS_FLOOR_OWN_MAX];
    size_t own_count;
};

/**
 * Forbid the first `bits` bits of an address (of its own family: 32 or 128 is that address
 * alone). False when the family is unknown or the table is full: do not go on without it.
 */
bool address_floor_forbid(struct address_floor *floor, const struct sockaddr *address,
                          unsigned bits) __attribute__((warn_unused_result));

/**
 * An IPv6 address that carries an IPv4 one (mapped, compatible, translated, NAT64, 6to4, Teredo,
 * ISATAP) is judged by both. Any other family is forbidden.
 */
enum address_verdict address_floor_check(const struct address_floor *floor,
                                         const struct sockaddr *address);

#endif
