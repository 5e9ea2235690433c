#ifndef SYSTEM_TRANSPORT_H
#define SYSTEM_TRANSPORT_H

#include "system/tls_output.h"

struct ssl_st;

/*
 * A connected non-blocking socket, with TLS over it or not: single reads and writes without a
 * loop. What went wrong first is kept as one line.
 */

enum {
    TRANSPORT_FAILURE_SIZE = 160,
    /* An honest peer sends a few tickets, and changes its key once in hundreds of gigabytes. */
    TRANSPORT_LATE_MESSAGES_MAX = 128,
};

struct transport {
    int descriptor;                       /* owned */
    struct ssl_st *tls;                   /* owned; NULL without TLS */
    struct tls_output output;             /* of TLS */
    int low_mark;                         /* SO_RCVLOWAT */
    bool is_established;                  /* the handshake is over */
    unsigned late_messages;               /* of the handshake protocol, received after it */
    char failure[TRANSPORT_FAILURE_SIZE]; /* empty: none yet */
};

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_WANT_READ,  /* again when there is something to read */
    TRANSPORT_WANT_WRITE, /* again when there is room to write */
    TRANSPORT_END,        /* read: the peer ended cleanly */
    TRANSPORT_LOST,       /* failed; see failure */
};

void transport_init(struct transport *transport, int descriptor);
/** Close the socket; with `is_reset` the peer gets RST. */
void transport_done(struct transport *transport, bool is_reset);

/** Put TLS over it. `session` (owned from now on) has its role and method set. */
void transport_start_tls(struct transport *transport, struct ssl_st *session);
/** True for the side that speaks first. */
bool transport_is_client(const struct transport *transport);

/** The outcome of a connect() that was under way. */
enum transport_result transport_connect(struct transport *transport);
enum transport_result transport_handshake(struct transport *transport);
/** One read of at least one byte; `*length` is set when done. */
enum transport_result transport_read(struct transport *transport, uint8_t *into, size_t room,
                                     size_t *length);
/**
 * Write as far as the kernel takes it; `*written` is always set. What was encrypted counts as
 * written, and is transport_unsent until the kernel took it: TRANSPORT_WANT_WRITE as long as any
 * is; then a further call, with or without bytes, goes on.
 */
enum transport_result transport_write(struct transport *transport, struct bytes bytes,
                                      size_t *written);
/** Bytes of earlier writes that the kernel did not take yet. */
size_t transport_unsent(const struct transport *transport);
/** Bytes that the kernel took and has not sent yet; 0 where it does not say. */
size_t transport_kernel_unsent(const struct transport *transport);
/** Give them up: nothing more can be written. */
void transport_discard_unsent(struct transport *transport);
/** Our end: close_notify where TLS is and `is_clean`, then FIN. */
void transport_finish(struct transport *transport, bool is_clean);
/** Read past TLS and throw away. */
enum transport_result transport_drain(struct transport *transport, uint8_t *scratch, size_t room);

/** TLS holds bytes that no poll event will tell of. */
bool transport_has_pending(const struct transport *transport);
/** Nothing from the peer waits, not even its end. */
bool transport_is_quiet(const struct transport *transport);
/** TCP keep-alive: a silent peer is found within two minutes. */
void transport_watch_peer(const struct transport *transport);
/** Lost when sent bytes stay unacknowledged for so long (RFC 5482); 0: the system's limit. */
void transport_limit_unacknowledged(const struct transport *transport, unsigned limit_ms);

/** Keep `text` as the failure unless there is one already. */
void transport_set_failure(struct transport *transport, const char *text);

#endif
