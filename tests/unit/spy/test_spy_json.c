#include "test.h"

#include "spy/spy_json.h"

static struct buffer written;

static bool keep(void *context, struct bytes bytes)
{
    (void)context;
    assert_true(buffer_append(&written, bytes));
    return true;
}

static void assert_text(struct bytes text, const char *shown)
{
    struct spy_output output;
    struct spy_json json;
    buffer_init(&written, 1 << 20);
    spy_output_init(&output, keep, NULL);
    spy_json_init(&json, &output);
    spy_json_text(&json, NULL, text);
    assert_true(spy_output_done(&output));
    assert_bytes(buffer_bytes(&written), shown);
    buffer_done(&written);
}

static void assert_raw(const char *text, const char *shown)
{
    struct spy_output output;
    struct spy_json json;
    buffer_init(&written, 1 << 20);
    spy_output_init(&output, keep, NULL);
    spy_json_init(&json, &output);
    spy_json_raw_if(&json, NULL, bytes_from_text(text));
    assert_true(spy_output_done(&output));
    assert_bytes(buffer_bytes(&written), shown);
    buffer_done(&written);
}

static void texts_hold_nothing_that_cannot_be_seen(void **state)
{
    assert_text(BYTES_LITERAL("a\"b\\c\n\033\177\0"), "\"a\\\"b\\\\c\\n\\u001b\\u007f\\u0000\"");
    assert_text(BYTES_LITERAL("\xc2\x9b\xe2\x80\xae"), "\"\\u009b\\u202e\"");
    assert_text(BYTES_LITERAL("\xf3\xa0\x81\x81"), "\"\\udb40\\udc41\"");
    assert_text(BYTES_LITERAL("x\xffy"), "\"x\\ufffdy\"");
    assert_text(BYTES_LITERAL("größe 漢"), "\"größe 漢\"");
}

static void captured_json_stays_json(void **state)
{
    assert_raw("{ \"a\" : [1.50, \"\\u001b \xc2\x9b\"] }", "{\"a\":[1.50,\"\\u001b \\u009b\"]}");
    assert_raw("[1,2", "\"[1,2\"");
    assert_raw("no json", "\"no json\"");
    assert_raw("", "");
}

static void commas_stand_where_they_belong(void **state)
{
    struct spy_output output;
    struct spy_json json;
    buffer_init(&written, 1 << 20);
    spy_output_init(&output, keep, NULL);
    spy_json_init(&json, &output);
    spy_json_open_object(&json, NULL);
    spy_json_open_array(&json, "a");
    spy_json_number(&json, NULL, -5);
    spy_json_open_object(&json, NULL);
    spy_json_close_object(&json);
    spy_json_null(&json, NULL);
    spy_json_close_array(&json);
    spy_json_number_if(&json, "left out", -1);
    spy_json_text_if(&json, "left out", BYTES_EMPTY);
    spy_json_decimal(&json, "seconds", 12034, 1000);
    spy_json_bool(&json, "b", true);
    spy_json_base64(&json, "c", BYTES_LITERAL("\xff\x00"));
    spy_json_close_object(&json);
    assert_true(spy_output_done(&output));
    assert_bytes(buffer_bytes(&written),
                 "{\"a\":[-5,{},null],\"seconds\":12.034,\"b\":true,\"c\":\"/wA=\"}");
    buffer_done(&written);
}

static bool refuse(void *context, struct bytes bytes)
{
    (void)bytes;
    ++*(int *)context;
    return false;
}

static void an_output_that_nobody_takes_is_deaf(void **state)
{
    struct spy_output output;
    int asked = 0;
    spy_output_init(&output, refuse, &asked);
    for (int i = 0; i < 100000; i++)
        spy_output_add_text(&output, "text");
    assert_false(spy_output_done(&output));
    assert_int_equal(asked, 1);
}

RUN_TESTS(cmocka_unit_test(texts_hold_nothing_that_cannot_be_seen),
          cmocka_unit_test(captured_json_stays_json),
          cmocka_unit_test(commas_stand_where_they_belong),
          cmocka_unit_test(an_output_that_nobody_takes_is_deaf))
