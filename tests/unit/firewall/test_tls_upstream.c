#include "test.h"

#include "base/memory.h"
#include "firewall/tls_upstream.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

/* Our side of TLS with a server in the same process, over memory. */

static time_t clock_s = 1700000000;
static SSL_CTX *server;
static BIO *anchors; /* PEM */
static struct tls_upstream *upstream;

/* In libc's place, for OpenSSL as well. */
time_t time(time_t *now)
{
    if (now)
        *now = clock_s;
    return clock_s;
}

/* A certificate for *.example.com that is its own anchor. */
static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_set_pubkey(certificate, key);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:*.example.com");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    return certificate;
}

static void start(int version, size_t tickets)
{
    struct error error;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = make_certificate(key);
    anchors = BIO_new(BIO_s_mem());
    char *text;
    assert_int_equal(PEM_write_bio_X509(anchors, certificate), 1);
    long length = BIO_get_mem_data(anchors, &text);
    assert_true(
        tls_upstream_new((struct bytes){(const uint8_t *)text, (size_t)length}, &upstream, &error));
    server = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_min_proto_version(server, version);
    SSL_CTX_set_max_proto_version(server, version);
    SSL_CTX_set_num_tickets(server, tickets);
    assert_int_equal(SSL_CTX_use_certificate(server, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void stop(void)
{
    tls_upstream_free(upstream);
    BIO_free(anchors);
    SSL_CTX_free(server);
}

/* A connection to the name, with everything read that the server sends; was it resumed? */
static bool connect_to(const char *name)
{
    SSL *own = tls_upstream_session(upstream, name, 443, TLS_UPSTREAM_OFFER_1);
    SSL *other = SSL_new(server);
    BIO *own_end, *other_end;
    const char *reason;
    uint8_t byte;
    assert_int_equal(BIO_new_bio_pair(&own_end, 1 << 17, &other_end, 1 << 17), 1);
    SSL_set_bio(own, own_end, own_end);
    SSL_set_bio(other, other_end, other_end);
    SSL_set_accept_state(other);
    for (int i = 0; i < 10 && !(SSL_is_init_finished(own) && SSL_is_init_finished(other)); i++) {
        SSL_do_handshake(own);
        SSL_do_handshake(other);
    }
    assert_true(tls_upstream_check(own, &reason));
    assert_int_equal(SSL_read(own, &byte, 1), -1);
    bool is_resumed = SSL_session_reused(own);
    /* Without a word of the end OpenSSL holds its last session for bad. */
    SSL_shutdown(own);
    SSL_shutdown(other);
    SSL_free(own);
    SSL_free(other);
    return is_resumed;
}

static void no_longer_sent_new_tickets(void)
{
    SSL_CTX_set_num_tickets(server, 0);
}

static void keeps_eight_sessions_of_a_name_and_uses_each_once(void **state)
{
    start(TLS1_3_VERSION, TLS_UPSTREAM_SESSIONS_PER_NAME + 4);
    assert_false(connect_to("a.example.com"));
    no_longer_sent_new_tickets();
    for (int i = 0; i < TLS_UPSTREAM_SESSIONS_PER_NAME; i++)
        assert_true(connect_to("a.example.com"));
    assert_false(connect_to("a.example.com"));
    /* Those of another name are no help. */
    assert_false(connect_to("b.example.com"));
    stop();
}

static void forgets_the_oldest_of_too_many_sessions(void **state)
{
    enum { NAMES = TLS_UPSTREAM_SESSIONS_MAX / TLS_UPSTREAM_SESSIONS_PER_NAME + 1 };
    start(TLS1_3_VERSION, TLS_UPSTREAM_SESSIONS_PER_NAME);
    for (int i = 0; i < NAMES; i++) {
        CLEANUP_FREE char *name = memory_format("n%d.example.com", i);
        assert_false(connect_to(name));
    }
    no_longer_sent_new_tickets();
    assert_false(connect_to("n0.example.com"));
    for (int i = 1; i < NAMES; i++) {
        CLEANUP_FREE char *name = memory_format("n%d.example.com", i);
        for (int j = 0; j < TLS_UPSTREAM_SESSIONS_PER_NAME; j++)
            assert_true(connect_to(name));
        assert_false(connect_to(name));
    }
    stop();
}

static void uses_the_one_session_of_tls_1_2_again(void **state)
{
    start(TLS1_2_VERSION, 1);
    assert_false(connect_to("a.example.com"));
    assert_true(connect_to("a.example.com"));
    assert_true(connect_to("a.example.com"));
    stop();
}

static void offers_no_session_that_is_older_than_an_hour(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        start(versions[i], 2);
        assert_false(connect_to("a.example.com"));
        no_longer_sent_new_tickets();
        clock_s += TLS_UPSTREAM_SESSION_AGE_S;
        assert_true(connect_to("a.example.com"));
        clock_s += 1;
        assert_false(connect_to("a.example.com"));
        stop();
    }
}

RUN_TESTS(cmocka_unit_test(offers_no_session_that_is_older_than_an_hour),
          cmocka_unit_test(keeps_eight_sessions_of_a_name_and_uses_each_once),
          cmocka_unit_test(forgets_the_oldest_of_too_many_sessions),
          cmocka_unit_test(uses_the_one_session_of_tls_1_2_again))
