#include "host/subnet.h"

#include "base/memory.h"
#include "base/number.h"

#include <stdlib.h>

enum { POOL_PREFIX = 24, POOL_STEP = 256 };

static uint32_t mask_of(uint32_t prefix)
{
    return prefix == 0 ? 0 : (uint32_t)(0xffffffffULL << (32 - prefix));
}

bool subnet_overlaps(struct subnet a, struct subnet b)
{
    uint32_t mask = mask_of(a.prefix < b.prefix ? a.prefix : b.prefix);
    return (a.network & mask) == (b.network & mask);
}

void subnet_list_add(struct subnet_list *list, struct subnet subnet)
{
    list->items = memory_resize_array(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = subnet;
}

void subnet_list_done(struct subnet_list *list)
{
    free(list->items);
    *list = (struct subnet_list){0};
}

static bool is_free(struct subnet candidate, const struct subnet_list *taken)
{
    for (size_t i = 0; i < taken->count; i++) {
        if (taken->items[i].prefix > 0 && subnet_overlaps(candidate, taken->items[i]))
            return false;
    }
    return true;
}

bool subnet_choose(uint32_t pool_start, uint32_t pool_end, const struct subnet_list *taken,
                   struct subnet *chosen, struct error *error)
{
    for (uint64_t network = pool_start; network <= pool_end; network += POOL_STEP) {
        struct subnet candidate = {(uint32_t)network, POOL_PREFIX};
        if (is_free(candidate, taken)) {
            *chosen = candidate;
            return true;
        }
    }
    char first[16], last[16];
    number_format_ipv4(pool_start, first);
    number_format_ipv4(pool_end, last);
    return error_set(error,
                     "no free network from %s to %s: instances and routes of the host take all; "
                     "widen ROOTCELL_SUBNET_POOL_START and _END in .env",
                     first, last);
}
