#ifndef LLM_LLM_HEAD_H
#define LLM_LLM_HEAD_H

#include "llm/llm_decoder.h"

/*
 * What the head of an exchange says, kept for the calls in it: one over HTTP, many over a
 * WebSocket.
 */
struct llm_head {
    uint64_t exchange;
    enum llm_api api;
    enum llm_transport transport;
    bool is_handshake;              /* it asks for a WebSocket */
    bool is_upload_ahead;           /* the body follows while somebody types, or never */
    char *provider, *host, *method; /* owned */
    struct buffer path, headers;    /* headers: JSON */
    struct buffer encodings;        /* of the body */
    struct buffer model;            /* that the path names */
    struct buffer session, kind;    /* the client's own words for conversation and purpose */
};

void llm_head_init(struct llm_head *head, const struct llm_exchange_start *start);
void llm_head_done(struct llm_head *head);

/** [["name","value"]...]; empty when it gets too long. */
void llm_head_write_fields(const struct llm_field *fields, size_t count, struct buffer *out);
/** Values of a field, joined by commas. */
void llm_head_join(const struct llm_field *fields, size_t count, const char *name,
                   struct buffer *out);

/** LLM_CALL. */
void llm_head_begin(const struct llm_head *head, struct llm_draft *draft);
/** LLM_REQUEST and the request's blocks, where the body can be read. */
void llm_head_tell_request(const struct llm_head *head, struct llm_draft *draft,
                           struct llm_value body, uint64_t bytes, uint64_t wire_bytes);
/** LLM_REQUEST of a call without a body; `operation` may be empty. */
void llm_head_tell_empty(const struct llm_head *head, struct llm_draft *draft,
                         struct bytes operation, uint64_t bytes, uint64_t wire_bytes);
/** LLM_RESPONSE with status and headers. */
void llm_head_answer(struct llm_draft *draft, uint16_t status, struct bytes headers);
/** LLM_END, after what is open was closed. */
void llm_head_end(struct llm_draft *draft, uint64_t bytes, uint64_t wire_bytes);

#endif
