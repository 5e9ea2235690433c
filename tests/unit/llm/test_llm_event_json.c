#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "llm/llm_event_json.h"

static void assert_refused(const char *line, const char *reason)
{
    struct llm_event_line read;
    struct error error;
    if (llm_event_read(bytes_from_text(line), &read, &error))
        fail_msg("taken for an event: %s", line);
    if (strstr(error.text, reason) == NULL)
        fail_msg("%s: refused with: %s", line, error.text);
}

static void refuses_lines_that_are_no_events(void **state)
{
    assert_refused("", "cut");
    assert_refused("{\"v\":1,\"event\":\"end\"", "cut");
    assert_refused("[]", "not an object");
    assert_refused("{\"event\":\"end\"}", "version");
    assert_refused("{\"v\":2,\"event\":\"end\"}", "version");
    assert_refused("{\"v\":\"1\",\"event\":\"end\"}", "version");
    assert_refused("{\"v\":1}", "unknown event");
    assert_refused("{\"v\":1,\"event\":\"ends\"}", "unknown event \"ends\"");
    assert_refused("{\"v\":1,\"event\":5}", "unknown event");
}

static void refuses_values_of_the_wrong_type_or_range(void **state)
{
    static const char *const wrong[] = {
        "\"call\":-1",
        "\"call\":1.5",
        "\"call\":\"1\"",
        "\"call\":18446744073709551616",
        "\"time\":5",
        "\"time\":\"2026-01-02\"",
        "\"time\":\"2026-13-02T03:04:05.678Z\"",
        "\"time\":\"2026-01-02 03:04:05.678Z\"",
        "\"time\":\"1969-01-02T03:04:05.678Z\"",
        "\"status\":65536",
        "\"block\":4294967296",
        "\"message\":null",
        "\"text\":1",
        "\"text\":{}",
        "\"model\":[\"m\"]",
        "\"headers\":{}",
        "\"headers\":\"[]\"",
        "\"parameters\":[]",
        "\"is_error\":1",
        "\"is_open\":\"true\"",
        "\"api\":\"other-api\"",
        "\"api\":8",
        "\"role\":\"root\"",
        "\"block_kind\":\"TEXT\"",
        "\"side\":\"left\"",
        "\"section\":\"\"",
        "\"transport\":\"h3\"",
        "\"usage\":[]",
        "\"usage\":{\"input\":-1}",
        "\"usage\":{\"input\":\"1\"}",
        "\"usage\":{\"native\":1}",
        "\"duration_ms\":-1",
        "\"first_byte_ms\":9223372036854775808",
        "\"base64\":\"YQ==\"",
        "\"text\":\"a\",\"text\":\"b\"",
        "\"json\":1,\"json\":2",
        "\"usage\":{\"native\":{}},\"usage\":{\"native\":{}}",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        char line[256];
        snprintf(line, sizeof(line), "{\"v\":1,\"event\":\"block\",%s}", wrong[i]);
        assert_refused(line, "is wrong");
    }
    assert_refused("{\"v\":1,\"event\":\"body\",\"base64\":\"YQ=\"}", "is wrong");
    assert_refused("{\"v\":1,\"event\":\"body\",\"base64\":\"YQ==\",\"base64\":\"YQ==\"}",
                   "is wrong");
}

static void refuses_a_line_past_the_limit_and_leaves_the_output_unchanged(void **state)
{
    struct llm_event_line read = {.root = (void *)1};
    struct error error;
    uint8_t *line = memory_new(LLM_EVENT_LINE_MAX + 1);
    assert_false(llm_event_read((struct bytes){line, LLM_EVENT_LINE_MAX + 1}, &read, &error));
    assert_non_null(strstr(error.text, "longer than"));
    assert_true(read.root == (void *)1);
    free(line);
}

/* Write, read back and write again: the same line. */
static void assert_line(const struct llm_event *event, const char *expected)
{
    struct buffer out, again;
    buffer_init(&out, LLM_EVENT_LINE_MAX);
    buffer_init(&again, LLM_EVENT_LINE_MAX);
    assert_true(llm_event_write(event, &out));
    assert_bytes(buffer_bytes(&out), expected);
    struct llm_event_line read;
    struct error error;
    assert_true(llm_event_read(buffer_bytes(&out), &read, &error));
    assert_true(llm_event_write(&read.event, &again));
    assert_bytes(buffer_bytes(&again), expected);
    llm_event_line_done(&read);
    buffer_done(&out);
    buffer_done(&again);
}

static void writes_each_kind_with_what_it_says_and_reads_it_back(void **state)
{
    struct llm_event event = llm_event_make(LLM_CALL, 7);
    event.time_ms = UINT64_C(1767323045678);
    event.provider = BYTES_LITERAL("anthropic");
    event.exchange = 3;
    event.host = BYTES_LITERAL("api.anthropic.com");
    event.method = BYTES_LITERAL("POST");
    event.path = BYTES_LITERAL("/v1/messages?beta=true");
    event.headers = BYTES_LITERAL("[ [\"a\", \"b\"] ]");
    assert_line(&event,
                "{\"v\":1,\"event\":\"call\",\"call\":7,\"time\":\"2026-01-02T03:04:05.678Z\""
                ",\"provider\":\"anthropic\",\"api\":\"anthropic-messages\",\"transport\":"
                "\"h1\",\"exchange\":3,\"host\":\"api.anthropic.com\",\"method\":\"POST\","
                "\"path\":\"/v1/messages?beta=true\",\"headers\":[[\"a\",\"b\"]]}\n");

    event = llm_event_make(LLM_BLOCK, 7);
    event.side = LLM_SIDE_RESPONSE;
    event.section = LLM_SECTION_MESSAGES;
    event.role = LLM_ROLE_ASSISTANT;
    event.block_kind = LLM_BLOCK_TOOL_CALL;
    event.is_open = true;
    event.id = BYTES_LITERAL("toolu_1");
    event.name = BYTES_LITERAL("Bash");
    event.text = BYTES_LITERAL("{\"a\":\"\n\0\x1b\x7f\"}");
    assert_line(&event, "{\"v\":1,\"event\":\"block\",\"call\":7,\"side\":\"response\",\"section\":"
                        "\"messages\",\"role\":\"assistant\",\"block_kind\":\"tool_call\",\"block\""
                        ":0,\"message\":0,\"is_open\":true,\"id\":\"toolu_1\",\"name\":\"Bash\","
                        "\"text\":\"{\\\"a\\\":\\\"\\n\\u0000\\u001b\\u007f\\\"}\"}\n");

    event = llm_event_make(LLM_USAGE, 1);
    event.usage.input = 0;
    event.usage.output = 42;
    event.usage.native = BYTES_LITERAL("{\"output_tokens\": 42}");
    assert_line(&event, "{\"v\":1,\"event\":\"usage\",\"call\":1,\"usage\":{\"input\":0,\"output\":"
                        "42,\"native\":{\"output_tokens\":42}}}\n");
    event = llm_event_make(LLM_USAGE, 1);
    assert_line(&event, "{\"v\":1,\"event\":\"usage\",\"call\":1,\"usage\":{}}\n");

    event = llm_event_make(LLM_END, 1);
    event.duration_ms = 0;
    event.is_truncated = true;
    assert_line(&event, "{\"v\":1,\"event\":\"end\",\"call\":1,\"duration_ms\":0,\"is_truncated\":"
                        "true}\n");

    event = llm_event_make(LLM_LOST, 0);
    event.count = UINT64_MAX;
    assert_line(&event, "{\"v\":1,\"event\":\"lost\",\"count\":18446744073709551615}\n");
}

static void a_body_that_is_no_text_is_written_as_base64(void **state)
{
    struct llm_event event = llm_event_make(LLM_BODY, 1);
    event.side = LLM_SIDE_RESPONSE;
    event.text = BYTES_LITERAL("\x00\xff\x80z");
    assert_line(&event, "{\"v\":1,\"event\":\"body\",\"call\":1,\"side\":\"response\",\"base64\":"
                        "\"AP+Aeg==\"}\n");
    event.text = BYTES_LITERAL("h\xc3\xa9");
    assert_line(&event, "{\"v\":1,\"event\":\"body\",\"call\":1,\"side\":\"response\",\"text\":"
                        "\"h\xc3\xa9\"}\n");
}

static void what_is_no_json_or_no_utf8_still_makes_a_whole_line(void **state)
{
    struct llm_event event = llm_event_make(LLM_NATIVE, 1);
    event.name = BYTES_LITERAL("\xfe");
    event.json = BYTES_LITERAL("{\"a\":\n1}x");
    assert_line(&event, "{\"v\":1,\"event\":\"native\",\"call\":1,\"side\":\"request\",\"name\":"
                        "\"\\\\xfe\",\"json\":\"{\\\"a\\\":\\n1}x\"}\n");
}

static void says_when_there_is_no_room_and_takes_everything_back(void **state)
{
    struct llm_event event = llm_event_make(LLM_USAGE, 1);
    event.time_ms = 1;
    event.usage.input = 1;
    event.usage.native = BYTES_LITERAL("{\"a\":[1,2,\"x\\n\"]}");
    event.text = BYTES_LITERAL("\n\x1b text \xff");
    struct buffer whole;
    buffer_init(&whole, 4096);
    assert_true(llm_event_write(&event, &whole));
    for (size_t cap = 1; cap < buffer_length(&whole) + 1; cap++) {
        struct buffer out;
        buffer_init(&out, cap);
        assert_true(buffer_append_byte(&out, '#'));
        assert_false(llm_event_write(&event, &out));
        assert_bytes(buffer_bytes(&out), "#");
        buffer_done(&out);
    }
    buffer_done(&whole);
}

static void two_texts_of_the_longest_fit_a_line_whatever_they_hold(void **state)
{
    struct llm_event event = llm_event_make(LLM_BLOCK, 1);
    uint8_t *text = memory_new(LLM_EVENT_TEXT_MAX);
    uint8_t *json = memory_new(LLM_EVENT_TEXT_MAX);
    memset(text, 1, LLM_EVENT_TEXT_MAX);
    memset(json, 'a', LLM_EVENT_TEXT_MAX);
    json[0] = json[LLM_EVENT_TEXT_MAX - 1] = '"';
    event.text = (struct bytes){text, LLM_EVENT_TEXT_MAX};
    event.json = (struct bytes){json, LLM_EVENT_TEXT_MAX};
    struct buffer out;
    buffer_init(&out, LLM_EVENT_LINE_MAX);
    assert_true(llm_event_write(&event, &out));
    struct llm_event_line read;
    struct error error;
    assert_true(llm_event_read(buffer_bytes(&out), &read, &error));
    assert_int_equal(read.event.text.length, LLM_EVENT_TEXT_MAX);
    assert_memory_equal(read.event.text.data, text, LLM_EVENT_TEXT_MAX);
    assert_int_equal(read.event.json.length, LLM_EVENT_TEXT_MAX);
    llm_event_line_done(&read);
    buffer_done(&out);
    free(text);
    free(json);
}

static void skips_unknown_keys_and_outlives_the_line(void **state)
{
    char line[] = "{\"v\":1,\"new\":{\"text\":5},\"event\":\"delta\",\"call\":2,\"text\":\"caf\xc3"
                  "\xa9\",\"side\":\"response\",\"block\":4,\"json\": [ 1 ]}";
    struct llm_event_line read;
    struct error error;
    assert_true(llm_event_read(bytes_from_text(line), &read, &error));
    memset(line, 'x', sizeof(line));
    assert_int_equal(read.event.kind, LLM_DELTA);
    assert_int_equal(read.event.block, 4);
    assert_int_equal(read.event.usage.input, -1);
    assert_int_equal(read.event.duration_ms, -1);
    assert_bytes(read.event.text, "caf\xc3\xa9");
    assert_bytes(read.event.json, "[1]");
    llm_event_line_done(&read);
    llm_event_line_done(&read);
}

static void reads_no_line_that_is_cut(void **state)
{
    static const char line[] =
        "{\"v\":1,\"event\":\"usage\",\"call\":2,\"time\":\"2026-01-02T03:04:05.678Z\",\"usage\":{"
        "\"input\":5,\"native\":{\"a\":[1,\"\\u00e9\"]}},\"text\":\"x\"}";
    struct llm_event_line read;
    struct error error;
    for (size_t length = 0; length < sizeof(line) - 1; length++)
        assert_false(llm_event_read((struct bytes){(const uint8_t *)line, length}, &read, &error));
    assert_true(llm_event_read(bytes_from_text(line), &read, &error));
    assert_int_equal(read.event.time_ms, UINT64_C(1767323045678));
    llm_event_line_done(&read);
}

RUN_TESTS(cmocka_unit_test(refuses_lines_that_are_no_events),
          cmocka_unit_test(refuses_values_of_the_wrong_type_or_range),
          cmocka_unit_test(refuses_a_line_past_the_limit_and_leaves_the_output_unchanged),
          cmocka_unit_test(reads_no_line_that_is_cut),
          cmocka_unit_test(writes_each_kind_with_what_it_says_and_reads_it_back),
          cmocka_unit_test(a_body_that_is_no_text_is_written_as_base64),
          cmocka_unit_test(what_is_no_json_or_no_utf8_still_makes_a_whole_line),
          cmocka_unit_test(says_when_there_is_no_room_and_takes_everything_back),
          cmocka_unit_test(two_texts_of_the_longest_fit_a_line_whatever_they_hold),
          cmocka_unit_test(skips_unknown_keys_and_outlives_the_line))
