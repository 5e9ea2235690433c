#ifndef FIREWALL_HTTP2_DOWNSTREAM_H
#define FIREWALL_HTTP2_DOWNSTREAM_H

#include "firewall/exchange.h"

struct http2_downstream;
struct stream;

/*
 * Theory of Operation
 *
 * The downstream side of exchanges over one HTTP/2 connection of the agent: a request for each
 * stream, at most HTTP2_STREAMS_MAX at once.
 *
 *   request    HEAD -> BODY -> ENDED -> COMPLETE
 *   response   AWAITED -> BODY or WHOLE, then over
 *
 *   HEAD      pairs arrive; nothing is decided. A broken head is answered with its status (421 for
 *             another authority), CONNECT in every form with RST_STREAM
 *   BODY      content is delivered as far as the exchange gave credit; what exceeds it is held, at
 *             most the stream's window, and counted in the proxy's `bodies`
 *   ENDED     END_STREAM came, and perhaps trailers, and the exchange does not know yet
 *   COMPLETE  the exchange knows
 *
 * A request ends with the exchange's last call (send_end, reset), with the stream (RST_STREAM of
 * either side) or with the connection. A response that is complete before its request is followed
 * by RST_STREAM (NO_ERROR): on HTTP/2 nothing behind it can be mistaken.
 *
 * An exchange that cannot end with a whole response resets the stream. The codes:
 *
 *   REFUSED_STREAM      the server did not process the request: it may be sent again
 *   HTTP_1_1_REQUIRED   the server says so: it may be sent again over HTTP/1.1
 *   ENHANCE_YOUR_CALM   the server says so, or too much is held here (BODY_BUDGET_BYTES_MIN)
 *   CANCEL              the server says so, the policy forbids it now, the firewall ends, or the
 *                       agent did nothing for too long
 *   PROTOCOL_ERROR      the agent broke the protocol, or asked for CONNECT
 *   INTERNAL_ERROR      everything else between us and the server: lost, late, broken; also its
 *                       codes that speak of that connection (FLOW_CONTROL_ERROR and the like), and
 *                       NO_ERROR before its response was whole, which must not look like an end
 *
 * The connection ends with GOAWAY: idle for 120 s, at a policy that forbids its name, past a flood
 * limit, or broken. After the agent's own GOAWAY its open streams are served to their ends.
 */

enum {
    HTTP2_KEEP_ALIVE_MS = 120 * 1000, /* without a stream */
    HTTP2_PREFACE_MS = 10 * 1000,     /* until the agent's SETTINGS */
    HTTP2_HEAD_MS = 10 * 1000,        /* for a head, CONTINUATION frames included */
    HTTP2_BODY_SILENCE_MS = 130 * 1000,
    HTTP2_READER_SILENCE_MS = 15 * 60 * 1000, /* the agent takes nothing of a response */
    HTTP2_WATCH_MS = 5 * 1000                 /* how often the two above are looked at */
};

/** The connection is closed and its memory about to go. */
typedef void http2_downstream_end_fn(void *owner);

/** Over an open stream (owned from now on). `origin` is copied; what it names is borrowed. */
struct http2_downstream *http2_downstream_new(const struct exchange_origin *origin,
                                              struct stream *stream,
                                              http2_downstream_end_fn *on_end, void *owner);
/** Look at the policy again: requests that are no longer allowed are cut. */
void http2_downstream_policy_changed(struct http2_downstream *connection);
/** The name itself is no longer allowed: close at once. `on_end` is called from inside. */
void http2_downstream_cut(struct http2_downstream *connection);

#endif
