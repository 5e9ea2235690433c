#include "events.h"

static struct spy_store *make(void)
{
    struct error error;
    struct spy_store *store = spy_store_new(&error);
    assert_non_null(store);
    return store;
}

static uint32_t known(const struct spy_store *store, enum llm_section section)
{
    return spy_store_summary(store, spy_store_end(store) - 1)->as_before[section];
}

static void add_block(struct spy_store *store, uint64_t call, enum llm_section section,
                      enum llm_block_kind kind, const char *text)
{
    struct llm_event event = events_block(call, LLM_SIDE_REQUEST, kind, 0, text);
    event.section = section;
    events_add(store, &event);
}

static void what_is_new_begins_at_the_first_difference(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "s");
    events_say(store, 1, 0, LLM_ROLE_USER, "one");
    events_say(store, 1, 1, LLM_ROLE_USER, "two");
    events_begin(store, 2, "s");
    events_say(store, 2, 0, LLM_ROLE_USER, "one");
    events_say(store, 2, 1, LLM_ROLE_USER, "changed");
    events_say(store, 2, 2, LLM_ROLE_USER, "two");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 1);
    spy_store_free(store);
}

static void an_answer_that_is_sent_back_is_not_new(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "s");
    events_say(store, 1, 0, LLM_ROLE_USER, "run it");
    struct llm_event event =
        events_block(1, LLM_SIDE_RESPONSE, LLM_BLOCK_THINKING, 0, "I will run it");
    events_add(store, &event);
    events_answer(store, 1, 1, "running");
    event = events_block(1, LLM_SIDE_RESPONSE, LLM_BLOCK_TOOL_CALL, 2, "{\"command\": \"ls -l\"}");
    event.id = BYTES_LITERAL("call_1");
    event.name = BYTES_LITERAL("bash");
    events_add(store, &event);
    events_end(store, 1);

    events_begin(store, 2, "s");
    events_say(store, 2, 0, LLM_ROLE_USER, "run it");
    events_say(store, 2, 1, LLM_ROLE_ASSISTANT, "running");
    event = events_block(2, LLM_SIDE_REQUEST, LLM_BLOCK_TOOL_CALL, 2, "{\"command\":\"ls -l\"}");
    event.role = LLM_ROLE_ASSISTANT;
    event.id = BYTES_LITERAL("call_1");
    event.name = BYTES_LITERAL("bash");
    events_add(store, &event);
    event = events_block(2, LLM_SIDE_REQUEST, LLM_BLOCK_TOOL_RESULT, 3, "a file");
    events_add(store, &event);
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 3);
    spy_store_free(store);
}

static void a_mark_of_the_cache_that_moves_changes_nothing(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "s");
    add_block(store, 1, LLM_SECTION_MESSAGES, LLM_BLOCK_TEXT, "one");
    add_block(store, 1, LLM_SECTION_MESSAGES, LLM_BLOCK_CACHE_POINT, "5m");
    events_begin(store, 2, "s");
    add_block(store, 2, LLM_SECTION_MESSAGES, LLM_BLOCK_TEXT, "one");
    add_block(store, 2, LLM_SECTION_MESSAGES, LLM_BLOCK_TEXT, "two");
    add_block(store, 2, LLM_SECTION_MESSAGES, LLM_BLOCK_CACHE_POINT, "5m");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 1);
    spy_store_free(store);
}

static void system_tools_and_messages_are_beginnings_of_their_own(void **state)
{
    struct spy_store *store = make();
    for (uint64_t call = 1; call <= 2; call++) {
        events_begin(store, call, "s");
        add_block(store, call, LLM_SECTION_MESSAGES, LLM_BLOCK_TEXT, "one");
        add_block(store, call, LLM_SECTION_SYSTEM, LLM_BLOCK_TEXT, "be good");
        add_block(store, call, LLM_SECTION_TOOLS, LLM_BLOCK_TOOL, call == 1 ? "a" : "b");
    }
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 1);
    assert_int_equal(known(store, LLM_SECTION_SYSTEM), 1);
    assert_int_equal(known(store, LLM_SECTION_TOOLS), 0);
    spy_store_free(store);
}

static void sessions_know_nothing_of_each_other(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "s");
    events_say(store, 1, 0, LLM_ROLE_USER, "one");
    events_begin(store, 2, "t");
    events_say(store, 2, 0, LLM_ROLE_USER, "one");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 0);
    spy_store_free(store);
}

static void calls_without_a_session_are_joined_by_what_they_repeat(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "");
    events_say(store, 1, 0, LLM_ROLE_USER, "one");
    events_begin(store, 2, "");
    events_say(store, 2, 0, LLM_ROLE_USER, "something else");
    events_begin(store, 3, "");
    events_say(store, 3, 0, LLM_ROLE_USER, "one");
    events_say(store, 3, 1, LLM_ROLE_USER, "two");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 1);
    assert_int_equal(spy_store_summary(store, 1)->conversation, 1);
    assert_int_equal(spy_store_summary(store, 2)->conversation, 0);
    spy_store_free(store);
}

static void equal_texts_of_other_roles_and_kinds_are_new(void **state)
{
    struct spy_store *store = make();
    events_begin(store, 1, "s");
    events_say(store, 1, 0, LLM_ROLE_USER, "one");
    events_begin(store, 2, "s");
    events_say(store, 2, 0, LLM_ROLE_ASSISTANT, "one");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 0);
    events_begin(store, 3, "s");
    add_block(store, 3, LLM_SECTION_MESSAGES, LLM_BLOCK_TOOL_RESULT, "one");
    assert_int_equal(known(store, LLM_SECTION_MESSAGES), 0);
    spy_store_free(store);
}

RUN_TESTS(cmocka_unit_test(what_is_new_begins_at_the_first_difference),
          cmocka_unit_test(an_answer_that_is_sent_back_is_not_new),
          cmocka_unit_test(a_mark_of_the_cache_that_moves_changes_nothing),
          cmocka_unit_test(system_tools_and_messages_are_beginnings_of_their_own),
          cmocka_unit_test(sessions_know_nothing_of_each_other),
          cmocka_unit_test(calls_without_a_session_are_joined_by_what_they_repeat),
          cmocka_unit_test(equal_texts_of_other_roles_and_kinds_are_new))
