#ifndef TESTS_HARNESS_LONE_UPSTREAM_H
#define TESTS_HARNESS_LONE_UPSTREAM_H

#include "firewall/exchange.h"
#include "firewall/proxy.h"
#include "firewall/upstream_connection.h"

#include <uv.h>

/*
 * One connection to a server, over a socket pair whose far end the test writes to and reads. In the
 * place of exchange and pool stands something that writes down what it is told, one word for each:
 *
 *   room idle gone                    the pool: more fits, nothing runs, no more is taken up
 *   200 body end                      the exchange: a head, by its status, and what follows it
 *   timeout protocol given-up lost    and how far the server had come: lost-unanswered
 */
struct lone_upstream {
    uv_loop_t loop;
    struct proxy proxy;
    struct upstream_connection *connection;
    int server; /* the far end, non-blocking */
};

/** Opened by `make`: http1_upstream_new or http2_upstream_new. */
void lone_upstream_start(struct lone_upstream *upstream,
                         struct upstream_connection *make(struct upstream_pool *pool,
                                                          struct proxy *proxy,
                                                          const struct upstream_key *key,
                                                          struct stream *stream));
/** Every exchange must be over; the connection is closed unless it is gone. */
void lone_upstream_stop(struct lone_upstream *upstream);

/** What was told since the start, or since it was forgotten; a space behind each word. */
const char *lone_upstream_story(void);
void lone_upstream_forget(void);

/** The loop's events; what was sent stays with the server. */
void lone_upstream_turn(struct lone_upstream *upstream);
/** The same, later. */
void lone_upstream_advance(struct lone_upstream *upstream, uint64_t seconds);
/** Throw away what the server got. */
void lone_upstream_drain(struct lone_upstream *upstream);
/** The server says something, and the connection hears it. */
void lone_upstream_say(struct lone_upstream *upstream, struct bytes bytes);

/** The connection takes up an exchange and is given its request, all of it without a body. */
struct exchange_side lone_upstream_ask(struct lone_upstream *upstream, const char *method,
                                       enum http_body body);

#endif
