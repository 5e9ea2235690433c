#include "test.h"

#include "spy/screen_json.h"

#include <stdio.h>

static const char *readable(const char *json, bool is_short)
{
    static char text[1024];
    struct buffer out;
    buffer_init(&out, 900);
    bool is_fine = is_short ? screen_json_short(bytes_from_text(json), &out)
                            : screen_json_readable(bytes_from_text(json), &out);
    struct bytes written = buffer_bytes(&out);
    assert_true(is_fine || written.length == 0);
    snprintf(text, sizeof(text), "%.*s", (int)written.length,
             written.data ? (const char *)written.data : "");
    buffer_done(&out);
    return is_fine ? text : "-";
}

static void refuses_what_is_no_object_or_array(void **state)
{
    static const char *const bad[] = {
        "",      " ",         "1",           "true",     "\"a\"",    "{",          "[",    "[1",
        "[1,",   "[1,]",      "{\"a\"}",     "{\"a\":}", "{a:1}",    "{\"a\":1,}", "[1]]", "[1] x",
        "[\"a]", "[\"\\q\"]", "[\"\\u12\"]", "[\"\\",    "[\"a\\\"", "[ ,]",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strcmp(readable(bad[i], false), "-") != 0)
            fail_msg("took %s", bad[i]);
    char deep[200];
    memset(deep, '[', 100);
    memset(deep + 100, ']', 99);
    deep[199] = '\0';
    assert_string_equal(readable(deep, false), "-");
}

static void shows_one_member_a_line(void **state)
{
    assert_string_equal(readable("{\"a\":1,\"b\":[true,null],\"c\":{},\"d\":[]}", false),
                        "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    null\n  ],\n  \"c\": {},\n"
                        "  \"d\": []\n}");
    assert_string_equal(readable(" [ ] ", false), "[]");
}

static void shows_texts_as_they_mean(void **state)
{
    assert_string_equal(readable("[\"a\\nb\\t\\\"c\\\" \\u00e4\\ud83d\\ude00\"]", false),
                        "[\n  \"a\n  b\t\"c\" ä😀\"\n]");
    assert_string_equal(readable("[\"\\ud83d x\"]", false), "[\n  \"\xef\xbf\xbd x\"\n]");
    assert_string_equal(readable("[\"\\ud83d\\u0041\"]", false), "[\n  \"\xef\xbf\xbd"
                                                                 "A\"\n]");
}

static void short_form_is_one_line_as_spelled(void **state)
{
    assert_string_equal(readable("{ \"a\" : \"x\\ny\" ,\n \"b\": [ 1 , 2 ] }", true),
                        "{\"a\":\"x\\ny\",\"b\":[1,2]}");
}

static void writes_nothing_when_there_is_no_room(void **state)
{
    struct buffer out;
    buffer_init(&out, 5);
    assert_false(screen_json_readable(BYTES_LITERAL("[1,2,3]"), &out));
    assert_int_equal(buffer_length(&out), 0);
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(refuses_what_is_no_object_or_array),
          cmocka_unit_test(shows_one_member_a_line), cmocka_unit_test(shows_texts_as_they_mean),
          cmocka_unit_test(short_form_is_one_line_as_spelled),
          cmocka_unit_test(writes_nothing_when_there_is_no_room))
