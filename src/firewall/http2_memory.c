#include "firewall/http2_memory.h"

#include "base/check.h"

#include <malloc.h>
#include <stdlib.h>

static void *take(size_t size, void *user)
{
    struct http2_memory *memory = user;
    void *block = malloc(size);
    memory->bytes += malloc_usable_size(block);
    return block;
}

static void *take_zeroed(size_t count, size_t size, void *user)
{
    struct http2_memory *memory = user;
    void *block = calloc(count, size);
    memory->bytes += malloc_usable_size(block);
    return block;
}

static void give_back(void *block, void *user)
{
    struct http2_memory *memory = user;
    memory->bytes -= malloc_usable_size(block);
    free(block);
}

static void *resize(void *block, size_t size, void *user)
{
    struct http2_memory *memory = user;
    size_t before = malloc_usable_size(block);
    void *resized = realloc(block, size);
    if (resized)
        memory->bytes += malloc_usable_size(resized) - before;
    return resized;
}

void http2_memory_start(struct http2_memory *memory, struct body_budget *budget)
{
    *memory = (struct http2_memory){.functions = {memory, take, give_back, take_zeroed, resize},
                                    .share = {.budget = budget}};
}

void http2_memory_count(struct http2_memory *memory)
{
    bool is_at_rest = memory->bytes <= HTTP2_MEMORY_FREE_BYTES;
    body_share_set(&memory->share, is_at_rest ? 0 : memory->bytes - HTTP2_MEMORY_FREE_BYTES);
}

void http2_memory_done(struct http2_memory *memory)
{
    CHECK(memory->bytes == 0);
    body_share_set(&memory->share, 0);
}
