#include "firewall/tls_server.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/printable.h"
#include "firewall/leaf_cache.h"
#include "wire/client_hello.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <time.h>

enum { TLS_SERVER_READ_AHEAD = 64 * 1024 };

struct tls_server {
    SSL_CTX *context;          /* owned */
    struct leaf_cache *leaves; /* owned */
};

static struct tls_agent_session *session_of(SSL *tls)
{
    return SSL_get_app_data(tls);
}

static int refuse(struct tls_agent_session *session, const char *reason, int *alert, int number)
{
    session->state = TLS_HELLO_REFUSED;
    session->refusal = reason;
    *alert = number;
    return SSL_CLIENT_HELLO_ERROR;
}

static bool extension_of(SSL *tls, unsigned type, struct bytes *extension)
{
    const unsigned char *data = NULL;
    size_t length = 0;
    if (SSL_client_hello_get0_ext(tls, type, &data, &length) != 1)
        return false;
    *extension = (struct bytes){data, length};
    return true;
}

static int on_client_hello(SSL *tls, int *alert, void *data)
{
    struct tls_agent_session *session = session_of(tls);
    struct bytes extension;
    struct bytes raw_name;
    if (session->state == TLS_HELLO_REFUSED)
        return refuse(session, session->refusal, alert, SSL_AD_ACCESS_DENIED);
    if (!extension_of(tls, TLSEXT_TYPE_server_name, &extension))
        return refuse(session, "no server name", alert, SSL_AD_ACCESS_DENIED);
    if (!client_hello_parse_server_name(extension, &raw_name))
        return refuse(session, "malformed server name", alert, SSL_AD_DECODE_ERROR);
    struct host_name name;
    enum host_name_problem problem = host_name_parse(raw_name, &name);
    if (session->state == TLS_HELLO_ALLOWED) {
        bool is_same = problem == HOST_NAME_FINE && host_name_equal(&name, &session->name);
        return is_same ? SSL_CLIENT_HELLO_SUCCESS
                       : refuse(session, "another server name in the second hello", alert,
                                SSL_AD_ILLEGAL_PARAMETER);
    }
    printable_text(raw_name, session->raw_name, sizeof(session->raw_name));
    if (problem != HOST_NAME_FINE)
        return refuse(session, host_name_problem_text(problem), alert, SSL_AD_ACCESS_DENIED);
    session->name = name;
    session->has_name = true;
    const char *refusal = "not allowed";
    if (!session->decide(session->owner, &name, &session->rule, &refusal))
        return refuse(session, refusal, alert, SSL_AD_ACCESS_DENIED);
    session->state = TLS_HELLO_ALLOWED;
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_certificate(SSL *tls, void *data)
{
    struct tls_agent_session *session = session_of(tls);
    if (session == NULL || session->state != TLS_HELLO_ALLOWED)
        return 0;
    X509 *leaf =
        leaf_cache_get(session->server->leaves, &session->name, session->rule, (int64_t)time(NULL));
    if (leaf == NULL) {
        session->refusal = "too many new names under one rule";
        return 0;
    }
    return SSL_use_certificate(tls, leaf);
}

static bool is_listed(struct bytes offered, struct bytes wanted)
{
    while (offered.length > 0) {
        struct bytes protocol = bytes_first(bytes_from(offered, 1), offered.data[0]);
        if (bytes_equal(protocol, wanted))
            return true;
        offered = bytes_from(offered, 1 + protocol.length);
    }
    return false;
}

/* RFC 7301: a client that lists protocols and not these would take our bytes for its own. */
static int on_protocols(SSL *tls, const unsigned char **selected, unsigned char *selected_length,
                        const unsigned char *offered, unsigned offered_length, void *data)
{
    static const struct bytes http2 = BYTES_LITERAL("h2");
    static const struct bytes http1 = BYTES_LITERAL("http/1.1");
    struct tls_agent_session *session = session_of(tls);
    struct bytes list = {offered, offered_length};
    session->is_http2 = is_listed(list, http2);
    if (!session->is_http2 && !is_listed(list, http1)) {
        session->refusal = "no protocol in common (ALPN)";
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    struct bytes chosen = session->is_http2 ? http2 : http1;
    *selected = chosen.data;
    *selected_length = (unsigned char)chosen.length;
    return SSL_TLSEXT_ERR_OK;
}

static void set_context(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    /* The agent knows our CA: no search for the rest of a chain at each handshake. */
    SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_max_early_data(context, 0);
    CHECK(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                            "TLS_CHACHA20_POLY1305_SHA256") == 1);
    CHECK(SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                           "ECDHE-ECDSA-AES256-GCM-SHA384:"
                                           "ECDHE-ECDSA-CHACHA20-POLY1305") == 1);
    CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1);
    SSL_CTX_set_client_hello_cb(context, on_client_hello, NULL);
    SSL_CTX_set_cert_cb(context, on_certificate, NULL);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, TLS_SERVER_READ_AHEAD);
}

bool tls_server_new(struct bytes certificate, struct bytes key, struct tls_server **server_out,
                    struct error *error)
{
    struct leaf_cache *leaves;
    if (!leaf_cache_new(certificate, key, &leaves, error))
        return false;
    struct tls_server *server = memory_new(sizeof(*server));
    server->leaves = leaves;
    server->context = SSL_CTX_new(TLS_server_method());
    CHECK(server->context != NULL);
    set_context(server->context);
    CHECK(SSL_CTX_use_PrivateKey(server->context, leaf_cache_key(leaves)) == 1);
    *server_out = server;
    return true;
}

void tls_server_free(struct tls_server *server)
{
    SSL_CTX_free(server->context);
    leaf_cache_free(server->leaves);
    free(server);
}

struct ssl_st *tls_server_session(struct tls_server *server, struct tls_agent_session *session)
{
    session->server = server;
    SSL *tls = SSL_new(server->context);
    CHECK(tls != NULL);
    SSL_set_accept_state(tls);
    SSL_set_app_data(tls, session);
    return tls;
}
