#ifndef TESTS_HARNESS_FAKE_WORLD_H
#define TESTS_HARNESS_FAKE_WORLD_H

#include "firewall/dialer.h"
#include "firewall/proxy.h"
#include "firewall/upstream_pool.h"
#include "harness/fake_loop.h"
#include "harness/fake_stream.h"

/*
 * A proxy without a network: the real exchanges, codecs and pool between agents and servers that
 * the test plays, under a clock that it moves. fake_world.c takes the place of the dialer and of
 * the record queue, and stands (ld --wrap) between the codecs and the exchange, where it holds
 * every program that is linked with it to the rules of exchange.h:
 *
 *   - every exchange that began makes exactly one record, and none that was given up makes one
 *   - a side delivers no more body than it has credit for, and no credit comes back for bytes
 *     that were not delivered
 *   - only names that the policy in force allows are dialled
 *
 * fake_world_end ends every connection and lets all time pass; fake_world_stop CHECKs that nothing
 * is left.
 */

enum {
    FAKE_AGENTS_MAX = 4,
    FAKE_DIALS_MAX = 256,
    FAKE_REQUESTS_MAX = 512, /* that an agent's connection can make */
};

/** A connection of the agent. */
struct fake_agent {
    struct fake_peer *peer; /* owned; NULL before it is opened */
    void *connection;       /* the downstream codec; NULL once it has ended */
    enum http_protocol protocol;
    size_t request_count;
    bool is_head[FAKE_REQUESTS_MAX]; /* the n-th request was a HEAD */
};

/** A connection that was dialled. */
struct fake_dial {
    struct dial *dial;      /* borrowed; NULL once settled or cancelled */
    struct fake_peer *peer; /* owned; once connected */
    struct host_name name;
    uint16_t port;
    bool may_be_http2; /* it was offered */
    bool is_tunnel;    /* its stream belongs to a relay */
};

struct fake_world {
    struct uv_loop_s *loop; /* owned */
    struct proxy proxy;
    struct upstream_pool *pool; /* owned here: a proxy's lives as long as its process */
    struct host_name name;
    struct fake_agent agents[FAKE_AGENTS_MAX];
    struct fake_dial dials[FAKE_DIALS_MAX];
    size_t dial_count;
    unsigned handle_count; /* of the pool */
    unsigned begun_count;  /* exchanges whose request the exchange was given */
    unsigned record_count; /* of exchanges */
    unsigned connection_record_count;
    char records[2048]; /* "allow 200 reason;" each, as far as there is room */
    /** A connection to a server is there; sets peer->on_received. May be NULL. */
    void (*on_connected)(struct fake_world *world, struct fake_dial *dial);
};

/** Agents speak to `name` under the rules `https` (static text). One world at a time. */
void fake_world_start(struct fake_world *world, const char *name, const char *https);
/** Every peer ends and takes what there is, dials fail, a day passes. */
void fake_world_end(struct fake_world *world);
/** After fake_world_end: CHECK that nothing is left, and let go of the peers. */
void fake_world_stop(struct fake_world *world);

/** Everything that can happen without time passing. */
void fake_world_settle(struct fake_world *world);

struct fake_agent *fake_world_open_agent(struct fake_world *world, size_t index,
                                         enum http_protocol protocol);
/** The oldest dial that waits for an outcome; NULL when there is none. */
struct fake_dial *fake_world_waiting_dial(struct fake_world *world);
/** Its outcome; with DIAL_CONNECTED its peer is there. */
void fake_world_settle_dial(struct fake_world *world, struct fake_dial *dial,
                            enum dial_outcome outcome, bool is_http2);
/** Replace the policy, as a reload does; `https` is static text. */
void fake_world_reload(struct fake_world *world, const char *https);
/** An exchange of this method and path was begun. */
bool fake_world_was_asked(const struct fake_world *world, struct bytes method, struct bytes path);

#endif
