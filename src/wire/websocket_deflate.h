#ifndef WIRE_WEBSOCKET_DEFLATE_H
#define WIRE_WEBSOCKET_DEFLATE_H

#include "base/bytes.h"

/** What a handshake agreed on: permessage-deflate (RFC 7692) or nothing. */
struct websocket_deflate {
    bool is_on;
    bool server_keeps_context; /* a message of the server may refer back to earlier ones */
    bool client_keeps_context;
    uint8_t server_window_bits; /* 8..15 */
    uint8_t client_window_bits;
};

/**
 * Read the values of the response's Sec-WebSocket-Extensions, joined by commas where there are
 * several fields; empty: no extension. False for any other extension, for permessage-deflate twice
 * and for parameters that a response may not have (RFC 7692 section 7.1); `*deflate` is then
 * untouched and the frames cannot be read.
 */
bool websocket_deflate_parse(struct bytes extensions, struct websocket_deflate *deflate);

#endif
