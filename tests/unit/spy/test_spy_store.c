#include "events.h"
#include "test_folder.h"

#include "base/memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct spy_store *make(void)
{
    struct error error;
    struct spy_store *store = spy_store_new(&error);
    assert_non_null(store);
    return store;
}

static const struct spy_summary *last(const struct spy_store *store)
{
    return spy_store_summary(store, spy_store_end(store) - 1);
}

static void counts_lines_that_are_no_events(void **state)
{
    static const char *const lines[] = {"",
                                        "{",
                                        "[]",
                                        "\xff\xfe",
                                        "{\"v\":1}",
                                        "{\"v\":1,\"event\":\"nothing\",\"call\":1}",
                                        "{\"v\":1,\"event\":\"delta\",\"call\":0}"};
    struct spy_store *store = make();
    struct error error;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_true(spy_store_add(store, bytes_from_text(lines[i]), &error));
    spy_store_skip(store);
    assert_int_equal(spy_store_totals(store)->bad_lines, 8);
    assert_int_equal(spy_store_end(store), 0);
    spy_store_free(store);
}

static void says_when_a_call_is_no_longer_kept(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("recording");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct error error;
    struct spy_store *store = spy_store_new_recording(fd, &error);
    events_begin(store, 1, "s");
    assert_int_equal(truncate(path, 0), 0);
    assert_null(spy_store_load(store, 0, &error));
    assert_non_null(strstr(error.text, "no longer kept"));
    spy_store_free(store);
}

static void sums_a_call_up(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 7, "session-1");
    events_say(store, 7, 0, LLM_ROLE_USER, "hello");
    events_answer(store, 7, 0, "good day");
    events_end(store, 7);
    const struct spy_summary *summary = last(store);
    assert_int_equal(summary->number, 7);
    assert_string_equal(summary->provider, "anthropic");
    assert_string_equal(summary->model, "claude-sonnet-4-5");
    assert_string_equal(summary->session, "session-1");
    assert_string_equal(summary->operation, "stream");
    assert_string_equal(summary->stop, "end_turn");
    assert_int_equal(summary->status, 200);
    assert_int_equal(summary->input, 1000);
    assert_int_equal(summary->cache_read, 800);
    assert_int_equal(summary->output, 50);
    assert_int_equal(summary->reasoning, -1);
    assert_int_equal(summary->first_byte_ms, 120);
    assert_int_equal(summary->duration_ms, 500);
    assert_int_equal(summary->blocks[LLM_SECTION_MESSAGES], 1);
    assert_int_equal(summary->response_blocks, 1);
    assert_true(summary->is_over);
    assert_int_equal(spy_store_totals(store)->input, 1000);
    spy_store_free(store);
}

static void estimates_the_cost_by_the_users_prices_before_its_own(void **state)
{
    struct spy_store *store = make();
    struct error error;
    events_begin(store, 1, "s");
    events_end(store, 1);
    /* 100 new tokens at 3 dollars a million, 800 read at 0.30, 100 written at 3.75, 50 out at 15.
     */
    assert_int_equal(last(store)->cost_nano, 1665000);
    assert_int_equal(spy_store_totals(store)->cost_nano, 1665000);
    assert_false(spy_store_totals(store)->is_cost_partial);
    spy_store_free(store);

    store = make();
    assert_false(spy_store_add_prices(store, "mine", BYTES_LITERAL("price x"), &error));
    assert_true(spy_store_add_prices(store, "mine", BYTES_LITERAL("price *4-5 0 0 0 1"), &error));
    events_begin(store, 1, "s");
    events_end(store, 1);
    assert_int_equal(last(store)->cost_nano, 50000);
    spy_store_free(store);
}

static void loads_calls_whose_lines_are_mixed(void **state)
{
    struct spy_store *store = make();
    struct error error;
    events_begin(store, 1, "a");
    events_begin(store, 2, "b");
    for (uint32_t i = 0; i < 50; i++) {
        char text[32];
        snprintf(text, sizeof(text), "one %u", i);
        events_say(store, 1, i, LLM_ROLE_USER, text);
        snprintf(text, sizeof(text), "two %u", i);
        events_say(store, 2, i, LLM_ROLE_USER, text);
    }
    events_end(store, 2);
    events_end(store, 1);
    for (uint64_t position = 0; position < 2; position++) {
        struct llm_call *call = spy_store_load(store, position, &error);
        assert_non_null(call);
        assert_int_equal(call->number, position + 1);
        assert_int_equal(call->request.count, 50);
        assert_bytes(llm_text_bytes(&call->request.items[49].text),
                     position == 0 ? "one 49" : "two 49");
        assert_true(call->is_over);
        llm_call_free(call);
    }
    spy_store_free(store);
}

static void numbers_that_begin_anew_are_other_calls(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "a");
    events_end(store, 1);
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.time_ms = EVENTS_TIME_MS + 60000;
    events_add(store, &event);
    assert_int_equal(spy_store_end(store), 2);
    assert_false(last(store)->is_over);
    spy_store_free(store);
}

static void a_call_without_its_beginning_is_one(void **state)
{
    struct spy_store *store = make();
    struct llm_event event = llm_event_make(LLM_DELTA, 9);
    event.time_ms = EVENTS_TIME_MS;
    event.side = LLM_SIDE_RESPONSE;
    event.text = BYTES_LITERAL("late");
    events_add(store, &event);
    assert_int_equal(spy_store_end(store), 1);
    assert_int_equal(last(store)->start_ms, EVENTS_TIME_MS);
    spy_store_free(store);
}

static void links_calls_to_those_that_they_go_on_from(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "");
    struct llm_event event = llm_event_make(LLM_RESPONSE, 1);
    event.id = BYTES_LITERAL("resp_1");
    event.status = 200;
    events_add(store, &event);
    event = llm_event_make(LLM_CALL, 2);
    event.parent = BYTES_LITERAL("resp_1");
    events_add(store, &event);
    assert_int_equal(last(store)->parent, 0);
    assert_int_equal(last(store)->conversation, 0);
    event = llm_event_make(LLM_CALL, 3);
    event.parent = BYTES_LITERAL("resp_unknown");
    events_add(store, &event);
    assert_int_equal(last(store)->parent, SPY_STORE_NONE);
    assert_int_equal(last(store)->conversation, 2);
    spy_store_free(store);
}

static void keeps_notes_apart(void **state)
{
    struct spy_store *store = make();
    struct llm_event event = llm_event_make(LLM_AUDIT, 0);
    event.time_ms = EVENTS_TIME_MS;
    event.text =
        BYTES_LITERAL("{\"kind\":\"dns\",\"decision\":\"deny\",\"name\":\"evil.example\"}");
    events_add(store, &event);
    event.text = BYTES_LITERAL("{\"kind\":\"dns\",\"decision\":\"allow\"}");
    events_add(store, &event);
    event.text = BYTES_LITERAL("no json, \"decision\":\"deny\"");
    events_add(store, &event);
    event = llm_event_make(LLM_LOST, 0);
    event.count = 12;
    events_add(store, &event);
    assert_int_equal(spy_store_end(store), 0);
    assert_int_equal(spy_store_end_note(store), 4);
    assert_int_equal(spy_store_note(store, 0)->kind, SPY_NOTE_DENIED);
    assert_int_equal(spy_store_note(store, 1)->kind, SPY_NOTE_AUDIT);
    assert_int_equal(spy_store_note(store, 2)->kind, SPY_NOTE_AUDIT);
    assert_int_equal(spy_store_note(store, 3)->kind, SPY_NOTE_LOST);
    assert_int_equal(spy_store_totals(store)->denied, 1);
    assert_int_equal(spy_store_totals(store)->lost, 12);
    struct buffer text;
    buffer_init(&text, 4096);
    assert_true(spy_store_load_note(store, 0, &text));
    assert_bytes(buffer_bytes(&text),
                 "{\"kind\":\"dns\",\"decision\":\"deny\",\"name\":\"evil.example\"}");
    buffer_done(&text);
    spy_store_free(store);
}

static void cuts_texts_of_a_summary_between_characters(void **state)
{
    struct spy_store *store = make();
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.provider = BYTES_LITERAL("ööööööööööööööööööööööö");
    event.host = BYTES_LITERAL("a\0b");
    events_add(store, &event);
    assert_string_equal(last(store)->provider, "ööööööööööö");
    assert_string_equal(last(store)->host, "a b");
    spy_store_free(store);
}

static void remembers_fifty_thousand_calls(void **state)
{
    struct spy_store *store = make();
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.provider = BYTES_LITERAL("anthropic");
    event.session = BYTES_LITERAL("one session");
    for (uint64_t i = 1; i <= 50000; i++) {
        event.call = i;
        event.time_ms = i;
        events_add(store, &event);
    }
    assert_int_equal(spy_store_end(store), 50000);
    assert_int_equal(spy_store_summary(store, 49999)->number, 50000);
    assert_int_equal(spy_store_summary(store, 0)->number, 1);
    spy_store_free(store);
}

static void forgets_the_oldest_calls_when_there_are_too_many(void **state)
{
    struct spy_store *store = make();
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    for (uint64_t i = 1; i <= SPY_STORE_CALLS_MAX + 3; i++) {
        event.call = i;
        event.time_ms = i;
        events_add(store, &event);
    }
    assert_int_equal(spy_store_first(store), 3);
    assert_int_equal(spy_store_end(store), SPY_STORE_CALLS_MAX + 3);
    assert_int_equal(spy_store_summary(store, 3)->number, 4);
    assert_int_equal(last(store)->number, SPY_STORE_CALLS_MAX + 3);
    /* The number of a call that was forgotten is free again. */
    event.call = 2;
    events_add(store, &event);
    assert_int_equal(last(store)->number, 2);
    spy_store_free(store);
}

static void writes_and_replays_a_recording(void **state)
{
    CLEANUP_FREE char *path = test_folder_path("recording");
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct error error;
    struct spy_store *store = spy_store_new_recording(dup(fd), &error);
    events_begin(store, 1, "s");
    events_say(store, 1, 0, LLM_ROLE_USER, "kept");
    events_end(store, 1);
    spy_store_free(store);

    static uint8_t text[65536];
    ssize_t length = pread(fd, text, sizeof(text), 0);
    assert_true(length > 0);
    store = spy_store_new_replay(fd, &error);
    struct bytes rest = {text, (size_t)length};
    while (rest.length > 0) {
        size_t end = bytes_index_of(rest, '\n');
        assert_true(
            spy_store_add_at(store, bytes_first(rest, end), (uint64_t)(rest.data - text), &error));
        rest = bytes_from(rest, end + 1);
    }
    struct llm_call *call = spy_store_load(store, 0, &error);
    assert_non_null(call);
    assert_bytes(llm_text_bytes(&call->request.items[0].text), "kept");
    llm_call_free(call);
    spy_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_lines_that_are_no_events),
        cmocka_unit_test(says_when_a_call_is_no_longer_kept),
        cmocka_unit_test(sums_a_call_up),
        cmocka_unit_test(estimates_the_cost_by_the_users_prices_before_its_own),
        cmocka_unit_test(loads_calls_whose_lines_are_mixed),
        cmocka_unit_test(numbers_that_begin_anew_are_other_calls),
        cmocka_unit_test(a_call_without_its_beginning_is_one),
        cmocka_unit_test(links_calls_to_those_that_they_go_on_from),
        cmocka_unit_test(keeps_notes_apart),
        cmocka_unit_test(cuts_texts_of_a_summary_between_characters),
        cmocka_unit_test(remembers_fifty_thousand_calls),
        cmocka_unit_test(forgets_the_oldest_calls_when_there_are_too_many),
        cmocka_unit_test(writes_and_replays_a_recording),
    };
    return cmocka_run_group_tests(tests, test_folder_make, test_folder_remove);
}
