#ifndef WIRE_EVENT_STREAM_H
#define WIRE_EVENT_STREAM_H

#include "base/reader.h"
#include "wire/parse_status.h"

/**
 * application/vnd.amazon.eventstream: messages of headers and a payload with a CRC-32 over the
 * first two lengths and one over the whole, cut anywhere by HTTP and TCP.
 *
 *     u32 total length | u32 headers' length | u32 CRC of these | headers | payload | u32 CRC
 *
 * A message is emitted only after both CRCs and the headers' form were checked. After a mistake
 * nothing says where the next message would begin, so the reader stops there for good.
 */
enum {
    EVENT_STREAM_OVERHEAD = 16,                            /* two lengths and two CRCs */
    EVENT_STREAM_HEADERS_BYTES_MAX = 128 * 1024,           /* of the format */
    EVENT_STREAM_PAYLOAD_BYTES_MAX = 16 * 1024 * 1024,     /* of the format */
    EVENT_STREAM_PAYLOAD_HELD_BYTES_MAX = 4 * 1024 * 1024, /* of ours, by default */
};

enum event_stream_reason {
    EVENT_STREAM_FINE,
    EVENT_STREAM_PRELUDE_CRC,
    EVENT_STREAM_LENGTHS,          /* do not fit each other */
    EVENT_STREAM_HEADERS_TOO_LONG, /* 128 KiB */
    EVENT_STREAM_TOO_LONG,         /* 16 MiB of payload */
    EVENT_STREAM_MESSAGE_CRC,
    EVENT_STREAM_HEADER,    /* both CRCs are right and the headers are broken */
    EVENT_STREAM_TRUNCATED, /* the stream ended inside of a message */
    EVENT_STREAM_REASON_COUNT
};

/** A clause for people: "the checksum of the message's lengths is wrong". */
const char *event_stream_reason_text(enum event_stream_reason reason);

/** As they stand in the format. */
enum event_stream_type {
    EVENT_STREAM_TRUE = 0,
    EVENT_STREAM_FALSE = 1,
    EVENT_STREAM_BYTE = 2,
    EVENT_STREAM_SHORT = 3,
    EVENT_STREAM_INTEGER = 4,
    EVENT_STREAM_LONG = 5,
    EVENT_STREAM_BINARY = 6,
    EVENT_STREAM_STRING = 7,
    EVENT_STREAM_TIMESTAMP = 8, /* ms since 1970 */
    EVENT_STREAM_UUID = 9
};

struct event_stream_header {
    struct bytes name;
    enum event_stream_type type;
    int64_t number;     /* of the integers and the timestamp; 1 of EVENT_STREAM_TRUE */
    struct bytes value; /* of bytes, string and UUID; of the others as on the wire */
};

struct event_stream_message {
    struct bytes headers; /* whole and of legal form: event_stream_next_header */
    struct bytes payload;
    uint64_t payload_bytes; /* its length in the stream: more than `payload` has when it was cut */
    uint64_t position;      /* of the message's first byte in the stream */
    uint64_t stream_bytes;  /* with overhead */
};

struct event_stream_limits {
    size_t payload_bytes; /* held of one payload; what is longer is checked but cut */
};

/** The message and its bytes are borrowed for the call. */
typedef void event_stream_emit(void *context, const struct event_stream_message *message);

struct event_stream;

/** `limits` NULL: the default. `context` is borrowed. */
struct event_stream *event_stream_new(const struct event_stream_limits *limits,
                                      event_stream_emit *emit, void *context);
void event_stream_free(struct event_stream *stream);

/** PARSE_NEED_MORE, or PARSE_BAD from the first mistake on: the rest is then not looked at. */
enum parse_status event_stream_feed(struct event_stream *stream, struct bytes input);

/** The stream is over. PARSE_OK between messages, else PARSE_BAD. */
enum parse_status event_stream_end(struct event_stream *stream);

enum event_stream_reason event_stream_reason(const struct event_stream *stream);
/** Where the message begins that is being read, or that stopped the reader. */
uint64_t event_stream_position(const struct event_stream *stream);

/** Memory that it holds for a message, in bytes. */
size_t event_stream_held(const struct event_stream *stream);

/** Headers in their order: `reader` starts over message->headers. False at the end. */
bool event_stream_next_header(struct reader *headers, struct event_stream_header *header);

/** The first header of that name when it is a string. */
bool event_stream_find_text(const struct event_stream_message *message, const char *name,
                            struct bytes *value);

#endif
