#ifndef SPY_SPY_HASH_H
#define SPY_SPY_HASH_H

#include "base/bytes.h"

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) under a key of this process. What an agent writes
 * cannot be made to look like something that was seen before, nor to fill one chain of a table.
 */
uint64_t spy_hash(struct bytes bytes);

/** Of several hashes in their order. */
uint64_t spy_hash_of(const uint64_t *hashes, size_t count);

/** Choose the key; without it the key is fixed, as tests like it. */
void spy_hash_set_key(uint64_t first, uint64_t second);

#endif
