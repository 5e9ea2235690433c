#ifndef SPY_SPY_TABLE_H
#define SPY_SPY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Numbers by number, of which the oldest are forgotten when there are too many: two generations of
 * `maximum` entries; a full one pushes the older one out, and what is found in the older one moves
 * to the newer.
 */
struct spy_table;

struct spy_table *spy_table_new(size_t maximum);
void spy_table_free(struct spy_table *table);

/** False, with `*value` untouched, when there is no such key. */
bool spy_table_find(struct spy_table *table, uint64_t key, uint64_t *value);
/** Set or replace. */
void spy_table_set(struct spy_table *table, uint64_t key, uint64_t value);
void spy_table_remove(struct spy_table *table, uint64_t key);

#endif
