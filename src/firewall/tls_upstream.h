#ifndef FIREWALL_TLS_UPSTREAM_H
#define FIREWALL_TLS_UPSTREAM_H

#include "base/bytes.h"
#include "base/error.h"

struct ssl_st;
struct tls_upstream;

/*
 * Our client side of TLS: one context with the trust anchors parsed once, a hello of our own that
 * shows nothing of the agent's, and sessions resumed per name and port.
 */

/** `anchors` is PEM with at least one certificate; other PEM blocks are skipped. */
bool tls_upstream_new(struct bytes anchors, struct tls_upstream **upstream, struct error *error);
void tls_upstream_free(struct tls_upstream *upstream);

/**
 * A session (owned by the caller, normally handed to stream_start_tls) that will accept only a
 * certificate for `name` (canonical, NUL-terminated).
 */
struct ssl_st *tls_upstream_session(struct tls_upstream *upstream, const char *name, uint16_t port);

/** After the handshake: verified and speaking HTTP/1.1. False: say `*reason` (static). */
bool tls_upstream_check(const struct ssl_st *session, const char **reason);
/** After a failed handshake: whether the certificate was the reason. */
bool tls_upstream_is_certificate_bad(const struct ssl_st *session);

#endif
