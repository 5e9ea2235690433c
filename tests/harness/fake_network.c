#include "harness/fake_network.h"

#include "base/check.h"
#include "base/memory.h"
#include "firewall/dialer.h"
#include "firewall/resolver.h"
#include "firewall/tls_upstream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { FIRST_ADDRESS = 0xcb007101 }; /* 203.0.113.1 (RFC 5737) */

static struct fake_network *the_network;
static struct sockaddr_in last_address; /* of the last connect() */

int __wrap_connect(int descriptor, const struct sockaddr *address, socklen_t size);
int __wrap_getpeername(int descriptor, struct sockaddr *address, socklen_t *size);

/* --- in the resolver's place ---------------------------------------------------------------- */

struct resolver_query {
    int unused;
};

void resolver_want_ipv6(struct resolver *resolver, bool is_wanted)
{
}

void resolver_free(struct resolver *resolver)
{
}

struct resolver_query *resolver_lookup(struct resolver *resolver, const char *name,
                                       resolver_done_fn *on_done, void *owner)
{
    struct resolver_addresses addresses = {.count = the_network->address_count};
    if (the_network->is_resolver_silent)
        return memory_new(sizeof(struct resolver_query));
    CHECK(addresses.count <= RESOLVER_ADDRESSES_MAX);
    for (size_t i = 0; i < addresses.count; i++) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(FIRST_ADDRESS + (uint32_t)i)};
        memcpy(&addresses.list[i], &address, sizeof(address));
    }
    on_done(owner, RESOLVER_FOUND, &addresses);
    return NULL;
}

void resolver_cancel(struct resolver_query *query)
{
    free(query);
}

/* --- in the place of connections ------------------------------------------------------------ */

int __wrap_connect(int descriptor, const struct sockaddr *address, socklen_t size)
{
    CHECK(size == sizeof(last_address));
    memcpy(&last_address, address, sizeof(last_address));
    errno = EINPROGRESS;
    return -1;
}

int __wrap_getpeername(int descriptor, struct sockaddr *address, socklen_t *size)
{
    memcpy(address, &last_address, sizeof(last_address));
    *size = sizeof(last_address);
    return 0;
}

struct stream *stream_new_connecting(struct stream_loop *streams, int descriptor,
                                     stream_event_fn *on_event, void *owner)
{
    CHECK(the_network->connection_count < FAKE_CONNECTIONS_MAX);
    struct fake_connection *connection = &the_network->connections[the_network->connection_count++];
    *connection = (struct fake_connection){
        .peer = fake_peer_new(streams),
        .began_ms = uv_now(the_network->loop),
        .address = last_address,
        .on_event = on_event,
        .owner = owner,
    };
    close(descriptor);
    stream_set_owner(connection->peer->stream, on_event, owner);
    return connection->peer->stream;
}

struct fake_connection *fake_network_open_last(struct fake_network *network)
{
    CHECK(network->connection_count > 0);
    struct fake_connection *connection = &network->connections[network->connection_count - 1];
    CHECK(connection->peer->stream != NULL);
    last_address = connection->address;
    connection->on_event(connection->owner, STREAM_OPENED);
    return connection;
}

/* --- in the place of TLS: a handshake that does not end ------------------------------------- */

bool tls_upstream_new(struct bytes pem, struct tls_upstream **upstream, struct error *error)
{
    *upstream = NULL;
    return true;
}

void tls_upstream_free(struct tls_upstream *upstream)
{
}

struct ssl_st *tls_upstream_session(struct tls_upstream *upstream, const char *name, uint16_t port,
                                    enum tls_upstream_offer offer)
{
    return NULL;
}

void stream_start_tls(struct stream *stream, struct ssl_st *session)
{
}

bool tls_upstream_check(const struct ssl_st *session, const char **reason)
{
    return true;
}

bool tls_upstream_is_http2(const struct ssl_st *session)
{
    return false;
}

bool tls_upstream_is_certificate_bad(const struct ssl_st *session)
{
    return false;
}

bool tls_upstream_is_protocol_refused(const struct ssl_st *session)
{
    return false;
}

/* --- the network ---------------------------------------------------------------------------- */

void fake_network_start(struct fake_network *network, struct uv_loop_s *loop)
{
    struct dialer_settings settings = {.upstream_ca_pem = ""};
    struct error error;
    memset(network, 0, sizeof(*network));
    network->loop = loop;
    network->address_count = 1;
    the_network = network;
    fake_loop_start(loop, fake_stream_turn);
    network->streams = stream_loop_new(loop);
    CHECK(dialer_new(network->streams, &settings, &network->dialer, &error));
}

void fake_network_stop(struct fake_network *network)
{
    fake_loop_settle();
    CHECK(fake_loop_handle_count() == 0);
    for (size_t i = 0; i < network->connection_count; i++)
        fake_peer_free(network->connections[i].peer);
    dialer_free(network->dialer);
    stream_loop_free(network->streams);
}
