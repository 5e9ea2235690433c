#ifndef LLM_LLM_CALL_H
#define LLM_LLM_CALL_H

#include "base/buffer.h"
#include "llm/llm_event.h"

/*
 * A call, folded from its events: what all views and exports read. Texts are owned by the call.
 * What passes one of the limits is counted and left out, and the call says that it is truncated.
 */
enum {
    LLM_CALL_TEXT_MAX = 16 * 1024 * 1024, /* of a text, a body, or `native` */
    LLM_CALL_BLOCKS_MAX = 16 * 1024,      /* of a side */
    LLM_CALL_ERRORS_MAX = 64,
};

struct llm_text {
    char *data; /* owned, not terminated */
    size_t length;
};

struct llm_block {
    enum llm_section section;
    enum llm_role role;
    enum llm_block_kind kind;
    uint32_t number; /* within the side; a viewer that attached late has no blocks before it */
    uint32_t message;
    bool is_open;
    bool is_error;
    uint64_t bytes; /* of what is not shown */
    struct llm_text id, name, text, json;
    /* Of what the block says: all but `number`, `message` and `is_open`. A block that the model
     * answered has the hash of the same block in the next request. */
    uint64_t hash;
};

/** In the order of their numbers. */
struct llm_block_list {
    struct llm_block *items; /* owned */
    size_t count, allocated;
};

struct llm_call_error {
    struct llm_text type, message;
};

struct llm_call {
    uint64_t number, exchange;
    uint64_t start_ms; /* since 1970 */
    enum llm_api api;
    enum llm_transport transport;
    struct llm_text provider, host, method, path, request_headers, response_headers;
    struct llm_text operation, model, response_model, session, parent, parameters, id;
    struct llm_block_list request, response;
    /* Events without a place, one a line: {"side":...,"name":...,"json" or "text":...} */
    struct llm_text native;
    struct llm_text request_body, response_body;
    struct llm_call_error *errors; /* owned */
    size_t error_count;
    uint16_t status;
    struct llm_usage usage; /* native: see native_usage */
    struct llm_text native_usage;
    struct llm_text stop;
    int64_t first_byte_ms, duration_ms;
    uint64_t request_bytes, request_wire_bytes, response_bytes, response_wire_bytes;
    bool is_over, is_truncated;
    struct llm_text truncation;
};

struct llm_call *llm_call_new(uint64_t number);
void llm_call_free(struct llm_call *call);
/** Fold an event of this call in. Events out of order or repeated do no harm. */
void llm_call_apply(struct llm_call *call, const struct llm_event *event);

struct bytes llm_text_bytes(const struct llm_text *text);

#endif
