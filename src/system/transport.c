#include "system/transport.h"

#include "base/check.h"
#include "system/linux_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void transport_init(struct transport *transport, int descriptor)
{
    *transport = (struct transport){.descriptor = descriptor, .low_mark = 1};
    tls_output_init(&transport->output, descriptor);
}

void transport_done(struct transport *transport, bool is_reset)
{
    if (is_reset) {
        struct linger at_once = {.l_onoff = 1};
        setsockopt(transport->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
    if (transport->tls)
        SSL_free(transport->tls);
    transport->tls = NULL;
    tls_output_done(&transport->output);
    close(transport->descriptor);
    transport->descriptor = -1;
}

void transport_set_failure(struct transport *transport, const char *text)
{
    if (transport->failure[0] == '\0')
        snprintf(transport->failure, sizeof(transport->failure), "%s", text);
}

static enum transport_result fail(struct transport *transport, const char *text)
{
    transport_set_failure(transport, text);
    return TRANSPORT_LOST;
}

/* The first entry of OpenSSL's error queue in words. */
static enum transport_result fail_tls(struct transport *transport)
{
    unsigned long number = ERR_peek_error();
    const char *reason = number ? ERR_reason_error_string(number) : NULL;
    long verdict = SSL_get_verify_result(transport->tls);
    if (ERR_GET_LIB(number) == ERR_LIB_SSL &&
        ERR_GET_REASON(number) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        reason = "ended without close_notify";
    else if (verdict != X509_V_OK)
        reason = X509_verify_cert_error_string(verdict);
    ERR_clear_error();
    return fail(transport, reason ? reason : "ended during TLS");
}

/* What a TLS call that did not succeed means; `number` is errno right after it. */
static enum transport_result tls_result(struct transport *transport, int result, int number)
{
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return TRANSPORT_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TRANSPORT_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TRANSPORT_END;
    case SSL_ERROR_SYSCALL:
        if (number)
            return fail(transport, strerror(number));
        return fail_tls(transport);
    default:
        return fail_tls(transport);
    }
}

static void before_tls_call(void)
{
    /* To look is cheaper than to clear, and nearly always enough. */
    if (ERR_peek_error())
        ERR_clear_error();
    errno = 0;
}

/*
 * One call of SSL_read takes messages of the handshake protocol (key updates, tickets, wishes to
 * negotiate anew: RFC 8446 section 4.6, RFC 5246 section 7.4.1) for as long as they come, and
 * nobody else is served meanwhile. Past the limit there is nothing more to read.
 *
 * What TLS 1.2 refuses is seen by its record only; TLS 1.3 hides the type of the record.
 */
static void on_message(int is_written, int version, int content_type, const void *data,
                       size_t length, SSL *session, void *argument)
{
    struct transport *transport = argument;
    if (is_written || !transport->is_established || length == 0)
        return;
    bool is_late = content_type == SSL3_RT_HANDSHAKE ||
                   (content_type == SSL3_RT_HEADER && *(const uint8_t *)data == SSL3_RT_HANDSHAKE);
    if (!is_late || ++transport->late_messages != TRANSPORT_LATE_MESSAGES_MAX)
        return;
    transport_set_failure(transport, "too many handshake messages after the handshake");
    BIO *nothing = BIO_new(BIO_s_null());
    CHECK(nothing != NULL);
    SSL_set0_rbio(session, nothing);
}

void transport_start_tls(struct transport *transport, struct ssl_st *session)
{
    CHECK(transport->tls == NULL);
    CHECK(SSL_set_rfd(session, transport->descriptor) == 1);
    SSL_set0_wbio(session, tls_output_new_bio(&transport->output));
    SSL_set_mode(session, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_set_msg_callback(session, on_message);
    SSL_set_msg_callback_arg(session, transport);
    transport->tls = session;
}

bool transport_is_client(const struct transport *transport)
{
    return !SSL_is_server(transport->tls);
}

enum transport_result transport_connect(struct transport *transport)
{
    int number = 0;
    socklen_t size = sizeof(number);
    getsockopt(transport->descriptor, SOL_SOCKET, SO_ERROR, &number, &size);
    if (number == EINPROGRESS || number == EAGAIN)
        return TRANSPORT_WANT_WRITE;
    return number ? fail(transport, strerror(number)) : TRANSPORT_DONE;
}

/* No event before so many bytes wait: those that were only looked at wake nobody again. */
static void set_low_mark(struct transport *transport, int bytes)
{
    if (transport->low_mark == bytes)
        return;
    transport->low_mark = bytes;
    setsockopt(transport->descriptor, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

/*
 * A server's look at the first bytes: OpenSSL waits for the whole record that they announce before
 * it says that they are no ClientHello (RFC 8446 sections 4.1.2 and 5.1). It gets none before the
 * type of the message was seen.
 */
static enum transport_result look_for_greeting(struct transport *transport)
{
    enum { CONTENT_HANDSHAKE = 22, VERSION_MAJOR = 3, MESSAGE_CLIENT_HELLO = 1, MESSAGE_AT = 5 };
    uint8_t first[MESSAGE_AT + 1];
    ssize_t count = recv(transport->descriptor, first, sizeof(first), MSG_PEEK);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return TRANSPORT_WANT_READ;
    bool is_greeting =
        count <= 0 || (first[0] == CONTENT_HANDSHAKE && (count < 2 || first[1] == VERSION_MAJOR) &&
                       (count <= MESSAGE_AT || first[MESSAGE_AT] == MESSAGE_CLIENT_HELLO));
    if (!is_greeting)
        return fail(transport, "no TLS greeting");
    /* Woken without another byte: the peer has ended, and OpenSSL says so. */
    bool is_whole = count <= 0 || count > MESSAGE_AT || count < transport->low_mark;
    set_low_mark(transport, is_whole ? 1 : (int)count + 1);
    return is_whole ? TRANSPORT_DONE : TRANSPORT_WANT_READ;
}

enum transport_result transport_handshake(struct transport *transport)
{
    if (SSL_is_server(transport->tls) && SSL_in_before(transport->tls)) {
        enum transport_result look = look_for_greeting(transport);
        if (look != TRANSPORT_DONE)
            return look;
    }
    before_tls_call();
    int result = SSL_do_handshake(transport->tls);
    int number = errno;
    if (result != 1)
        return tls_result(transport, result, number);
    transport->is_established = true;
    return TRANSPORT_DONE;
}

static enum transport_result read_plain(struct transport *transport, uint8_t *into, size_t room,
                                        size_t *length)
{
    for (;;) {
        ssize_t count = recv(transport->descriptor, into, room, 0);
        if (count > 0) {
            *length = (size_t)count;
            return TRANSPORT_DONE;
        }
        if (count == 0)
            return TRANSPORT_END;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return TRANSPORT_WANT_READ;
        if (errno != EINTR)
            return fail(transport, strerror(errno));
    }
}

enum transport_result transport_read(struct transport *transport, uint8_t *into, size_t room,
                                     size_t *length)
{
    if (transport->tls == NULL)
        return read_plain(transport, into, room, length);
    before_tls_call();
    int result = SSL_read_ex(transport->tls, into, room, length);
    int number = errno;
    return result == 1 ? TRANSPORT_DONE : tls_result(transport, result, number);
}

static enum transport_result write_plain(struct transport *transport, struct bytes bytes,
                                         size_t *written)
{
    while (*written < bytes.length) {
        struct bytes rest = bytes_from(bytes, *written);
        ssize_t count = send(transport->descriptor, rest.data, rest.length, MSG_NOSIGNAL);
        if (count >= 0)
            *written += (size_t)count;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return TRANSPORT_WANT_WRITE;
        else if (errno != EINTR)
            return fail(transport, strerror(errno));
    }
    return TRANSPORT_DONE;
}

static enum transport_result output_result(struct transport *transport,
                                           enum tls_output_result result)
{
    switch (result) {
    case TLS_OUTPUT_SENT:
        return TRANSPORT_DONE;
    case TLS_OUTPUT_WAIT:
        return TRANSPORT_WANT_WRITE;
    case TLS_OUTPUT_LOST:
        break;
    }
    return fail(transport, strerror(errno));
}

/* As many records as leave together. */
static enum transport_result write_records(struct transport *transport, struct bytes bytes,
                                           size_t *written)
{
    enum transport_result result = TRANSPORT_DONE;
    tls_output_gather(&transport->output);
    for (int i = 0; i < TLS_OUTPUT_RECORDS && *written < bytes.length; i++) {
        struct bytes rest = bytes_first(bytes_from(bytes, *written), TLS_OUTPUT_RECORD_BYTES);
        size_t length = 0;
        before_tls_call();
        int status = SSL_write_ex(transport->tls, rest.data, rest.length, &length);
        int number = errno;
        if (status != 1) {
            result = tls_result(transport, status, number);
            break;
        }
        *written += length;
    }
    enum transport_result sent = output_result(transport, tls_output_send(&transport->output));
    if (result == TRANSPORT_END)
        return fail(transport, "closed by the peer");
    return result == TRANSPORT_DONE ? sent : result;
}

enum transport_result transport_write(struct transport *transport, struct bytes bytes,
                                      size_t *written)
{
    *written = 0;
    if (transport->tls == NULL)
        return write_plain(transport, bytes, written);
    enum transport_result result = output_result(transport, tls_output_resume(&transport->output));
    while (result == TRANSPORT_DONE && *written < bytes.length)
        result = write_records(transport, bytes, written);
    return result;
}

size_t transport_unsent(const struct transport *transport)
{
    return buffer_length(&transport->output.unsent);
}

size_t transport_kernel_unsent(const struct transport *transport)
{
    return linux_socket_unsent(transport->descriptor);
}

void transport_discard_unsent(struct transport *transport)
{
    tls_output_done(&transport->output);
}

void transport_finish(struct transport *transport, bool is_clean)
{
    if (transport->tls && is_clean) {
        before_tls_call();
        SSL_shutdown(transport->tls);
    }
    shutdown(transport->descriptor, SHUT_WR);
}

enum transport_result transport_drain(struct transport *transport, uint8_t *scratch, size_t room)
{
    size_t length;
    return read_plain(transport, scratch, room, &length);
}

bool transport_has_pending(const struct transport *transport)
{
    return transport->tls && SSL_has_pending(transport->tls);
}

bool transport_is_quiet(const struct transport *transport)
{
    if (transport_has_pending(transport))
        return false;
    uint8_t byte;
    return recv(transport->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void transport_limit_unacknowledged(const struct transport *transport, unsigned limit_ms)
{
    setsockopt(transport->descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms));
}

void transport_watch_peer(const struct transport *transport)
{
    static const struct {
        int level;
        int name;
        int value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15},
        {IPPROTO_TCP, TCP_KEEPCNT, 4},
    };
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        setsockopt(transport->descriptor, options[i].level, options[i].name, &options[i].value,
                   sizeof(options[i].value));
}
