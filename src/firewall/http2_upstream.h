#ifndef FIREWALL_HTTP2_UPSTREAM_H
#define FIREWALL_HTTP2_UPSTREAM_H

#include "firewall/upstream_pool.h"

struct proxy;
struct stream;

/*
 * The upstream side of exchanges over one HTTP/2 connection, many at a time.
 *
 *   OPEN -> RETIRING (takes no more: GOAWAY, another policy) -> closed
 *        \-> ABANDONED (broken off by us) -> closed
 *
 * Each exchange has a stream of its own:
 *
 *   HEAD -> BODY -> over        interim heads stay in HEAD; trailers and the end come from BODY
 *
 * Before the server's SETTINGS one exchange runs at most: how many it takes is not known. What a
 * server did not process by its own word (REFUSED_STREAM, GOAWAY below the stream) is told to the
 * exchange as untouched, and is tried again on another connection where nothing of a body was
 * passed on; over HTTP/1.1 where it says HTTP_1_1_REQUIRED. CANCEL and ENHANCE_YOUR_CALM are
 * failures of their own, every other code is a lost response.
 *
 * A reload of the policy: RST_STREAM takes back nothing that was framed already and waits for the
 * network. So where anything of a request that the new policy forbids, or of one that ended before
 * (nobody knows any more what it asked for), may still wait in the connection or in the kernel, the
 * connection is abandoned whole, with RST, inside the reload. Its other exchanges are told from the
 * loop, and are tried again where that is safe. Connections whose server keeps up have nothing
 * waiting, and lose only the stream.
 *
 * The request's body gets its credit back when it has left to the network, the server gets its
 * window back when the agent's side took the response's bytes: a server may send a window for
 * each stream and a connection's window altogether, and no more, to agents that do not read.
 */

enum {
    HTTP2_UPSTREAM_SILENCE_MS = 15 * 60 * 1000, /* a stream on which nothing happens */
    HTTP2_UPSTREAM_HEAD_MS = 10 * 1000,         /* a head that began and does not end */
    HTTP2_UPSTREAM_SETTINGS_MS = 10 * 1000,     /* the server's first frame */
};

/**
 * Over an open stream (owned from now on), with nothing listed yet: the pool gives it its first
 * exchange at once. The key is copied.
 */
struct upstream_connection *http2_upstream_new(struct upstream_pool *pool, struct proxy *proxy,
                                               const struct upstream_key *key,
                                               struct stream *stream);

#endif
