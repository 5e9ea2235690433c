#define EVENTS_STEP_MS 10 /* calls at the same time */

#include "events.h"

#include "spy/spy_text.h"

/* What the view writes, and the store that it shows. */
static struct buffer written;
static struct spy_store *store;
static struct spy_output output;
static struct spy_text *view;

static bool keep(void *context, struct bytes bytes)
{
    (void)context;
    assert_true(buffer_append(&written, bytes));
    return true;
}

static void start(const struct spy_text_options *options, const struct spy_choice *choice)
{
    static const struct spy_choice all;
    struct error error;
    buffer_init(&written, 64u << 20);
    store = spy_store_new(&error);
    assert_non_null(store);
    spy_output_init(&output, keep, NULL);
    view = spy_text_new(store, &output, options, choice ? choice : &all);
    spy_store_observe(store, spy_text_take, view);
}

static const char *finish(void)
{
    static char text[1 << 20];
    spy_text_finish(view);
    assert_true(spy_output_done(&output));
    struct bytes bytes = buffer_bytes(&written);
    assert_true(bytes.length < sizeof(text));
    if (bytes.length > 0)
        memcpy(text, bytes.data, bytes.length);
    text[bytes.length] = '\0';
    spy_text_free(view);
    spy_store_free(store);
    buffer_done(&written);
    return text;
}

static const struct spy_text_options plain = {.is_utc = true};

static void add_delta(uint64_t call, uint32_t block, const char *text, uint64_t late_ms)
{
    struct llm_event event = llm_event_make(LLM_DELTA, call);
    event.time_ms = EVENTS_TIME_MS + late_ms;
    event.side = LLM_SIDE_RESPONSE;
    event.block = block;
    event.text = bytes_from_text(text);
    events_add(store, &event);
}

static void open_block(uint64_t call, uint32_t number)
{
    struct llm_event event = events_block(call, LLM_SIDE_RESPONSE, LLM_BLOCK_TEXT, number, "");
    event.is_open = true;
    events_add(store, &event);
}

/* Whether the text has been written so far. */
static bool is_out(const char *text)
{
    struct bytes rest = buffer_bytes(&output.pending);
    while (rest.length > 0 && !bytes_start_with(rest, bytes_from_text(text)))
        rest = bytes_from(rest, 1);
    return rest.length > 0;
}

static void shows_a_call(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "5e55abcdef");
    events_say(store, 1, 0, LLM_ROLE_USER, "hello\nthere");
    open_block(1, 0);
    add_delta(1, 0, "good ", 1000);
    add_delta(1, 0, "day", 1000);
    events_answer(store, 1, 0, "good day");
    events_end(store, 1);
    assert_string_equal(
        finish(),
        "== 1970-01-01 00:16:40 #1 anthropic claude-sonnet-4-5 stream, session 5e55abcd, "
        "h2\n-> user\n   hello\n   there\n<- assistant\n   good day\n-- #1 200 end_turn, "
        "in 1000 (cached 80 %, written 100), out 50, first byte 120 ms, 500 ms, ≈$0.001665\n");
}

static void add_event(uint64_t call, enum llm_event_kind kind, const char *text)
{
    struct llm_event event = llm_event_make(kind, call);
    event.time_ms = EVENTS_TIME_MS;
    event.text = bytes_from_text(text);
    events_add(store, &event);
}

/* With bodies, which come before anything is known of them. */
static void a_head_waits_for_the_model(void **state)
{
    start(&plain, NULL);
    struct llm_event event = llm_event_make(LLM_CALL, 1);
    event.time_ms = EVENTS_TIME_MS;
    event.provider = BYTES_LITERAL("openai");
    events_add(store, &event);
    add_event(1, LLM_BODY, "{\"model\":");
    assert_false(is_out("=="));
    event = llm_event_make(LLM_REQUEST, 1);
    event.time_ms = EVENTS_TIME_MS;
    event.model = BYTES_LITERAL("gpt");
    event.parameters = BYTES_LITERAL("{\"a\":\"b,:\\\",:\",\"c\":[1,2]}");
    events_add(store, &event);
    events_end(store, 1);
    const char *text = finish();
    assert_non_null(strstr(text, "== 1970-01-01 00:16:40 #1 openai gpt, "));
    assert_non_null(strstr(text, "\n   {\"a\": \"b,:\\\",:\", \"c\": [1, 2]}\n"));
}

static void shake_hands(uint64_t call, uint16_t status)
{
    struct llm_event event = llm_event_make(LLM_CALL, call);
    event.time_ms = EVENTS_TIME_MS;
    event.provider = BYTES_LITERAL("openai");
    events_add(store, &event);
    event = llm_event_make(LLM_REQUEST, call);
    event.time_ms = EVENTS_TIME_MS;
    event.operation = BYTES_LITERAL("handshake");
    events_add(store, &event);
    event = llm_event_make(LLM_RESPONSE, call);
    event.time_ms = EVENTS_TIME_MS;
    event.status = status;
    events_add(store, &event);
    add_event(call, LLM_END, "");
}

static void a_websocket_that_is_not_taken_is_a_line(void **state)
{
    start(&plain, NULL);
    shake_hands(1, 426);
    shake_hands(2, 401);
    const char *text = finish();
    const char *line = ".. 1970-01-01 00:16:40 #1 openai takes no WebSocket (426)\n";
    assert_memory_equal(text, line, strlen(line));
    assert_non_null(strstr(text, "== 1970-01-01 00:16:40 #2 openai handshake, "));
    assert_non_null(strstr(text, "-- #2 401"));
}

static void what_was_seen_before_is_counted_only(void **state)
{
    start(&plain, NULL);
    for (uint64_t call = 1; call <= 2; call++) {
        events_begin(store, call, "s");
        events_say(store, call, 0, LLM_ROLE_USER, "hello");
        if (call == 2) {
            events_say(store, call, 1, LLM_ROLE_ASSISTANT, "good day");
            events_say(store, call, 2, LLM_ROLE_USER, "go on");
        } else {
            events_answer(store, call, 0, "good day");
        }
        events_end(store, call);
    }
    const char *text = finish();
    const char *second = strstr(text, "#2 anthropic");
    assert_non_null(strstr(second, "   (2 blocks as before)\n-> user\n   go on\n"));
    assert_null(strstr(second, "hello"));
    assert_null(strstr(second, "good day"));
}

static void all_is_shown_where_that_is_wanted(void **state)
{
    static const struct spy_text_options all = {.is_utc = true, .is_all = true};
    start(&all, NULL);
    for (uint64_t call = 1; call <= 2; call++) {
        events_begin(store, call, "s");
        events_say(store, call, 0, LLM_ROLE_USER, "hello");
        events_end(store, call);
    }
    const char *text = finish();
    assert_non_null(strstr(strstr(text, "#2 anthropic"), "-> user\n   hello\n"));
    assert_null(strstr(text, "as before"));
}

static void calls_at_the_same_time_stay_apart(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    events_say(store, 1, 0, LLM_ROLE_USER, "first");
    events_begin(store, 2, "b");
    events_say(store, 2, 0, LLM_ROLE_USER, "second");
    open_block(1, 0);
    open_block(2, 0);
    for (int i = 0; i < 3; i++) {
        add_delta(1, 0, "one ", 1000);
        add_delta(2, 0, "two ", 1000);
    }
    events_answer(store, 1, 0, "one one one ");
    events_answer(store, 2, 0, "two two two ");
    events_end(store, 1);
    events_end(store, 2);
    const char *text = finish();
    assert_non_null(strstr(text, "   one one one \n"));
    assert_non_null(strstr(text, "   two two two \n"));
    assert_true(strstr(text, "one one one") < strstr(text, "two two two"));
}

static void a_call_that_is_quiet_lets_others_speak(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    open_block(1, 0);
    add_delta(1, 0, "one ", 1000);
    events_begin(store, 2, "b");
    open_block(2, 0);
    add_delta(2, 0, "two ", 2000);
    assert_false(is_out("two"));
    spy_text_tick(view, EVENTS_TIME_MS + 2000 + SPY_TEXT_PATIENCE_MS + 1);
    add_delta(1, 0, "more", 9000);
    const char *text = finish();
    const char *second = strstr(text, "two");
    assert_non_null(second);
    assert_true(strstr(text, "one") < second);
    assert_non_null(strstr(second, "== #1 goes on\n   more\n"));
}

static void one_that_has_too_much_to_keep_speaks_at_once(void **state)
{
    static char large[SPY_TEXT_HELD_BYTES + 100];
    memset(large, 'x', sizeof(large) - 1);
    start(&plain, NULL);
    events_begin(store, 1, "a");
    open_block(1, 0);
    add_delta(1, 0, "one", 1000);
    events_begin(store, 2, "b");
    events_say(store, 2, 0, LLM_ROLE_USER, large);
    events_end(store, 2);
    events_end(store, 1);
    const char *text = finish();
    assert_non_null(strstr(text, large));
    assert_true(strstr(text, "   one\n") < strstr(text, "#2 anthropic"));
}

static void blocks_that_stream_side_by_side_are_all_shown(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    open_block(1, 0);
    open_block(1, 1);
    add_delta(1, 0, "zero", 1000);
    add_delta(1, 1, "one", 1000);
    events_answer(store, 1, 1, "one");
    events_answer(store, 1, 0, "zero");
    events_end(store, 1);
    const char *text = finish();
    assert_non_null(strstr(text, "   zero\n"));
    assert_non_null(strstr(text, "   one\n"));
}

static void pieces_that_were_lost_are_made_good(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    open_block(1, 0);
    add_delta(1, 0, "day", 1000);
    events_answer(store, 1, 0, "good day");
    events_end(store, 1);
    assert_non_null(strstr(finish(), "   day\n   (whole:)\n   good day\n"));
}

static void what_is_denied_stands_between(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    open_block(1, 0);
    add_delta(1, 0, "one ", 1000);
    struct llm_event event = llm_event_make(LLM_AUDIT, 0);
    event.time_ms = EVENTS_TIME_MS;
    event.text =
        BYTES_LITERAL("{\"kind\":\"tls\",\"decision\":\"deny\",\"name\":\"evil\\u001b.example\","
                      "\"port\":443,\"reason\":\"no rule\"}");
    events_add(store, &event);
    add_delta(1, 0, "two", 1000);
    events_end(store, 1);
    const char *text = finish();
    assert_non_null(strstr(text, "   one two\n"));
    assert_non_null(strstr(text, "denied tls evil\\x1b.example:443 | no rule\n"));
}

static void what_is_denied_may_be_left_out(void **state)
{
    static const struct spy_text_options hidden = {.is_denied_hidden = true};
    start(&hidden, NULL);
    struct llm_event event = llm_event_make(LLM_AUDIT, 0);
    event.text = BYTES_LITERAL("{\"decision\":\"deny\"}");
    events_add(store, &event);
    assert_string_equal(finish(), "");
}

static void a_choice_by_the_request_is_shown_as_it_comes(void **state)
{
    static const struct spy_choice choice = {.session = "wanted"};
    start(&plain, &choice);
    events_begin(store, 1, "other");
    events_say(store, 1, 0, LLM_ROLE_USER, "not this");
    events_begin(store, 2, "wanted-1");
    events_say(store, 2, 0, LLM_ROLE_USER, "this");
    const char *text = finish();
    assert_null(strstr(text, "not this"));
    assert_non_null(strstr(text, "   this\n"));
}

static void a_choice_by_the_end_is_shown_then(void **state)
{
    struct error error;
    struct spy_filter *filter = spy_filter_parse(BYTES_LITERAL("~beta out>1"), &error);
    struct spy_choice choice = {.filter = filter};
    start(&plain, &choice);
    for (uint64_t call = 1; call <= 2; call++) {
        events_begin(store, call, "s");
        events_say(store, call, 0, LLM_ROLE_USER, call == 1 ? "alpha" : "beta");
        events_answer(store, call, 0, "answer");
        events_end(store, call);
    }
    const char *text = finish();
    assert_null(strstr(text, "alpha"));
    assert_non_null(strstr(text, "-> user\n   beta\n<- assistant\n   answer\n-- #2"));
    spy_filter_free(filter);
}

static void an_error_is_one_though_http_says_otherwise(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    struct llm_event event = llm_event_make(LLM_RESPONSE, 1);
    event.time_ms = EVENTS_TIME_MS;
    event.status = 200;
    events_add(store, &event);
    event = llm_event_make(LLM_ERROR, 1);
    event.time_ms = EVENTS_TIME_MS;
    event.name = BYTES_LITERAL("throttlingException");
    event.text = BYTES_LITERAL("slow down");
    events_add(store, &event);
    event = llm_event_make(LLM_END, 1);
    event.time_ms = EVENTS_TIME_MS;
    event.is_truncated = true;
    event.text = BYTES_LITERAL("the connection broke off");
    events_add(store, &event);
    const char *text = finish();
    assert_non_null(strstr(text, "!! throttlingException: slow down (though HTTP said 200)\n"));
    assert_non_null(strstr(text, ", not whole: the connection broke off\n"));
}

static void more_calls_at_once_than_there_are_places_are_all_shown(void **state)
{
    start(&plain, NULL);
    for (uint64_t call = 1; call <= SPY_TEXT_SECTIONS * 2; call++) {
        events_begin(store, call, "");
        open_block(call, 0);
        add_delta(call, 0, "words ", 1000 + call);
    }
    for (uint64_t call = 1; call <= SPY_TEXT_SECTIONS * 2; call++)
        events_end(store, call);
    const char *text = finish();
    size_t count = 0;
    for (const char *found = text; (found = strstr(found, "words")); found++)
        count++;
    assert_int_equal(count, SPY_TEXT_SECTIONS * 2);
}

static void results_name_the_tool_that_was_called(void **state)
{
    start(&plain, NULL);
    events_begin(store, 1, "a");
    struct llm_event event =
        events_block(1, LLM_SIDE_RESPONSE, LLM_BLOCK_TOOL_CALL, 0, "{\"command\":\"ls\"}");
    event.id = BYTES_LITERAL("call_1");
    event.name = BYTES_LITERAL("bash");
    events_add(store, &event);
    events_end(store, 1);
    events_begin(store, 2, "a");
    event = events_block(2, LLM_SIDE_REQUEST, LLM_BLOCK_TOOL_RESULT, 0, "no such file");
    event.id = BYTES_LITERAL("call_1");
    event.is_error = true;
    events_add(store, &event);
    const char *text = finish();
    assert_non_null(
        strstr(text, "<- assistant calls bash (call_1)\n   {\n     \"command\": \"ls\"\n"));
    assert_non_null(strstr(text, "-> error of bash (call_1)\n   no such file\n"));
}

RUN_TESTS(cmocka_unit_test(shows_a_call), cmocka_unit_test(a_head_waits_for_the_model),
          cmocka_unit_test(a_websocket_that_is_not_taken_is_a_line),
          cmocka_unit_test(what_was_seen_before_is_counted_only),
          cmocka_unit_test(all_is_shown_where_that_is_wanted),
          cmocka_unit_test(calls_at_the_same_time_stay_apart),
          cmocka_unit_test(a_call_that_is_quiet_lets_others_speak),
          cmocka_unit_test(one_that_has_too_much_to_keep_speaks_at_once),
          cmocka_unit_test(blocks_that_stream_side_by_side_are_all_shown),
          cmocka_unit_test(pieces_that_were_lost_are_made_good),
          cmocka_unit_test(what_is_denied_stands_between),
          cmocka_unit_test(what_is_denied_may_be_left_out),
          cmocka_unit_test(a_choice_by_the_request_is_shown_as_it_comes),
          cmocka_unit_test(a_choice_by_the_end_is_shown_then),
          cmocka_unit_test(an_error_is_one_though_http_says_otherwise),
          cmocka_unit_test(more_calls_at_once_than_there_are_places_are_all_shown),
          cmocka_unit_test(results_name_the_tool_that_was_called))
