#include "system/tls_memory.h"

#include "base/check.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Slots that are free and were used, the latest last. */
struct slot_stack {
    uint16_t slots[TLS_MEMORY_SLOTS];
    size_t count;
};

_Static_assert(TLS_MEMORY_SLOTS <= UINT16_MAX, "a slot's number fits");
_Static_assert(TLS_MEMORY_SLOT_BYTES % 4096 == 0, "slots begin at pages");

/* One for the process: OpenSSL's hooks take no argument. */
static struct {
    uint8_t *region; /* NULL: not reserved; never released */
    struct slot_stack warm;
    struct slot_stack cold;
    size_t used_count; /* slots from here on were never taken */
} memory;

static bool reserve(void)
{
    void *region = mmap(NULL, (size_t)TLS_MEMORY_SLOTS * TLS_MEMORY_SLOT_BYTES,
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    memory.region = region == MAP_FAILED ? NULL : region;
    return memory.region != NULL;
}

static bool is_slot(const void *block)
{
    uintptr_t start = (uintptr_t)memory.region;
    return memory.region &&
           (uintptr_t)block - start < (uintptr_t)TLS_MEMORY_SLOTS * TLS_MEMORY_SLOT_BYTES;
}

static void *take_slot(void)
{
    size_t slot;
    if (memory.warm.count > 0)
        slot = memory.warm.slots[--memory.warm.count];
    else if (memory.cold.count > 0)
        slot = memory.cold.slots[--memory.cold.count];
    else if (memory.used_count < TLS_MEMORY_SLOTS)
        slot = memory.used_count++;
    else
        return NULL;
    return memory.region + slot * TLS_MEMORY_SLOT_BYTES;
}

static void give_slot_back(void *block)
{
    size_t offset = (size_t)((uint8_t *)block - memory.region);
    CHECK(offset % TLS_MEMORY_SLOT_BYTES == 0);
    struct slot_stack *stack = &memory.warm;
    if (memory.warm.count >= TLS_MEMORY_WARM_SLOTS) {
        stack = &memory.cold;
        CHECK(madvise(block, TLS_MEMORY_SLOT_BYTES, MADV_DONTNEED) == 0);
    }
    CHECK(stack->count < TLS_MEMORY_SLOTS);
    stack->slots[stack->count++] = (uint16_t)(offset / TLS_MEMORY_SLOT_BYTES);
}

void *tls_memory_allocate(size_t size)
{
    bool is_large = size >= TLS_MEMORY_BLOCK_MIN && size <= TLS_MEMORY_SLOT_BYTES;
    void *slot = is_large && (memory.region || reserve()) ? take_slot() : NULL;
    return slot ? slot : malloc(size);
}

void *tls_memory_resize(void *block, size_t size)
{
    if (block == NULL)
        return tls_memory_allocate(size);
    if (!is_slot(block))
        return realloc(block, size);
    if (size == 0) {
        give_slot_back(block);
        return NULL;
    }
    if (size <= TLS_MEMORY_SLOT_BYTES)
        return block;
    void *larger = malloc(size);
    if (larger == NULL)
        return NULL;
    memcpy(larger, block, TLS_MEMORY_SLOT_BYTES);
    give_slot_back(block);
    return larger;
}

void tls_memory_release(void *block)
{
    if (is_slot(block))
        give_slot_back(block);
    else
        free(block);
}

static void *allocate_hook(size_t size, const char *file, int line)
{
    return tls_memory_allocate(size);
}

static void *resize_hook(void *block, size_t size, const char *file, int line)
{
    return tls_memory_resize(block, size);
}

static void release_hook(void *block, const char *file, int line)
{
    tls_memory_release(block);
}

bool tls_memory_install(void)
{
    return CRYPTO_set_mem_functions(allocate_hook, resize_hook, release_hook) == 1;
}

bool tls_memory_keep_keys_apart(void)
{
    return CRYPTO_secure_malloc_init(TLS_MEMORY_KEYS_BYTES, TLS_MEMORY_KEY_BLOCK_BYTES) != 0;
}
