#include "test.h"

#include "decode/capture.h"
#include "decode/decode_log.h"

static const char *const captures[] = {
    "sse/anthropic-error-midstream.sse",  "sse/anthropic-text.sse",
    "sse/anthropic-tooluse-thinking.sse", "sse/openai-chat-text.sse",
    "sse/openai-chat-tool.sse",           "sse/openai-responses-custom-tool.sse",
    "sse/openai-responses-function.sse",  "sse/openai-responses-text.sse",
    "content/claude-003.br.txt",
};
enum { CAPTURES = sizeof(captures) / sizeof(captures[0]) };

/* Fed in two parts, or in parts of `step` bytes, then ended. */
static struct buffer decode(struct bytes input, size_t first, size_t step,
                            const struct sse_limits *limits)
{
    struct buffer log;
    buffer_init(&log, DECODE_LOG_BYTES_MAX);
    struct sse *sse = sse_new(limits, decode_log_sse, &log);
    for (struct bytes rest = input, part = bytes_first(rest, first); rest.length || part.length;
         part = bytes_first(rest, step)) {
        sse_feed(sse, part);
        rest = bytes_from(rest, part.length);
    }
    sse_end(sse);
    sse_free(sse);
    return log;
}

static void check_log(struct bytes input, const char *expected)
{
    for (size_t step = 1; step <= input.length + 1; step++) {
        struct buffer log = decode(input, 0, step, NULL);
        assert_bytes(buffer_bytes(&log), expected);
        buffer_done(&log);
    }
}

static void check_same(struct bytes input, struct bytes expected, size_t first, size_t step)
{
    struct buffer log = decode(input, first, step, NULL);
    assert_true(bytes_equal(buffer_bytes(&log), expected));
    buffer_done(&log);
}

static void cuts_what_is_longer_than_its_bound_and_goes_on(void **state)
{
    const struct sse_limits limits = {.event_bytes = 4};
    struct bytes input = BYTES_LITERAL("data: 12345\ndata: 6\n\ndata: 12\ndata: 3\n\n"
                                       "data: 1234\n\ndata: 1234\ndata\n\n");
    for (size_t step = 1; step <= input.length; step++) {
        struct buffer log = decode(input, 0, step, &limits);
        assert_bytes(buffer_bytes(&log), "event cut at 0+21 type[0]= data[4]=1234 id[0]=\n"
                                         "event at 21+18 type[0]= data[4]=12\n3 id[0]=\n"
                                         "event at 39+12 type[0]= data[4]=1234 id[0]=\n"
                                         "event cut at 51+17 type[0]= data[4]=1234 id[0]=\n");
        buffer_done(&log);
    }
}

static void cuts_types_and_comments_and_ignores_ids_of_more_than_256_bytes(void **state)
{
    char long_name[SSE_NAME_BYTES_MAX + 2];
    memset(long_name, 'x', sizeof(long_name));
    long_name[sizeof(long_name) - 1] = 0;
    struct buffer text;
    buffer_init(&text, 4096);
    assert_true(buffer_append_format(&text, "id: 7\nid: %s\n\n:%s\nevent: %s\ndata: d\n\n",
                                     long_name, long_name, long_name));
    struct buffer log = decode(buffer_bytes(&text), 0, 5, NULL);
    long_name[SSE_NAME_BYTES_MAX] = 0;
    CLEANUP_FREE char *expected =
        memory_format("without data at 0+269 type[0]= data[0]= id[1]=7\n"
                      "comment cut at 269+259 type[0]= data[256]=%s id[1]=7\n"
                      "event cut at 528+274 type[256]=%s data[1]=d id[1]=7\n",
                      long_name, long_name);
    assert_bytes(buffer_bytes(&log), expected);
    buffer_done(&log);
    buffer_done(&text);
}

static void holds_four_mebibytes_of_one_event(void **state)
{
    struct buffer text;
    buffer_init(&text, SSE_EVENT_BYTES_MAX + 4096);
    assert_true(buffer_append_text(&text, "data:"));
    size_t room = 0;
    uint8_t *data = buffer_reserve(&text, SSE_EVENT_BYTES_MAX + 1, &room);
    memset(data, 'x', room);
    buffer_commit(&text, room);
    assert_true(buffer_append_text(&text, "\n\ndata: 2\n\n"));
    struct buffer log = decode(buffer_bytes(&text), 0, 65536, NULL);
    assert_true(bytes_start_with(
        buffer_bytes(&log), BYTES_LITERAL("event cut at 0+4194312 type[0]= data[4194304]=xx")));
    assert_true(bytes_end_with(buffer_bytes(&log),
                               BYTES_LITERAL("\nevent at 4194312+9 type[0]= data[1]=2 id[0]=\n")));
    buffer_done(&log);
    buffer_done(&text);
}

static void ignores_what_the_standard_ignores(void **state)
{
    check_log(BYTES_EMPTY, "");
    check_log(BYTES_LITERAL("\n\r\n\r\n\n"), "");
    check_log(BYTES_LITERAL("Data: 1\ndata : 2\n data: 3\ndatas: 4\ndat: 5\n\n"),
              "without data at 0+43 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("retry: 10\n\n"), "without data at 0+11 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("id: a\0b\ndata: 1\n\n"), "event at 0+17 type[0]= data[1]=1 id[0]=\n");
    check_log(BYTES_LITERAL("event: x\n\ndata: 1\n\n"),
              "without data at 0+10 type[1]=x data[0]= id[0]=\n"
              "event at 10+9 type[0]= data[1]=1 id[0]=\n");
}

static void skips_a_byte_order_mark_at_the_start_only(void **state)
{
    check_log(BYTES_LITERAL("\xef\xbb\xbf"
                            "data: 1\n\n"),
              "event at 3+9 type[0]= data[1]=1 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\n\n\xef\xbb\xbf"
                            "data: 2\n\n"),
              "event at 0+9 type[0]= data[1]=1 id[0]=\n"
              "without data at 9+12 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("\xef\xbb"), "truncated at 0+2 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("\xef\xbb:x\n\n"), "without data at 0+6 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("\xef\ndata: 1\n\n"), "event at 0+11 type[0]= data[1]=1 id[0]=\n");
}

static void takes_every_line_end(void **state)
{
    check_log(BYTES_LITERAL("data: 1\ndata: 2\n\n"),
              "event at 0+17 type[0]= data[3]=1\n2 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\rdata: 2\r\r"),
              "event at 0+17 type[0]= data[3]=1\n2 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\r\ndata: 2\r\n\r\ndata: 3\n\r\n"),
              "event at 0+19 type[0]= data[3]=1\n2 id[0]=\n"
              "event at 20+9 type[0]= data[1]=3 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\n\r\ndata: 2\r\n\n"),
              "event at 0+9 type[0]= data[1]=1 id[0]=\n"
              "event at 10+10 type[0]= data[1]=2 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\r\r\ndata: 2\r\r"),
              "event at 0+9 type[0]= data[1]=1 id[0]=\n"
              "event at 10+9 type[0]= data[1]=2 id[0]=\n");
}

static void joins_lines_of_data_and_takes_one_space(void **state)
{
    check_log(BYTES_LITERAL("data\n\n"), "event at 0+6 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL("data\ndata\n\n"), "event at 0+11 type[0]= data[1]=\n id[0]=\n");
    check_log(BYTES_LITERAL("data:  1\ndata:\ndata:2:3\n\n"),
              "event at 0+25 type[0]= data[7]= 1\n\n2:3 id[0]=\n");
    check_log(BYTES_LITERAL("event: a\nevent: b\ndata: \xc3\xa4\n\n"),
              "event at 0+28 type[1]=b data[2]=\xc3\xa4 id[0]=\n");
    check_log(BYTES_LITERAL("id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n"),
              "event at 0+15 type[0]= data[1]=a id[1]=1\n"
              "event at 15+9 type[0]= data[1]=b id[1]=1\n"
              "event at 24+12 type[0]= data[1]=c id[0]=\n");
}

static void shows_comments_also_inside_of_an_event(void **state)
{
    check_log(BYTES_LITERAL(": ping\n:\ndata: 1\n:2\n\n"),
              "comment at 0+7 type[0]= data[4]=ping id[0]=\n"
              "comment at 7+2 type[0]= data[0]= id[0]=\n"
              "comment at 17+3 type[0]= data[1]=2 id[0]=\n"
              "event at 9+12 type[0]= data[1]=1 id[0]=\n");
}

static void shows_an_event_that_the_end_cut_off(void **state)
{
    check_log(BYTES_LITERAL("event: x\ndata: 1"), "truncated at 0+16 type[1]=x data[1]=1 id[0]=\n");
    check_log(BYTES_LITERAL("event: x\ndata: 1\n"),
              "truncated at 0+17 type[1]=x data[1]=1 id[0]=\n");
    check_log(BYTES_LITERAL("data: 1\n\ndat"), "event at 0+9 type[0]= data[1]=1 id[0]=\n"
                                               "truncated at 9+3 type[0]= data[0]= id[0]=\n");
    check_log(BYTES_LITERAL(": pi"), "comment at 0+4 type[0]= data[2]=pi id[0]=\n");
}

static void reads_what_providers_send(void **state)
{
    struct buffer capture = capture_read("sse/anthropic-error-midstream.sse");
    struct buffer log = decode(buffer_bytes(&capture), 0, SIZE_MAX, NULL);
    struct bytes text = buffer_bytes(&log);
    assert_true(bytes_start_with(text, BYTES_LITERAL("event at 0+")));
    static const struct bytes error = BYTES_LITERAL(" type[5]=error data[");
    assert_non_null(memmem(text.data, text.length, error.data, error.length));
    buffer_done(&log);
    buffer_done(&capture);
}

static void gives_the_same_events_wherever_the_input_is_cut(void **state)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = capture_read(captures[i]);
        struct bytes input = buffer_bytes(&capture);
        struct buffer whole = decode(input, 0, SIZE_MAX, NULL);
        assert_true(buffer_length(&whole) > input.length / 2);
        for (size_t first = 0; first <= input.length; first++)
            check_same(input, buffer_bytes(&whole), first, SIZE_MAX);
        check_same(input, buffer_bytes(&whole), 0, 1);
        check_same(input, buffer_bytes(&whole), 0, 7);
        buffer_done(&whole);
        buffer_done(&capture);
    }
}

/* All but the last event of a cut stream are those of the whole one. */
static void gives_every_whole_event_of_a_stream_that_is_broken_off(void **state)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct buffer capture = capture_read(captures[i]);
        struct bytes input = buffer_bytes(&capture);
        struct buffer whole = decode(input, 0, SIZE_MAX, NULL);
        for (size_t length = 0; length < input.length; length++) {
            struct buffer log = decode(bytes_first(input, length), 0, SIZE_MAX, NULL);
            struct bytes text = buffer_bytes(&log);
            const uint8_t *cut =
                text.length ? memmem(text.data, text.length, "\ntruncated ", 11) : NULL;
            if (bytes_start_with(text, BYTES_LITERAL("truncated ")))
                text = BYTES_EMPTY;
            else if (cut)
                text = bytes_first(text, (size_t)(cut - text.data) + 1);
            assert_true(bytes_start_with(buffer_bytes(&whole), text));
            buffer_done(&log);
        }
        buffer_done(&whole);
        buffer_done(&capture);
    }
}

RUN_TESTS(cmocka_unit_test(cuts_what_is_longer_than_its_bound_and_goes_on),
          cmocka_unit_test(cuts_types_and_comments_and_ignores_ids_of_more_than_256_bytes),
          cmocka_unit_test(holds_four_mebibytes_of_one_event),
          cmocka_unit_test(ignores_what_the_standard_ignores),
          cmocka_unit_test(skips_a_byte_order_mark_at_the_start_only),
          cmocka_unit_test(takes_every_line_end),
          cmocka_unit_test(joins_lines_of_data_and_takes_one_space),
          cmocka_unit_test(shows_comments_also_inside_of_an_event),
          cmocka_unit_test(shows_an_event_that_the_end_cut_off),
          cmocka_unit_test(reads_what_providers_send),
          cmocka_unit_test(gives_the_same_events_wherever_the_input_is_cut),
          cmocka_unit_test(gives_every_whole_event_of_a_stream_that_is_broken_off))
