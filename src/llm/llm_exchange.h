#ifndef LLM_LLM_EXCHANGE_H
#define LLM_LLM_EXCHANGE_H

#include "llm/llm_event.h"

/*
 * One captured HTTP exchange with a provider, from bytes as they travelled to events: content
 * encodings and WebSocket frames are undone (wire/content_decoder.h, wire/websocket_frames.h), and
 * the provider's interface is decoded. Pure, bounded in memory, and never fails: what cannot be
 * decoded is shown as it is (LLM_NATIVE, LLM_ERROR) and the rest goes on.
 */
struct llm_exchange;

enum {
    LLM_EXCHANGE_BODY_MAX = 32 * 1024 * 1024, /* held of one body, and at most half of all */
    LLM_EXCHANGE_ERROR_MAX = 64 * 1024,       /* of the body of an error */
};

/** Shared by all exchanges of a recorder. */
struct llm_context {
    llm_event_fn *emit;
    void *emit_context;
    uint64_t next_call;  /* number of the next call; begins with 1 */
    bool wants_bodies;   /* LLM_BODY events are made */
    size_t held_bytes;   /* by all exchanges together */
    size_t held_maximum; /* past it, the exchange that asks for more is cut short and says so */
};

struct llm_exchange_start {
    uint64_t exchange;
    uint64_t time_ms;
    struct bytes provider;
    enum llm_api api;
    enum llm_transport transport; /* HTTP1 or HTTP2; a 101 makes it a WebSocket */
    struct bytes host;
    struct bytes method;
    struct bytes path;
    const struct llm_field *fields; /* redacted */
    size_t field_count;
};

struct llm_field {
    struct bytes name; /* lower case */
    struct bytes value;
};

/** Makes LLM_CALL at once, unless it is the handshake of a WebSocket. All texts are copied. */
struct llm_exchange *llm_exchange_new(struct llm_context *context,
                                      const struct llm_exchange_start *start);
void llm_exchange_free(struct llm_exchange *exchange);

/* Times are when the bytes passed the wall, since 1970. Bodies are as on the wire; after a 101
 * head they are the bytes of the tunnel. */
void llm_exchange_request_body(struct llm_exchange *exchange, uint64_t time_ms, struct bytes body);
void llm_exchange_request_end(struct llm_exchange *exchange, uint64_t time_ms);
void llm_exchange_response_head(struct llm_exchange *exchange, uint64_t time_ms, uint16_t status,
                                const struct llm_field *fields, size_t field_count);
void llm_exchange_response_body(struct llm_exchange *exchange, uint64_t time_ms, struct bytes body);
/** So many bytes of that side were not captured here: what follows on it cannot be decoded. */
void llm_exchange_lost(struct llm_exchange *exchange, enum llm_side side, uint64_t bytes);
/** The exchange is over; `reason` is empty when its response was complete. Makes LLM_END. */
void llm_exchange_end(struct llm_exchange *exchange, uint64_t time_ms, struct bytes reason);

#endif
