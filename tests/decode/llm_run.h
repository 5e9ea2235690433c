#ifndef TESTS_DECODE_LLM_RUN_H
#define TESTS_DECODE_LLM_RUN_H

#include "llm/llm_call.h"
#include "llm/llm_exchange.h"

/*
 * An exchange run through llm_exchange, and what came of it: every event is written as a line, read
 * back, checked for its place among the others, and folded into its call.
 */
enum { LLM_RUN_CALLS_MAX = 512 };

struct llm_run {
    struct llm_context context;
    struct llm_call *calls[LLM_RUN_CALLS_MAX]; /* owned, by number - 1 */
    size_t count;
    size_t deltas;
};

/** How an exchange is cut into pieces and where it ends. */
struct llm_run_cut {
    size_t piece;          /* bytes at a time; 0: all at once */
    size_t first;          /* of the response, before all others; 0: as the others */
    size_t response_bytes; /* the response ends after so many */
    size_t request_bytes;  /* the request too, and there is no response */
};

#define LLM_RUN_WHOLE ((struct llm_run_cut){0, 0, SIZE_MAX, SIZE_MAX})

void llm_run_init(struct llm_run *run);
void llm_run_done(struct llm_run *run);

/** One exchange over HTTP. */
struct llm_run_exchange {
    enum llm_api api;
    const char *method;
    struct bytes host, path;
    const struct llm_field *fields, *response_fields;
    size_t field_count, response_field_count;
    uint16_t status; /* 0: no response */
    struct bytes request, response;
    struct bytes reason;
};
void llm_run_http(struct llm_run *run, const struct llm_run_exchange *exchange,
                  const struct llm_run_cut *cut);

/** What one side of a WebSocket says at once. */
struct llm_run_said {
    enum llm_side side;
    struct bytes bytes;
};
/** The same over a WebSocket: `status` and fields of the handshake, then what was said. */
void llm_run_socket(struct llm_run *run, const struct llm_run_exchange *handshake,
                    const struct llm_run_said *said, size_t count, const struct llm_run_cut *cut);
/** Append one frame; those of the request's side are masked. `first` is FIN, RSV and opcode. */
void llm_run_append_frame(struct buffer *out, enum llm_side side, uint8_t first,
                          struct bytes payload);

/** Append a call as lines for people, which tests compare. */
void llm_run_write_call(const struct llm_call *call, struct buffer *out);
void llm_run_write(const struct llm_run *run, struct buffer *out);
/** Only what the response was: blocks, errors, usage, stop. */
void llm_run_write_answer(const struct llm_call *call, struct buffer *out);

#endif
