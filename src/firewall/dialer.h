#ifndef FIREWALL_DIALER_H
#define FIREWALL_DIALER_H

#include "base/bytes.h"
#include "base/error.h"

#include <netinet/in.h>

struct dial;
struct dialer;
struct own_addresses;
struct resolver;
struct stream;
struct stream_loop;

/*
 * Theory of Operation
 *
 * The only way out. A dial takes a name that the policy allowed and goes through
 *
 *   RESOLVING -> CONNECTING (each address in turn) -> [HANDSHAKE] -> done
 *
 * The agent's packet selects nothing here: the name is resolved by us, each address is held
 * against the address floor before connect() and again on the connected socket's peer name, and
 * with DIAL_TLS the certificate is verified for that same name before the caller gets a stream.
 * One address is tried at a time, the next after a refusal or after a third of the time left.
 */

struct dialer_settings {
    struct resolver *resolver;   /* owned by the dialer once dialer_new has succeeded */
    const char *upstream_ca_pem; /* trust anchors, borrowed for the dialer's life */
    size_t upstream_ca_pem_length;
};

enum {
    DIAL_TIMEOUT_MS = 30 * 1000,
    DIAL_ATTEMPT_MIN_MS = 1000, /* for one address, where others wait behind it */
};

enum dial_security {
    DIAL_PLAIN, /* a TCP stream */
    /* verified TLS for the name; what is offered to the server (RFC 7301): */
    DIAL_TLS_HTTP_1,       /* http/1.1 */
    DIAL_TLS_HTTP_1_FIRST, /* http/1.1; where the server refuses that, dialled again with h2 */
    DIAL_TLS_HTTP_2,       /* h2 and http/1.1 */
};

struct dial_request {
    struct bytes name; /* canonical host name, at most 253 bytes; copied */
    uint16_t port;
    enum dial_security security;
    bool is_private_allowed; /* the rule's +private: RFC 1918 and ULA may be dialled */
    uint64_t timeout_ms;     /* for all steps together; 0: 30 s */
};

enum dial_outcome {
    DIAL_CONNECTED,
    DIAL_NAME_UNKNOWN,      /* NXDOMAIN or no address */
    DIAL_NAME_UNRESOLVED,   /* the resolver failed or did not answer */
    DIAL_ADDRESS_FORBIDDEN, /* every address lies in the floor */
    DIAL_REFUSED,           /* connection refused or unreachable */
    DIAL_TIMED_OUT,
    DIAL_HANDSHAKE_FAILED,   /* TLS failed for another reason than the certificate */
    DIAL_CERTIFICATE_INVALID /* not trusted, expired or for another name */
};

/** A short constant text for records, such as "name unknown". */
const char *dial_outcome_text(enum dial_outcome outcome);

/**
 * Called once, from the loop. `stream` (owned by the callee) is open and has no owner set when
 * connected, else NULL; `detail` is one printable line about a failure, borrowed.
 */
typedef void dial_done_fn(void *owner, enum dial_outcome outcome, struct stream *stream,
                          const char *detail);

/** The settings are copied. */
bool dialer_new(struct stream_loop *streams, const struct dialer_settings *settings,
                struct dialer **dialer, struct error *error);
/**
 * The machine's addresses, instead of those told before: none of them is dialled. To be called
 * before the first dial; IPv6 is asked for when one of them is good for it.
 */
void dialer_set_own_addresses(struct dialer *dialer, const struct own_addresses *own);
/** Every dial must have ended or been cancelled. */
void dialer_free(struct dialer *dialer);

/** Begin; the result always comes from the loop, never from inside this call. */
struct dial *dial_start(struct dialer *dialer, const struct dial_request *request,
                        dial_done_fn *on_done, void *owner);
/** Give up; `on_done` is not called. */
void dial_cancel(struct dial *dial);

/** Whether a stream that was dialled with TLS speaks HTTP/2; else it speaks HTTP/1.1. */
bool dial_is_http2(const struct stream *stream);

#endif
