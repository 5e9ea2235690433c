#ifndef FIREWALL_TLS_UPSTREAM_H
#define FIREWALL_TLS_UPSTREAM_H

#include "base/bytes.h"
#include "base/error.h"

struct ssl_st;
struct tls_upstream;

/*
 * Our client side of TLS: one context, trust anchors that are read when they are wanted, a hello of
 * our own that shows nothing of the agent's, and sessions resumed per name and port.
 *
 * Resumption. A session is kept only after its certificate was verified for the name, and offered
 * only to the same name and port; when it was resumed, that certificate is held against the name
 * and the clock again. What a policy decides (whether to dial, which address) is decided anew for
 * every dial, and a resumed session shows that the peer is who was verified before: so sessions
 * outlive a change of the policy, while connections do not. Tickets of TLS 1.3 are offered once,
 * so that two connections cannot be linked by them; nothing is sent as early data.
 */

enum {
    TLS_UPSTREAM_SESSIONS_MAX = 256,    /* all names together; the oldest goes */
    TLS_UPSTREAM_SESSIONS_PER_NAME = 8, /* and port */
    TLS_UPSTREAM_SESSION_AGE_S = 60 * 60,
};

/** `pem` are the trust anchors (trust_anchors.h), borrowed for its life. */
bool tls_upstream_new(struct bytes pem, struct tls_upstream **upstream, struct error *error);
void tls_upstream_free(struct tls_upstream *upstream);

/** What the hello offers in ALPN (RFC 7301). */
enum tls_upstream_offer {
    TLS_UPSTREAM_OFFER_1, /* http/1.1 */
    TLS_UPSTREAM_OFFER_2  /* h2, http/1.1 */
};

/**
 * A session (owned by the caller, normally handed to stream_start_tls) that will accept only a
 * certificate for `name` (canonical, NUL-terminated).
 */
struct ssl_st *tls_upstream_session(struct tls_upstream *upstream, const char *name, uint16_t port,
                                    enum tls_upstream_offer offer);

/** After the handshake: verified, and speaking what was offered. False: say `*reason` (static). */
bool tls_upstream_check(const struct ssl_st *session, const char **reason);
/** After the handshake: it speaks HTTP/2. A server that chose nothing speaks HTTP/1.1. */
bool tls_upstream_is_http2(const struct ssl_st *session);
/** After a failed handshake: whether the certificate was the reason. */
bool tls_upstream_is_certificate_bad(const struct ssl_st *session);
/** After a failed handshake: the server has said no_application_protocol (RFC 7301 3.2). */
bool tls_upstream_is_protocol_refused(const struct ssl_st *session);

#endif
