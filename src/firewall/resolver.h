#ifndef FIREWALL_RESOLVER_H
#define FIREWALL_RESOLVER_H

#include "base/error.h"

#include <netinet/in.h>
#include <stdint.h>

struct resolver;
struct resolver_query;
struct uv_loop_s;

/*
 * Names to addresses, by asking the one configured resolver. No search list, hosts file or other
 * local source takes part. Answers are kept for their TTL, clamped to 5..300 s, at most 512 of
 * them; those who ask for the same name at the same time share one query.
 */

enum { RESOLVER_ADDRESSES_MAX = 16, RESOLVER_CACHE_MAX = 512 };

enum {
    RESOLVER_TTL_MIN_S = 5,
    RESOLVER_TTL_MAX_S = 300,
    RESOLVER_NEGATIVE_TTL_S = 5,
    RESOLVER_TIMEOUT_MS = 2000, /* of the first try; c-ares doubles it */
    RESOLVER_TRIES = 3,
};

enum resolver_status {
    RESOLVER_FOUND,
    RESOLVER_UNKNOWN, /* the name does not exist, or has no address */
    RESOLVER_FAILED,  /* the resolver did not answer, or not usefully */
};

/** Addresses in the order of the answer; ports are 0. */
struct resolver_addresses {
    size_t count;
    struct sockaddr_storage list[RESOLVER_ADDRESSES_MAX];
};

/** `addresses` is borrowed for the call, NULL unless found. May come from inside the lookup. */
typedef void resolver_done_fn(void *owner, enum resolver_status status,
                              const struct resolver_addresses *addresses);

/**
 * `server` is the resolver to ask, with its port. c-ares seeds its query ids from /dev/urandom
 * here, and from nothing at all where it cannot open that file: to be called while it can (an
 * error otherwise), before the process leaves its file system.
 */
bool resolver_new(struct uv_loop_s *loop, const struct sockaddr *server, struct resolver **resolver,
                  struct error *error);
/** Ask for IPv6 addresses, too, or not (at first: not). Answers that are kept stay. */
void resolver_want_ipv6(struct resolver *resolver, bool is_wanted);
/** Every query must have ended or been cancelled. */
void resolver_free(struct resolver *resolver);

/**
 * Look up a canonical host name (NUL-terminated). Returns NULL when `on_done` was called
 * already, else a query that may be cancelled until it is.
 */
struct resolver_query *resolver_lookup(struct resolver *resolver, const char *name,
                                       resolver_done_fn *on_done, void *owner);
/** Give up; `on_done` is not called. The query itself goes on for those who ask next. */
void resolver_cancel(struct resolver_query *query);

#endif
