#ifndef WIRE_WEBSOCKET_HANDSHAKE_H
#define WIRE_WEBSOCKET_HANDSHAKE_H

#include "wire/http_head.h"

/** The opening handshake of RFC 6455 section 4, checked on both sides before a byte is tunnelled.
 */
enum {
    WEBSOCKET_KEY_LENGTH = 24,   /* base64 of 16 bytes */
    WEBSOCKET_ACCEPT_LENGTH = 28 /* base64 of a SHA-1 digest */
};

enum websocket_reason {
    WEBSOCKET_FINE,
    WEBSOCKET_NOT_GET,
    WEBSOCKET_NO_UPGRADE, /* `head.upgrade` is not HTTP_UPGRADE_WEBSOCKET */
    WEBSOCKET_HAS_BODY,
    WEBSOCKET_KEY,
    WEBSOCKET_VERSION,
    WEBSOCKET_STATUS, /* the response is not 101 */
    WEBSOCKET_ACCEPT, /* missing, twice or not the digest of our key */
    WEBSOCKET_PROTOCOL,
    WEBSOCKET_EXTENSION, /* one that was not offered */
    WEBSOCKET_REASON_COUNT
};

const char *websocket_reason_text(enum websocket_reason reason);
/** For a refused request: 400, or 426 for another version. */
int websocket_reason_status(enum websocket_reason reason);

/** SHA-1 of `length` bytes: this layer has no cryptography of its own. */
typedef void websocket_sha1(const void *data, size_t length, uint8_t digest[20]);

/** True when the head asks for a WebSocket at all; if not, none of these rules apply. */
bool websocket_handshake_is_asked(const struct http_head *request);

/** WEBSOCKET_FINE when the request may be forwarded as an upgrade. */
enum websocket_reason websocket_handshake_check_request(const struct http_head *request);

/** Sec-WebSocket-Accept for a key: text of WEBSOCKET_ACCEPT_LENGTH bytes and NUL. */
void websocket_handshake_accept(struct bytes key, websocket_sha1 *sha1,
                                char accept[WEBSOCKET_ACCEPT_LENGTH + 1]);

/**
 * WEBSOCKET_FINE when the response (a 101 head of http1_head_parser) agrees to `request`, the
 * head that was sent upstream. Only then may bytes be tunnelled.
 */
enum websocket_reason websocket_handshake_check_response(const struct http_head *request,
                                                         const struct http_head *response,
                                                         websocket_sha1 *sha1);

#endif
