#include "policy/address_pool.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* An address in use. */
struct entry {
    char *key; /* owned, NUL-terminated */
    size_t key_length;
    uint32_t offset;  /* of the address in the network */
    bool is_in_force; /* else held back since released_ms */
    uint64_t released_ms;
};

/*
 * Open addressing: the slots of the hash table are the addresses themselves, a key's slot is
 * found by probing on from its hash, over at most probe_max slots: the longest way that any key
 * ever needed. A released key stays in its slot until its time is over.
 */
struct address_pool {
    uint32_t base;
    uint32_t size;
    uint32_t probe_max;
    uint32_t *slots;       /* owned, one for each address: index into entries plus one, 0 free */
    struct entry *entries; /* owned, packed */
    size_t entry_count;
    size_t entry_room;
};

struct address_pool *address_pool_new(uint32_t base, unsigned prefix_length)
{
    CHECK(prefix_length >= 8 && prefix_length <= 30);
    uint32_t size = UINT32_C(1) << (32 - prefix_length);
    CHECK((base & (size - 1)) == 0);
    struct address_pool *pool = memory_new(sizeof(*pool));
    *pool = (struct address_pool){.base = base, .size = size};
    pool->slots = memory_new_array(size, sizeof(*pool->slots));
    return pool;
}

void address_pool_free(struct address_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->entry_count; i++)
        free(pool->entries[i].key);
    free(pool->entries);
    free(pool->slots);
    free(pool);
}

static struct bytes entry_key(const struct entry *entry)
{
    return (struct bytes){(const uint8_t *)entry->key, entry->key_length};
}

/* The `probe`th address to try: never the network's first or last. */
static uint32_t probe_offset(const struct address_pool *pool, uint64_t hash, uint32_t probe)
{
    uint32_t usable = pool->size - 2;
    /* FNV's low bits alone are weak in short keys: fold the high half in. */
    uint64_t start = (hash ^ (hash >> 32)) % usable;
    return 1 + (uint32_t)((start + probe) % usable);
}

static struct entry *entry_at(const struct address_pool *pool, uint32_t offset)
{
    uint32_t slot = pool->slots[offset];
    return slot ? &pool->entries[slot - 1] : NULL;
}

static struct entry *find(const struct address_pool *pool, struct bytes key)
{
    uint64_t hash = bytes_hash(key);
    for (uint32_t probe = 0; probe < pool->probe_max; probe++) {
        struct entry *entry = entry_at(pool, probe_offset(pool, hash, probe));
        if (entry && bytes_equal(entry_key(entry), key))
            return entry;
    }
    return NULL;
}

static void add_entry(struct address_pool *pool, struct bytes key, uint32_t offset)
{
    if (pool->entry_count == pool->entry_room) {
        pool->entry_room = pool->entry_room ? pool->entry_room * 2 : 64;
        pool->entries =
            memory_resize_array(pool->entries, pool->entry_room, sizeof(*pool->entries));
    }
    pool->entries[pool->entry_count++] = (struct entry){.key = bytes_copy_text(key),
                                                        .key_length = key.length,
                                                        .offset = offset,
                                                        .is_in_force = true};
    pool->slots[offset] = (uint32_t)pool->entry_count;
}

static bool take(struct address_pool *pool, struct bytes key)
{
    uint64_t hash = bytes_hash(key);
    if (pool->entry_count >= pool->size - 2)
        return false;
    for (uint32_t probe = 0; probe < pool->size - 2; probe++) {
        uint32_t offset = probe_offset(pool, hash, probe);
        if (pool->slots[offset])
            continue;
        add_entry(pool, key, offset);
        if (probe + 1 > pool->probe_max)
            pool->probe_max = probe + 1;
        return true;
    }
    return false;
}

/* The last entry moves into the gap. */
static void remove_entry(struct address_pool *pool, size_t index)
{
    struct entry *entry = &pool->entries[index];
    free(entry->key);
    pool->slots[entry->offset] = 0;
    pool->entry_count--;
    if (index == pool->entry_count)
        return;
    *entry = pool->entries[pool->entry_count];
    pool->slots[entry->offset] = (uint32_t)index + 1;
}

static bool is_listed(const struct bytes *keys, size_t count, struct bytes key)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(keys[middle], key);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Take keys out of force that are not listed, and give up addresses that were held long enough. */
static void release(struct address_pool *pool, const struct bytes *keys, size_t count,
                    uint64_t now_ms)
{
    for (size_t i = pool->entry_count; i-- > 0;) {
        struct entry *entry = &pool->entries[i];
        if (is_listed(keys, count, entry_key(entry)))
            continue;
        if (entry->is_in_force) {
            entry->is_in_force = false;
            entry->released_ms = now_ms;
        } else if (now_ms - entry->released_ms >= ADDRESS_POOL_HOLD_MS) {
            remove_entry(pool, i);
        }
    }
}

size_t address_pool_update(struct address_pool *pool, const struct bytes *keys, size_t count,
                           uint64_t now_ms)
{
    release(pool, keys, count, now_ms);
    size_t left_out = 0;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = find(pool, keys[i]);
        if (entry)
            entry->is_in_force = true;
        else if (!take(pool, keys[i]))
            left_out++;
    }
    return left_out;
}

bool address_pool_address(const struct address_pool *pool, struct bytes key, uint32_t *address)
{
    const struct entry *entry = find(pool, key);
    if (entry == NULL || !entry->is_in_force)
        return false;
    *address = pool->base + entry->offset;
    return true;
}

bool address_pool_contains(const struct address_pool *pool, uint32_t address)
{
    return address - pool->base < pool->size;
}

struct bytes address_pool_key(const struct address_pool *pool, uint32_t address)
{
    if (!address_pool_contains(pool, address))
        return BYTES_EMPTY;
    const struct entry *entry = entry_at(pool, address - pool->base);
    return entry && entry->is_in_force ? entry_key(entry) : BYTES_EMPTY;
}
