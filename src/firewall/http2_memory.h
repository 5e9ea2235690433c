#ifndef FIREWALL_HTTP2_MEMORY_H
#define FIREWALL_HTTP2_MEMORY_H

#include "base/body_budget.h"
#include "firewall/http2_session.h"

#include <nghttp2/nghttp2.h>

/*
 * What the HTTP/2 library holds for one session: fields of a head that has not ended (a peer
 * announces a long one in a few bytes), heads and other frames that wait for the network. A session
 * at rest has its part for nothing, within HTTP2_MEMORY_FREE_BYTES; what exceeds it counts in the
 * budget of all connections.
 */

struct http2_memory {
    nghttp2_mem functions; /* for nghttp2_session_*_new3 */
    struct body_share share;
    /* below: private */
    size_t bytes;
};

/** The memory stays where it is from now on, for longer than the session. */
void http2_memory_start(struct http2_memory *memory, struct body_budget *budget);
/** After the library was called: what it holds now counts. */
void http2_memory_count(struct http2_memory *memory);
/** After the library's end. */
void http2_memory_done(struct http2_memory *memory);

#endif
