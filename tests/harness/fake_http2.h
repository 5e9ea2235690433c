#ifndef TESTS_HARNESS_FAKE_HTTP2_H
#define TESTS_HARNESS_FAKE_HTTP2_H

#include "harness/fake_world.h"

/*
 * The far end of an HTTP/2 connection of the wall, an agent or a server. It says what the test
 * wants it to say, frame by frame, and reads what the wall sends with a parser of its own (but for
 * nghttp2's HPACK), which CHECKs RFC 9113: whole frames of legal length, heads whose pairs are in
 * order and legal, streams in their states, no more DATA than the windows that were given. What a
 * server is asked must be allowed by the policy in force, and must have been asked by the agent.
 */

struct nghttp2_hd_inflater;

enum fake_http2_phase {
    FAKE_HTTP2_HEAD,  /* a head is to come */
    FAKE_HTTP2_BODY,  /* then DATA, trailers */
    FAKE_HTTP2_ENDED, /* the wall has ended its half, or reset the stream */
};

enum { FAKE_HTTP2_STREAMS_MAX = 512 };

struct fake_http2_stream {
    uint32_t id;
    enum fake_http2_phase phase;
    bool has_length;
    uint64_t length; /* that the head announced */
    uint64_t data_bytes;
    uint64_t given_bytes; /* WINDOW_UPDATE */
    uint64_t got_bytes;   /* the wall's */
};

struct fake_http2 {
    struct fake_world *world; /* borrowed */
    struct fake_peer *peer;   /* borrowed */
    struct fake_dial *dial;   /* borrowed; NULL at an agent's end */
    bool is_greeted;          /* the wall's preface and SETTINGS have come */
    bool is_opaque; /* we said what is no frame: windows and streams are not known any more */
    struct buffer input;
    struct buffer block; /* a head's fields */
    uint32_t block_stream;
    bool is_block_last; /* the head ends its stream */
    struct nghttp2_hd_inflater *inflater;
    struct fake_http2_stream streams[FAKE_HTTP2_STREAMS_MAX];
    size_t stream_count;
    uint32_t next_stream; /* agent: to be opened */
    uint64_t initial_window;
    uint64_t connection_window;
    uint64_t data_bytes;
    uint64_t got_initial_window; /* what the wall allows, in all: of each stream */
    uint64_t got_window;         /* of the connection */
    unsigned reset_count;
    unsigned goaway_count;
};

enum fake_http2_type {
    FAKE_HTTP2_DATA,
    FAKE_HTTP2_HEADERS,
    FAKE_HTTP2_PRIORITY,
    FAKE_HTTP2_RST_STREAM,
    FAKE_HTTP2_SETTINGS,
    FAKE_HTTP2_PUSH_PROMISE,
    FAKE_HTTP2_PING,
    FAKE_HTTP2_GOAWAY,
    FAKE_HTTP2_WINDOW_UPDATE,
    FAKE_HTTP2_CONTINUATION,
};

enum {
    FAKE_HTTP2_END_STREAM = 0x1,
    FAKE_HTTP2_ACK = 0x1,
    FAKE_HTTP2_END_HEADERS = 0x4,
};

/** From now on `peer` feeds it; it greets. `dial` is NULL for an agent's end. */
void fake_http2_start(struct fake_http2 *end, struct fake_world *world, struct fake_peer *peer,
                      struct fake_dial *dial);
void fake_http2_done(struct fake_http2 *end);

void fake_http2_say(struct fake_http2 *end, uint8_t type, uint8_t flags, uint32_t stream,
                    struct bytes payload);
/** Bytes that need not be a frame. */
void fake_http2_say_bytes(struct fake_http2 *end, struct bytes bytes);
/** A head: "name: value\n" each, pseudo fields included. */
void fake_http2_say_head(struct fake_http2 *end, uint8_t flags, uint32_t stream, const char *lines);
void fake_http2_say_data(struct fake_http2 *end, uint8_t flags, uint32_t stream, size_t length);
void fake_http2_say_window(struct fake_http2 *end, uint32_t stream, uint32_t bytes);
/** The stream with this number; NULL when there is none. */
struct fake_http2_stream *fake_http2_find(struct fake_http2 *end, uint32_t id);

#endif
