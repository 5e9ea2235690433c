#ifndef WIRE_WEBSOCKET_INFLATE_H
#define WIRE_WEBSOCKET_INFLATE_H

#include "base/bytes.h"

/** Inflates the messages of one direction of a WebSocket: the history of RFC 7692. */
struct websocket_inflate;

enum { WEBSOCKET_INFLATE_SIZE = 44 * 1024 /* that it takes: the window and zlib's state */ };

/** `keeps_context`: a message may refer back to the ones before it. */
struct websocket_inflate *websocket_inflate_new(bool keeps_context);
void websocket_inflate_free(struct websocket_inflate *history);

/**
 * Inflate from the front of `*input` into `out`; again while `*input` has bytes or `*written` is
 * `room`. False: no legal compressed data.
 */
bool websocket_inflate_part(struct websocket_inflate *history, struct bytes *input, uint8_t *out,
                            size_t room, size_t *written);

/**
 * The message's last frame was inflated; the four bytes that its sender left away (section 7.2.2)
 * give no output. False when they do not end a block: the message was not complete.
 */
bool websocket_inflate_end_message(struct websocket_inflate *history);

#endif
