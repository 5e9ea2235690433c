#ifndef FIREWALL_HTTP1_DOWNSTREAM_H
#define FIREWALL_HTTP1_DOWNSTREAM_H

#include "firewall/exchange.h"

struct http1_downstream;
struct stream;

/*
 * The downstream side of exchanges over one HTTP/1.1 connection of the agent, one after the other
 * in the order of the requests.
 *
 *   AWAITING -> HEAD -> EXCHANGE -> AWAITING or closed
 *                              \--> TUNNEL -> closed
 *
 *   AWAITING  nothing of a request was received: at most 120 s
 *   HEAD      a part of a head: at most 10 s
 *   EXCHANGE  the exchange runs; its body is read as far as credit goes. What comes behind the
 *             body (pipelining) waits, up to 64 KiB, and is looked at when the response is sent
 *   TUNNEL    the stream was taken
 *
 * An error of the agent in a head is answered with a status of its own, then the connection is
 * closed: whoever sent one message that two readers could take differently gets no second one.
 */

enum {
    HTTP1_KEEP_ALIVE_MS = 120 * 1000,
    HTTP1_HEAD_MS = 10 * 1000,
    HTTP1_BODY_SILENCE_MS = 130 * 1000,       /* an LLM client holds an upload open for 120 s */
    HTTP1_READER_SILENCE_MS = 15 * 60 * 1000, /* the agent takes nothing of a response */
    HTTP1_PIPELINE_BYTES = 64 * 1024
};

/** The connection is closed and its memory about to go. */
typedef void http1_downstream_end_fn(void *owner);

/** Over an open stream (owned from now on). `origin` is copied; what it names is borrowed. */
struct http1_downstream *http1_downstream_new(const struct exchange_origin *origin,
                                              struct stream *stream,
                                              http1_downstream_end_fn *on_end, void *owner);
/** Look at the policy again. `on_end` may be called from inside. */
void http1_downstream_policy_changed(struct http1_downstream *connection);
/** The name itself is no longer allowed: close at once. `on_end` is called from inside. */
void http1_downstream_cut(struct http1_downstream *connection);

#endif
