#ifndef WIRE_CONNECT_REQUEST_H
#define WIRE_CONNECT_REQUEST_H

#include "wire/authority.h"
#include "wire/parse_status.h"

/** `CONNECT host:port HTTP/1.1` (RFC 9110 section 9.3.6) on the port for SSH clients. */
enum { CONNECT_REQUEST_BYTES_MAX = 8 * 1024, CONNECT_REQUEST_FIELDS_MAX = 32 };

enum connect_reason {
    CONNECT_FINE,
    CONNECT_METHOD, /* not CONNECT: the port serves nothing else */
    CONNECT_LINE,   /* spacing, version or line end */
    CONNECT_TARGET, /* not host:port, a port missing or twice */
    CONNECT_FIELD,
    CONNECT_TOO_LONG,
    CONNECT_HOST,        /* a Host field that names something else */
    CONNECT_BODY,        /* Content-Length or Transfer-Encoding */
    CONNECT_EARLY_BYTES, /* bytes after the head, before our answer */
    CONNECT_REASON_COUNT
};

const char *connect_reason_text(enum connect_reason reason);
/** 400, 405 or 431. */
int connect_reason_status(enum connect_reason reason);

struct connect_request {
    struct authority target;    /* after PARSE_OK; host borrowed from `received` */
    size_t head_bytes;          /* after PARSE_OK */
    uint8_t minor_version;      /* HTTP/1.x */
    enum connect_reason reason; /* after PARSE_BAD */
};

/**
 * Read the whole of what was received. PARSE_OK: target. The host is as written: parse it with
 * host_name_parse. Fields are checked and ignored. A head of HTTP/1.0 is accepted (nc sends it).
 * Bytes behind the head are refused: no client may speak before the tunnel stands.
 */
enum parse_status connect_request_parse(struct bytes received, struct connect_request *request);

#endif
