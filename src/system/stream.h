#ifndef SYSTEM_STREAM_H
#define SYSTEM_STREAM_H

#include "base/body_budget.h"
#include "base/buffer.h"

struct uv_loop_s;
struct ssl_st;

enum {
    /* Far above what owners leave unsent; reaching it means that an owner ignores its credit. */
    STREAM_QUEUE_BYTES_MAX = 4 * 1024 * 1024,
    STREAM_LINGER_MS = 1000,         /* after our end is sent: for the peer to end, too */
    STREAM_LINGER_UNSENT_MS = 30000, /* for a slow peer to take more of what is queued */
};

/*
 * Theory of Operation
 *
 * A stream is a connected socket, with TLS over it or not, driven by readiness events of the
 * loop. Its owner reads when told that it may, into memory of its own choice (most use the
 * loop's one scratch block, so an idle connection holds no buffer), and stops reading to hold
 * the peer back. Output that the kernel does not take at once is queued in the stream; the owner
 * watches stream_unsent and stops producing, so the queue stays as small as the owner's credit.
 *
 *   CONNECTING --> [HANDSHAKE] --> OPEN --> FINISHED (we sent our end) --> closed
 *        \______________\___________\__________\--> FAILED               --> closed
 *
 * Events are never delivered from inside a call of the owner: a failure met while sending is
 * reported from the loop. Every stream ends with exactly one stream_close by its owner, after
 * which no event follows; the memory is released by the loop later.
 */

struct stream;
struct stream_loop;

enum stream_event {
    STREAM_OPENED,   /* connected, or the handshake is complete: reading and sending may begin */
    STREAM_READABLE, /* stream_read may have something; comes again while there is more */
    STREAM_DRAINED,  /* all queued output has been taken by the kernel */
    STREAM_FAILED,   /* connect or handshake failed, or the peer takes no more output (what it sent
                        before may still be read); see stream_failure */
};

enum stream_result {
    STREAM_DATA, /* at least one byte was read */
    STREAM_WAIT, /* nothing now; STREAM_READABLE follows */
    STREAM_END,  /* the peer ended cleanly: FIN, and close_notify before it when TLS */
    STREAM_LOST, /* reset, or an end without close_notify: never a clean end (RFC 8446 6.1) */
};

enum stream_ending {
    STREAM_ENDING_CLEAN,  /* flush, close_notify, FIN; drains what the peer still sends for a
                             moment, so that our last bytes are not lost to a reset */
    STREAM_ENDING_BROKEN, /* flush, then FIN without close_notify: the peer sees truncation */
    STREAM_ENDING_RESET,  /* at once, with RST */
};

typedef void stream_event_fn(void *owner, enum stream_event event);

/** What all streams of one loop share. `loop` is borrowed and must outlive it. */
struct stream_loop *stream_loop_new(struct uv_loop_s *loop);
/** Ends lingering streams at once. Every stream must have been closed before. */
void stream_loop_free(struct stream_loop *streams);
struct uv_loop_s *stream_loop_uv(struct stream_loop *streams);
/** One block for a read that is used up before returning to the loop; size in `*size`. */
uint8_t *stream_loop_scratch(struct stream_loop *streams, size_t *size);
/** What all streams together may hold; every stream's output queue is counted. Borrowed. */
struct body_budget *stream_loop_bodies(struct stream_loop *streams);

/**
 * A stream over a non-blocking connected socket, whose descriptor it owns from now on. It is
 * open at once, with reading resumed: STREAM_READABLE comes when there is something.
 */
struct stream *stream_new(struct stream_loop *streams, int descriptor, stream_event_fn *on_event,
                          void *owner);
/** As stream_new over a socket whose connect() is under way: STREAM_OPENED or STREAM_FAILED. */
struct stream *stream_new_connecting(struct stream_loop *streams, int descriptor,
                                     stream_event_fn *on_event, void *owner);
/**
 * Begin TLS on an open stream: STREAM_OPENED or STREAM_FAILED follows. `session` (owned from now
 * on) has its role and method set, and no BIO.
 */
void stream_start_tls(struct stream *stream, struct ssl_st *session);
/** Called once, when the descriptor is closed: after stream_close, and after what lingers then. */
typedef void stream_closed_fn(void *owner);
/** Count a stream for as long as it holds a descriptor, whoever owns it by then. */
void stream_on_closed(struct stream *stream, stream_closed_fn *on_closed, void *owner);
/** Hand the stream to another owner. */
void stream_set_owner(struct stream *stream, stream_event_fn *on_event, void *owner);

/**
 * Read up to `room` bytes. STREAM_DATA sets `*length`. After STREAM_END or STREAM_LOST no more
 * readable events come.
 */
enum stream_result stream_read(struct stream *stream, uint8_t *into, size_t room, size_t *length);
/**
 * As stream_read, but goes on with what TLS has already taken from the socket: several records at
 * once, for bulk.
 */
enum stream_result stream_read_all(struct stream *stream, uint8_t *into, size_t room,
                                   size_t *length);
/** No STREAM_READABLE until resumed; also when an end or failure is waiting to be read. */
void stream_pause_reading(struct stream *stream);
/** STREAM_READABLE comes, from the loop, also for bytes that TLS has already decrypted. */
void stream_resume_reading(struct stream *stream);

/** STREAM_READABLE comes from the loop once, whether there is something to read or not. */
void stream_wake(struct stream *stream);

/** The output queue itself, for writers that append in place; then stream_flush. */
struct buffer *stream_output(struct stream *stream);
/** Append to the output queue; sent by the next stream_flush or stream_send. */
void stream_queue(struct stream *stream, struct bytes bytes);
/** Send after all that is queued; bytes go to the kernel directly where nothing is queued. */
void stream_send(struct stream *stream, struct bytes bytes);
/** Send what is queued as far as the kernel takes it; STREAM_DRAINED follows if not all. */
void stream_flush(struct stream *stream);
/**
 * Call `prepare` and flush when the loop has handled the events that are there: what several
 * events bring leaves in one piece. STREAM_READABLE, when it is due first, comes in its place.
 */
void stream_flush_soon(struct stream *stream, void (*prepare)(void *owner));
/** Bytes queued and not yet taken by the kernel. */
size_t stream_unsent(const struct stream *stream);
/**
 * The same, what the kernel took and has not sent, and the TLS record that is on its way: at most
 * so much of what was queued last is taken back by closing with RST.
 */
size_t stream_unsent_anywhere(const struct stream *stream);
/** True when nothing from the peer waits, not even its end: asked before a connection is reused. */
bool stream_is_quiet(const struct stream *stream);
/** Half-close after what is queued: close_notify and FIN. Reading goes on. */
void stream_finish(struct stream *stream);

/** Give the stream up; the owner hears no more of it. */
void stream_close(struct stream *stream, enum stream_ending ending);

/** Find a peer that is gone without a word within two minutes (TCP keep-alive). */
void stream_watch_peer(struct stream *stream);
/**
 * The stream is lost when what we send stays unacknowledged for so long; 0: for as long as the
 * system likes, which is a quarter of an hour.
 */
void stream_limit_unacknowledged(struct stream *stream, unsigned limit_ms);

/** The stream was lost because TLS messages came without end (TRANSPORT_LATE_MESSAGES_MAX). */
bool stream_is_flooded(const struct stream *stream);
/** One line why the stream failed or was lost; borrowed. */
const char *stream_failure(const struct stream *stream);
/** The TLS session, NULL without TLS; borrowed. */
struct ssl_st *stream_tls(const struct stream *stream);
/** The socket, for options and names only; borrowed. */
int stream_descriptor(const struct stream *stream);

#endif
