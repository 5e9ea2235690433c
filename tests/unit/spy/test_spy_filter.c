#include "test.h"

#include "spy/spy_filter.h"

#include <stdio.h>

static const struct spy_summary sonnet = {
    .number = 7,
    .status = 200,
    .input = 12000,
    .cache_read = 0,
    .cache_write = -1,
    .output = 999,
    .reasoning = -1,
    .first_byte_ms = 800,
    .duration_ms = 61000,
    .cost_nano = 12300000,
    .api = LLM_API_ANTHROPIC_MESSAGES,
    .transport = LLM_TRANSPORT_HTTP2,
    .provider = "anthropic",
    .model = "claude-sonnet-4-5",
    .session = "a b",
    .stop = "end_turn",
};

static bool is_met(const char *text)
{
    struct error error;
    struct spy_filter *filter = spy_filter_parse(bytes_from_text(text), &error);
    if (filter == NULL)
        print_message("%s: %s\n", text, error.text);
    assert_non_null(filter);
    bool is_matched = spy_filter_matches(filter, &sonnet, NULL);
    spy_filter_free(filter);
    return is_matched;
}

static void refuses_what_is_no_expression(void **state)
{
    static const char *const texts[] = {
        "",          " ",           "(",
        ")",         "model=",      "model",
        "nothing=1", "in>",         "in>x",
        "in~3",      "model<b",     "status=200 and",
        "or",        "not",         "!",
        "~",         "(in>1",       "in>1)",
        "a=\"open",  "model=\"x",   "in>1.2345",
        "in>1..2",   "duration>5d", "=x",
        "cost>1k",   "in>-1",       "in>99999999999999999999",
        "in>.5",     "in>5.",
    };
    struct error error;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct spy_filter *filter = spy_filter_parse(bytes_from_text(texts[i]), &error);
        if (strcmp(texts[i], "model") == 0) { /* the one that is a question */
            assert_non_null(filter);
            spy_filter_free(filter);
            continue;
        }
        if (filter)
            print_message("taken: %s\n", texts[i]);
        assert_null(filter);
    }
}

static void refuses_what_is_too_long_or_too_deep(void **state)
{
    static char text[SPY_FILTER_TEXT_MAX + 2];
    struct error error;
    memset(text, '(', 100);
    assert_null(spy_filter_parse((struct bytes){(const uint8_t *)text, 100}, &error));
    memset(text, '!', sizeof(text));
    assert_null(spy_filter_parse((struct bytes){(const uint8_t *)text, 100}, &error));
    assert_null(spy_filter_parse((struct bytes){(const uint8_t *)text, sizeof(text)}, &error));
    size_t length = 0;
    for (int i = 0; i < 300; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "in>1 ");
    assert_null(spy_filter_parse((struct bytes){(const uint8_t *)text, length}, &error));
}

static void an_error_names_its_place(void **state)
{
    struct error error;
    assert_null(spy_filter_parse(BYTES_LITERAL("in>1 and modle=x"), &error));
    assert_string_equal(error.text, "no such field at: modle=x");
}

static void compares_texts(void **state)
{
    assert_true(is_met("provider=anthropic"));
    assert_true(is_met("provider=ANTHROPIC"));
    assert_false(is_met("provider=anthro"));
    assert_true(is_met("model=claude-*"));
    assert_true(is_met("model=*sonnet*"));
    assert_false(is_met("model=*opus*"));
    assert_true(is_met("model~sonnet"));
    assert_true(is_met("model!=gpt*"));
    assert_true(is_met("session=\"a b\""));
    assert_true(is_met("session=\"\\a b\""));
    assert_true(is_met("api=anthropic-messages"));
    assert_true(is_met("transport=h2"));
    assert_true(is_met("session"));
    assert_false(is_met("host"));
    assert_false(is_met("error"));
}

static void compares_numbers_with_their_units(void **state)
{
    assert_true(is_met("in>=12k"));
    assert_false(is_met("in>12k"));
    assert_true(is_met("out<1k"));
    assert_true(is_met("out>0.5k"));
    assert_true(is_met("in<0.1m"));
    assert_true(is_met("status=200"));
    assert_true(is_met("call=7"));
    assert_true(is_met("duration>1m"));
    assert_true(is_met("duration<1h"));
    assert_true(is_met("first<1"));
    assert_true(is_met("first=800ms"));
    assert_true(is_met("cost>0.0122"));
    assert_true(is_met("cost<0.0124"));
    /* What was not told is in no order. */
    assert_false(is_met("reasoning<5"));
    assert_false(is_met("reasoning>=0"));
    assert_true(is_met("reasoning!=5"));
    assert_false(is_met("cached"));
}

static void joins_conditions(void **state)
{
    assert_true(is_met("in>1 out>1"));
    assert_true(is_met("in>1 and out>1"));
    assert_false(is_met("in>1 and out>1k"));
    assert_true(is_met("in>1 or out>1k"));
    assert_true(is_met("out>1k or in>1"));
    assert_true(is_met("!error"));
    assert_true(is_met("not error and not truncated"));
    assert_true(is_met("out>1k and error or in>1"));
    assert_false(is_met("out>1k and (error or in>1)"));
    assert_true(is_met("!(out>1k and (error or in>1))"));
    assert_true(is_met("(in>1)(out>1)"));
    assert_true(is_met("model=claude* OR error"));
}

static void looks_for_texts_and_tools_in_a_call(void **state)
{
    struct llm_call *call = llm_call_new(7);
    struct llm_event event = llm_event_make(LLM_BLOCK, 7);
    event.side = LLM_SIDE_RESPONSE;
    event.block_kind = LLM_BLOCK_TOOL_CALL;
    event.name = BYTES_LITERAL("bash");
    event.text = BYTES_LITERAL("{\"command\":\"Permission Denied\"}");
    llm_call_apply(call, &event);
    static const struct {
        const char *text;
        bool is_met;
    } rows[] = {
        {"~\"permission denied\"", true},
        {"~PERMISSION", true},
        {"~nothing", false},
        {"tool=bash", true},
        {"tool=b*", true},
        {"tool!=bash", false},
        {"!tool=bash", false},
        {"tool=read", false},
        {"tool!=read", true},
        {"tool", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error error;
        struct spy_filter *filter = spy_filter_parse(bytes_from_text(rows[i].text), &error);
        assert_non_null(filter);
        assert_int_equal(spy_filter_needs(filter), SPY_FILTER_CALL);
        assert_int_equal(spy_filter_matches(filter, &sonnet, call), rows[i].is_met);
        spy_filter_free(filter);
    }
    llm_call_free(call);
}

static void knows_what_it_needs(void **state)
{
    struct error error;
    assert_int_equal(spy_filter_needs(NULL), SPY_FILTER_REQUEST);
    struct spy_filter *filter = spy_filter_parse(BYTES_LITERAL("model=x or !host=y"), &error);
    assert_int_equal(spy_filter_needs(filter), SPY_FILTER_REQUEST);
    spy_filter_free(filter);
    filter = spy_filter_parse(BYTES_LITERAL("model=x or status=200"), &error);
    assert_int_equal(spy_filter_needs(filter), SPY_FILTER_END);
    spy_filter_free(filter);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_expression),
          cmocka_unit_test(refuses_what_is_too_long_or_too_deep),
          cmocka_unit_test(an_error_names_its_place), cmocka_unit_test(compares_texts),
          cmocka_unit_test(compares_numbers_with_their_units), cmocka_unit_test(joins_conditions),
          cmocka_unit_test(looks_for_texts_and_tools_in_a_call),
          cmocka_unit_test(knows_what_it_needs))
