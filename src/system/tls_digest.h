#ifndef SYSTEM_TLS_DIGEST_H
#define SYSTEM_TLS_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/** SHA-1, for the WebSocket handshake (RFC 6455 section 4.2.2), which secures nothing. */
void tls_digest_sha1(const void *data, size_t length, uint8_t digest[20]);

#endif
