#ifndef FIREWALL_EXCHANGE_H
#define FIREWALL_EXCHANGE_H

#include "base/body_budget.h"
#include "base/buffer.h"
#include "policy/host_name.h"
#include "wire/http_head.h"

#include <stdbool.h>

struct exchange;
struct proxy;
struct stream;
struct upstream_pool;

/*
 * Theory of Operation
 *
 * An exchange is one HTTP request with its response, in neutral form. It stands between two
 * sides, and no byte of a head passes it but through the model:
 *
 *   agent -- downstream side (a codec) -- exchange -- upstream side (a codec) -- server
 *
 * A side is a table of operations (struct exchange_side_operations) and an object. What a side
 * receives from its peer it delivers with the functions below; what it has to send it is given
 * by the operations. The exchange knows no protocol: HTTP/1.1 and HTTP/2 are one file per side.
 *
 * States. One for each direction; `begin` is the downstream side's call after the head:
 *
 *   request   ARRIVING -> COMPLETE
 *   response  DECIDING -> CLAIMING -> WAITING -> BODY -> over
 *                 \          \________/    |       \--> over (the downstream side is reset)
 *                  \__________ refused, failed: an answer of our own, then over
 *                                          \--> TUNNEL -> over (WebSocket)
 *
 *   DECIDING  policy looks at name, port, method and path: forbidden requests end here
 *   CLAIMING  the pool finds or dials a connection; the request's body is held back (no credit)
 *   WAITING   head sent upstream, body flows; interim heads (1xx) pass to the agent
 *   BODY      the final head was passed on; response body flows; request body may still flow
 *   TUNNEL    both streams were taken from their sides and belong to a relay
 *
 * Credit. A side delivers body bytes only as far as it was given credit, in bytes. Credit starts
 * at EXCHANGE_WINDOW_BYTES (less when much is held already, body_budget.h) when the upstream side
 * is there, and comes back when the other side's peer has taken the bytes. So an exchange never
 * holds more than a window in each direction, and a peer that stops reading stops the other one's
 * sending. The window of a response doubles, up to BODY_BUDGET_WIDE_WINDOW, each time that the
 * agent has taken EXCHANGE_WIDEN_AFTER windows of it: over a long way a server sends no more than
 * a window in a round trip. All exchanges together may widen by a part of the budget only. Queues
 * count what they hold in the proxy's `bodies`; when that is full, an exchange that delivers more
 * ends.
 *
 * Flush. Sides may gather what they are given; the one that delivers says flush at the end of
 * each of its turns, so a head and the beginning of its body leave in one piece, and a streamed
 * event leaves at once.
 *
 * Ends. An exchange ends once, by the first of these; it then writes its record and is gone:
 *
 *   exchange_response_end      the response is complete: downstream gets send_end. When the
 *                              request was not complete, neither connection may be used again:
 *                              each side knows that by itself.
 *   exchange_upstream_failed   before the response's head: tried once more on a new connection
 *                              when that is safe (see below), else answered 502 or 504; after
 *                              it: downstream gets reset, so that truncation is never taken for
 *                              an end.
 *   exchange_downstream_failed the agent is gone or broke the protocol: upstream gets reset.
 *   exchange_cut               the policy no longer allows it: both sides get reset, and from
 *                              then on nothing leaves upstream that waited of its request: where
 *                              it waits in a connection that others share, that is given up whole
 *                              (http2_upstream.h).
 *   answers of our own         refusals: upstream (if there is one) gets reset, downstream a
 *                              whole response.
 *
 * send_end (of a response), reset and take_stream are the last call that a side gets: the
 * exchange may be gone when they are made. After a side's own ending call it may not name the
 * exchange again. Any call of a delivering function may end the exchange: a side looks at its
 * own state (cleared by send_end, reset and take_stream) before it goes on.
 *
 * Replay is safe when the whole request was there, no byte of a body was delivered, and either the
 * server said itself that it did not process it (RFC 9113 section 8.7), or the connection came
 * from the pool or was given up by us, nothing of a response was received and the method is
 * idempotent (RFC 9110 section 9.2.2). A server that asks for HTTP/1.1 (HTTP_1_1_REQUIRED, RFC
 * 9113 section 7) has not processed the request either: it is replayed over HTTP/1.1.
 *
 * What a server of HTTP/2 says with a reset of its stream, and we do not replay, an agent of HTTP/2
 * is told in the same words (http2_downstream.h), before and after the head: REFUSED_STREAM means
 * that it may send the request again. An agent of HTTP/1.1 gets 502 or 503 where it still can.
 */

enum {
    EXCHANGE_WINDOW_BYTES = BODY_BUDGET_FULL_WINDOW,
    EXCHANGE_WIDEN_AFTER = 2,   /* windows that the agent took */
    EXCHANGE_INTERIM_MAX = 16,  /* 1xx heads before the final one */
    EXCHANGE_UNTOUCHED_MAX = 3, /* servers that may say in a row that they did not process it */
    EXCHANGE_CONTINUE_WAIT_MS = 1000, /* then we say 100 (Continue) ourselves */
    EXCHANGE_TUNNEL_IDLE_MS = 2 * 60 * 60 * 1000
};

/** Why an exchange ended otherwise than by a complete response. */
enum exchange_failure {
    EXCHANGE_AGENT_GONE,
    EXCHANGE_AGENT_PROTOCOL,    /* the agent broke HTTP in the body or trailers */
    EXCHANGE_AGENT_TIMEOUT,     /* its body, or its reading, stood still */
    EXCHANGE_UPSTREAM_NAME,     /* its name could not be resolved */
    EXCHANGE_UPSTREAM_ADDRESS,  /* its address may not be dialled */
    EXCHANGE_UPSTREAM_REFUSED,  /* no connection */
    EXCHANGE_UPSTREAM_TLS,      /* handshake or certificate */
    EXCHANGE_UPSTREAM_LOST,     /* the connection broke before the response was complete */
    EXCHANGE_UPSTREAM_GIVEN_UP, /* by us, for the sake of another exchange on its connection */
    EXCHANGE_UPSTREAM_PROTOCOL, /* a response that breaks HTTP */
    EXCHANGE_UPSTREAM_TIMEOUT,
    EXCHANGE_UPSTREAM_UNTOUCHED, /* the server says that it did not process it */
    EXCHANGE_UPSTREAM_CANCELLED, /* the server resets its stream (HTTP/2): CANCEL */
    EXCHANGE_UPSTREAM_CALM,      /* ENHANCE_YOUR_CALM */
    EXCHANGE_UPSTREAM_HTTP1,     /* HTTP_1_1_REQUIRED */
    EXCHANGE_UPSTREAM_BUSY,      /* the limit of upstream connections */
    EXCHANGE_TOO_MANY,           /* PROXY_EXCHANGE_LIMIT */
    EXCHANGE_POLICY_CHANGED,
    EXCHANGE_SHUTDOWN,
    EXCHANGE_BODIES_FULL, /* too many bytes wait for peers that do not take them */
    EXCHANGE_INTERNAL,
    EXCHANGE_FAILURE_COUNT
};

/** A few fixed words for records. */
const char *exchange_failure_text(enum exchange_failure failure);

/** How far a server came with a request that failed. */
enum exchange_progress {
    EXCHANGE_ANSWERED,   /* something of a response was received */
    EXCHANGE_UNANSWERED, /* not one byte was: nobody knows what it did */
    EXCHANGE_UNTOUCHED   /* it said that it did nothing */
};

/** What a side can be told. All run to completion and deliver nothing from inside. */
struct exchange_side_operations {
    /** A request's or a response's head, or an interim one (status 1xx, not 101). */
    void (*send_head)(void *side, const struct http_head *head);
    void (*send_body)(void *side, struct bytes body);
    /** The message is complete. `trailers` is NULL or has fields. Downstream: the last call. */
    void (*send_end)(void *side, const struct http_head *trailers);
    /**
     * Serve no request after this one on a connection that has an order (HTTP/1.1); said before
     * send_head. Whoever sent what two readers could take differently gets no second message.
     */
    void (*make_last)(void *side);
    /** Let what was gathered go. */
    void (*flush)(void *side);
    /** Break the message off, so that the peer cannot take it for complete. The last call. */
    void (*reset)(void *side, enum exchange_failure failure);
    /** So many more body bytes may be delivered. */
    void (*give_credit)(void *side, size_t bytes);
    /**
     * The side's stream, for a tunnel, after a 101 head; bytes already read from it are appended
     * to `early`. NULL when the protocol has no such thing. The last call.
     */
    struct stream *(*take_stream)(void *side, struct buffer *early);
};

struct exchange_side {
    const struct exchange_side_operations *operations; /* NULL: there is no side */
    void *object;                                      /* borrowed */
};

/** What a connection speaks, on either side. */
enum http_protocol { HTTP_PROTOCOL_1, HTTP_PROTOCOL_2 };

/** Where an exchange comes from: one TLS connection of the agent. Borrowed for its life. */
struct exchange_origin {
    struct proxy *proxy;
    struct upstream_pool *pool;
    const struct host_name *name; /* SNI, allowed by policy */
    uint16_t port;                /* that the agent dialled */
    enum http_protocol protocol;  /* of that connection: the server is offered it first */
};

/** A new exchange, whose request head the downstream side fills in before exchange_begin. */
struct exchange *exchange_new(const struct exchange_origin *origin,
                              struct exchange_side downstream);
/** The request's head, for filling in. */
struct http_head *exchange_request(struct exchange *exchange);
/**
 * Count the memory of the request's head, after it has grown; exchange_begin counts it, too. False
 * when no more may be held: the head is empty now, and the side calls exchange_reject_full.
 */
bool exchange_count_request(struct exchange *exchange);
/** Give up before exchange_begin: no record. */
void exchange_discard(struct exchange *exchange);
/**
 * The head is broken: answer with `status` and a record with `reason` (static text). The last
 * call for the downstream side is made from inside.
 */
void exchange_reject(struct exchange *exchange, uint16_t status, const char *reason);
/** The head may not be held: as exchange_reject, with 503. */
void exchange_reject_full(struct exchange *exchange);

/** The request's head is complete; its `body` says whether more follows. */
void exchange_begin(struct exchange *exchange);

/* From the downstream side. */
void exchange_request_body(struct exchange *exchange, struct bytes body);
/** `trailers` is NULL or borrowed for the call. Not called when the head said HTTP_BODY_NONE. */
void exchange_request_end(struct exchange *exchange, const struct http_head *trailers);
void exchange_request_flush(struct exchange *exchange);
/** The agent's side of the network took so many bytes of the response's body. */
void exchange_response_credit(struct exchange *exchange, size_t bytes);
void exchange_downstream_failed(struct exchange *exchange, enum exchange_failure failure,
                                const char *detail);

/* From the upstream side. `head` is borrowed and may be changed by the call. */
void exchange_response_head(struct exchange *exchange, struct http_head *head);
void exchange_response_body(struct exchange *exchange, struct bytes body);
void exchange_response_end(struct exchange *exchange, const struct http_head *trailers);
void exchange_response_flush(struct exchange *exchange);
void exchange_request_credit(struct exchange *exchange, size_t bytes);
void exchange_upstream_failed(struct exchange *exchange, enum exchange_failure failure,
                              enum exchange_progress progress, const char *detail);

/* From the service. */
/** Look at the policy again: cuts the exchange when it is no longer allowed. */
void exchange_policy_changed(struct exchange *exchange);
void exchange_cut(struct exchange *exchange, enum exchange_failure failure);

#endif
