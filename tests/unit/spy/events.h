#ifndef TESTS_UNIT_SPY_EVENTS_H
#define TESTS_UNIT_SPY_EVENTS_H

#include "test.h"

#include "base/buffer.h"
#include "llm/llm_event_json.h"
#include "spy/spy_store.h"

/* Calls as the firewall tells them, put into a store. */

enum { EVENTS_TIME_MS = 1000000 };

/* How much later each call begins than the one before. */
#ifndef EVENTS_STEP_MS
#define EVENTS_STEP_MS 1000
#endif

static inline void events_add(struct spy_store *store, const struct llm_event *event)
{
    struct buffer line;
    struct error error;
    buffer_init(&line, LLM_EVENT_LINE_MAX);
    assert_true(llm_event_write(event, &line));
    struct bytes bytes = buffer_bytes(&line);
    assert_true(spy_store_add(store, bytes_first(bytes, bytes.length - 1), &error));
    buffer_done(&line);
}

static inline void events_begin(struct spy_store *store, uint64_t call, const char *session)
{
    struct llm_event event = llm_event_make(LLM_CALL, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.provider = BYTES_LITERAL("anthropic");
    event.api = LLM_API_ANTHROPIC_MESSAGES;
    event.transport = LLM_TRANSPORT_HTTP2;
    event.host = BYTES_LITERAL("api.anthropic.com");
    event.method = BYTES_LITERAL("POST");
    event.path = BYTES_LITERAL("/v1/messages");
    events_add(store, &event);
    event = llm_event_make(LLM_REQUEST, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.api = LLM_API_ANTHROPIC_MESSAGES;
    event.model = BYTES_LITERAL("claude-sonnet-4-5");
    event.operation = BYTES_LITERAL("stream");
    event.session = bytes_from_text(session);
    events_add(store, &event);
}

static inline struct llm_event events_block(uint64_t call, enum llm_side side,
                                            enum llm_block_kind kind, uint32_t number,
                                            const char *text)
{
    struct llm_event event = llm_event_make(LLM_BLOCK, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.side = side;
    event.section = LLM_SECTION_MESSAGES;
    event.block_kind = kind;
    event.role = side == LLM_SIDE_RESPONSE ? LLM_ROLE_ASSISTANT : LLM_ROLE_USER;
    event.block = number;
    event.message = number;
    event.text = bytes_from_text(text);
    return event;
}

/** A text of the user's, or of the assistant's where it stands in a request. */
static inline void events_say(struct spy_store *store, uint64_t call, uint32_t number,
                              enum llm_role role, const char *text)
{
    struct llm_event event = events_block(call, LLM_SIDE_REQUEST, LLM_BLOCK_TEXT, number, text);
    event.role = role;
    events_add(store, &event);
}

static inline void events_answer(struct spy_store *store, uint64_t call, uint32_t number,
                                 const char *text)
{
    struct llm_event event = events_block(call, LLM_SIDE_RESPONSE, LLM_BLOCK_TEXT, number, text);
    events_add(store, &event);
}

static inline void events_end(struct spy_store *store, uint64_t call)
{
    struct llm_event event = llm_event_make(LLM_RESPONSE, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.status = 200;
    events_add(store, &event);
    event = llm_event_make(LLM_USAGE, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.usage = (struct llm_usage){1000, 800, 100, 50, -1, BYTES_EMPTY};
    events_add(store, &event);
    event = llm_event_make(LLM_STOP, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS;
    event.name = BYTES_LITERAL("end_turn");
    events_add(store, &event);
    event = llm_event_make(LLM_END, call);
    event.time_ms = EVENTS_TIME_MS + call * EVENTS_STEP_MS + 500;
    event.first_byte_ms = 120;
    event.duration_ms = 500;
    events_add(store, &event);
}

#endif
