#ifndef FIREWALL_LEAF_CACHE_H
#define FIREWALL_LEAF_CACHE_H

#include "base/error.h"
#include "policy/host_name.h"

struct evp_pkey_st;
struct leaf_cache;
struct x509_st;

/*
 * Certificates for the names that the agent visits, signed by the instance's CA as they are asked
 * for. One key, made at start and never written anywhere, serves all of them. Kept are the 512
 * used last; a certificate is replaced in the last day of its week.
 *
 * Minting costs some 100 us, so under one wildcard rule at most 64 names may be new in a burst,
 * then 16 a second: a storm of names cannot take the processor from others, and one under a
 * wildcard takes nothing from exact names.
 */

enum {
    LEAF_CACHE_MAX = 512,
    LEAF_BURST = 64,
    LEAF_PER_SECOND = 16,
    LEAF_BEFORE_S = 24 * 3600,    /* not-before lies so far back: clocks differ */
    LEAF_AFTER_S = 7 * 24 * 3600, /* not-after lies so far ahead */
    LEAF_RENEW_S = 24 * 3600      /* with less than this left a new one is made */
};

/** `certificate` and `key` are PEM. False: no CA, not the key of it, or not readable. */
bool leaf_cache_new(struct bytes certificate, struct bytes key, struct leaf_cache **cache,
                    struct error *error);
void leaf_cache_free(struct leaf_cache *cache);

/** The key of all leaves, borrowed. */
struct evp_pkey_st *leaf_cache_key(const struct leaf_cache *cache);

/**
 * The certificate of a name, borrowed until the next call. `rule` is the text of the rule that
 * allows the name: new names are counted against it. NULL when they come too fast. `now_s` is
 * seconds since 1970.
 */
struct x509_st *leaf_cache_get(struct leaf_cache *cache, const struct host_name *name,
                               struct bytes rule, int64_t now_s);

/** Certificates minted since the start. */
uint64_t leaf_cache_minted(const struct leaf_cache *cache);

#endif
