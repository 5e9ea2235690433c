#include "test.h"

#include "llm/llm_json.h"

static enum llm_json_status status_of(const char *text)
{
    struct llm_json json;
    enum llm_json_status status = llm_json_parse(&json, bytes_from_text(text));
    llm_json_done(&json);
    return status;
}

static void assert_compact(struct llm_value value, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    assert_true(llm_value_compact(value, &out));
    assert_bytes(buffer_bytes(&out), expected);
    buffer_done(&out);
}

static void assert_read(const char *text, enum llm_json_status status, const char *compact)
{
    struct llm_json json;
    assert_int_equal(llm_json_parse(&json, bytes_from_text(text)), status);
    assert_compact(llm_json_root(&json), compact);
    llm_json_done(&json);
}

static void refuses_what_is_no_json(void **state)
{
    static const char *const wrong[] = {
        "x",         "tru3",        "nul1",    "01",      "-a",
        "1.x",       "1e+x",        "[1,]",    "[,1]",    "{,}",
        "{\"a\",1}", "{\"a\":1,}",  "{1:2}",   "[1 2]",   "[1}",
        "{\"a\":1]", "1 2",         "{} {}",   "\"\\x\"", "\"\\u12g4\"",
        "\"a\nb\"",  "'a'",         "+1",      ".5",      "[\"a\" \"b\"]",
        "}",         "]",           "[1.]",    "[1.e5]",  "[--1]",
        "{\"a\":}",  "[truefalse]", "[true1]", "[1true]",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (status_of(wrong[i]) != LLM_JSON_BAD)
            fail_msg("taken for JSON: %s", wrong[i]);
    }
}

static void refuses_depth_and_number_of_values_past_the_limits(void **state)
{
    char deep[2 * LLM_JSON_DEPTH_MAX + 8];
    memset(deep, '[', sizeof(deep));
    struct llm_json json;
    assert_int_equal(llm_json_parse(&json, (struct bytes){(uint8_t *)deep, LLM_JSON_DEPTH_MAX}),
                     LLM_JSON_CUT);
    llm_json_done(&json);
    assert_int_equal(llm_json_parse(&json, (struct bytes){(uint8_t *)deep, LLM_JSON_DEPTH_MAX + 1}),
                     LLM_JSON_BAD);
    assert_string_equal(json.problem, "too deep");
    llm_json_done(&json);

    struct buffer many;
    buffer_init(&many, 4 * LLM_JSON_NODES_MAX);
    assert_true(buffer_append_byte(&many, '['));
    for (size_t i = 2; i < LLM_JSON_NODES_MAX; i++)
        assert_true(buffer_append_text(&many, "1,"));
    assert_true(buffer_append_text(&many, "1]"));
    assert_int_equal(llm_json_parse(&json, buffer_bytes(&many)), LLM_JSON_WHOLE);
    assert_int_equal(llm_value_count(llm_json_root(&json)), LLM_JSON_NODES_MAX - 1);
    llm_json_done(&json);
    many.end--;
    assert_true(buffer_append_text(&many, ",1]"));
    assert_int_equal(llm_json_parse(&json, buffer_bytes(&many)), LLM_JSON_BAD);
    assert_int_equal(llm_value_kind(llm_json_root(&json)), LLM_JSON_NONE);
    llm_json_done(&json);
    buffer_done(&many);
}

static void keeps_numbers_order_and_escapes_as_they_were_sent(void **state)
{
    assert_read(" { \"z\" : 1.10 , \"a\" : [ -0.5e+10 , 12345678901234567890 ] , \"z\" : \"\\u00e9"
                "\\/\" } \n",
                LLM_JSON_WHOLE,
                "{\"z\":1.10,\"a\":[-0.5e+10,12345678901234567890],\"z\":\"\\u00e9\\/\"}");
    assert_read("[]", LLM_JSON_WHOLE, "[]");
    assert_read("{}", LLM_JSON_WHOLE, "{}");
    assert_read(" null ", LLM_JSON_WHOLE, "null");
    assert_read("[\"\xff\"]", LLM_JSON_WHOLE, "[\"\\\\xff\"]");
}

static void reads_what_is_there_of_a_document_that_broke_off(void **state)
{
    assert_read("{\"a\":[1,2,{\"b\":\"tex", LLM_JSON_CUT, "{\"a\":[1,2,{\"b\":\"tex\"}]}");
    assert_read("{\"a\":1,\"b", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("{\"a\":1,\"b\"", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("{\"a\":1,\"b\":", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("{\"a\":1,\"b\":tr", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("{\"a\":1,\"b\":12", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("{\"a\":1,\"b\":-", LLM_JSON_CUT, "{\"a\":1}");
    assert_read("[true", LLM_JSON_CUT, "[]");
    assert_read("[\"ab\\u00e", LLM_JSON_CUT, "[\"ab\"]");
    assert_read("[\"ab\\", LLM_JSON_CUT, "[\"ab\"]");
    assert_read("[\"ab\xf0\x9f\x98", LLM_JSON_CUT, "[\"ab\"]");
    assert_read("[\"ab\xc3\xa9", LLM_JSON_CUT, "[\"ab\xc3\xa9\"]");
    assert_int_equal(status_of(""), LLM_JSON_CUT);
    assert_int_equal(status_of("tru"), LLM_JSON_CUT);
}

static void a_document_that_is_cut_anywhere_is_never_bad(void **state)
{
    static const char whole[] =
        "{\"a\":[1,-2.5e-3,true,false,null,{\"\\u00e9\\n\":\"\\ud83d\\ude00\"},[],{}],\"b\":\"\xf0"
        "\x9f\x98\x80\"}";
    for (size_t length = 0; length < sizeof(whole) - 1; length++) {
        struct llm_json json, again;
        struct bytes part = {(const uint8_t *)whole, length};
        assert_int_equal(llm_json_parse(&json, part), LLM_JSON_CUT);
        struct buffer out;
        buffer_init(&out, 1024);
        if (length) {
            assert_true(llm_value_compact(llm_json_root(&json), &out));
            assert_int_equal(llm_json_parse(&again, buffer_bytes(&out)), LLM_JSON_WHOLE);
            llm_json_done(&again);
        }
        buffer_done(&out);
        llm_json_done(&json);
    }
    assert_int_equal(status_of(whole), LLM_JSON_WHOLE);
}

static void assert_text(const char *json_text, struct bytes expected)
{
    struct llm_json json;
    assert_int_equal(llm_json_parse(&json, bytes_from_text(json_text)), LLM_JSON_WHOLE);
    for (int again = 0; again < 2; again++) {
        struct bytes text = llm_value_text(llm_json_root(&json));
        assert_int_equal(text.length, expected.length);
        if (text.length)
            assert_memory_equal(text.data, expected.data, text.length);
    }
    llm_json_done(&json);
}

static void decodes_texts_without_loss(void **state)
{
    assert_text("\"\"", BYTES_LITERAL(""));
    assert_text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", BYTES_LITERAL("\"\\/\b\f\n\r\t"));
    assert_text("\"\\u0041\\u00e9\\u20ac\\uD83D\\ude00\"",
                BYTES_LITERAL("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
    assert_text("\"a\\u0000b\"", BYTES_LITERAL("a\0b"));
    /* Half of a pair stays visible as what was sent, also beside another half. */
    assert_text("\"a\\ud83dz\"", BYTES_LITERAL("a\\ud83dz"));
    assert_text("\"\\ude00\\ud83d\"", BYTES_LITERAL("\\ude00\\ud83d"));
    assert_text("\"\\ud83d\\ud83d\\ude00\"", BYTES_LITERAL("\\ud83d\xf0\x9f\x98\x80"));
    assert_text("\"\\ud83d\\n\"", BYTES_LITERAL("\\ud83d\n"));
    /* Bytes that are no UTF-8: overlong, surrogates in UTF-8, past the last code point. */
    assert_text("\"a\xff\xc0\x80z\"", BYTES_LITERAL("a\\xff\\xc0\\x80z"));
    assert_text("\"\xed\xa0\x80\"", BYTES_LITERAL("\\xed\\xa0\\x80"));
    assert_text("\"\\n\xf4\x90\x80\x80\"", BYTES_LITERAL("\n\\xf4\\x90\\x80\\x80"));
}

static void finds_members_by_their_decoded_keys_and_takes_the_last(void **state)
{
    struct llm_json json;
    static const char text[] = "{\"te\\u0078t\":\"one\",\"n\":-1,\"f\":12.9,\"big\":99999999999999"
                               "99999,\"t\":true,\"text\":\"two\",\"list\":[1,\"2\"]}";
    assert_int_equal(llm_json_parse(&json, bytes_from_text(text)), LLM_JSON_WHOLE);
    struct llm_value root = llm_json_root(&json);
    assert_bytes(llm_value_get_text(root, "text"), "two");
    assert_int_equal(llm_value_get_number(root, "n"), -1);
    assert_int_equal(llm_value_get_number(root, "f"), 12);
    assert_int_equal(llm_value_get_number(root, "big"), -1);
    assert_int_equal(llm_value_get_number(root, "missing"), -1);
    assert_int_equal(llm_value_get_number(root, "text"), -1);
    assert_true(llm_value_is_true(llm_value_get(root, "t")));
    assert_true(llm_value_get_equals(root, "text", "two"));
    assert_false(llm_value_get_equals(root, "n", "-1"));
    assert_int_equal(llm_value_count(root), 7);
    struct llm_members members = llm_members_of(llm_value_get(root, "list"));
    assert_true(llm_members_next(&members));
    assert_int_equal(llm_value_number(members.value), 1);
    assert_true(llm_members_next(&members));
    assert_bytes(llm_value_text(members.value), "2");
    assert_bytes(llm_value_raw(members.value), "\"2\"");
    assert_false(llm_members_next(&members));
    llm_json_done(&json);
}

static void answers_every_question_about_no_value(void **state)
{
    struct llm_value none = {0};
    assert_int_equal(llm_value_kind(none), LLM_JSON_NONE);
    assert_int_equal(llm_value_get_text(llm_value_get(none, "a"), "b").length, 0);
    assert_int_equal(llm_value_number(none), -1);
    assert_int_equal(llm_value_count(none), 0);
    assert_false(llm_value_is_true(none));
    assert_int_equal(llm_value_raw(none).length, 0);
}

static void quotes_every_byte_so_that_it_reads_back(void **state)
{
    uint8_t all[256];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    struct buffer out;
    buffer_init(&out, 4096);
    assert_true(llm_json_append_quoted(&out, (struct bytes){all, 128}));
    struct llm_json json;
    assert_int_equal(llm_json_parse(&json, buffer_bytes(&out)), LLM_JSON_WHOLE);
    struct bytes text = llm_value_text(llm_json_root(&json));
    assert_int_equal(text.length, 128);
    assert_memory_equal(text.data, all, 128);
    llm_json_done(&json);
    buffer_clear(&out);
    assert_true(llm_json_append_quoted(&out, (struct bytes){all + 128, 128}));
    assert_int_equal(buffer_length(&out), 2 + 128 * 5);
    assert_int_equal(llm_json_utf8_length(buffer_bytes(&out)), buffer_length(&out));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_json),
          cmocka_unit_test(refuses_depth_and_number_of_values_past_the_limits),
          cmocka_unit_test(keeps_numbers_order_and_escapes_as_they_were_sent),
          cmocka_unit_test(reads_what_is_there_of_a_document_that_broke_off),
          cmocka_unit_test(a_document_that_is_cut_anywhere_is_never_bad),
          cmocka_unit_test(decodes_texts_without_loss),
          cmocka_unit_test(finds_members_by_their_decoded_keys_and_takes_the_last),
          cmocka_unit_test(answers_every_question_about_no_value),
          cmocka_unit_test(quotes_every_byte_so_that_it_reads_back))
