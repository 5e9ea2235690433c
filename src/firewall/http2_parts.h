#ifndef FIREWALL_HTTP2_PARTS_H
#define FIREWALL_HTTP2_PARTS_H

/*
 * What http2_session.c (the connection and its turns), http2_stream.c (streams and what the side
 * does with them) and http2_callbacks.c (what the library asks and says) share; nobody else
 * includes it.
 */

#include "base/body_budget.h"
#include "base/buffer.h"
#include "firewall/http2_flood.h"
#include "firewall/http2_memory.h"
#include "firewall/http2_session.h"

#include <nghttp2/nghttp2.h>
#include <sys/queue.h>

enum { SESSION_TEXT_SIZE = 96 };

enum session_state {
    STATE_OPEN,
    STATE_ENDED,  /* on_session_end is due or was delivered */
    STATE_CLOSED, /* the side is gone; freed when the last call of the library returns */
};

enum stream_sending {
    SENDING_NOTHING, /* server: no final head yet */
    SENDING_BODY,
    SENDING_END,  /* everything was given */
    SENDING_OVER, /* END_STREAM was sent */
};

/* Trailers, kept until the body before them has left. */
struct trailer_block {
    size_t count;
    size_t *lengths; /* owned: of names and values, in turns */
    uint8_t *data;   /* owned */
    size_t data_bytes;
};

struct http2_stream {
    LIST_ENTRY(http2_stream) link;
    TAILQ_ENTRY(http2_stream) taken_link;
    struct http2_session *session; /* borrowed */
    void *object;                  /* borrowed; NULL once released */
    int32_t id;
    enum stream_sending sending;
    enum http2_reset reset; /* when is_dead */
    uint32_t reset_code;
    bool is_deferred; /* the library waits for more body */
    bool is_end_received;
    bool is_dead;         /* on_reset is due */
    bool is_reset_by_us;  /* RST_STREAM was asked for by the side */
    bool is_closed;       /* the library has forgotten it; the side has not */
    uint64_t queued_at;   /* what the connection's output had taken after its last frame; 0: none */
    size_t taken;         /* body bytes that left and are not yet told */
    size_t unconsumed;    /* received and not given back to the connection */
    int64_t content_left; /* -1: any number */
    uint64_t progress_ms;
    struct buffer body;
    struct body_share share; /* of `body` */
    struct bytes borrowed;   /* behind `body`, during http2_stream_send_body */
    struct trailer_block *trailers;
};

struct http2_session {
    struct stream_loop *streams; /* borrowed */
    struct stream *stream;       /* owned; NULL when closed */
    nghttp2_session *library;    /* owned */
    struct http2_memory memory;  /* the library's */
    const struct http2_session_events *events;
    void *owner; /* borrowed */
    enum http2_role role;
    enum session_state state;
    unsigned depth;  /* calls of the library, and turns, that are under way */
    bool is_in_turn; /* output waits for its end */
    bool is_greeted;
    bool is_going_away;   /* we said GOAWAY */
    bool is_peer_leaving; /* the peer said GOAWAY */
    bool is_flooded;
    unsigned dead_count; /* streams whose on_reset is due */
    size_t stream_count;
    uint64_t queued_bytes; /* that the output has taken, ever */
    uint64_t ended_at;     /* the largest queued_at of streams that the side has let go of */
    bool is_held_back;     /* the library has begun a frame that the output has no room for */
    uint64_t head_since_ms;
    uint64_t blocked_since_ms; /* 0: all output was taken */
    enum http2_flood flood;    /* when is_flooded */
    struct http2_frames frames;
    struct http2_flood_meter meter;
    LIST_HEAD(, http2_stream) list;
    TAILQ_HEAD(, http2_stream) taken;
    char text[SESSION_TEXT_SIZE]; /* why the library gave up */
};

/* http2_session.c */
uint64_t http2_session_now_ms(const struct http2_session *session);
/** Whether the network may not have taken what was queued up to there. */
bool http2_session_holds(const struct http2_session *session, uint64_t queued_at);
/** The network must take some of the output first. */
bool http2_session_is_output_full(const struct http2_session *session);
/** Let the library frame what it has, into the output of the connection. */
void http2_session_pump(struct http2_session *session);
/** A stream was broken off for what the peer did on it. */
void http2_session_note_own_reset(struct http2_session *session);

/* http2_callbacks.c */
nghttp2_session *http2_callbacks_new_library(struct http2_session *session);
ssize_t http2_callbacks_read_body(nghttp2_session *library, int32_t stream_id, uint8_t *into,
                                  size_t length, uint32_t *flags, nghttp2_data_source *source,
                                  void *user);

/* http2_stream.c */
struct http2_stream *http2_stream_new(struct http2_session *session, int32_t id);
void http2_stream_free(struct http2_stream *stream);
/** The side has no part in the stream any more. */
void http2_stream_detach(struct http2_stream *stream);
/** What was received and will be taken by nobody is given back to the connection. */
void http2_stream_give_back(struct http2_stream *stream);
void http2_stream_forget_taken(struct http2_stream *stream);
void http2_stream_drop_trailers(struct http2_stream *stream);
/** Detach, and the side is told. */
void http2_stream_tell_reset(struct http2_stream *stream, enum http2_reset reset, uint32_t code,
                             const char *detail);
/** The side is told from the next turn: the stream ended while something was sent. */
void http2_stream_mark_dead(struct http2_stream *stream, enum http2_reset reset, uint32_t code);
/** Bytes of body that have not left. */
size_t http2_stream_waiting(const struct http2_stream *stream);
/** Take `length` bytes of it into the output of the connection. */
void http2_stream_move_body(struct http2_stream *stream, size_t length);
void http2_stream_stop_peer(struct http2_stream *stream, enum http2_code code);

#endif
