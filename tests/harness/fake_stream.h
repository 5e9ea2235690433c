#ifndef TESTS_HARNESS_FAKE_STREAM_H
#define TESTS_HARNESS_FAKE_STREAM_H

#include "system/stream.h"

#include <sys/queue.h>

/*
 * Streams without sockets: fake_stream.c takes the place of system/stream.c for a program that is
 * linked with it. Each stream has a peer, which is the test's hand on the other end of the wire:
 * it says what arrives, how much the network takes, and keeps what was sent. Events come from
 * fake_stream_turn only.
 */

struct fake_peer;

/** New bytes have gone out. From inside, the peer may be told things, but nothing runs. */
typedef void fake_peer_received_fn(void *owner, struct bytes bytes);

struct fake_peer {
    struct stream *stream;   /* borrowed; NULL once the stream's owner has closed it */
    struct buffer arriving;  /* sent to us and not yet read */
    struct buffer received;  /* taken from us, in order; kept when there is no on_received */
    struct buffer left;      /* of a closed stream: still going out */
    enum stream_result end;  /* behind what arrives: STREAM_WAIT is none yet */
    size_t room;             /* bytes that the network still takes */
    size_t piece;            /* longest read while at most FAKE_PIECES_BYTES wait */
    uint64_t received_bytes; /* in all */
    bool is_finished;        /* our end was sent behind `received` */
    bool is_closed;          /* by the stream's owner; `ending` says how */
    bool is_http2;           /* what dial_is_http2 says of it */
    enum stream_ending ending;
    fake_peer_received_fn *on_received;
    void *owner;                 /* borrowed; of on_received */
    stream_closed_fn *on_closed; /* as stream_on_closed */
    void *counter;               /* borrowed */
    LIST_ENTRY(fake_peer) link;
};

enum { FAKE_ROOM_ENDLESS = 1024 * 1024 * 1024, FAKE_PIECES_BYTES = 4096 };

/** A stream that is open, its network endless, with nothing arriving. The peer is the caller's. */
struct fake_peer *fake_peer_new(struct stream_loop *streams);
/** After the stream was closed. */
void fake_peer_free(struct fake_peer *peer);

void fake_peer_push(struct fake_peer *peer, struct bytes bytes);
/** STREAM_END or STREAM_LOST behind what was pushed. */
void fake_peer_end(struct fake_peer *peer, enum stream_result end);
/** The peer takes nothing more from now on (a reset, seen while writing). */
void fake_peer_break(struct fake_peer *peer);
/** The network takes so many bytes more. */
void fake_peer_take(struct fake_peer *peer, size_t bytes);

/** Deliver what is due on every stream once; false when there was nothing. */
bool fake_stream_turn(void);

#endif
