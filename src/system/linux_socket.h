#ifndef SYSTEM_LINUX_SOCKET_H
#define SYSTEM_LINUX_SOCKET_H

#include "base/bytes.h"
#include "base/error.h"

struct sock_filter;

/*
 * Sockets on one interface that answer for every address that is dialled through it. All are
 * non-blocking, CLOEXEC, bound to the device (a listener elsewhere is another one's business) and
 * IP_TRANSPARENT: without it no answer leaves from a foreign address, because the kernel looks
 * the source up in the local table only. Making them takes privilege; using them does not.
 * Each returns a descriptor that the caller owns, or -1 with the reason.
 */

/** A TCP listener on every IPv4 address of `interface`. */
int linux_socket_listen(const char *interface, uint16_t port, int backlog, struct error *error);
/** A UDP socket on every IPv4 address of `interface`, telling the dialled one (IP_PKTINFO). */
int linux_socket_datagram(const char *interface, uint16_t port, struct error *error);
/** Sees what arrives on `interface`, from the network header on, as far as `filter` lets it, and
 *  cannot send. */
int linux_socket_packet(const char *interface, const struct sock_filter *filter,
                        unsigned short filter_length, struct error *error);

/** IPv4 facts of an interface, in host byte order. */
struct linux_interface {
    unsigned index;
    uint32_t address;
    uint32_t netmask;
};

/** False when there is no such interface, it is down, or it has no IPv4 address. */
bool linux_interface_read(const char *interface, struct linux_interface *facts,
                          struct error *error);

/** `ip link set up`, for loopback: local routes need it. */
bool linux_interface_bring_up(const char *interface, struct error *error);

/** The address and port that the peer of an accepted IPv4 connection dialled, host byte order. */
bool linux_socket_dialled_address(int descriptor, uint32_t *address, uint16_t *port);

/** Readable when an address of this machine came or went. */
int linux_socket_watch_addresses(struct error *error);
/** Take what has come; true when there was anything. */
bool linux_socket_take_changes(int descriptor);

/** Bytes of a TCP socket that the kernel has not sent yet; 0 for other sockets. */
size_t linux_socket_unsent(int descriptor);

/** Close a stream socket at once, with RST. */
void linux_socket_reset(int descriptor);

#endif
