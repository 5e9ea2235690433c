#include "test.h"

#include "llm/llm_price.h"

#include <stdio.h>
#include <stdlib.h>

static struct llm_usage usage_of(int64_t input, int64_t read, int64_t write, int64_t output)
{
    return (struct llm_usage){.input = input,
                              .cache_read = read,
                              .cache_write = write,
                              .output = output,
                              .reasoning = -1};
}

static struct llm_price_table *table_of(const char *text)
{
    struct llm_price_table *table = llm_price_table_new();
    struct error error;
    if (!llm_price_table_add(table, "prices", bytes_from_text(text), &error))
        fail_msg("%s", error.text);
    return table;
}

static void assert_refused(const char *text, const char *reason)
{
    struct llm_price_table *table = table_of("price m 1 1 1 1\n");
    struct llm_usage usage = usage_of(1000000, -1, -1, -1);
    struct error error;
    assert_false(llm_price_table_add(table, "prices", bytes_from_text(text), &error));
    assert_string_equal(error.text, reason);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), 1000000000);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("x"), &usage), -1);
    llm_price_table_free(table);
}

static void refuses_lines_that_say_something_else(void **state)
{
    static const char prices[] =
        ": wants four prices in dollars, 0 to 10000, with at most six decimal places";
    static const char factor[] = ": wants one factor, 0 to 100, with at most six decimal places";
    static const struct {
        const char *text, *place, *reason;
    } wrong[] = {
        {"cost x 1 2 3 4", "prices:1", ": neither price nor times"},
        {"price x 1 1 1 1\n\nprice", "prices:3",
         ": wants the pattern of a model's name, of at most 256 bytes"},
        {"price x 1 2 3", "prices:1", prices},
        {"price x 1 2 3 4 5", "prices:1", prices},
        {"price x 1 2 3 -4", "prices:1", prices},
        {"price x 1 2 3 4.", "prices:1", prices},
        {"price x 1 2 3 .4", "prices:1", prices},
        {"price x 1 2 3 0.1234567", "prices:1", prices},
        {"price x 1 2 3 10000.000001", "prices:1", prices},
        {"price x 1 2 3 1e3", "prices:1", prices},
        {"price x 1 2 3 99999999999999999999", "prices:1", prices},
        {"# fine\ntimes x", "prices:2", factor},
        {"times x 1 2", "prices:1", factor},
        {"times x 101", "prices:1", factor},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char reason[256];
        snprintf(reason, sizeof(reason), "%s%s", wrong[i].place, wrong[i].reason);
        assert_refused(wrong[i].text, reason);
    }
    char line[300];
    snprintf(line, sizeof(line), "price %0257d 1 1 1 1", 0);
    assert_refused(line, "prices:1: wants the pattern of a model's name, of at most 256 bytes");
}

static void refuses_more_lines_than_the_limit(void **state)
{
    struct llm_price_table *table = table_of("");
    struct error error;
    for (int i = 0; i < LLM_PRICE_LINES_MAX; i++)
        assert_true(llm_price_table_add(table, "p", BYTES_LITERAL("price a 1 1 1 1"), &error));
    assert_false(llm_price_table_add(table, "p", BYTES_LITERAL("times a 1"), &error));
    assert_string_equal(error.text, "p:1: too many lines");
    llm_price_table_free(table);
}

static void what_has_no_price_or_no_tokens_costs_nothing_that_is_known(void **state)
{
    struct llm_price_table *table = table_of("price m 1 1 1 1");
    struct llm_usage usage = usage_of(5, 0, 0, 5);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("other"), &usage), -1);
    assert_int_equal(llm_price_cost_nano(table, BYTES_EMPTY, &usage), -1);
    usage = usage_of(-1, 5, 5, -1);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), -1);
    usage = usage_of(LLM_PRICE_TOKENS_MAX + INT64_C(1), 0, 0, 0);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), -1);
    llm_price_table_free(table);
}

static void adds_up_each_kind_of_token(void **state)
{
    struct llm_price_table *table = table_of("price m 3 0.30 3.75 15\ntimes m 1.1 # a tenth more");
    /* 4 new, 1500 read, 60 written, 42 out: 12 + 450 + 225 + 630 millionths, times 1.1. */
    struct llm_usage usage = usage_of(1564, 1500, 60, 42);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), 1448700);
    usage = usage_of(1000, -1, -1, -1);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), 3300000);
    /* More from the cache than there was: nothing is negative. */
    usage = usage_of(1, 1000, 0, 0);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage), 330000);
    llm_price_table_free(table);
    table = table_of("price m 10000 10000 10000 10000\ntimes m 100");
    usage = usage_of(LLM_PRICE_TOKENS_MAX, 0, 0, LLM_PRICE_TOKENS_MAX);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("m"), &usage),
                     INT64_C(2000000000000000000));
    llm_price_table_free(table);
}

static void the_first_pattern_that_matches_all_of_the_name_counts(void **state)
{
    struct llm_price_table *table = table_of("price *opus-5-5* 1 0 0 0\r\n"
                                             "price\ta*b*c\t2 0 0 0\n"
                                             "price exact 3 0 0 0\n"
                                             "price *opus* 4 0 0 0\n"
                                             "price ** 5 0 0 0\n");
    static const struct {
        const char *model;
        int64_t dollars;
    } cases[] = {
        {"us.claude-opus-5-5-v1:0", 1},
        {"opus-5-5", 1},
        {"abc", 2},
        {"a-b-b-c", 2},
        {"abcb", 5},
        {"exact", 3},
        {"exactly", 5},
        {"claude-opus-5", 4},
        {"", 5},
    };
    struct llm_usage usage = usage_of(1000000, 0, 0, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(llm_price_cost_nano(table, bytes_from_text(cases[i].model), &usage),
                         cases[i].dollars * 1000000000);
    llm_price_table_free(table);
}

static void the_table_that_comes_with_it_knows_the_models_of_today(void **state)
{
    struct llm_price_table *table = llm_price_table_new();
    llm_price_table_add_built_in(table);
    static const struct {
        const char *model;
        int64_t in, out; /* cents for a million */
    } models[] = {
        {"claude-opus-5-5", 400, 2000},
        {"us.anthropic.claude-opus-5-5", 440, 2200},
        {"global.anthropic.claude-opus-5-5", 400, 2000},
        {"anthropic.claude-opus-5-5", 400, 2000},
        {"claude-sonnet-4-5-20250929", 300, 1500},
        {"us.anthropic.claude-sonnet-4-5-20250929-v1:0", 330, 1650},
        {"us.anthropic.claude-sonnet-4-20250514-v1:0", 300, 1500},
        {"us.anthropic.claude-haiku-4-5-20251001-v1:0", 110, 550},
        {"gpt-6.1-sol", 200, 1000},
        {"openai.gpt-6.1-sol", 220, 1100},
        {"gpt-5.1", 125, 1000},
        {"gpt-4o-mini", 15, 60},
        {"us.amazon.nova-pro-v1:0", 80, 320},
    };
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        struct llm_usage in = usage_of(1000000, 0, 0, 0), out = usage_of(0, 0, 0, 1000000);
        struct bytes model = bytes_from_text(models[i].model);
        assert_int_equal(llm_price_cost_nano(table, model, &in), models[i].in * 10000000);
        assert_int_equal(llm_price_cost_nano(table, model, &out), models[i].out * 10000000);
    }
    struct llm_usage usage = usage_of(1, 0, 0, 0);
    assert_int_equal(llm_price_cost_nano(table, BYTES_LITERAL("a-model-of-tomorrow"), &usage), -1);
    llm_price_table_free(table);
}

RUN_TESTS(cmocka_unit_test(refuses_lines_that_say_something_else),
          cmocka_unit_test(refuses_more_lines_than_the_limit),
          cmocka_unit_test(what_has_no_price_or_no_tokens_costs_nothing_that_is_known),
          cmocka_unit_test(adds_up_each_kind_of_token),
          cmocka_unit_test(the_first_pattern_that_matches_all_of_the_name_counts),
          cmocka_unit_test(the_table_that_comes_with_it_knows_the_models_of_today))
