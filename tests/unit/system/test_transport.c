#include "test.h"

#include "system/transport.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A transport at one end of a socket pair, OpenSSL itself or raw bytes at the other. */
struct pair {
    struct transport transport;
    int peer;
    SSL_CTX *contexts[2];
    SSL *other;
};

static void open_pair(struct pair *pair)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    *pair = (struct pair){.peer = ends[1]};
    transport_init(&pair->transport, ends[0]);
}

static void close_pair(struct pair *pair)
{
    SSL_free(pair->other);
    transport_done(&pair->transport, false);
    close(pair->peer);
    SSL_CTX_free(pair->contexts[0]);
    SSL_CTX_free(pair->contexts[1]);
}

static void use_certificate(SSL_CTX *context)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    assert_true(key && certificate);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* The transport is the server or the client; both have finished their handshakes. */
static void open_tls(struct pair *pair, bool is_server, int version)
{
    open_pair(pair);
    pair->contexts[0] = SSL_CTX_new(TLS_server_method());
    pair->contexts[1] = SSL_CTX_new(TLS_client_method());
    use_certificate(pair->contexts[0]);
    for (int i = 0; i < 2; i++) {
        SSL_CTX_set_min_proto_version(pair->contexts[i], version);
        SSL_CTX_set_max_proto_version(pair->contexts[i], version);
    }
    SSL *own = SSL_new(pair->contexts[is_server ? 0 : 1]);
    pair->other = SSL_new(pair->contexts[is_server ? 1 : 0]);
    if (is_server) {
        SSL_set_accept_state(own);
        SSL_set_connect_state(pair->other);
    } else {
        SSL_set_connect_state(own);
        SSL_set_accept_state(pair->other);
    }
    SSL_set_options(own, SSL_OP_NO_RENEGOTIATION);
    SSL_set_fd(pair->other, pair->peer);
    transport_start_tls(&pair->transport, own);
    enum transport_result result = TRANSPORT_WANT_READ;
    int other = 0;
    for (int i = 0; i < 20 && (result != TRANSPORT_DONE || other != 1); i++) {
        if (other != 1)
            other = SSL_do_handshake(pair->other);
        if (result != TRANSPORT_DONE)
            result = transport_handshake(&pair->transport);
    }
    assert_int_equal(result, TRANSPORT_DONE);
    assert_int_equal(other, 1);
}

static enum transport_result read_once(struct pair *pair)
{
    uint8_t into[4096];
    size_t length;
    return transport_read(&pair->transport, into, sizeof(into), &length);
}

static void start_server(struct pair *pair)
{
    open_pair(pair);
    pair->contexts[0] = SSL_CTX_new(TLS_server_method());
    SSL *own = SSL_new(pair->contexts[0]);
    SSL_set_accept_state(own);
    transport_start_tls(&pair->transport, own);
}

static void assert_low_mark(struct pair *pair, int wanted)
{
    int bytes = 0;
    socklen_t size = sizeof(bytes);
    assert_int_equal(getsockopt(pair->transport.descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, &size),
                     0);
    assert_int_equal(bytes, wanted);
}

/* --- greetings ------------------------------------------------------------------------------ */

static void refuses_each_wrong_first_byte_as_it_comes(void **state)
{
    /* A handshake record whose message is a ServerHello; every byte in a segment of its own. */
    static const uint8_t first[] = {22, 3, 1, 2, 0, 2};
    struct pair pair;
    start_server(&pair);
    for (size_t i = 0; i < sizeof(first); i++) {
        assert_int_equal(write(pair.peer, &first[i], 1), 1);
        enum transport_result result = transport_handshake(&pair.transport);
        bool is_last = i + 1 == sizeof(first);
        assert_int_equal(result, is_last ? TRANSPORT_LOST : TRANSPORT_WANT_READ);
    }
    assert_string_equal(pair.transport.failure, "no TLS greeting");
    close_pair(&pair);
}

static void looks_again_only_when_another_byte_is_there(void **state)
{
    struct pair pair;
    start_server(&pair);
    assert_int_equal(write(pair.peer, "\x16\x03", 2), 2);
    assert_int_equal(transport_handshake(&pair.transport), TRANSPORT_WANT_READ);
    assert_low_mark(&pair, 3);
    assert_int_equal(write(pair.peer, "\x01\x02\x00\x01", 4), 4);
    assert_int_equal(transport_handshake(&pair.transport), TRANSPORT_WANT_READ);
    assert_low_mark(&pair, 1);
    close_pair(&pair);
}

static void an_end_within_the_first_bytes_is_an_end(void **state)
{
    struct pair pair;
    start_server(&pair);
    assert_int_equal(write(pair.peer, "\x16\x03\x01", 3), 3);
    assert_int_equal(transport_handshake(&pair.transport), TRANSPORT_WANT_READ);
    assert_int_equal(shutdown(pair.peer, SHUT_WR), 0);
    assert_int_equal(transport_handshake(&pair.transport), TRANSPORT_LOST);
    close_pair(&pair);
}

/* --- after the handshake -------------------------------------------------------------------- */

typedef int send_message(SSL *from);

static int send_key_update(SSL *from)
{
    return SSL_key_update(from, SSL_KEY_UPDATE_NOT_REQUESTED) && SSL_do_handshake(from) == 1;
}

static int send_ticket(SSL *from)
{
    return SSL_new_session_ticket(from) && SSL_do_handshake(from) == 1;
}

static int send_hello_request(SSL *from)
{
    return SSL_renegotiate(from) && SSL_do_handshake(from) == 1;
}

/* So many are borne, with data after them; as many as the limit are not. */
static void assert_limited(bool is_server, int version, send_message *send, int borne)
{
    struct pair pair;
    open_tls(&pair, is_server, version);
    for (int i = 0; i < borne; i++) {
        assert_true(send(pair.other));
        assert_int_equal(read_once(&pair), TRANSPORT_WANT_READ);
    }
    assert_int_equal(SSL_write(pair.other, "data", 4), 4);
    assert_int_equal(read_once(&pair), TRANSPORT_DONE);
    enum transport_result result = TRANSPORT_WANT_READ;
    for (int i = 0; i < TRANSPORT_LATE_MESSAGES_MAX && result == TRANSPORT_WANT_READ; i++) {
        send(pair.other);
        result = read_once(&pair);
    }
    assert_int_equal(result, TRANSPORT_LOST);
    assert_string_equal(pair.transport.failure, "too many handshake messages after the handshake");
    close_pair(&pair);
}

static void refuses_a_flood_of_key_updates(void **state)
{
    assert_limited(true, TLS1_3_VERSION, send_key_update, 50);
}

static void refuses_a_flood_of_session_tickets(void **state)
{
    assert_limited(false, TLS1_3_VERSION, send_ticket, 50);
}

static void refuses_a_flood_of_wishes_to_negotiate_anew(void **state)
{
    assert_limited(false, TLS1_2_VERSION, send_hello_request, 50);
}

/* --- writing -------------------------------------------------------------------------------- */

enum { MESSAGE_BYTES = 300 * 1000 };

static uint8_t byte_at(size_t place)
{
    return (uint8_t)(place * 31 + place / 251);
}

/* What the other side reads now has to go on where it stopped. */
static size_t read_on(struct pair *pair, size_t place)
{
    uint8_t into[4096];
    int count;
    while ((count = SSL_read(pair->other, into, sizeof(into))) > 0)
        for (int i = 0; i < count; i++)
            assert_int_equal(into[i], byte_at(place++));
    assert_int_equal(SSL_get_error(pair->other, count), SSL_ERROR_WANT_READ);
    return place;
}

static void assert_all_arrives(int version)
{
    struct pair pair;
    uint8_t *message = malloc(MESSAGE_BYTES);
    for (size_t i = 0; i < MESSAGE_BYTES; i++)
        message[i] = byte_at(i);
    open_tls(&pair, true, version);
    int small = 8 * 1024;
    setsockopt(pair.transport.descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    size_t sent = 0;
    size_t arrived = 0;
    bool was_kept = false;
    enum transport_result result = TRANSPORT_WANT_WRITE;
    for (int i = 0; i < MESSAGE_BYTES && result != TRANSPORT_DONE; i++) {
        size_t written;
        result = transport_write(&pair.transport,
                                 (struct bytes){message + sent, MESSAGE_BYTES - sent}, &written);
        assert_int_not_equal(result, TRANSPORT_LOST);
        sent += written;
        was_kept |= transport_unsent(&pair.transport) > 0;
        assert_true(result != TRANSPORT_DONE || transport_unsent(&pair.transport) == 0);
        arrived = read_on(&pair, arrived);
    }
    assert_int_equal(result, TRANSPORT_DONE);
    assert_true(was_kept);
    assert_int_equal(sent, MESSAGE_BYTES);
    assert_int_equal(arrived, MESSAGE_BYTES);
    close_pair(&pair);
    free(message);
}

static void keeps_what_the_kernel_does_not_take_and_its_order(void **state)
{
    assert_all_arrives(TLS1_2_VERSION);
    assert_all_arrives(TLS1_3_VERSION);
}

/* The longest record's content that the other side was sent. */
static void note_record(int is_written, int version, int content_type, const void *data,
                        size_t length, SSL *session, void *argument)
{
    size_t *longest = argument;
    const uint8_t *header = data;
    if (is_written || content_type != SSL3_RT_HEADER || length != SSL3_RT_HEADER_LENGTH)
        return;
    size_t content = (size_t)(header[3] << 8 | header[4]);
    *longest = content > *longest ? content : *longest;
}

static void no_record_is_longer_than_sixteen_kibibytes(void **state)
{
    enum { TYPE_AND_TAG = 1 + 16 }; /* of TLS 1.3 with its three ciphers */
    static uint8_t message[2 * TLS_OUTPUT_RECORD_BYTES + 1];
    struct pair pair;
    size_t longest = 0, written;
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = byte_at(i);
    open_tls(&pair, true, TLS1_3_VERSION);
    SSL_set_msg_callback(pair.other, note_record);
    SSL_set_msg_callback_arg(pair.other, &longest);
    assert_int_equal(
        transport_write(&pair.transport, (struct bytes){message, sizeof(message)}, &written),
        TRANSPORT_DONE);
    assert_int_equal(written, sizeof(message));
    assert_int_equal(read_on(&pair, 0), sizeof(message));
    assert_int_equal(longest, TLS_OUTPUT_RECORD_BYTES + TYPE_AND_TAG);
    close_pair(&pair);
}

/* A key update that is answered while records wait: its answer may not overtake them. */
static void sends_nothing_before_what_waits(void **state)
{
    struct pair pair;
    static uint8_t message[64 * 1024];
    for (size_t i = 0; i < sizeof(message); i++)
        message[i] = byte_at(i);
    open_tls(&pair, true, TLS1_3_VERSION);
    int small = 8 * 1024;
    setsockopt(pair.transport.descriptor, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    size_t written;
    enum transport_result result =
        transport_write(&pair.transport, (struct bytes){message, sizeof(message)}, &written);
    assert_int_equal(result, TRANSPORT_WANT_WRITE);
    size_t kept = transport_unsent(&pair.transport);
    assert_true(kept > 0);
    assert_int_equal(SSL_key_update(pair.other, SSL_KEY_UPDATE_REQUESTED), 1);
    assert_int_equal(SSL_do_handshake(pair.other), 1);
    read_once(&pair);
    assert_int_equal(transport_unsent(&pair.transport), kept);
    size_t arrived = 0;
    size_t sent = written;
    for (size_t i = 0; i < sizeof(message) && result != TRANSPORT_DONE; i++) {
        arrived = read_on(&pair, arrived);
        result = transport_write(&pair.transport,
                                 (struct bytes){message + sent, sizeof(message) - sent}, &written);
        assert_int_not_equal(result, TRANSPORT_LOST);
        sent += written;
    }
    assert_int_equal(read_on(&pair, arrived), sizeof(message));
    close_pair(&pair);
}

static void a_peer_that_is_gone_is_a_failure(void **state)
{
    struct pair pair;
    static const uint8_t message[64 * 1024];
    open_tls(&pair, true, TLS1_3_VERSION);
    shutdown(pair.peer, SHUT_RDWR);
    size_t written;
    assert_int_equal(
        transport_write(&pair.transport, (struct bytes){message, sizeof(message)}, &written),
        TRANSPORT_LOST);
    assert_true(pair.transport.failure[0] != '\0');
    close_pair(&pair);
}

RUN_TESTS(cmocka_unit_test(keeps_what_the_kernel_does_not_take_and_its_order),
          cmocka_unit_test(no_record_is_longer_than_sixteen_kibibytes),
          cmocka_unit_test(sends_nothing_before_what_waits),
          cmocka_unit_test(a_peer_that_is_gone_is_a_failure),
          cmocka_unit_test(refuses_each_wrong_first_byte_as_it_comes),
          cmocka_unit_test(looks_again_only_when_another_byte_is_there),
          cmocka_unit_test(an_end_within_the_first_bytes_is_an_end),
          cmocka_unit_test(refuses_a_flood_of_key_updates),
          cmocka_unit_test(refuses_a_flood_of_session_tickets),
          cmocka_unit_test(refuses_a_flood_of_wishes_to_negotiate_anew))
