#include "firewall/tls_upstream.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/trust_anchors.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

enum {
    TLS_UPSTREAM_BUCKETS = 64,
    TLS_UPSTREAM_READ_AHEAD = 64 * 1024,
};

/* A session that may be resumed. */
struct kept_session {
    TAILQ_ENTRY(kept_session) bucket_link;
    TAILQ_ENTRY(kept_session) age_link;
    SSL_SESSION *session; /* owned */
    size_t bucket;
    uint16_t port;
    char name[];
};

TAILQ_HEAD(session_bucket, kept_session);

/* Whose sessions. */
struct upstream_name {
    struct tls_upstream *upstream; /* borrowed */
    const char *name;              /* borrowed */
    uint16_t port;
};

struct tls_upstream {
    SSL_CTX *context;              /* owned */
    struct trust_anchors *anchors; /* owned; serve the context */
    struct session_bucket buckets[TLS_UPSTREAM_BUCKETS];
    TAILQ_HEAD(, kept_session) ages; /* oldest first */
    size_t count;
};

/* RFC 7301: protocols, each with its length before it; the second part is the list without h2. */
static const uint8_t alpn_list[] = {2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
enum { ALPN_HTTP1_START = 3 };

enum { HOST_FLAGS = X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT };

static int port_index;
static int offer_index;
static int alert_index; /* the fatal alert that the server sent, 0 for none */

static size_t bucket_of(const char *name, uint16_t port)
{
    return (bytes_hash(bytes_from_text(name)) + port) % TLS_UPSTREAM_BUCKETS;
}

static void forget(struct tls_upstream *upstream, struct kept_session *kept)
{
    TAILQ_REMOVE(&upstream->buckets[kept->bucket], kept, bucket_link);
    TAILQ_REMOVE(&upstream->ages, kept, age_link);
    upstream->count--;
    SSL_SESSION_free(kept->session);
    free(kept);
}

static bool is_for(const struct kept_session *kept, const char *name, uint16_t port)
{
    return kept->port == port && !strcmp(kept->name, name);
}

/* RFC 8446 appendix C.4: a ticket of TLS 1.3 is used once. TLS 1.2 brings a new one rarely. */
static bool is_single_use(const SSL_SESSION *session)
{
    return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

/* Make room for one more of the name: of TLS 1.2 the last one is enough. */
static void forget_surplus(struct upstream_name of, bool is_single)
{
    struct tls_upstream *upstream = of.upstream;
    size_t count = 0;
    struct kept_session *oldest = NULL;
    struct kept_session *kept;
    TAILQ_FOREACH(kept, &upstream->buckets[bucket_of(of.name, of.port)], bucket_link)
    if (is_for(kept, of.name, of.port)) {
        count++;
        oldest = kept;
    }
    if (count >= TLS_UPSTREAM_SESSIONS_PER_NAME || (oldest && !is_single))
        forget(upstream, oldest);
    else if (upstream->count == TLS_UPSTREAM_SESSIONS_MAX)
        forget(upstream, TAILQ_FIRST(&upstream->ages));
}

static int on_new_session(SSL *session, SSL_SESSION *ticket)
{
    struct tls_upstream *upstream = SSL_CTX_get_app_data(SSL_get_SSL_CTX(session));
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (name == NULL || SSL_get_verify_result(session) != X509_V_OK)
        return 0;
    uint16_t port = (uint16_t)(uintptr_t)SSL_get_ex_data(session, port_index);
    forget_surplus((struct upstream_name){upstream, name, port}, is_single_use(ticket));
    size_t size = strlen(name) + 1;
    struct kept_session *kept = memory_new(sizeof(*kept) + size);
    memcpy(kept->name, name, size);
    kept->port = port;
    kept->session = ticket;
    kept->bucket = bucket_of(name, kept->port);
    TAILQ_INSERT_HEAD(&upstream->buckets[kept->bucket], kept, bucket_link);
    TAILQ_INSERT_TAIL(&upstream->ages, kept, age_link);
    upstream->count++;
    return 1; /* the reference is ours */
}

/* Offer the newest session of the name, if there is one that is not too old. */
static void offer_session(struct tls_upstream *upstream, SSL *session, const char *name,
                          uint16_t port)
{
    struct kept_session *kept = TAILQ_FIRST(&upstream->buckets[bucket_of(name, port)]);
    while (kept && !is_for(kept, name, port))
        kept = TAILQ_NEXT(kept, bucket_link);
    if (kept == NULL)
        return;
    bool is_old = time(NULL) - SSL_SESSION_get_time(kept->session) > TLS_UPSTREAM_SESSION_AGE_S;
    if (!is_old)
        SSL_set_session(session, kept->session);
    if (is_old || is_single_use(kept->session))
        forget(upstream, kept);
}

static void on_info(const SSL *session, int where, int value)
{
    if (where == SSL_CB_READ_ALERT && value >> 8 == SSL3_AL_FATAL)
        SSL_set_ex_data((SSL *)session, alert_index, (void *)(uintptr_t)(value & 0xff));
}

static void set_context(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 2);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    CHECK(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                            "TLS_CHACHA20_POLY1305_SHA256") == 1);
    CHECK(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM") == 1);
    CHECK(SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_verify_depth(context, 8);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_new_session);
    SSL_CTX_set_info_callback(context, on_info);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, TLS_UPSTREAM_READ_AHEAD);
}

bool tls_upstream_new(struct bytes pem, struct tls_upstream **upstream_out, struct error *error)
{
    if (port_index == 0) {
        port_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        offer_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        alert_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    }
    struct trust_anchors *anchors = NULL;
    if (!trust_anchors_new(pem, &anchors, error))
        return false;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    CHECK(context != NULL);
    trust_anchors_serve(anchors, SSL_CTX_get_cert_store(context));
    set_context(context);
    struct tls_upstream *upstream = memory_new(sizeof(*upstream));
    upstream->context = context;
    upstream->anchors = anchors;
    TAILQ_INIT(&upstream->ages);
    for (size_t i = 0; i < TLS_UPSTREAM_BUCKETS; i++)
        TAILQ_INIT(&upstream->buckets[i]);
    SSL_CTX_set_app_data(context, upstream);
    *upstream_out = upstream;
    return true;
}

void tls_upstream_free(struct tls_upstream *upstream)
{
    while (!TAILQ_EMPTY(&upstream->ages))
        forget(upstream, TAILQ_FIRST(&upstream->ages));
    SSL_CTX_free(upstream->context);
    trust_anchors_free(upstream->anchors);
    free(upstream);
}

struct ssl_st *tls_upstream_session(struct tls_upstream *upstream, const char *name, uint16_t port,
                                    enum tls_upstream_offer offer)
{
    size_t alpn_start = offer == TLS_UPSTREAM_OFFER_2 ? 0 : ALPN_HTTP1_START;
    SSL *session = SSL_new(upstream->context);
    CHECK(session != NULL);
    SSL_set_connect_state(session);
    SSL_set_hostflags(session, HOST_FLAGS);
    CHECK(SSL_set1_host(session, name) == 1);
    CHECK(SSL_set_tlsext_host_name(session, name) == 1);
    CHECK(SSL_set_ex_data(session, port_index, (void *)(uintptr_t)port) == 1);
    CHECK(SSL_set_ex_data(session, offer_index, (void *)(uintptr_t)offer) == 1);
    /* Returns 0 on success, unlike its neighbours. */
    CHECK(SSL_set_alpn_protos(session, alpn_list + alpn_start,
                              (unsigned)(sizeof(alpn_list) - alpn_start)) == 0);
    offer_session(upstream, session, name, port);
    return session;
}

/*
 * A resumed session brings no certificate of its own: the one that it began with is held against
 * the name and the clock again.
 */
static bool is_certificate_good(const SSL *session)
{
    X509 *certificate = SSL_get0_peer_certificate(session);
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    if (certificate == NULL || name == NULL || SSL_get_verify_result(session) != X509_V_OK)
        return false;
    if (!SSL_session_reused(session))
        return true;
    return X509_check_host(certificate, name, strlen(name), HOST_FLAGS, NULL) == 1 &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

bool tls_upstream_check(const struct ssl_st *session, const char **reason)
{
    if (!is_certificate_good(session)) {
        *reason = "certificate not verified";
        return false;
    }
    /* OpenSSL does not hold the choice against the offer. */
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(session, &protocol, &length);
    bool is_offered_2 = (uintptr_t)SSL_get_ex_data(session, offer_index) == TLS_UPSTREAM_OFFER_2;
    if (length != 0 && !bytes_equal_text((struct bytes){protocol, length}, "http/1.1") &&
        !(is_offered_2 && tls_upstream_is_http2(session))) {
        *reason = "protocol not offered";
        return false;
    }
    return true;
}

bool tls_upstream_is_http2(const struct ssl_st *session)
{
    const unsigned char *protocol = NULL;
    unsigned length = 0;
    SSL_get0_alpn_selected(session, &protocol, &length);
    return bytes_equal_text((struct bytes){protocol, length}, "h2");
}

bool tls_upstream_is_protocol_refused(const struct ssl_st *session)
{
    return (uintptr_t)SSL_get_ex_data(session, alert_index) == SSL_AD_NO_APPLICATION_PROTOCOL;
}

bool tls_upstream_is_certificate_bad(const struct ssl_st *session)
{
    return SSL_get_verify_result(session) != X509_V_OK;
}
