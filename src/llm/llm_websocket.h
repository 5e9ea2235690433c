#ifndef LLM_LLM_WEBSOCKET_H
#define LLM_LLM_WEBSOCKET_H

#include "llm/llm_head.h"

/*
 * Theory of Operation
 *
 * OpenAI's Responses over a WebSocket (OpenAI API guide "WebSocket mode"): each `response.create`
 * of the client begins a call, and the server's events, which are those of the stream over HTTP,
 * answer it until one says that the response is over. One socket carries calls one after the other,
 * and several at a time where messages name a `stream_id`. An event belongs to
 *
 *   - the call whose response it names, else
 *   - of the calls of its stream, the oldest that is being answered, else the oldest that waits.
 *
 * `response.steer` queues input for a response of its own that the server begins by itself: it is a
 * call that waits like another, until the server says that the input goes into the next one.
 * What the server says while there is no call becomes one of its own, over at once.
 */
enum { LLM_WEBSOCKET_CALLS_MAX = 64 /* at a time; the oldest ends when there are more */ };

struct llm_websocket;

/** `head` is borrowed; `fields` are those of the response that agreed to the upgrade. */
struct llm_websocket *llm_websocket_new(struct llm_context *context, const struct llm_head *head,
                                        uint16_t status, const struct llm_field *fields,
                                        size_t field_count);
void llm_websocket_free(struct llm_websocket *socket);
void llm_websocket_feed(struct llm_websocket *socket, enum llm_side side, uint64_t time_ms,
                        struct bytes input);
/** Bytes are missing: nothing more of that side can be read. */
void llm_websocket_lost(struct llm_websocket *socket, enum llm_side side);
/** The connection is over; calls that are open end. */
void llm_websocket_end(struct llm_websocket *socket, uint64_t time_ms, struct bytes reason);

#endif
