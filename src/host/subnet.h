#ifndef HOST_SUBNET_H
#define HOST_SUBNET_H

#include "base/bytes.h"
#include "base/error.h"

/** A run of IPv4 addresses. */
struct subnet {
    uint32_t network; /* host order, bits below the prefix are zero */
    uint32_t prefix;  /* bits, 0 to 32 */
};

bool subnet_overlaps(struct subnet a, struct subnet b);

/** Networks that are not free: other instances', and the host's routes. */
struct subnet_list {
    struct subnet *items; /* owned */
    size_t count;
};

void subnet_list_add(struct subnet_list *list, struct subnet subnet);
void subnet_list_done(struct subnet_list *list);

/**
 * The first /24 from `pool_start` to `pool_end` (both first addresses of a /24, in order) that
 * overlaps none of `taken`. A default route (prefix 0) takes nothing.
 */
bool subnet_choose(uint32_t pool_start, uint32_t pool_end, const struct subnet_list *taken,
                   struct subnet *chosen, struct error *error);

#endif
