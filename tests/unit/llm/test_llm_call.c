#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_call.h"

static struct llm_event block_event(enum llm_side side, uint32_t number, const char *text)
{
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    event.side = side;
    event.block = number;
    event.section = LLM_SECTION_MESSAGES;
    event.role = LLM_ROLE_ASSISTANT;
    event.block_kind = LLM_BLOCK_TEXT;
    event.text = bytes_from_text(text);
    return event;
}

static struct llm_event delta_event(uint32_t number, const char *text)
{
    struct llm_event event = llm_event_make(LLM_DELTA, 1);
    event.side = LLM_SIDE_RESPONSE;
    event.block = number;
    event.text = bytes_from_text(text);
    return event;
}

static void keeps_at_most_so_many_blocks_and_errors_and_says_so(void **state)
{
    struct llm_call *call = llm_call_new(1);
    for (uint32_t i = 0; i < LLM_CALL_BLOCKS_MAX + 2; i++) {
        struct llm_event event = block_event(LLM_SIDE_REQUEST, i * 100003u, "x");
        llm_call_apply(call, &event);
    }
    assert_int_equal(call->request.count, LLM_CALL_BLOCKS_MAX);
    assert_true(call->is_truncated);
    assert_bytes(llm_text_bytes(&call->truncation), "it has too many blocks");
    for (int i = 0; i < LLM_CALL_ERRORS_MAX + 5; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        struct llm_event event = llm_event_make(LLM_ERROR, 1);
        event.text = bytes_from_text(text);
        llm_call_apply(call, &event);
    }
    assert_int_equal(call->error_count, LLM_CALL_ERRORS_MAX);
    llm_call_free(call);
}

static void keeps_so_much_of_a_text_and_counts_the_rest(void **state)
{
    struct llm_call *call = llm_call_new(1);
    struct llm_event event = block_event(LLM_SIDE_RESPONSE, 0, "");
    event.is_open = true;
    llm_call_apply(call, &event);
    uint8_t *piece = memory_new(LLM_EVENT_TEXT_MAX);
    memset(piece, 'a', LLM_EVENT_TEXT_MAX);
    event = delta_event(0, "");
    event.text = (struct bytes){piece, LLM_EVENT_TEXT_MAX};
    for (int i = 0; i < LLM_CALL_TEXT_MAX / LLM_EVENT_TEXT_MAX; i++)
        llm_call_apply(call, &event);
    assert_false(call->is_truncated);
    event.text.length = 5;
    llm_call_apply(call, &event);
    assert_true(call->is_truncated);
    assert_int_equal(call->response.items[0].text.length, LLM_CALL_TEXT_MAX);
    assert_int_equal(call->response.items[0].bytes, 5);
    free(piece);
    llm_call_free(call);
}

static void folds_deltas_and_the_whole_block_into_one(void **state)
{
    struct llm_call *call = llm_call_new(1);
    struct llm_event event = block_event(LLM_SIDE_RESPONSE, 0, "");
    event.is_open = true;
    llm_call_apply(call, &event);
    event = delta_event(0, "Hel");
    llm_call_apply(call, &event);
    event = delta_event(0, "lo");
    llm_call_apply(call, &event);
    assert_true(call->response.items[0].is_open);
    assert_bytes(llm_text_bytes(&call->response.items[0].text), "Hello");
    uint64_t streamed = call->response.items[0].hash;
    event = block_event(LLM_SIDE_RESPONSE, 0, "Hello");
    llm_call_apply(call, &event);
    llm_call_apply(call, &event);
    assert_int_equal(call->response.count, 1);
    assert_false(call->response.items[0].is_open);
    assert_int_equal(call->response.items[0].hash, streamed);
    /* A delta that comes late or twice changes nothing. */
    event = delta_event(0, "!");
    llm_call_apply(call, &event);
    assert_bytes(llm_text_bytes(&call->response.items[0].text), "Hello");
    llm_call_free(call);
}

static void keeps_the_text_of_deltas_when_the_end_does_not_repeat_it(void **state)
{
    struct llm_call *call = llm_call_new(1);
    struct llm_event event = block_event(LLM_SIDE_REQUEST, 3, "Hel");
    event.is_open = true;
    llm_call_apply(call, &event);
    event = delta_event(3, "lo");
    event.side = LLM_SIDE_REQUEST;
    llm_call_apply(call, &event);
    event = block_event(LLM_SIDE_REQUEST, 3, "");
    event.bytes = 5;
    llm_call_apply(call, &event);
    assert_bytes(llm_text_bytes(&call->request.items[0].text), "Hello");
    assert_int_equal(call->request.items[0].bytes, 0);
    assert_false(call->request.items[0].is_open);
    /* Without them, what is missing is counted. */
    event.block = 4;
    llm_call_apply(call, &event);
    assert_int_equal(call->request.items[1].bytes, 5);
    assert_int_equal(call->request.items[1].text.length, 0);
    llm_call_free(call);
}

static void starts_in_the_middle_and_takes_blocks_in_any_order(void **state)
{
    struct llm_call *call = llm_call_new(9);
    struct llm_event event = delta_event(7, "late");
    event.time_ms = 5;
    llm_call_apply(call, &event);
    event = block_event(LLM_SIDE_RESPONSE, 2, "two");
    llm_call_apply(call, &event);
    event = block_event(LLM_SIDE_RESPONSE, 4000000000u, "last");
    llm_call_apply(call, &event);
    assert_int_equal(call->response.count, 3);
    assert_int_equal(call->response.items[0].number, 2);
    assert_int_equal(call->response.items[1].number, 7);
    assert_bytes(llm_text_bytes(&call->response.items[1].text), "late");
    assert_int_equal(call->start_ms, 5);
    assert_int_equal(call->api, LLM_API_OTHER);
    llm_call_free(call);
}

static uint64_t hash_of(struct llm_event event)
{
    struct llm_call *call = llm_call_new(1);
    llm_call_apply(call, &event);
    struct llm_block_list *list = event.side == LLM_SIDE_REQUEST ? &call->request : &call->response;
    uint64_t hash = list->items[0].hash;
    llm_call_free(call);
    return hash;
}

static void equal_blocks_have_equal_hashes_wherever_they_stand(void **state)
{
    struct llm_event answer = block_event(LLM_SIDE_RESPONSE, 0, "Hello");
    uint64_t hash = hash_of(answer);
    struct llm_event resent = answer;
    resent.side = LLM_SIDE_REQUEST;
    resent.block = 12;
    resent.message = 3;
    assert_int_equal(hash_of(resent), hash);
    struct llm_event other = answer;
    other.role = LLM_ROLE_USER;
    assert_int_not_equal(hash_of(other), hash);
    other = answer;
    other.text = BYTES_LITERAL("Hello!");
    assert_int_not_equal(hash_of(other), hash);
    other = answer;
    other.is_error = true;
    assert_int_not_equal(hash_of(other), hash);
    /* A border between fields may not move unseen. */
    other = answer;
    other.id = BYTES_LITERAL("ab");
    struct llm_event moved = answer;
    moved.id = BYTES_LITERAL("a");
    moved.name = BYTES_LITERAL("b");
    assert_int_not_equal(hash_of(other), hash_of(moved));
}

static void usage_is_merged_field_by_field(void **state)
{
    struct llm_call *call = llm_call_new(1);
    struct llm_event event = llm_event_make(LLM_USAGE, 1);
    event.usage.input = 100;
    event.usage.cache_read = 0;
    event.usage.output = 1;
    event.usage.native = BYTES_LITERAL("{\"a\":1}");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_USAGE, 1);
    event.usage.output = 42;
    llm_call_apply(call, &event);
    assert_int_equal(call->usage.input, 100);
    assert_int_equal(call->usage.cache_read, 0);
    assert_int_equal(call->usage.cache_write, -1);
    assert_int_equal(call->usage.output, 42);
    assert_bytes(call->usage.native, "{\"a\":1}");
    llm_call_free(call);
}

static void keeps_what_each_event_says(void **state)
{
    struct llm_call *call = llm_call_new(1);
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.time_ms = 1000;
    event.api = LLM_API_OPENAI_CHAT;
    event.host = BYTES_LITERAL("h");
    event.headers = BYTES_LITERAL("[[\"a\",\"b\"]]");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_REQUEST, 1);
    event.api = LLM_API_OPENAI_CHAT;
    event.model = BYTES_LITERAL("gpt");
    event.session = BYTES_LITERAL("s");
    event.bytes = 10;
    event.wire_bytes = 4;
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_RESPONSE, 1);
    event.status = 200;
    event.headers = BYTES_LITERAL("[]");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_RESPONSE, 1);
    event.id = BYTES_LITERAL("resp_1");
    event.model = BYTES_LITERAL("gpt-x");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_NATIVE, 1);
    event.side = LLM_SIDE_RESPONSE;
    event.name = BYTES_LITERAL("ping");
    event.json = BYTES_LITERAL("{ \"x\": 1 }");
    llm_call_apply(call, &event);
    event.json = BYTES_EMPTY;
    event.text = BYTES_LITERAL("te\nxt");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_ERROR, 1);
    event.name = BYTES_LITERAL("overloaded_error");
    event.text = BYTES_LITERAL("Overloaded");
    llm_call_apply(call, &event);
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_STOP, 1);
    event.name = BYTES_LITERAL("stop");
    llm_call_apply(call, &event);
    event = llm_event_make(LLM_END, 1);
    event.duration_ms = 12;
    event.first_byte_ms = 3;
    event.bytes = 7;
    llm_call_apply(call, &event);
    assert_int_equal(call->start_ms, 1000);
    assert_int_equal(call->api, LLM_API_OPENAI_CHAT);
    assert_int_equal(call->status, 200);
    assert_bytes(llm_text_bytes(&call->id), "resp_1");
    assert_bytes(llm_text_bytes(&call->model), "gpt");
    assert_bytes(llm_text_bytes(&call->response_model), "gpt-x");
    assert_bytes(llm_text_bytes(&call->request_headers), "[[\"a\",\"b\"]]");
    assert_bytes(llm_text_bytes(&call->native),
                 "{\"side\":\"response\",\"name\":\"ping\",\"json\":{\"x\":1}}\n"
                 "{\"side\":\"response\",\"name\":\"ping\",\"text\":\"te\\nxt\"}\n");
    assert_int_equal(call->error_count, 1);
    assert_bytes(llm_text_bytes(&call->errors[0].message), "Overloaded");
    assert_bytes(llm_text_bytes(&call->stop), "stop");
    assert_true(call->is_over);
    assert_false(call->is_truncated);
    assert_int_equal(call->request_wire_bytes, 4);
    assert_int_equal(call->response_bytes, 7);
    llm_call_free(call);
}

RUN_TESTS(cmocka_unit_test(keeps_at_most_so_many_blocks_and_errors_and_says_so),
          cmocka_unit_test(keeps_so_much_of_a_text_and_counts_the_rest),
          cmocka_unit_test(folds_deltas_and_the_whole_block_into_one),
          cmocka_unit_test(keeps_the_text_of_deltas_when_the_end_does_not_repeat_it),
          cmocka_unit_test(starts_in_the_middle_and_takes_blocks_in_any_order),
          cmocka_unit_test(equal_blocks_have_equal_hashes_wherever_they_stand),
          cmocka_unit_test(usage_is_merged_field_by_field),
          cmocka_unit_test(keeps_what_each_event_says))
