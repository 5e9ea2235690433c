#ifndef FIREWALL_PROXY_H
#define FIREWALL_PROXY_H

#include "base/error.h"
#include "base/bytes.h"
#include "firewall/options.h"
#include "firewall/record_queue.h"
#include "system/stream.h"

struct policy;
struct uv_loop_s;
struct address_pool;
struct body_budget;
struct stream_loop;

/**
 * The proxy role: one process, one libuv loop, no privilege and no file system. Everything that
 * it needs from files was read by the supervisor before the fork; later policies arrive as text
 * over a socket.
 */

/** What the supervisor read from files before it forked. Borrowed by the proxy for its life. */
struct proxy_files {
    struct bytes ca_certificate; /* PEM */
    struct bytes ca_key;         /* PEM; secret */
    struct bytes upstream_ca;    /* PEM bundle */
};

/** Limits of the proxy as a whole. */
enum {
    PROXY_AGENT_CONNECTION_LIMIT = 2048,
    PROXY_UPSTREAM_CONNECTION_LIMIT = 512,
    /* Requests at once, some 4 KiB each: connections of HTTP/2 have a hundred each. */
    PROXY_EXCHANGE_LIMIT = 4096,
};

/** Limits of its services that stand in no header of their own. */
enum {
    SSH_DIAL_MS = 10000,
    SSH_GREETING_MS = 5000,
    SSH_IDLE_MS = 2 * 60 * 60 * 1000,
    SSH_CONNECTIONS_MAX =
        PROXY_UPSTREAM_CONNECTION_LIMIT / 2, /* each dials; HTTP has the other half */
    SSH_HELD_BYTES_MAX = 4096, /* per side, before the relay: a banner and what came with it */
    CONNECT_HEAD_MS = 10000,
    HTTPS_HELLO_MS = 10 * 1000,
    HTTPS_HANDSHAKE_MS = 15 * 1000,
};

struct capture;
struct dialer;
struct https_service;
struct ssh_service;
struct connect_service;
struct dns_service;
struct link_watch;
struct listeners;

struct proxy {
    struct uv_loop_s *loop;          /* borrowed */
    const struct options *options;   /* borrowed */
    const struct proxy_files *files; /* borrowed */

    const struct policy *policy; /* in force; owned; replaced on reload, never changed */
    uint64_t policy_epoch;       /* 1 at start, one more at each reload */
    struct address_pool *pool;   /* names <-> addresses; owned */

    unsigned exchanges;              /* that are not over */
    unsigned agent_connections;      /* accepted and not yet released */
    unsigned agent_connection_limit; /* lower than the constant where descriptors are few */

    /* Services, each owned; made in this order by proxy_run, NULL before. */
    struct record_queue *records;
    struct capture *capture; /* NULL where there is none */
    struct stream_loop *streams;
    struct body_budget *bodies; /* borrowed from the streams */
    struct dialer *dialer;
    struct https_service *https;
    struct ssh_service *ssh;
    struct connect_service *connect;
    struct dns_service *dns;
    struct link_watch *link;
    struct listeners *listeners;
};

/**
 * A connection that a service got by its `_accept` has ended and its descriptor is closed. Every
 * accepted connection is released exactly once: listeners pause at the limit.
 */
void proxy_release_connection(struct proxy *proxy);
/**
 * A stream over a descriptor that a service got by its `_accept`: it is released by itself when
 * the descriptor is closed, which is later than stream_close while the stream lingers.
 */
struct stream *proxy_accept_stream(struct proxy *proxy, int descriptor, stream_event_fn *on_event,
                                   void *owner);

/**
 * The hooks of a service:
 *
 *  _check            in the supervisor before anything is bound: are the files usable? Cheap (it
 *                    counts in the time to first accept). False ends the start with exit 2 and
 *                    the one line in `error`.
 *  _new              in the proxy after privileges are gone; no file can be opened here.
 *  _accept           takes ownership of a non-blocking, CLOEXEC stream socket just accepted from
 *                    the agent; getsockname() tells the address that the agent dialled, `port`
 *                    is the port it dialled.
 *  _policy_changed   `proxy->policy` was just replaced: cut what it does not allow any more. The
 *                    policy before is freed after all services were told.
 */

/* TLS and HTTP (https_service.c). */
bool https_service_check(const struct options *options, const struct proxy_files *files,
                         struct error *error);
struct https_service *https_service_new(struct proxy *proxy);
void https_service_accept(struct proxy *proxy, int descriptor, uint16_t port);
void https_service_policy_changed(struct proxy *proxy);

/* SSH relay (ssh_service.c). */
struct ssh_service *ssh_service_new(struct proxy *proxy);
void ssh_service_accept(struct proxy *proxy, int descriptor, uint16_t port);
void ssh_service_policy_changed(struct proxy *proxy);

/* CONNECT on port 8080, for SSH only (connect_service.c). */
struct connect_service *connect_service_new(struct proxy *proxy);
void connect_service_accept(struct proxy *proxy, int descriptor, uint16_t port);

#endif
