#ifndef FIREWALL_SSH_SERVICE_H
#define FIREWALL_SSH_SERVICE_H

#include "policy/host_name.h"

struct proxy;
struct stream;

/*
 * Theory of Operation
 *
 * SSH is relayed, not decrypted: the agent verifies the server's key itself. A connection is
 *
 *   DIALLING    the name is known (from the pool address, or from CONNECT) and allowed; we dial
 *               it. The agent's bytes are read only to refuse what is no banner.
 *   GREETING    both sides must show an SSH banner within 5 s and 255 bytes. The server's banner
 *               goes to the agent as soon as it is known to be one, because some clients wait
 *               for it; nothing else passes in either direction.
 *   RELAYING    both did: a tunnel with counters, ended after 2 h without a byte.
 */

/**
 * Take a connection over from the CONNECT port: its request was allowed and is answered here,
 * 200 once the server is reached. Owns the stream; releases the connection in the end.
 */
void ssh_service_take(struct proxy *proxy, struct stream *agent, const struct host_name *name,
                      uint16_t port);

#endif
