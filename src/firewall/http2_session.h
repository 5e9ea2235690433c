#ifndef FIREWALL_HTTP2_SESSION_H
#define FIREWALL_HTTP2_SESSION_H

#include "base/bytes.h"

struct http2_pair_list;
struct http2_session;
struct http2_stream;
struct stream;
struct stream_loop;

/*
 * Theory of Operation
 *
 * A session is one HTTP/2 connection (RFC 9113): frames over a stream, of the agent's side
 * (HTTP2_SERVER) or of a server's (HTTP2_CLIENT). It knows frames, flow control and floods, and
 * nothing of requests: the side above it (http2_downstream, http2_upstream) has an object for
 * each stream and is told what arrives.
 *
 * Streams. The session makes a `struct http2_stream` when the peer opens one (`on_open`) or the
 * side does (http2_session_open), and owns it. The side holds it until it lets go
 * (http2_stream_release, http2_stream_reset) or is told that it is over (`on_reset`): afterwards
 * the side may not name it, and no event names the side's object. What was handed to it before a
 * release (body, end) is still sent.
 *
 * Events come from the loop, never from inside a call of the side. From inside an event the side
 * may call everything here, http2_session_close included. The order of events of a stream:
 *
 *   server:  on_open  on_head_begin on_field... on_head_end  on_data...  [trailers]  on_end
 *   client:           (on_head_begin on_field... on_head_end) once for each interim head and the
 *                     final one, then as above
 *
 * where on_head_end with is_end_stream is followed by on_end. on_reset may come at any time, and
 * is then the last. Trailers are a head after the final one. on_turn_end closes each turn, so
 * that what it caused is flushed together.
 *
 * Flow control is coupled (RFC 9113 section 5.2): every stream begins with a window of
 * HTTP2_WINDOW_BYTES in each direction, and the peer gets back only what http2_stream_consume
 * says that somebody took. What is sent waits in the stream while the peer's window is closed or
 * the network is slow; on_taken tells how much has left. So a side that keeps to its credit never
 * has more than a window waiting.
 *
 * Output is gathered, and leaves at the end of a turn, or after http2_session_flush when the loop
 * has handled the events that are there: what many exchanges send goes in one TLS write.
 *
 * Floods. What costs us more than it costs the peer is counted by kind (see http2_flood.h). Past
 * a limit the connection ends with GOAWAY (ENHANCE_YOUR_CALM), and on_session_end names the kind.
 *
 * Memory. What the library holds for the session (parts of heads, frames that wait) counts in the
 * budget of bodies beyond HTTP2_MEMORY_FREE_BYTES. A session that goes on with a head when the
 * budget is full ends.
 *
 * Ends. on_session_end is the session's last event, after which http2_session_close must be
 * called (from inside it or later). Streams get no events of their own then: the side knows its
 * objects. http2_session_close may also be called at any time before.
 */

enum {
    HTTP2_WINDOW_BYTES = 64 * 1024,              /* of each stream, and credit of an exchange */
    HTTP2_CONNECTION_WINDOW_BYTES = 1024 * 1024, /* all streams of an agent's connection */
    /* The same of a server's: room for every window, so that no stuck stream holds up another. */
    HTTP2_CLIENT_CONNECTION_WINDOW_BYTES = 16 * 1024 * 1024,
    HTTP2_STREAMS_MAX = 100, /* that a peer may have open */
    /* What the library may hold for a connection before it counts in the budget of bodies. */
    HTTP2_MEMORY_FREE_BYTES = 48 * 1024,
};

enum http2_role { HTTP2_SERVER, HTTP2_CLIENT };

/** Error codes of RFC 9113 section 7. */
enum http2_code {
    HTTP2_CODE_NO_ERROR = 0x0,
    HTTP2_CODE_PROTOCOL_ERROR = 0x1,
    HTTP2_CODE_INTERNAL_ERROR = 0x2,
    HTTP2_CODE_FLOW_CONTROL_ERROR = 0x3,
    HTTP2_CODE_STREAM_CLOSED = 0x5,
    HTTP2_CODE_REFUSED_STREAM = 0x7,
    HTTP2_CODE_CANCEL = 0x8,
    HTTP2_CODE_ENHANCE_YOUR_CALM = 0xb,
    HTTP2_CODE_HTTP_1_1_REQUIRED = 0xd,
};

/** Who ended a stream. */
enum http2_reset {
    HTTP2_RESET_BY_PEER,  /* RST_STREAM */
    HTTP2_RESET_INVALID,  /* the peer broke the protocol on it: it got RST_STREAM from us */
    HTTP2_RESET_UNTOUCHED /* client: GOAWAY or REFUSED_STREAM say that it was not processed */
};

/** Why a session is over. */
enum http2_end {
    HTTP2_END_CLEAN,     /* the peer closed in order */
    HTTP2_END_LOST,      /* the connection broke */
    HTTP2_END_PROTOCOL,  /* the peer broke the protocol: it got GOAWAY */
    HTTP2_END_FLOOD,     /* past a limit: it got GOAWAY */
    HTTP2_END_TLS_FLOOD, /* messages of TLS without end: nothing more was read */
    HTTP2_END_FULL       /* a head that has not ended is too much for what may be held: GOAWAY */
};

/** What the side is told. `owner` is the session's, `object` the side's for the stream. */
struct http2_session_events {
    /** Server: a new stream; returns the side's object (not NULL). NULL in a client. */
    void *(*on_open)(void *owner, struct http2_stream *stream);
    void (*on_head_begin)(void *object);
    void (*on_field)(void *object, struct bytes name, struct bytes value);
    void (*on_head_end)(void *object, bool is_end_stream);
    /** At least one byte; not before the bytes are consumed does the peer get them back. */
    void (*on_data)(void *object, struct bytes data);
    void (*on_end)(void *object);
    /** So many bytes of body have left. */
    void (*on_taken)(void *object, size_t bytes);
    /** The stream is over; the object is not named again. `detail` is one line. */
    void (*on_reset)(void *object, enum http2_reset reset, uint32_t code, const char *detail);
    /** The peer's limits have changed (its first SETTINGS included): http2_session_room. */
    void (*on_settings)(void *owner);
    /** The peer opens (server) or takes (client) no more streams; those that are open go on. */
    void (*on_goaway)(void *owner);
    /** All that one read brought was delivered. Output leaves after it. */
    void (*on_turn_end)(void *owner);
    void (*on_session_end)(void *owner, enum http2_end end, const char *detail);
};

/**
 * Over an open stream (owned from now on). Our SETTINGS go out with the first flush, which the
 * caller makes. `events` is borrowed.
 */
struct http2_session *http2_session_new(struct stream_loop *streams, struct stream *stream,
                                        enum http2_role role,
                                        const struct http2_session_events *events, void *owner);

/**
 * Say GOAWAY (the streams that the peer opened so far are still served) unless it was said, with
 * `code`; flush is the caller's.
 */
void http2_session_go_away(struct http2_session *session, enum http2_code code);
/** Every stream is over at once. With `is_reset` the connection gets RST, else GOAWAY and FIN. */
void http2_session_close(struct http2_session *session, enum http2_code code, bool is_reset);

/** Client: how many streams may be opened now; 0 after GOAWAY of either side. */
size_t http2_session_room(const struct http2_session *session);
/** Streams that are not over, those that the side has released included. */
size_t http2_session_stream_count(const struct http2_session *session);
/** Bytes that wait for the network: of the connection, and of bodies in its streams. */
size_t http2_session_unsent(const struct http2_session *session);
/** Something of streams that the side has let go of waits to leave: here, or in the kernel. */
bool http2_session_holds_ended(const struct http2_session *session);
/** Since when a head is incomplete (loop time); 0: there is none. */
uint64_t http2_session_head_since_ms(const struct http2_session *session);
/** Reset streams that were released and of which nothing has left since `before_ms`. */
void http2_session_reset_stalled(struct http2_session *session, uint64_t before_ms);
/** The network has not taken all that waits for so long. */
bool http2_session_is_stuck(const struct http2_session *session, uint64_t silence_ms);
/** The peer's first SETTINGS have arrived. */
bool http2_session_is_greeted(const struct http2_session *session);
/** Client: nothing from the peer waits to be read: asked before a connection is used again. */
bool http2_session_is_quiet(const struct http2_session *session);

void http2_session_flush(struct http2_session *session);
/** A turn comes, with on_turn_end, whether there is something to read or not. */
void http2_session_wake(struct http2_session *session);

/**
 * Client: open a stream with a request head; `is_end_stream`: nothing follows. NULL when there is
 * no room. The pairs are copied.
 */
struct http2_stream *http2_session_open(struct http2_session *session,
                                        const struct http2_pair_list *pairs, bool is_end_stream,
                                        void *object);

/** Server: an interim head (1xx). */
void http2_stream_send_interim(struct http2_stream *stream, const struct http2_pair_list *pairs);
/** Server: the final head; once. */
void http2_stream_send_head(struct http2_stream *stream, const struct http2_pair_list *pairs,
                            bool is_end_stream);
/** After a head without is_end_stream. */
void http2_stream_send_body(struct http2_stream *stream, struct bytes body);
/** The message is complete; `trailers` may be NULL. Not after a head with is_end_stream. */
void http2_stream_send_end(struct http2_stream *stream, const struct http2_pair_list *trailers);
/** The peer gets `bytes` of its window back, for this stream and the connection. */
void http2_stream_consume(struct http2_stream *stream, size_t bytes);
/**
 * How many bytes of content must arrive (http2_head_reader's content_bytes; -1: any number): more,
 * or an end before them, resets the stream (HTTP2_RESET_INVALID).
 */
void http2_stream_expect_content(struct http2_stream *stream, int64_t bytes);
/** The peer may send so many bytes more of this stream before anything is consumed. */
void http2_stream_widen(struct http2_stream *stream, size_t bytes);
/** Bytes of body that were given and have not left. */
size_t http2_stream_unsent(const struct http2_stream *stream);
/**
 * Something of what the stream sends was framed and may wait to leave, here or in the kernel: a
 * reset does not take it back, closing the connection with RST does.
 */
bool http2_stream_is_held(const struct http2_stream *stream);
/** When something of the body last left, or began to wait (loop time). */
uint64_t http2_stream_progress_ms(const struct http2_stream *stream);
int32_t http2_stream_id(const struct http2_stream *stream);

/** Break the stream off. The side may not name it again. */
void http2_stream_reset(struct http2_stream *stream, enum http2_code code);
/**
 * The side is done with it: what was given is sent, what still arrives is dropped. When the peer
 * has not ended its half once ours is sent, it is told to stop (RST_STREAM with NO_ERROR, RFC
 * 9113 section 8.1). The side may not name it again.
 */
void http2_stream_release(struct http2_stream *stream);

#endif
