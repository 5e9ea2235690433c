#include "test.h"

#include "decode/event_stream_build.h"
#include "decode/llm_fixture.h"
#include "llm/llm_draft.h"

#include <stdlib.h>

/* What interfaces say beyond what real clients were seen to use, one table for each side. */

static const struct llm_field of_json[] = {
    {BYTES_LITERAL("content-type"), BYTES_LITERAL("application/json")}};
static const struct llm_field of_sse[] = {
    {BYTES_LITERAL("content-type"), BYTES_LITERAL("text/event-stream")}};
static const struct llm_field of_stream[] = {
    {BYTES_LITERAL("content-type"), BYTES_LITERAL("application/vnd.amazon.eventstream")}};

static struct llm_run_exchange exchange_of(enum llm_api api, const char *request,
                                           const struct llm_field *type, struct bytes response)
{
    return (struct llm_run_exchange){
        .api = api,
        .method = "POST",
        .host = BYTES_LITERAL("host.example"),
        .path = BYTES_LITERAL("/model/a%3Ab/invoke"),
        .response_fields = type,
        .response_field_count = 1,
        .status = 200,
        .request = bytes_from_text(request),
        .response = response,
    };
}

/* All that is told has this part. */
static void assert_told(const struct llm_run_exchange *exchange, const char *expected)
{
    struct llm_run run;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    llm_run_init(&run);
    llm_run_http(&run, exchange, &LLM_RUN_WHOLE);
    llm_run_write(&run, &out);
    if (memmem(buffer_bytes(&out).data, buffer_length(&out), expected, strlen(expected)) == NULL)
        fail_msg("told as:\n%.*s\nand not:\n%s", (int)buffer_length(&out),
                 (const char *)buffer_bytes(&out).data, expected);
    buffer_done(&out);
    llm_run_done(&run);
}

static void assert_request(enum llm_api api, const char *request, const char *expected)
{
    struct llm_run_exchange exchange = exchange_of(api, request, of_json, BYTES_LITERAL("{}"));
    assert_told(&exchange, expected);
}

static void assert_response(enum llm_api api, const char *response, const char *expected)
{
    struct llm_run_exchange exchange = exchange_of(api, "{}", of_json, bytes_from_text(response));
    assert_told(&exchange, expected);
}

static void assert_sse(enum llm_api api, const char *response, const char *expected)
{
    struct llm_run_exchange exchange = exchange_of(api, "{}", of_sse, bytes_from_text(response));
    assert_told(&exchange, expected);
}

/* --- What is wrong --- */

static const char *const strange[] = {"null", "true", "-1",   "1.5e300",    "\"text\"",
                                      "[]",   "{}",   "[{}]", "[[[null]]]", "{\"type\":[]}"};
enum { STRANGE = sizeof(strange) / sizeof(strange[0]) };

/* The document with its value number `number` replaced; false past the last. */
static bool replace_value(struct llm_json *json, uint32_t number, const char *by,
                          struct buffer *out)
{
    struct llm_value root = llm_json_root(json);
    if (number >= json->count)
        return false;
    struct bytes raw = llm_value_raw((struct llm_value){json, number});
    struct bytes whole = llm_value_raw(root);
    size_t before = (size_t)(raw.data - whole.data);
    CHECK(buffer_append(out, bytes_first(whole, before)) && buffer_append_text(out, by) &&
          buffer_append(out, bytes_from(whole, before + raw.length)));
    return true;
}

static void mutate_request(const char *name, enum llm_api api)
{
    struct llm_fixture *fixture = llm_fixture_new(name, api);
    struct llm_run_exchange exchange = fixture->exchange;
    struct llm_json json;
    CHECK(llm_json_parse(&json, exchange.request) == LLM_JSON_WHOLE);
    uint32_t step = json.count > 200 ? 5 : 1;
    for (uint32_t number = 0; number < json.count; number += step) {
        struct buffer changed;
        struct llm_run run;
        buffer_init(&changed, 1 << 20);
        CHECK(replace_value(&json, number, strange[number % STRANGE], &changed));
        exchange.request = buffer_bytes(&changed);
        llm_run_init(&run);
        llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
        assert_int_equal(run.count, 1);
        assert_true(run.calls[0]->is_over);
        llm_run_done(&run);
        buffer_done(&changed);
    }
    llm_json_done(&json);
    llm_fixture_free(fixture);
}

static void values_of_wrong_types_in_requests_are_survived(void **state)
{
    mutate_request("pi-anthropic-001", LLM_API_ANTHROPIC_MESSAGES);
    mutate_request("pi-bedrock-002", LLM_API_BEDROCK_CONVERSE_STREAM);
    mutate_request("pi-openai-002", LLM_API_OPENAI_RESPONSES);
    mutate_request("pi-chatcompletions-002", LLM_API_OPENAI_CHAT);
    mutate_request("claude-bedrock-002", LLM_API_BEDROCK_INVOKE);
}

/* Each value of one event of a stream after the other. */
static void mutate_stream(const char *capture, enum llm_api api)
{
    struct buffer whole = capture_read(capture);
    struct bytes text = buffer_bytes(&whole);
    unsigned turn = 0;
    for (size_t at = 0; at + 6 < text.length; at++) {
        struct bytes mark = BYTES_LITERAL("data: {"), rest = bytes_from(text, at);
        if (!bytes_start_with(rest, mark))
            continue;
        struct bytes data = bytes_from(bytes_first(rest, bytes_index_of(rest, '\n')), 6);
        struct llm_json json;
        CHECK(llm_json_parse(&json, data) == LLM_JSON_WHOLE);
        for (uint32_t number = 0; number < json.count; number++, turn++) {
            struct buffer changed;
            struct llm_run run;
            buffer_init(&changed, 1 << 20);
            CHECK(buffer_append(&changed, bytes_first(text, at + 6)));
            CHECK(replace_value(&json, number, strange[turn % STRANGE], &changed));
            CHECK(buffer_append(&changed, bytes_from(text, at + 6 + data.length)));
            struct llm_run_exchange exchange =
                exchange_of(api, "{}", of_sse, buffer_bytes(&changed));
            llm_run_init(&run);
            llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
            assert_true(run.calls[0]->is_over);
            llm_run_done(&run);
            buffer_done(&changed);
        }
        llm_json_done(&json);
    }
    buffer_done(&whole);
}

static void values_of_wrong_types_in_streams_are_survived(void **state)
{
    mutate_stream("sse/anthropic-tooluse-thinking.sse", LLM_API_ANTHROPIC_MESSAGES);
    mutate_stream("sse/openai-responses-function.sse", LLM_API_OPENAI_RESPONSES);
    mutate_stream("sse/openai-chat-tool.sse", LLM_API_OPENAI_CHAT);
}

static void bodies_that_are_no_json_are_shown_as_they_are(void **state)
{
    struct llm_run_exchange exchange = exchange_of(LLM_API_ANTHROPIC_MESSAGES, "hello <world>",
                                                   of_json, BYTES_LITERAL("<html>\n"));
    assert_told(&exchange, "{\"side\":\"request\",\"name\":\"body\",\"text\":\"hello <world>\"}\n"
                           "{\"side\":\"response\",\"name\":\"body\",\"text\":\"<html>\\n\"}\n");
    exchange.status = 502;
    exchange.response = BYTES_LITERAL("<h1>Bad gateway</h1>");
    assert_told(&exchange, "error HTTP 502: <h1>Bad gateway</h1>\n");
    exchange.response = BYTES_EMPTY;
    assert_told(&exchange, "error HTTP 502\n");
    exchange.response = BYTES_LITERAL("{\"detail\":\"no such plan\"}");
    assert_told(&exchange, "error HTTP 502: no such plan\n");
    exchange.api = LLM_API_OTHER;
    exchange.response =
        BYTES_LITERAL("{\"error\":\"invalid_grant\",\"error_description\":\"old\"}");
    assert_told(&exchange, "error invalid_grant: old\n");
}

static void errors_are_told_in_every_providers_form(void **state)
{
    assert_response(LLM_API_ANTHROPIC_MESSAGES,
                    "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}",
                    "error api_error: m\n");
    assert_response(LLM_API_OPENAI_RESPONSES,
                    "{\"id\":\"r\",\"status\":\"failed\",\"error\":{\"code\":\"server_error\","
                    "\"message\":\"m\"},\"output\":[]}",
                    "error server_error: m\nusage\nstop failed\n");
    assert_sse(LLM_API_OPENAI_CHAT, "data: {\"error\":{\"message\":\"m\",\"code\":\"c\"}}\n\n",
               "error c: m\n");
    assert_sse(LLM_API_OPENAI_RESPONSES,
               "data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\",\"param\":null}\n\n",
               "error c: m\n");
    assert_sse(LLM_API_ANTHROPIC_MESSAGES, "event: error\ndata: {\"strange\":1}\n\n",
               "error error: {\"strange\":1}\n");
}

static void events_that_are_not_known_are_shown(void **state)
{
    assert_sse(LLM_API_ANTHROPIC_MESSAGES,
               "event: weather\ndata: {\"type\":\"weather\",\"is\":\"fine\"}\n\n"
               "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"new\"}}"
               "\n\ndata: not JSON\n\ndata: {\"type\":\"message_stop\"}\n\n",
               "{\"side\":\"response\",\"name\":\"weather\",\"json\":{\"type\":\"weather\",\"is\":"
               "\"fine\"}}\n"
               "{\"side\":\"response\",\"name\":\"content_block_delta\",\"json\":{\"type\":"
               "\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"new\"}}}\n"
               "{\"side\":\"response\",\"name\":\"\",\"text\":\"not JSON\"}\n");
    assert_sse(LLM_API_OPENAI_RESPONSES,
               "data: {\"type\":\"response.new.thing\",\"obfuscation\":\"xyz\",\"a\":1}\n\n",
               "{\"side\":\"response\",\"name\":\"response.new.thing\",\"json\":{\"type\":"
               "\"response.new.thing\",\"a\":1}}\n");
}

/* --- Memory, gaps, codings --- */

static void what_does_not_fit_the_memory_is_cut_and_said(void **state)
{
    struct llm_run run;
    struct buffer body;
    buffer_init(&body, 1 << 20);
    CHECK(buffer_append_text(&body, "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":"
                                    "\"first\"},{\"role\":\"user\",\"content\":\""));
    for (int i = 0; i < 10000; i++)
        CHECK(buffer_append_text(&body, "many words "));
    CHECK(buffer_append_text(&body, "\"}]}"));
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "", of_json, BYTES_LITERAL("{}"));
    exchange.request = buffer_bytes(&body);
    llm_run_init(&run);
    run.context.held_maximum = 64 * 1024;
    llm_run_http(&run, &exchange, &(struct llm_run_cut){1000, 0, SIZE_MAX, SIZE_MAX});
    const struct llm_call *call = run.calls[0];
    assert_bytes(llm_text_bytes(&call->truncation), "the request: it is too long to be held");
    assert_bytes(llm_text_bytes(&call->request.items[0].text), "first");
    assert_int_equal(call->request.count, 2);
    assert_true(call->request.items[1].text.length > 8000);
    assert_int_equal(call->request_wire_bytes, buffer_length(&body));
    llm_run_done(&run);
    buffer_done(&body);
}

static void no_body_is_held_beyond_the_limit_however_much_memory_there_is(void **state)
{
    struct llm_run run;
    llm_run_init(&run);
    run.context.wants_bodies = false;
    run.context.held_maximum = 8 * (size_t)LLM_EXCHANGE_BODY_MAX;
    const struct llm_exchange_start start = {
        .exchange = 1, .time_ms = 1000, .api = LLM_API_ANTHROPIC_MESSAGES};
    struct llm_exchange *exchange = llm_exchange_new(&run.context, &start);
    uint8_t *piece = memory_new(LLM_EVENT_TEXT_MAX);
    memset(piece, 'a', LLM_EVENT_TEXT_MAX);
    llm_exchange_request_body(exchange, 1001, BYTES_LITERAL("{\"model\":\"m\",\"x\":\""));
    for (int i = 0; i < LLM_EXCHANGE_BODY_MAX / LLM_EVENT_TEXT_MAX + 1; i++)
        llm_exchange_request_body(exchange, 1001, (struct bytes){piece, LLM_EVENT_TEXT_MAX});
    assert_true(run.context.held_bytes <= LLM_EXCHANGE_BODY_MAX + 64 * 1024);
    llm_exchange_request_end(exchange, 1002);
    llm_exchange_end(exchange, 1003, BYTES_EMPTY);
    llm_exchange_free(exchange);
    assert_bytes(llm_text_bytes(&run.calls[0]->truncation),
                 "the request: it is too long to be held");
    assert_bytes(llm_text_bytes(&run.calls[0]->model), "m");
    free(piece);
    llm_run_done(&run);
}

static void long_errors_and_long_words_are_cut(void **state)
{
    struct buffer body;
    struct llm_run run;
    buffer_init(&body, 1 << 20);
    for (size_t i = 0; i < 2 * LLM_EXCHANGE_ERROR_MAX; i++)
        CHECK(buffer_append_byte(&body, 'e'));
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "{}", of_json, buffer_bytes(&body));
    exchange.status = 500;
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_int_equal(run.calls[0]->errors[0].message.length, LLM_EXCHANGE_ERROR_MAX);
    llm_run_done(&run);

    buffer_clear(&body);
    CHECK(buffer_append_text(&body, "{\"content\":[{\"type\":\"tool_use\",\"id\":\""));
    for (size_t i = 0; i < LLM_DRAFT_WORD_MAX; i++)
        CHECK(buffer_append_text(&body, "\xc3\xa9"));
    CHECK(buffer_append_text(&body, "\",\"input\":{}}]}"));
    exchange.status = 200;
    exchange.response = buffer_bytes(&body);
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_int_equal(run.calls[0]->response.items[0].id.length, LLM_DRAFT_WORD_MAX);
    llm_run_done(&run);
    buffer_done(&body);
}

static void a_response_has_at_most_so_many_blocks(void **state)
{
    struct buffer body;
    struct llm_run run;
    buffer_init(&body, 1 << 22);
    CHECK(buffer_append_text(&body, "{\"content\":[{\"type\":\"text\",\"text\":\"\"}"));
    for (size_t i = 0; i < LLM_DRAFT_BLOCKS_MAX; i++)
        CHECK(buffer_append_text(&body, ",{\"type\":\"text\",\"text\":\"\"}"));
    CHECK(buffer_append_text(&body, "]}"));
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "{}", of_json, buffer_bytes(&body));
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_int_equal(run.calls[0]->response.count, LLM_DRAFT_BLOCKS_MAX);
    assert_bytes(llm_text_bytes(&run.calls[0]->truncation), "the response has too many blocks");
    llm_run_done(&run);
    buffer_done(&body);
}

static void a_long_text_is_told_in_parts_and_kept_whole(void **state)
{
    struct llm_run run;
    struct buffer body;
    const size_t length = 5 * LLM_EVENT_TEXT_MAX / 2;
    buffer_init(&body, 16 << 20);
    CHECK(buffer_append_text(&body, "{\"messages\":[{\"role\":\"user\",\"content\":\""));
    size_t room;
    uint8_t *space = buffer_reserve(&body, length, &room);
    for (size_t i = 0; i + 1 < length; i += 2)
        memcpy(space + i, "\xc3\xa9", 2);
    buffer_commit(&body, length);
    CHECK(buffer_append_text(&body, "\"}]}"));
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "", of_json, BYTES_LITERAL("{}"));
    exchange.request = buffer_bytes(&body);
    llm_run_init(&run);
    run.context.wants_bodies = false;
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_int_equal(run.deltas, 2);
    const struct llm_block *block = &run.calls[0]->request.items[0];
    assert_int_equal(block->text.length, length);
    assert_int_equal(block->bytes, 0);
    assert_false(block->is_open);
    assert_false(run.calls[0]->is_truncated);
    llm_run_done(&run);
    buffer_done(&body);
}

/* The last event that ended a block, as a viewer without the deltas sees it. */
static struct llm_event last_end;
static uint8_t last_first;
static void take_end(void *context, const struct llm_event *event)
{
    if (event->kind != LLM_BLOCK || event->is_open)
        return;
    last_end = *event;
    last_first = event->text.length ? event->text.data[0] : 0;
}

static void the_end_of_a_long_text_repeats_its_beginning_and_counts_the_rest(void **state)
{
    struct llm_context context = {
        .emit = take_end, .next_call = 1, .held_maximum = 16 * 1024 * 1024};
    const struct llm_exchange_start start = {
        .exchange = 1, .time_ms = 1000, .api = LLM_API_ANTHROPIC_MESSAGES};
    struct llm_exchange *exchange = llm_exchange_new(&context, &start);
    struct buffer delta;
    buffer_init(&delta, 1 << 20);
    CHECK(buffer_append_text(&delta, "data: {\"type\":\"content_block_delta\",\"index\":0,"
                                     "\"delta\":{\"type\":\"text_delta\",\"text\":\""));
    for (int i = 0; i < 300000; i++)
        CHECK(buffer_append_byte(&delta, 'z'));
    CHECK(buffer_append_text(&delta, "\"}}\n\n"));
    llm_exchange_request_end(exchange, 1001);
    llm_exchange_response_head(exchange, 1002, 200, of_sse, 1);
    for (int i = 0; i < 10; i++)
        llm_exchange_response_body(exchange, 1003, buffer_bytes(&delta));
    llm_exchange_response_body(exchange, 1004,
                               BYTES_LITERAL("data: {\"type\":\"message_stop\"}\n\n"));
    assert_int_equal(last_end.text.length, 900000);
    assert_int_equal(last_first, 'z');
    assert_int_equal(last_end.bytes, 2100000);
    assert_true(context.held_bytes < 3 * LLM_EVENT_TEXT_MAX);
    llm_exchange_end(exchange, 1005, BYTES_EMPTY);
    llm_exchange_free(exchange);
    assert_int_equal(context.held_bytes, 0);
    buffer_done(&delta);
}

static void a_gap_ends_the_reading_of_that_side_and_is_said(void **state)
{
    struct llm_run run;
    llm_run_init(&run);
    const struct llm_exchange_start start = {
        .exchange = 1, .time_ms = 1000, .api = LLM_API_ANTHROPIC_MESSAGES};
    struct llm_exchange *exchange = llm_exchange_new(&run.context, &start);
    llm_exchange_request_body(exchange, 1001, BYTES_LITERAL("{\"model\":\"m\","));
    llm_exchange_lost(exchange, LLM_SIDE_REQUEST, 100);
    llm_exchange_request_body(exchange, 1002, BYTES_LITERAL("\"x\":1}"));
    llm_exchange_request_end(exchange, 1003);
    llm_exchange_response_head(exchange, 1004, 200, of_json, 1);
    llm_exchange_response_body(exchange, 1005, BYTES_LITERAL("{\"id\":\"msg\"}"));
    llm_exchange_end(exchange, 1006, BYTES_EMPTY);
    llm_exchange_free(exchange);
    const struct llm_call *call = run.calls[0];
    assert_bytes(llm_text_bytes(&call->truncation), "the request: not all of it was captured");
    assert_bytes(llm_text_bytes(&call->model), "m");
    assert_bytes(llm_text_bytes(&call->id), "msg");
    assert_int_equal(call->request_wire_bytes, 119);
    llm_run_done(&run);
}

static void a_broken_or_unknown_coding_is_said_and_nothing_is_guessed(void **state)
{
    static const struct llm_field gzip[] = {
        {BYTES_LITERAL("content-encoding"), BYTES_LITERAL("gzip")}};
    static const struct llm_field unknown[] = {
        {BYTES_LITERAL("content-encoding"), BYTES_LITERAL("rot13")}};
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "no gzip", of_json, BYTES_LITERAL("{}"));
    exchange.fields = gzip;
    exchange.field_count = 1;
    assert_told(&exchange, " truncated: the request: the coded content is broken (gzip)\n");
    exchange.fields = unknown;
    assert_told(&exchange, " truncated: the request: the content coding is not known (rot13)\n");
}

static void a_compressed_request_is_read(void **state)
{
    static const struct llm_field fields[] = {
        {BYTES_LITERAL("content-encoding"), BYTES_LITERAL("gzip")}};
    /* {"model":"m"} */
    static const uint8_t coded[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                    0x03, 0xab, 0x56, 0xca, 0xcd, 0x4f, 0x49, 0xcd, 0x51,
                                    0xb2, 0x52, 0xca, 0x55, 0xaa, 0x05, 0x00, 0x9b, 0x6c,
                                    0xba, 0xaa, 0x0d, 0x00, 0x00, 0x00};
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_MESSAGES, "", of_json, BYTES_LITERAL("{\"id\":\"i\"}"));
    exchange.fields = fields;
    exchange.field_count = 1;
    exchange.request = (struct bytes){coded, sizeof(coded)};
    assert_told(&exchange, " model=m id=i status=200\n");
    assert_told(&exchange, "request=13/33 response=10/10\n");
}

static void an_upload_ahead_that_is_given_up_is_no_error(void **state)
{
    static const struct llm_field fields[] = {
        {BYTES_LITERAL("x-claude-code-upload-ahead"), BYTES_LITERAL("1")},
        {BYTES_LITERAL("x-claude-code-session-id"), BYTES_LITERAL("s")}};
    struct llm_run_exchange exchange = exchange_of(
        LLM_API_ANTHROPIC_MESSAGES, "{\"model\":\"m\",\"messages\":[  ", of_json, BYTES_EMPTY);
    exchange.fields = fields;
    exchange.field_count = 2;
    exchange.status = 0;
    struct llm_run run;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &(struct llm_run_cut){0, 0, SIZE_MAX, 20});
    llm_run_write(&run, &out);
    assert_bytes(buffer_bytes(&out),
                 "call anthropic-messages h1 upload-ahead model=a:b session=s status=0\n"
                 "usage\n"
                 "end first=-1 request=20/20 response=0/0 truncated: given up before it was sent "
                 "whole\n");
    buffer_done(&out);
    llm_run_done(&run);
}

/* --- Anthropic --- */

static void messages_requests_are_told_block_by_block(void **state)
{
    assert_request(
        LLM_API_ANTHROPIC_MESSAGES,
        "{\"model\":\"m\",\"stream\":true,\"max_tokens\":5,\"system\":\"be brief\",\"tools\":["
        "{\"name\":\"f\",\"description\":\"d\",\"input_schema\":{\"a\":1.0},\"cache_control\":"
        "{\"type\":\"ephemeral\",\"ttl\":\"1h\"}},{\"type\":\"web_search_1\",\"name\":\"web\"}],"
        "\"messages\":[{\"role\":\"user\",\"content\":\"plain \\u00e9\\u0000\\ud800\"},{\"role\":"
        "\"assistant\",\"content\":[{\"type\":\"redacted_thinking\",\"data\":\"AAAA\"},{\"type\":"
        "\"server_tool_use\",\"id\":\"s\",\"name\":\"web\",\"input\":{\"q\": [1, 2.50]}},{\"type\":"
        "\"web_search_tool_result\",\"tool_use_id\":\"s\",\"content\":[{\"type\":\"hit\"}]}]},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"t\","
        "\"is_error\":true,\"content\":[{\"type\":\"text\",\"text\":\"one\"},{\"type\":\"image\","
        "\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAAAAA=\"}}]},"
        "{\"type\":\"tool_result\",\"tool_use_id\":\"u\"},{\"type\":\"document\",\"source\":"
        "{\"type\":\"url\",\"url\":\"https://x/y.pdf\"}},{\"type\":\"new_kind\",\"x\":1}]}]}",
        "parameters {\"stream\":true,\"max_tokens\":5}\n"
        "> system 0 system text \"be brief\"\n"
        "> tools 0  tool name=f \"d\" json={\"a\":1.0}\n"
        "> tools 0  cache_point \"1h\"\n"
        "> tools 1  tool name=web json={\"type\":\"web_search_1\",\"name\":\"web\"}\n"
        "> messages 0 user text \"plain \xc3\xa9\\u0000\\\\ud800\"\n"
        "> messages 1 assistant redacted bytes=3\n"
        "> messages 1 assistant tool_call id=s name=web \"{\\\"q\\\":[1,2.50]}\"\n"
        "> messages 1 tool tool_result id=s json={\"type\":\"hit\"}\n"
        "> messages 2 tool tool_result id=t error \"one\"\n"
        "> messages 2 tool media id=t name=image/png bytes=5 error\n"
        "> messages 2 tool tool_result id=u\n"
        "> messages 2 user media name=document \"https://x/y.pdf\"\n"
        "> messages 2 user other name=new_kind json={\"type\":\"new_kind\",\"x\":1}\n");
}

static void counting_tokens_is_told_for_both_of_its_interfaces(void **state)
{
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_ANTHROPIC_COUNT_TOKENS,
                    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}",
                    of_json, BYTES_LITERAL("{\"input_tokens\":14}"));
    assert_told(&exchange, "call anthropic-count-tokens h1 count model=m status=200\n"
                           "> messages 0 user text \"x\"\n"
                           "usage in=14\n");
    exchange.api = LLM_API_BEDROCK_COUNT_TOKENS;
    exchange.request = BYTES_LITERAL("{\"input\":{\"converse\":{\"messages\":[{\"role\":\"user\","
                                     "\"content\":[{\"text\":\"x\"}]}]}}}");
    exchange.response = BYTES_LITERAL("{\"inputTokens\":15}");
    assert_told(&exchange, "call bedrock-count-tokens h1 count model=a:b status=200\n"
                           "> messages 0 user text \"x\"\n"
                           "usage in=15\n");
    /* {"anthropic_version":"v","messages":[{"role":"user","content":"x"}]} */
    exchange.request = BYTES_LITERAL(
        "{\"input\":{\"invokeModel\":{\"body\":\"eyJhbnRocm9waWNfdmVyc2lvbiI6InYiLCJtZXNzYWdlcyI6W3"
        "sicm9sZSI6InVzZXIiLCJjb250ZW50IjoieCJ9XX0=\"}}}");
    assert_told(&exchange, "> messages 0 user text \"x\"\nusage in=15\n");
    exchange.request = BYTES_LITERAL("{\"input\":{\"invokeModel\":{\"body\":\"%%\"}}}");
    assert_told(&exchange, "{\"side\":\"request\",\"name\":\"input\",\"json\":");
}

static void usage_of_a_stream_is_merged_and_never_lost(void **state)
{
    assert_sse(LLM_API_ANTHROPIC_MESSAGES,
               "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,"
               "\"cache_read_input_tokens\":100,\"cache_creation_input_tokens\":20,"
               "\"output_tokens\":1}}}\n\n"
               "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"stop_sequence\","
               "\"stop_sequence\":\"END\"},\"usage\":{\"output_tokens\":9,"
               "\"cache_read_input_tokens\":null,\"output_tokens_details\":{\"thinking_tokens\":4}}"
               "}\n\ndata: {\"type\":\"message_stop\"}\n\n",
               "usage in=123 read=100 write=20 out=9 reasoning=4\n"
               "stop stop_sequence\n"
               "native usage {\"input_tokens\":3,\"cache_read_input_tokens\":100,"
               "\"cache_creation_input_tokens\":20,\"output_tokens\":9,"
               "\"output_tokens_details\":{\"thinking_tokens\":4}}\n");
}

static void calls_without_arguments_and_calls_in_parallel_keep_their_own_text(void **state)
{
    assert_sse(LLM_API_ANTHROPIC_MESSAGES,
               "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"
               "\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}}}\n\n"
               "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
               "\"tool_use\",\"id\":\"b\",\"name\":\"g\",\"input\":{}}}\n\n"
               "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
               "\"input_json_delta\",\"partial_json\":\"{\\\"x\\\": \"}}\n\n"
               "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
               "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
               "\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
               "data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
               "data: {\"type\":\"message_stop\"}\n\n",
               "< messages 0 assistant tool_call id=a name=f \"{}\"\n"
               "< messages 0 assistant tool_call id=b name=g \"{\\\"x\\\": 1}\"\n");
}

/* --- The same answer streamed and not --- */

static void assert_same(enum llm_api streamed, const struct llm_field *type, struct bytes stream,
                        enum llm_api api, const char *document)
{
    struct llm_run_exchange exchanges[] = {
        exchange_of(streamed, "{}", type, stream),
        exchange_of(api, "{}", of_json, bytes_from_text(document))};
    struct buffer out[2];
    for (size_t i = 0; i < 2; i++) {
        struct llm_run run;
        buffer_init(&out[i], 1 << 20);
        llm_run_init(&run);
        llm_run_http(&run, &exchanges[i], &LLM_RUN_WHOLE);
        llm_run_write_answer(run.calls[0], &out[i]);
        assert_false(run.calls[0]->is_truncated);
        llm_run_done(&run);
    }
    if (!bytes_equal(buffer_bytes(&out[0]), buffer_bytes(&out[1])))
        fail_msg("%s: streamed:\n%.*s\nwhole:\n%.*s", llm_api_name(api),
                 (int)buffer_length(&out[0]), (const char *)buffer_bytes(&out[0]).data,
                 (int)buffer_length(&out[1]), (const char *)buffer_bytes(&out[1]).data);
    buffer_done(&out[0]);
    buffer_done(&out[1]);
}

static void assert_same_capture(const char *capture, enum llm_api streamed,
                                const struct llm_field *type, enum llm_api api,
                                const char *document)
{
    struct buffer stream = capture_read(capture);
    assert_same(streamed, type, buffer_bytes(&stream), api, document);
    buffer_done(&stream);
}

static void a_streamed_answer_is_told_like_the_same_answer_at_once(void **state)
{
    static const char claude[] =
        "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude\","
        "\"content\":"
        "[{\"type\":\"thinking\",\"thinking\":\"The user wants a greeting.\",\"signature\":"
        "\"bW9jay1zaWduYXR1cmUtbXNnXzAxNTJjZjQ4ZTJhMDBiM2NiM2UwZmJjN2Fm\"},{\"type\":\"text\","
        "\"text\":\"I will run echo.\"},{\"type\":\"tool_use\",\"id\":"
        "\"toolu_01969a993132c4512766a5ea1d\",\"name\":\"Bash\",\"input\":{\"command\":\"echo "
        "hello\",\"description\":\"Print hello\"}}],\"stop_reason\":\"tool_use\",\"usage\":"
        "{\"input_tokens\":4,\"cache_creation_input_tokens\":1500,\"cache_read_input_tokens\":0,"
        "\"output_tokens\":42}}";
    assert_same_capture("sse/anthropic-tooluse-thinking.sse", LLM_API_ANTHROPIC_MESSAGES, of_sse,
                        LLM_API_ANTHROPIC_MESSAGES, claude);
    assert_same_capture("sse/anthropic-tooluse-thinking.sse", LLM_API_ANTHROPIC_MESSAGES, of_sse,
                        LLM_API_BEDROCK_INVOKE, claude);
    assert_same_capture(
        "event_stream/converse-stream-text.bin", LLM_API_BEDROCK_CONVERSE_STREAM, of_stream,
        LLM_API_BEDROCK_CONVERSE,
        "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[{\"reasoningContent\":"
        "{\"reasoningText\":{\"text\":\"The user wants a greeting.\",\"signature\":\"bW9jaw==\"}}},"
        "{\"text\":\"The command printed hello.\"}]}},\"stopReason\":\"end_turn\",\"usage\":"
        "{\"inputTokens\":4,\"outputTokens\":42,\"totalTokens\":1606,\"cacheReadInputTokens\":1500,"
        "\"cacheWriteInputTokens\":60}}");
    assert_same_capture("sse/openai-chat-text.sse", LLM_API_OPENAI_CHAT, of_sse,
                        LLM_API_OPENAI_CHAT,
                        "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":"
                        "\"assistant\",\"content\":\"The command printed hello.\"},"
                        "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1500,"
                        "\"completion_tokens\":42,\"prompt_tokens_details\":{\"cached_tokens\":1408"
                        "},\"completion_tokens_details\":{\"reasoning_tokens\":0}}}");
    assert_same_capture(
        "sse/openai-responses-text.sse", LLM_API_OPENAI_RESPONSES, of_sse, LLM_API_OPENAI_RESPONSES,
        "{\"id\":\"r\",\"status\":\"completed\",\"output\":[{\"type\":\"reasoning\",\"summary\":["
        "{\"type\":\"summary_text\",\"text\":\"**Greeting**\\n\\nThe user wants hello.\"}],"
        "\"encrypted_content\":\"gAAAAmock\"},{\"type\":\"message\",\"role\":\"assistant\","
        "\"content\":[{\"type\":\"output_text\",\"text\":\"The command printed hello.\","
        "\"annotations\":[]}]}],\"usage\":{\"input_tokens\":1500,\"input_tokens_details\":"
        "{\"cached_tokens\":1408},\"output_tokens\":42,\"output_tokens_details\":"
        "{\"reasoning_tokens\":10}}}");
}

static void a_stream_without_deltas_is_completed_by_its_last_words(void **state)
{
    assert_sse(
        LLM_API_OPENAI_RESPONSES,
        "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}"
        "\n\n"
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":"
        "\"completed\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\",\"content\":"
        "[{\"type\":\"output_text\",\"text\":\"whole\"},{\"type\":\"refusal\",\"refusal\":"
        "\"but no\"}]},{\"type\":\"web_search_call\",\"id\":\"w\",\"status\":\"completed\","
        "\"action\":{\"query\":\"q\"}},{\"type\":\"new\",\"id\":\"n\"}]}}\n\n",
        "< messages 0 assistant text \"whole\"\n"
        "< messages 0 assistant text \"but no\"\n"
        "< messages 0 assistant tool_call id=w name=web_search \"{\\\"query\\\":\\\"q\\\"}\" "
        "json={\"type\":\"web_search_call\",\"id\":\"w\",\"status\":\"completed\","
        "\"action\":{\"query\":\"q\"}}\n"
        "< messages 0 assistant other name=new json={\"type\":\"new\",\"id\":\"n\"}\n");
}

/* --- Bedrock --- */

static void converse_requests_are_told_block_by_block(void **state)
{
    assert_request(
        LLM_API_BEDROCK_CONVERSE,
        "{\"system\":[{\"text\":\"s\"},{\"cachePoint\":{\"type\":\"default\",\"ttl\":\"5m\"}}],"
        "\"inferenceConfig\":{\"maxTokens\":9},\"toolConfig\":{\"tools\":[{\"toolSpec\":{\"name\":"
        "\"f\",\"description\":\"d\",\"inputSchema\":{\"json\":{\"type\":\"object\"}}}},"
        "{\"cachePoint\":{\"type\":\"default\"}}]},\"messages\":[{\"role\":\"user\",\"content\":["
        "{\"image\":{\"format\":\"png\",\"source\":{\"bytes\":\"AAAAAAAA\"}}},{\"document\":"
        "{\"format\":\"pdf\",\"name\":\"n\",\"source\":{\"s3Location\":{\"uri\":\"s3://b\"}}}},"
        "{\"toolResult\":{\"toolUseId\":\"t\",\"status\":\"error\",\"content\":[{\"json\":{\"a\": 1"
        "}},{\"text\":\"x\"}]}},{\"guardContent\":{\"text\":{}}}]},{\"role\":\"assistant\","
        "\"content\":[{\"reasoningContent\":{\"redactedContent\":\"AAAA\"}},{\"toolUse\":"
        "{\"toolUseId\":\"t\",\"name\":\"f\",\"input\":{\"b\": [1.50]}}}]}]}",
        "parameters {\"inferenceConfig\":{\"maxTokens\":9}}\n"
        "> system 0 system text \"s\"\n"
        "> system 0 system cache_point \"5m\"\n"
        "> tools 0  tool name=f \"d\" json={\"type\":\"object\"}\n"
        "> tools 1  cache_point\n"
        "> messages 0 user media name=image/png bytes=6\n"
        "> messages 0 user media name=document/pdf \"s3://b\"\n"
        "> messages 0 tool tool_result id=t error \"{\\\"a\\\":1}\"\n"
        "> messages 0 tool tool_result id=t error \"x\"\n"
        "> messages 0 user other name=guardContent json={\"guardContent\":{\"text\":{}}}\n"
        "> messages 1 assistant redacted bytes=3\n"
        "> messages 1 assistant tool_call id=t name=f \"{\\\"b\\\":[1.50]}\"\n");
}

/* One message of an event stream with a header of type string. */
static void append_message(struct buffer *out, const char *kind, const char *name,
                           const char *value, const char *payload)
{
    struct buffer headers;
    const char *const pairs[][2] = {{":message-type", kind}, {name, value}};
    buffer_init(&headers, 4096);
    for (size_t i = 0; i < 2; i++)
        CHECK(buffer_append_byte(&headers, (uint8_t)strlen(pairs[i][0])) &&
              buffer_append_text(&headers, pairs[i][0]) && buffer_append_byte(&headers, 7) &&
              buffer_append_u16(&headers, (uint16_t)strlen(pairs[i][1])) &&
              buffer_append_text(&headers, pairs[i][1]));
    build_legal_message(out, buffer_bytes(&headers), bytes_from_text(payload));
    buffer_done(&headers);
}

static void errors_within_an_event_stream_are_errors(void **state)
{
    struct buffer stream;
    buffer_init(&stream, 1 << 16);
    append_message(&stream, "event", ":event-type", "newEvent", "{\"p\":\"abc\",\"a\":1}");
    append_message(&stream, "exception", ":exception-type", "modelTimeoutException",
                   "{\"message\":\"slow\"}");
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_BEDROCK_CONVERSE_STREAM, "{}", of_stream, buffer_bytes(&stream));
    assert_told(&exchange, "error modelTimeoutException: slow\n"
                           "usage\n"
                           "{\"side\":\"response\",\"name\":\"newEvent\",\"json\":{\"a\":1}}\n");
    buffer_clear(&stream);
    append_message(&stream, "error", ":error-code", "InternalFailure", "gone");
    exchange.response = buffer_bytes(&stream);
    assert_told(&exchange, "error InternalFailure: gone\n");
    stream.data[stream.start + 20] ^= 1;
    assert_told(&exchange, " truncated: the response: the checksum of the message is wrong\n");
    buffer_done(&stream);
}

static void other_makers_models_are_read_from_invoke_model(void **state)
{
    assert_request(LLM_API_BEDROCK_INVOKE, "{\"prompt\":\"hello\",\"max_gen_len\":9}",
                   "parameters {\"max_gen_len\":9}\n"
                   "> messages 0 user text \"hello\"\n");
    assert_response(LLM_API_BEDROCK_INVOKE,
                    "{\"generation\":\"there\",\"stop_reason\":\"stop\",\"prompt_token_count\":3}",
                    "< messages 0 assistant text \"there\"\n"
                    "usage\n"
                    "stop stop\n"
                    "{\"side\":\"response\",\"name\":\"generation\",\"json\":{"
                    "\"prompt_token_count\":3}}\n");
    assert_request(LLM_API_BEDROCK_INVOKE,
                   "{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"hi\"}]}],"
                   "\"inferenceConfig\":{\"maxTokens\":1}}",
                   "> messages 0 user text \"hi\"\n");
    struct buffer stream;
    buffer_init(&stream, 1 << 16);
    /* {"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":"hey"}}} */
    append_message(
        &stream, "event", ":event-type", "chunk",
        "{\"bytes\":\"eyJjb250ZW50QmxvY2tEZWx0YSI6eyJjb250ZW50QmxvY2tJbmRleCI6MCwiZGVsdGE"
        "iOnsidGV4dCI6ImhleSJ9fX0=\"}");
    /* {"messageStop":{"stopReason":"end_turn"}} */
    append_message(&stream, "event", ":event-type", "chunk",
                   "{\"bytes\":\"eyJtZXNzYWdlU3RvcCI6eyJzdG9wUmVhc29uIjoiZW5kX3R1cm4ifX0=\"}");
    append_message(&stream, "event", ":event-type", "chunk", "{\"bytes\":\"???\",\"p\":\"x\"}");
    struct llm_run_exchange exchange =
        exchange_of(LLM_API_BEDROCK_INVOKE_STREAM, "{}", of_stream, buffer_bytes(&stream));
    assert_told(&exchange,
                "< messages 0 assistant text \"hey\"\n"
                "usage\n"
                "stop end_turn\n"
                "{\"side\":\"response\",\"name\":\"chunk\",\"json\":{\"bytes\":\"???\"}}\n");
    buffer_done(&stream);
}

/* --- OpenAI --- */

static void responses_requests_are_told_item_by_item(void **state)
{
    assert_request(
        LLM_API_OPENAI_RESPONSES,
        "{\"model\":\"m\",\"instructions\":\"be brief\",\"previous_response_id\":\"p\",\"tools\":["
        "{\"type\":\"function\",\"name\":\"f\",\"parameters\":{\"a\":1}},{\"type\":\"namespace\","
        "\"name\":\"n\",\"tools\":[{\"type\":\"custom\",\"name\":\"g\",\"format\":{\"type\":"
        "\"text\""
        "}}]}],\"input\":[{\"role\":\"developer\",\"content\":\"dev\"},{\"type\":\"message\","
        "\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"look\"},{\"type\":"
        "\"input_image\",\"image_url\":\"data:image/png;base64,AAAA\"},{\"type\":\"input_file\","
        "\"file_id\":\"file-1\"}]},{\"type\":\"local_shell_call\",\"call_id\":\"c\",\"action\":"
        "{\"command\":[\"ls\"]}},{\"type\":\"local_shell_call_output\",\"call_id\":\"c\","
        "\"output\":"
        "\"a b\",\"status\":\"incomplete\"},{\"type\":\"compaction\",\"encrypted_content\":\"AAAA\""
        "},{\"type\":\"item_reference\",\"id\":\"i\"}]}",
        "parameters {\"previous_response_id\":\"p\"}\n"
        "> system 0 system text \"be brief\"\n"
        "> tools 0  tool name=f json={\"a\":1}\n"
        "> tools 1  tool name=n.g json={\"type\":\"text\"}\n"
        "> messages 0 system text \"dev\"\n"
        "> messages 1 user text \"look\"\n"
        "> messages 1 user media name=image/png bytes=3\n"
        "> messages 1 user media name=input_file \"file-1\"\n"
        "> messages 2 assistant tool_call id=c name=local_shell \"{\\\"command\\\":[\\\"ls\\\"]}\" "
        "json={\"type\":\"local_shell_call\",\"call_id\":\"c\",\"action\":{\"command\":[\"ls\"]}}\n"
        "> messages 3 tool tool_result id=c error \"a b\"\n"
        "> messages 4 assistant redacted name=compaction bytes=3\n"
        "> messages 5 assistant other name=item_reference json={\"type\":\"item_reference\",\"id\":"
        "\"i\"}\n");
}

static void chat_answers_with_several_choices_and_calls_are_told_apart(void **state)
{
    assert_sse(
        LLM_API_OPENAI_CHAT,
        "data: {\"id\":\"i\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":"
        "\"assistant\",\"content\":\"\",\"reasoning_content\":\"hm\"}},{\"index\":1,\"delta\":"
        "{\"content\":\"second\"}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\"}},{\"index\":1,\"id\":\"b\","
        "\"function\":{\"name\":\"g\",\"arguments\":\"\"}}]}}]}\n\n"
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":"
        "{\"arguments\":\"\\\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n"
        "data: [DONE]\n\n",
        "< messages 0 assistant thinking \"hm\"\n"
        "< messages 1 assistant text \"second\"\n"
        "< messages 0 assistant tool_call id=a name=f \"{\\\"x\\\":1}\"\n"
        "< messages 0 assistant tool_call id=b name=g\n"
        "usage\n"
        "stop tool_calls\n");
}

RUN_TESTS(cmocka_unit_test(values_of_wrong_types_in_requests_are_survived),
          cmocka_unit_test(values_of_wrong_types_in_streams_are_survived),
          cmocka_unit_test(bodies_that_are_no_json_are_shown_as_they_are),
          cmocka_unit_test(errors_are_told_in_every_providers_form),
          cmocka_unit_test(events_that_are_not_known_are_shown),
          cmocka_unit_test(what_does_not_fit_the_memory_is_cut_and_said),
          cmocka_unit_test(no_body_is_held_beyond_the_limit_however_much_memory_there_is),
          cmocka_unit_test(long_errors_and_long_words_are_cut),
          cmocka_unit_test(a_response_has_at_most_so_many_blocks),
          cmocka_unit_test(a_long_text_is_told_in_parts_and_kept_whole),
          cmocka_unit_test(the_end_of_a_long_text_repeats_its_beginning_and_counts_the_rest),
          cmocka_unit_test(a_gap_ends_the_reading_of_that_side_and_is_said),
          cmocka_unit_test(a_broken_or_unknown_coding_is_said_and_nothing_is_guessed),
          cmocka_unit_test(a_compressed_request_is_read),
          cmocka_unit_test(an_upload_ahead_that_is_given_up_is_no_error),
          cmocka_unit_test(messages_requests_are_told_block_by_block),
          cmocka_unit_test(counting_tokens_is_told_for_both_of_its_interfaces),
          cmocka_unit_test(usage_of_a_stream_is_merged_and_never_lost),
          cmocka_unit_test(calls_without_arguments_and_calls_in_parallel_keep_their_own_text),
          cmocka_unit_test(a_streamed_answer_is_told_like_the_same_answer_at_once),
          cmocka_unit_test(a_stream_without_deltas_is_completed_by_its_last_words),
          cmocka_unit_test(converse_requests_are_told_block_by_block),
          cmocka_unit_test(errors_within_an_event_stream_are_errors),
          cmocka_unit_test(other_makers_models_are_read_from_invoke_model),
          cmocka_unit_test(responses_requests_are_told_item_by_item),
          cmocka_unit_test(chat_answers_with_several_choices_and_calls_are_told_apart))
