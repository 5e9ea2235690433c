#ifndef FIREWALL_UPSTREAM_CONNECTION_H
#define FIREWALL_UPSTREAM_CONNECTION_H

#include "firewall/exchange.h"

#include <sys/queue.h>

struct upstream_claim;
struct upstream_connection;

/** Whose connection: two keys that differ in anything never share one. */
struct upstream_key {
    struct host_name name;
    uint16_t port;
    bool is_private_allowed;
    uint64_t epoch; /* of the policy */
};

bool upstream_key_equal(const struct upstream_key *a, const struct upstream_key *b);

/** What the pool asks of a connection, whatever it speaks. */
struct upstream_connection_operations {
    /** Take up one more exchange; the side is the exchange's until one of its endings. */
    struct exchange_side (*start)(struct upstream_connection *connection,
                                  struct exchange *exchange);
    /** It can take up one more at this moment. */
    bool (*is_ready)(const struct upstream_connection *connection);
    /** Take up no more: close in order, at once or after the last exchange. */
    void (*retire)(struct upstream_connection *connection);
    /** Close at once, with RST, to make room. Only while no exchange runs. */
    void (*discard)(struct upstream_connection *connection);
};

/*
 * A connection that was idle for longer than a moment may lead nowhere: the machine slept, or a
 * gateway has forgotten it. TCP alone would try for a quarter of an hour.
 */
enum {
    UPSTREAM_DOUBTED_AFTER_MS = 5 * 1000,  /* of idleness */
    UPSTREAM_DOUBTED_LIMIT_MS = 10 * 1000, /* for what is sent then to be acknowledged */
};

/** Where the pool has a connection. */
enum upstream_listing {
    UPSTREAM_UNLISTED, /* takes no exchange: full for good, stale, closed; HTTP/1.1: busy */
    UPSTREAM_IDLE,     /* no exchange runs */
    UPSTREAM_SHARED    /* exchanges run, and there may be room for more (HTTP/2) */
};

TAILQ_HEAD(upstream_claim_list, upstream_claim);

/** The part of every connection to a server that the pool knows: its first member. */
struct upstream_connection {
    const struct upstream_connection_operations *operations;
    struct upstream_pool *pool; /* borrowed */
    struct upstream_key key;
    enum http_protocol protocol;
    unsigned running;      /* exchanges, kept by the connection */
    uint64_t served_count; /* exchanges taken up so far, kept by the connection */
    bool is_settled;       /* how many exchanges it takes is known: set by the connection */
    /* below: the pool's own */
    enum upstream_listing listing;
    size_t bucket;
    TAILQ_ENTRY(upstream_connection) bucket_link;
    TAILQ_ENTRY(upstream_connection) idle_link;
    TAILQ_ENTRY(upstream_connection) followed_link;
    struct upstream_claim_list followers; /* claims that wait for room on this one */
};

#endif
