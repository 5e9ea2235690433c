#ifndef FIREWALL_TLS_SERVER_H
#define FIREWALL_TLS_SERVER_H

#include "base/error.h"
#include "policy/host_name.h"

struct ssl_st;
struct tls_server;

/*
 * The agent's side of TLS. The decision stands on the ClientHello, before a certificate is chosen
 * or a key touched: a name that is missing, malformed or not allowed gets the alert
 * access_denied. The first name is latched; a second hello (after HelloRetryRequest) must bring
 * the same one.
 */

enum tls_hello_state {
    TLS_HELLO_AWAITED,
    TLS_HELLO_ALLOWED,
    TLS_HELLO_REFUSED, /* `refusal` says why */
};

struct tls_agent_session;

/**
 * May this name be served? Called with session->name set. On true, `*rule` is the text of the
 * rule that allows it; on false, `*refusal` is a static text for the record.
 */
typedef bool tls_decide_fn(void *owner, const struct host_name *name, struct bytes *rule,
                           const char **refusal);

/** One connection's part, kept by its owner for as long as the session lives. */
struct tls_agent_session {
    struct tls_server *server; /* borrowed */
    tls_decide_fn *decide;
    void *owner; /* borrowed */
    /* results */
    enum tls_hello_state state;
    struct host_name name; /* when allowed; when refused as far as it could be read */
    bool has_name;         /* `name` could be read */
    const char *refusal;   /* static; NULL unless something was refused */
    bool is_http2;         /* by ALPN; else HTTP/1.1 */
    char raw_name[256];    /* what stood in SNI, printable, for the record */
    struct bytes rule;     /* borrowed from the policy during the handshake */
};

/** `certificate` and `key` of the CA in PEM. */
bool tls_server_new(struct bytes certificate, struct bytes key, struct tls_server **server,
                    struct error *error);
void tls_server_free(struct tls_server *server);

/** A TLS session for a connection just accepted; owned by the caller (stream_start_tls). */
struct ssl_st *tls_server_session(struct tls_server *server, struct tls_agent_session *session);

#endif
