#ifndef POLICY_RULE_INDEX_H
#define POLICY_RULE_INDEX_H

#include "policy/pattern.h"

/**
 * From a name to the rules whose patterns match it, in time that depends on the name's labels
 * and not on the number of rules: a hash table over the literal ends of all patterns, in which
 * every end of the name is looked up.
 */
struct rule_index;

struct rule_index *rule_index_new(void);
void rule_index_free(struct rule_index *index);

/** Enter a rule, by its number, under a pattern. Patterns are copied. */
void rule_index_add(struct rule_index *index, const struct pattern *pattern, uint32_t rule);

/** One distinct pattern with its rules. */
struct rule_group {
    char *text; /* owned by the index: the pattern */
    uint16_t length;
    bool is_exact;  /* matches one name: no wildcard, no hole */
    uint32_t first; /* below: private to rule_index.c */
    uint32_t last;
};

/* An exact, a one-label and a group for each end of the name, with and without holes. */
enum { RULE_INDEX_MATCHES_MAX = 2 * (HOST_NAME_LENGTH_MAX / 2 + 3) };

/**
 * The groups whose pattern matches the name, most specific first: the exact name, then longer
 * literal ends before shorter ones. `matches` has room for RULE_INDEX_MATCHES_MAX.
 */
size_t rule_index_find(const struct rule_index *index, const struct host_name *name,
                       const struct rule_group **matches);

/**
 * Walk a group: `for (cursor = rule_index_start(group); rule_index_next(index, &cursor, &rule);)`.
 */
uint32_t rule_index_start(const struct rule_group *group);
bool rule_index_next(const struct rule_index *index, uint32_t *cursor, uint32_t *rule);

/** All groups, in the order of their first rules. */
size_t rule_index_group_count(const struct rule_index *index);
const struct rule_group *rule_index_group_at(const struct rule_index *index, size_t position);

#endif
