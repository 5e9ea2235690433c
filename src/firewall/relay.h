#ifndef FIREWALL_RELAY_H
#define FIREWALL_RELAY_H

#include "base/bytes.h"

struct stream;
struct stream_loop;
struct relay;

/*
 * A byte tunnel over two streams, used once both sides have shown what they are (SSH banners, a
 * WebSocket handshake). Each direction reads only while the other stream has nothing unsent, so
 * one scratch block of bytes is the most it ever holds. An end from one side is passed on as a
 * half-close; the tunnel ends when both directions have ended, when either side is lost, when it
 * was idle for too long, or when its owner cuts it.
 */

enum relay_end {
    RELAY_END_FINISHED,      /* both directions ended cleanly */
    RELAY_END_AGENT_LOST,    /* the agent's side broke */
    RELAY_END_UPSTREAM_LOST, /* the upstream's side broke */
    RELAY_END_IDLE,          /* nothing passed for idle_timeout_ms */
};

/**
 * The tunnel has ended by itself; it and both streams are released when this returns. `sent`
 * counts bytes from agent to upstream, `received` the other way.
 */
typedef void relay_end_fn(void *owner, enum relay_end end, uint64_t sent, uint64_t received);

/** Whose bytes passed. */
enum relay_from { RELAY_FROM_AGENT, RELAY_FROM_UPSTREAM };

/** So many bytes are being passed on. */
typedef void relay_watch_fn(void *owner, enum relay_from from, struct bytes bytes);

/** Takes both streams (open, owned from now on). */
struct relay *relay_new(struct stream_loop *streams, struct stream *agent, struct stream *upstream,
                        uint64_t idle_timeout_ms, relay_end_fn *on_end, void *owner);
/** Bytes already read from a side, to be passed to the other one first; they are counted. */
void relay_pass_to_upstream(struct relay *relay, struct bytes bytes);
void relay_pass_to_agent(struct relay *relay, struct bytes bytes);
/** Have all that passes from here on told to the owner. */
void relay_watch(struct relay *relay, relay_watch_fn *on_bytes);
/** Start reading on both sides. */
void relay_start(struct relay *relay);
uint64_t relay_sent(const struct relay *relay);
uint64_t relay_received(const struct relay *relay);
/** End it now, with a reset on both sides; `on_end` is not called. */
void relay_cut(struct relay *relay);

#endif
