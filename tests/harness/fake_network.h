#ifndef TESTS_HARNESS_FAKE_NETWORK_H
#define TESTS_HARNESS_FAKE_NETWORK_H

#include "harness/fake_loop.h"
#include "harness/fake_stream.h"

#include <netinet/in.h>

/*
 * What the real dialer stands on: fake_network.c takes the place of the resolver, of the outgoing
 * connections and of their TLS for a program that is linked with it. Every name has the addresses
 * that the test says, and a connection leads nowhere before the test opens it.
 */

struct dialer;

enum { FAKE_CONNECTIONS_MAX = 512 };

/** A connection that was begun. */
struct fake_connection {
    struct fake_peer *peer; /* owned; its stream is NULL once it was given up */
    uint64_t began_ms;
    struct sockaddr_in address;
    stream_event_fn *on_event;
    void *owner; /* borrowed; of on_event */
};

struct fake_network {
    struct uv_loop_s *loop;      /* borrowed */
    struct stream_loop *streams; /* owned */
    struct dialer *dialer;       /* owned */
    size_t address_count;        /* that each name has: 203.0.113.1 and on; 1 at first */
    bool is_resolver_silent;
    struct fake_connection connections[FAKE_CONNECTIONS_MAX];
    size_t connection_count;
};

/** One network at a time; begins the loop's clock. */
void fake_network_start(struct fake_network *network, struct uv_loop_s *loop);
/** Every dial and every stream must have ended. */
void fake_network_stop(struct fake_network *network);

/** The last connection that was begun is there. */
struct fake_connection *fake_network_open_last(struct fake_network *network);

#endif
