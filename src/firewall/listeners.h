#ifndef FIREWALL_LISTENERS_H
#define FIREWALL_LISTENERS_H

#include <stddef.h>
#include <stdint.h>

struct listeners;
struct proxy;

enum {
    LISTENERS_ACCEPTS_PER_TURN = 32, /* then other events get their turn */
    LISTENERS_PAUSE_MS = 100,        /* after EMFILE and its like */
    LISTENERS_FIRST_BYTE_MS = 10000, /* of a connection whose first byte decides */
};

/**
 * The proxy's TCP listeners: accepts and hands each connection to the service of its port. Where
 * an ssh and https rules share a port and the dialled address is of a name with that ssh rule,
 * the first byte decides: `S` is SSH, 0x16 is TLS, anything else is closed.
 *
 * Accepting pauses at the proxy's limit of connections and where descriptors run out, so that it
 * never spins; the kernel's backlog holds what comes meanwhile.
 */
struct listeners *listeners_new(struct proxy *proxy);

/** Accept on this listener from now on; replaces one of the same port. Owns the descriptor. */
void listeners_add(struct listeners *listeners, int descriptor, uint16_t port);
void listeners_remove(struct listeners *listeners, uint16_t port);

/** The ports, borrowed until the next change. */
const uint16_t *listeners_ports(const struct listeners *listeners, size_t *count);

/** A connection was released: go on if at the limit. */
void listeners_resume(struct listeners *listeners);

#endif
