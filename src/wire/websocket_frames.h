#ifndef WIRE_WEBSOCKET_FRAMES_H
#define WIRE_WEBSOCKET_FRAMES_H

#include "wire/parse_status.h"
#include "wire/websocket_deflate.h"

/**
 * The messages of one direction of a WebSocket (RFC 6455) out of its bytes behind the handshake,
 * cut anywhere: unmasked, joined, inflated (RFC 7692).
 *
 * A message that is longer than the bound is given out cut, and the next one is whole again. A
 * mistake in the framing or in a compressed message stops the reader for good: the history that
 * later messages refer to is lost. Text is not checked for UTF-8.
 */
enum {
    WEBSOCKET_MESSAGE_BYTES_MAX = 4 * 1024 * 1024, /* held of one message, by default */
    WEBSOCKET_CONTROL_BYTES_MAX = 125,             /* RFC 6455 section 5.5 */
    WEBSOCKET_RATIO_MAX = 200,                     /* inflated to compressed bytes, by default */
    WEBSOCKET_RATIO_FREE_BYTES = 1024 * 1024       /* inflated before the ratio counts */
};

enum websocket_sender { WEBSOCKET_FROM_CLIENT, WEBSOCKET_FROM_SERVER };

enum websocket_opcode {
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10
};

enum {
    WEBSOCKET_CODE_NONE = 1005 /* a close frame without a code (RFC 6455 section 7.4.1) */
};

enum websocket_frames_reason {
    WEBSOCKET_FRAMES_FINE,
    WEBSOCKET_FRAMES_RESERVED_BITS,
    WEBSOCKET_FRAMES_OPCODE,
    WEBSOCKET_FRAMES_MASK,         /* of a client missing, or of a server there */
    WEBSOCKET_FRAMES_LENGTH,       /* not the shortest form, or 2^63 and more */
    WEBSOCKET_FRAMES_CONTROL,      /* a control frame in fragments or of more than 125 bytes */
    WEBSOCKET_FRAMES_CLOSE,        /* a close frame of one byte */
    WEBSOCKET_FRAMES_CONTINUATION, /* of nothing */
    WEBSOCKET_FRAMES_INTERLEAVED,  /* a new message inside of another */
    WEBSOCKET_FRAMES_DEFLATE,      /* no legal compressed data */
    WEBSOCKET_FRAMES_RATIO,
    WEBSOCKET_FRAMES_TRUNCATED, /* the stream ended inside of a frame or a message */
    WEBSOCKET_FRAMES_REASON_COUNT
};

/** A clause for people: "a new message begins inside of another". */
const char *websocket_frames_reason_text(enum websocket_frames_reason reason);

struct websocket_message {
    enum websocket_opcode opcode;
    struct bytes data;      /* of a close frame the text behind its code */
    uint16_t close_code;    /* of a close frame: as sent, or WEBSOCKET_CODE_NONE */
    bool is_compressed;     /* came compressed */
    bool is_cut;            /* was longer than the bound */
    bool is_truncated;      /* the stream ended inside of it */
    uint64_t message_bytes; /* unmasked and inflated, also what was cut */
    uint64_t position;      /* of its first frame in the stream */
    uint64_t stream_bytes;  /* of its frames, with their heads */
};

struct websocket_limits {
    size_t message_bytes;
    unsigned ratio;          /* inflated bytes for each compressed one ... */
    size_t ratio_free_bytes; /* ... beyond so many of the message */
};

/** The message and its bytes are borrowed for the call. */
typedef void websocket_frames_emit(void *context, const struct websocket_message *message);

struct websocket_frames;

/** `limits` NULL: the default. `deflate` NULL: none; it is copied. `context` is borrowed. */
struct websocket_frames *websocket_frames_new(enum websocket_sender sender,
                                              const struct websocket_deflate *deflate,
                                              const struct websocket_limits *limits,
                                              websocket_frames_emit *emit, void *context);
void websocket_frames_free(struct websocket_frames *frames);

/**
 * The next bytes. PARSE_NEED_MORE; PARSE_OK after a close frame, behind which nothing is looked at
 * (RFC 6455 section 5.5.1); PARSE_BAD from the first mistake on.
 */
enum parse_status websocket_frames_feed(struct websocket_frames *frames, struct bytes input);

/**
 * The stream is over. PARSE_OK between messages, with or without a close frame; else PARSE_BAD, and
 * a message that was begun is emitted as far as it came.
 */
enum parse_status websocket_frames_end(struct websocket_frames *frames);

/** Memory that it holds for a message and for history, in bytes. */
size_t websocket_frames_held(const struct websocket_frames *frames);
enum websocket_frames_reason websocket_frames_reason(const struct websocket_frames *frames);
/** Where the frame begins that is being read, or that stopped the reader. */
uint64_t websocket_frames_position(const struct websocket_frames *frames);

#endif
