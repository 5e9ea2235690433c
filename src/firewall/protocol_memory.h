#ifndef FIREWALL_PROTOCOL_MEMORY_H
#define FIREWALL_PROTOCOL_MEMORY_H

#include "policy/host_name.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Which servers speak only one version of HTTP, so that a request goes straight to it instead of
 * asking for the other one first. A hint, never a decision: what a connection speaks is what its
 * handshake agreed on. Bounded: a newer name takes the place of an older one; a note is forgotten
 * after ten minutes, because servers are upgraded.
 */

enum { PROTOCOL_MEMORY_SLOTS = 256, PROTOCOL_MEMORY_KEPT_MS = 10 * 60 * 1000 };

enum protocol_knowledge {
    PROTOCOL_UNKNOWN,
    PROTOCOL_ONLY_1, /* offered HTTP/2 as well, it chose HTTP/1.1 */
    PROTOCOL_ONLY_2  /* it refused a hello that offered HTTP/1.1 alone */
};

struct protocol_memory;

struct protocol_memory *protocol_memory_new(void);
void protocol_memory_free(struct protocol_memory *memory);
void protocol_memory_note(struct protocol_memory *memory, const struct host_name *name,
                          uint16_t port, enum protocol_knowledge knowledge, uint64_t now_ms);
enum protocol_knowledge protocol_memory_find(const struct protocol_memory *memory,
                                             const struct host_name *name, uint16_t port,
                                             uint64_t now_ms);

#endif
