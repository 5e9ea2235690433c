#ifndef POLICY_ADDRESS_POOL_H
#define POLICY_ADDRESS_POOL_H

#include "base/bytes.h"

/**
 * Synthetic addresses for names: what DNS answers with, and the way back from the address that
 * was dialled. An exact name has an address of its own, the names below a wildcard share one
 * (so the agent cannot exhaust the pool); both are just keys here.
 *
 * The address is a hash of the key, with probing on collision, so it is the same after a reload
 * or a restart without a file. A key that is taken out keeps its address for ten minutes, in
 * which no other key can get it: a client that still holds the old answer reaches nobody else.
 */
struct address_pool;

enum { ADDRESS_POOL_HOLD_MS = 10 * 60 * 1000 };

/**
 * A pool of the network `base`/`prefix_length` (host byte order, 8 <= prefix_length <= 30).
 * The network's first and last address are never given out. CHECKs its arguments.
 */
struct address_pool *address_pool_new(uint32_t base, unsigned prefix_length);
void address_pool_free(struct address_pool *pool);

/**
 * Make `keys` (policy_pool_keys: sorted, no repeats) the keys in force. `now_ms` is any clock
 * that never goes back. Returns how many keys are left without an address because the pool is
 * full; 0 is success. The keys are copied.
 */
size_t address_pool_update(struct address_pool *pool, const struct bytes *keys, size_t count,
                           uint64_t now_ms);

/** The address of a key in force (host byte order); false when it has none. */
bool address_pool_address(const struct address_pool *pool, struct bytes key, uint32_t *address);

/** The key in force of an address, borrowed until the next update; empty when it has none. */
struct bytes address_pool_key(const struct address_pool *pool, uint32_t address);

/** True when the address lies in the pool's network. */
bool address_pool_contains(const struct address_pool *pool, uint32_t address);

#endif
