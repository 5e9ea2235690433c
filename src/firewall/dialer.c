#include "firewall/dialer.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/address_floor.h"
#include "firewall/own_addresses.h"
#include "firewall/resolver.h"
#include "firewall/tls_upstream.h"
#include "system/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum {
    DIAL_NAME_SIZE = 254,
    DIAL_DETAIL_SIZE = 256,
};

struct dialer {
    struct stream_loop *streams;   /* borrowed */
    struct resolver *resolver;     /* owned */
    struct tls_upstream *upstream; /* owned; NULL when there are no trust anchors */
    struct address_floor floor;
};

enum dial_state {
    STATE_STARTING, /* waits for the loop */
    STATE_RESOLVING,
    STATE_CONNECTING,
    STATE_HANDSHAKE,
    STATE_OVER, /* waits for the loop to let go of the timer */
};

struct dial {
    struct dialer *dialer; /* borrowed */
    uv_timer_t timer;
    enum dial_state state;
    enum dial_security security;
    bool is_private_allowed;
    uint16_t port;
    uint64_t deadline_ms;
    dial_done_fn *on_done;
    void *owner;                  /* borrowed */
    struct resolver_query *query; /* owned while resolving */
    struct stream *stream;        /* owned from connecting on */
    size_t next_address;
    struct resolver_addresses addresses; /* those that may be dialled */
    enum dial_outcome last_outcome;      /* of the addresses tried so far */
    char name[DIAL_NAME_SIZE];
    char detail[DIAL_DETAIL_SIZE];
};

static const char *const outcome_texts[] = {
    [DIAL_CONNECTED] = "connected",
    [DIAL_NAME_UNKNOWN] = "name does not exist",
    [DIAL_NAME_UNRESOLVED] = "name could not be resolved",
    [DIAL_ADDRESS_FORBIDDEN] = "address is not to be dialled",
    [DIAL_REFUSED] = "connection refused",
    [DIAL_TIMED_OUT] = "connection timed out",
    [DIAL_HANDSHAKE_FAILED] = "TLS handshake failed",
    [DIAL_CERTIFICATE_INVALID] = "certificate is not valid for the name",
};

static void try_next_address(struct dial *dial);

const char *dial_outcome_text(enum dial_outcome outcome)
{
    CHECK(outcome < sizeof(outcome_texts) / sizeof(outcome_texts[0]));
    return outcome_texts[outcome];
}

/* --- the dialer ----------------------------------------------------------------------------- */

bool dialer_new(struct stream_loop *streams, const struct dialer_settings *settings,
                struct dialer **dialer_out, struct error *error)
{
    struct dialer *dialer = memory_new(sizeof(*dialer));
    dialer->streams = streams;
    struct bytes anchors = {(const uint8_t *)settings->upstream_ca_pem,
                            settings->upstream_ca_pem_length};
    if (!tls_upstream_new(anchors, &dialer->upstream, error)) {
        free(dialer);
        return error_add_context(error, "upstream CA");
    }
    dialer->resolver = settings->resolver;
    *dialer_out = dialer;
    return true;
}

void dialer_set_own_addresses(struct dialer *dialer, const struct own_addresses *own)
{
    struct address_floor floor = {.own_count = 0};
    const struct address_floor fixed = {.own_count = 0};
    bool has_ipv6 = false;
    CHECK(own->count <= OWN_ADDRESSES_MAX);
    for (size_t i = 0; i < own->count; i++) {
        const struct own_address *entry = &own->list[i];
        struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_addr = entry->address};
        unsigned bits = entry->bits + (entry->is_ipv4 ? 96 : 0);
        CHECK(address_floor_forbid(&floor, (const struct sockaddr *)&address,
                                   entry->is_network_closed ? bits : 128));
        has_ipv6 = has_ipv6 || (!entry->is_ipv4 &&
                                address_floor_check(&fixed, (const struct sockaddr *)&address) !=
                                    ADDRESS_FORBIDDEN);
    }
    dialer->floor = floor;
    resolver_want_ipv6(dialer->resolver, has_ipv6);
}

void dialer_free(struct dialer *dialer)
{
    resolver_free(dialer->resolver);
    tls_upstream_free(dialer->upstream);
    free(dialer);
}

/* --- a dial --------------------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void set_detail(struct dial *dial, const char *text)
{
    snprintf(dial->detail, sizeof(dial->detail), "%s", text);
}

/* Hand over the outcome; the dial is gone for its caller from here on. */
static void finish(struct dial *dial, enum dial_outcome outcome)
{
    struct stream *stream = dial->stream;
    CHECK(dial->state != STATE_OVER && (outcome == DIAL_CONNECTED) == (stream != NULL));
    dial->state = STATE_OVER;
    dial->stream = NULL;
    uv_timer_stop(&dial->timer);
    dial->on_done(dial->owner, outcome, stream, dial->detail);
    uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}

static void drop_stream(struct dial *dial)
{
    if (dial->stream)
        stream_close(dial->stream, STREAM_ENDING_RESET);
    dial->stream = NULL;
}

static void fail_attempt(struct dial *dial, enum dial_outcome outcome, const char *detail)
{
    dial->last_outcome = outcome;
    set_detail(dial, detail);
    drop_stream(dial);
    try_next_address(dial);
}

/* The deciding look: whom is this socket really connected to? */
static bool is_peer_permitted(struct dial *dial)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof(peer);
    if (getpeername(stream_descriptor(dial->stream), (struct sockaddr *)&peer, &size) != 0)
        return false;
    enum address_verdict verdict =
        address_floor_check(&dial->dialer->floor, (const struct sockaddr *)&peer);
    return verdict == ADDRESS_OPEN || (verdict == ADDRESS_PRIVATE && dial->is_private_allowed);
}

static void on_connected(struct dial *dial)
{
    if (!is_peer_permitted(dial)) {
        fail_attempt(dial, DIAL_ADDRESS_FORBIDDEN, "connected to an address of the floor");
        return;
    }
    stream_watch_peer(dial->stream);
    if (dial->security == DIAL_PLAIN) {
        finish(dial, DIAL_CONNECTED);
        return;
    }
    dial->state = STATE_HANDSHAKE;
    enum tls_upstream_offer offer =
        dial->security == DIAL_TLS_HTTP_2 ? TLS_UPSTREAM_OFFER_2 : TLS_UPSTREAM_OFFER_1;
    stream_start_tls(dial->stream,
                     tls_upstream_session(dial->dialer->upstream, dial->name, dial->port, offer));
}

static void on_handshake_done(struct dial *dial)
{
    const char *reason;
    if (tls_upstream_check(stream_tls(dial->stream), &reason)) {
        finish(dial, DIAL_CONNECTED);
        return;
    }
    set_detail(dial, reason);
    drop_stream(dial);
    finish(dial, DIAL_HANDSHAKE_FAILED);
}

/* A server that fails the handshake is the server of that name: no other address is tried. */
static void on_handshake_failed(struct dial *dial)
{
    if (dial->security == DIAL_TLS_HTTP_1_FIRST &&
        tls_upstream_is_protocol_refused(stream_tls(dial->stream))) {
        /* The same address again, with the other offer. */
        dial->security = DIAL_TLS_HTTP_2;
        dial->next_address--;
        fail_attempt(dial, DIAL_HANDSHAKE_FAILED, stream_failure(dial->stream));
        return;
    }
    bool is_certificate = tls_upstream_is_certificate_bad(stream_tls(dial->stream));
    set_detail(dial, stream_failure(dial->stream));
    drop_stream(dial);
    finish(dial, is_certificate ? DIAL_CERTIFICATE_INVALID : DIAL_HANDSHAKE_FAILED);
}

static void on_stream(void *owner, enum stream_event event)
{
    struct dial *dial = owner;
    if (event == STREAM_OPENED && dial->state == STATE_CONNECTING)
        on_connected(dial);
    else if (event == STREAM_OPENED && dial->state == STATE_HANDSHAKE)
        on_handshake_done(dial);
    else if (event == STREAM_FAILED && dial->state == STATE_HANDSHAKE)
        on_handshake_failed(dial);
    else if (event == STREAM_FAILED)
        fail_attempt(dial, DIAL_REFUSED, stream_failure(dial->stream));
}

static void on_timeout(uv_timer_t *timer)
{
    struct dial *dial = timer->data;
    bool is_over = uv_now(timer->loop) >= dial->deadline_ms;
    bool is_last = dial->next_address >= dial->addresses.count;
    if (dial->state == STATE_CONNECTING && !is_over && !is_last) {
        fail_attempt(dial, DIAL_TIMED_OUT, "no answer to connect");
        return;
    }
    if (!is_over) {
        uv_timer_start(timer, on_timeout, dial->deadline_ms - uv_now(timer->loop), 0);
        return;
    }
    static const char *const details[] = {[STATE_RESOLVING] = "no answer from the resolver",
                                          [STATE_CONNECTING] = "no answer to connect",
                                          [STATE_HANDSHAKE] = "no end of the TLS handshake"};
    set_detail(dial, details[dial->state]);
    enum dial_outcome outcome =
        dial->state == STATE_RESOLVING ? DIAL_NAME_UNRESOLVED : DIAL_TIMED_OUT;
    if (dial->query)
        resolver_cancel(dial->query);
    dial->query = NULL;
    drop_stream(dial);
    finish(dial, outcome);
}

/* A socket whose connect() is under way; -1 with errno set. */
static int connect_socket(const struct sockaddr_storage *address)
{
    int descriptor =
        socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (descriptor < 0)
        return -1;
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    socklen_t size =
        address->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (connect(descriptor, (const struct sockaddr *)address, size) == 0 || errno == EINPROGRESS)
        return descriptor;
    int number = errno;
    close(descriptor);
    errno = number;
    return -1;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET)
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static void try_next_address(struct dial *dial)
{
    uv_loop_t *loop = stream_loop_uv(dial->dialer->streams);
    dial->state = STATE_CONNECTING;
    while (dial->next_address < dial->addresses.count) {
        struct sockaddr_storage *address = &dial->addresses.list[dial->next_address++];
        set_port(address, dial->port);
        int descriptor = connect_socket(address);
        if (descriptor < 0) {
            dial->last_outcome = DIAL_REFUSED;
            set_detail(dial, strerror(errno));
            continue;
        }
        dial->stream = stream_new_connecting(dial->dialer->streams, descriptor, on_stream, dial);
        uint64_t now_ms = uv_now(loop);
        /* An answer may come in the turn in which the time ran out. */
        uint64_t left_ms = dial->deadline_ms > now_ms ? dial->deadline_ms - now_ms : 0;
        bool is_last = dial->next_address == dial->addresses.count;
        uint64_t wait_ms = is_last ? left_ms : left_ms / 3;
        uv_timer_start(&dial->timer, on_timeout,
                       wait_ms > DIAL_ATTEMPT_MIN_MS ? wait_ms : DIAL_ATTEMPT_MIN_MS, 0);
        return;
    }
    finish(dial, dial->last_outcome);
}

/* Keep the addresses that may be dialled, in their order. */
static void filter(struct dial *dial, const struct resolver_addresses *addresses)
{
    size_t private_count = 0;
    for (size_t i = 0; i < addresses->count; i++) {
        enum address_verdict verdict =
            address_floor_check(&dial->dialer->floor, (const struct sockaddr *)&addresses->list[i]);
        bool is_permitted =
            verdict == ADDRESS_OPEN || (verdict == ADDRESS_PRIVATE && dial->is_private_allowed);
        private_count += verdict == ADDRESS_PRIVATE;
        if (is_permitted)
            dial->addresses.list[dial->addresses.count++] = addresses->list[i];
    }
    dial->last_outcome = DIAL_ADDRESS_FORBIDDEN;
    set_detail(dial, private_count ? "the name resolves to a private address, and its rule has no "
                                     "+private"
                                   : "the name resolves to an address that is never dialled");
}

static void on_resolved(void *owner, enum resolver_status status,
                        const struct resolver_addresses *addresses)
{
    struct dial *dial = owner;
    dial->query = NULL;
    if (status != RESOLVER_FOUND) {
        bool is_unknown = status == RESOLVER_UNKNOWN;
        set_detail(dial, is_unknown ? "the resolver knows no address of the name"
                                    : "the resolver did not answer");
        finish(dial, is_unknown ? DIAL_NAME_UNKNOWN : DIAL_NAME_UNRESOLVED);
        return;
    }
    filter(dial, addresses);
    try_next_address(dial);
}

static void on_start(uv_timer_t *timer)
{
    struct dial *dial = timer->data;
    dial->state = STATE_RESOLVING;
    uint64_t now_ms = uv_now(timer->loop);
    uv_timer_start(timer, on_timeout, dial->deadline_ms - now_ms, 0);
    struct resolver_query *query =
        resolver_lookup(dial->dialer->resolver, dial->name, on_resolved, dial);
    if (query)
        dial->query = query;
}

struct dial *dial_start(struct dialer *dialer, const struct dial_request *request,
                        dial_done_fn *on_done, void *owner)
{
    CHECK(request->name.length > 0 && request->name.length < DIAL_NAME_SIZE);
    struct dial *dial = memory_new(sizeof(*dial));
    uv_loop_t *loop = stream_loop_uv(dialer->streams);
    dial->dialer = dialer;
    dial->security = request->security;
    dial->is_private_allowed = request->is_private_allowed;
    dial->port = request->port;
    dial->deadline_ms =
        uv_now(loop) + (request->timeout_ms ? request->timeout_ms : DIAL_TIMEOUT_MS);
    dial->on_done = on_done;
    dial->owner = owner;
    memcpy(dial->name, request->name.data, request->name.length);
    CHECK(uv_timer_init(loop, &dial->timer) == 0);
    dial->timer.data = dial;
    uv_timer_start(&dial->timer, on_start, 0, 0);
    return dial;
}

bool dial_is_http2(const struct stream *stream)
{
    return tls_upstream_is_http2(stream_tls(stream));
}

void dial_cancel(struct dial *dial)
{
    CHECK(dial->state != STATE_OVER);
    dial->state = STATE_OVER;
    if (dial->query)
        resolver_cancel(dial->query);
    drop_stream(dial);
    uv_close((uv_handle_t *)&dial->timer, on_timer_closed);
}
