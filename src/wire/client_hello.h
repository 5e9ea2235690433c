#ifndef WIRE_CLIENT_HELLO_H
#define WIRE_CLIENT_HELLO_H

#include "base/buffer.h"
#include "wire/parse_status.h"

/**
 * The first flight of a TLS connection (RFC 8446 sections 4.1.2 and 5.1), read before any TLS
 * library sees it, so that the decision stands before a key is touched. A hello may come in many
 * segments and many records.
 */
enum {
    CLIENT_HELLO_BYTES_MAX = 16 * 1024, /* handshake message; a longer one is refused */
    CLIENT_HELLO_RECORDS_MAX = 64,
    CLIENT_HELLO_EXTENSIONS_MAX = 128,
    CLIENT_HELLO_PROTOCOLS_MAX = 32
};

enum client_hello_reason {
    CLIENT_HELLO_FINE,
    CLIENT_HELLO_NOT_TLS,   /* the first bytes are no handshake record of TLS 1.x */
    CLIENT_HELLO_NOT_HELLO, /* a handshake message, but no ClientHello */
    CLIENT_HELLO_RECORD,    /* empty, too long or of another type in between */
    CLIENT_HELLO_TOO_LONG,
    CLIENT_HELLO_MALFORMED,   /* a length that does not fit */
    CLIENT_HELLO_TOO_MANY,    /* records, extensions or protocols */
    CLIENT_HELLO_REPEATED,    /* an extension twice (RFC 8446 section 4.2) */
    CLIENT_HELLO_SERVER_NAME, /* SNI broken, empty, of another type or more than one name */
    CLIENT_HELLO_ALPN,        /* ALPN broken or empty (RFC 7301 section 3.1) */
    CLIENT_HELLO_TRAILING,    /* bytes of another message in the hello's last record */
    CLIENT_HELLO_REASON_COUNT
};

const char *client_hello_reason_text(enum client_hello_reason reason);
/** The alert to send (RFC 8446 section 6.2): decode_error 50, illegal_parameter 47, ... */
uint8_t client_hello_reason_alert(enum client_hello_reason reason);

struct client_hello {
    /* results, valid after PARSE_OK */
    struct bytes server_name; /* SNI as sent; empty when there is none. Borrowed from the parser */
    bool has_server_name;
    struct bytes protocols[CLIENT_HELLO_PROTOCOLS_MAX]; /* ALPN, in order; borrowed likewise */
    size_t protocol_count;
    bool has_alpn;
    uint16_t legacy_version;
    bool offers_tls13;        /* supported_versions lists 0x0304 */
    bool offers_tls12;        /* supported_versions lists 0x0303, or is absent and legacy is it */
    bool has_encrypted_hello; /* ECH, extension 0xfe0d */
    bool has_early_data;
    size_t cipher_count;
    size_t extension_count;
    size_t record_count;
    size_t message_bytes; /* the handshake message with its header */
    size_t wire_bytes;    /* records and all: where the next flight starts */
    /* result, valid after PARSE_BAD */
    enum client_hello_reason reason;
    /* below: private */
    struct buffer message; /* owned */
    size_t record_position;
};

void client_hello_init(struct client_hello *hello);
void client_hello_done(struct client_hello *hello);

/**
 * Read on. `received` holds all bytes of the connection from its first on (peeked at or kept),
 * and only grows between calls. PARSE_BAD comes as early as it is certain.
 */
enum parse_status client_hello_push(struct client_hello *hello, struct bytes received);

/** True when ALPN lists the protocol. */
bool client_hello_offers_protocol(const struct client_hello *hello, const char *protocol);

/**
 * The contents of single extensions, for callers that get them from a TLS library.
 * False when malformed; outputs are then untouched.
 */
bool client_hello_parse_server_name(struct bytes extension, struct bytes *name);
bool client_hello_parse_protocols(struct bytes extension,
                                  struct bytes protocols[CLIENT_HELLO_PROTOCOLS_MAX],
                                  size_t *count);

#endif
