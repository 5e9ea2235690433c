#include "firewall/protocol_memory.h"

#include "base/memory.h"

#include <stdlib.h>

struct slot {
    struct host_name name; /* empty: nothing noted */
    uint16_t port;
    enum protocol_knowledge knowledge;
    uint64_t noted_ms;
};

struct protocol_memory {
    struct slot slots[PROTOCOL_MEMORY_SLOTS];
};

struct protocol_memory *protocol_memory_new(void)
{
    return memory_new(sizeof(struct protocol_memory));
}

void protocol_memory_free(struct protocol_memory *memory)
{
    free(memory);
}

static size_t slot_of(const struct host_name *name, uint16_t port)
{
    return (bytes_hash(host_name_bytes(name)) + port) % PROTOCOL_MEMORY_SLOTS;
}

void protocol_memory_note(struct protocol_memory *memory, const struct host_name *name,
                          uint16_t port, enum protocol_knowledge knowledge, uint64_t now_ms)
{
    struct slot *slot = &memory->slots[slot_of(name, port)];
    *slot = (struct slot){.name = *name, .port = port, .knowledge = knowledge, .noted_ms = now_ms};
}

enum protocol_knowledge protocol_memory_find(const struct protocol_memory *memory,
                                             const struct host_name *name, uint16_t port,
                                             uint64_t now_ms)
{
    const struct slot *slot = &memory->slots[slot_of(name, port)];
    bool is_it = slot->name.length > 0 && slot->port == port &&
                 now_ms - slot->noted_ms < PROTOCOL_MEMORY_KEPT_MS &&
                 host_name_equal(&slot->name, name);
    return is_it ? slot->knowledge : PROTOCOL_UNKNOWN;
}
