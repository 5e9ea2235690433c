#include "test.h"

#include "decode/llm_fixture.h"

#include <stdlib.h>

enum { SAID_MAX = 128 };

static const struct llm_field upgrade[] = {
    {BYTES_LITERAL("upgrade"), BYTES_LITERAL("WebSocket")},
    {BYTES_LITERAL("session-id"), BYTES_LITERAL("of-the-connection")},
};
static const struct llm_field deflate[] = {
    {BYTES_LITERAL("sec-websocket-extensions"), BYTES_LITERAL("permessage-deflate")}};

static struct llm_run_exchange handshake(enum llm_api api)
{
    return (struct llm_run_exchange){
        .api = api,
        .host = BYTES_LITERAL("host.example"),
        .path = BYTES_LITERAL("/v1/responses"),
        .fields = upgrade,
        .field_count = 2,
        .status = 101,
    };
}

/* Texts of the client begin with `>`, those of the server with `<`, what closes with `x`. */
static void run_lines(struct llm_run *run, const struct llm_run_exchange *exchange,
                      const char *const *lines, const struct llm_run_cut *cut)
{
    struct llm_run_said said[SAID_MAX] = {0};
    struct buffer frames[SAID_MAX];
    size_t count = 0;
    for (; lines[count]; count++) {
        struct bytes line = bytes_from_text(lines[count]);
        enum llm_side side = line.data[0] == '>' ? LLM_SIDE_REQUEST : LLM_SIDE_RESPONSE;
        buffer_init(&frames[count], 1 << 20);
        llm_run_append_frame(&frames[count], side, line.data[0] == 'x' ? 0x88 : 0x81,
                             bytes_from(line, 1));
        said[count] = (struct llm_run_said){side, buffer_bytes(&frames[count])};
    }
    llm_run_socket(run, exchange, said, count, cut);
    for (size_t i = 0; i < count; i++)
        buffer_done(&frames[i]);
}

static void assert_run(const struct llm_run *run, const char *expected)
{
    struct buffer out;
    buffer_init(&out, 1 << 20);
    llm_run_write(run, &out);
    if (!bytes_equal_text(buffer_bytes(&out), expected))
        fail_msg("told as:\n%.*s\nexpected:\n%s", (int)buffer_length(&out),
                 (const char *)buffer_bytes(&out).data, expected);
    buffer_done(&out);
}

static void assert_dialogue(const char *const *lines, const char *expected)
{
    static const size_t pieces[] = {0, 1, 3};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct llm_run run;
        struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
        const struct llm_run_cut cut = {pieces[i], 0, SIZE_MAX, SIZE_MAX};
        llm_run_init(&run);
        run_lines(&run, &exchange, lines, &cut);
        assert_run(&run, expected);
        llm_run_done(&run);
    }
}

static void a_handshake_that_is_refused_is_a_call_with_an_error(void **state)
{
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    exchange.method = "GET";
    exchange.status = 426;
    exchange.response =
        BYTES_LITERAL("{\"error\":{\"message\":\"use HTTPS\",\"type\":\"upgrade\"}}");
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_run(&run, "call openai-responses h1 handshake session=of-the-connection status=426\n"
                     "error upgrade: use HTTPS\n"
                     "usage\n"
                     "end first=210 request=0/0 response=50/50\n");
    llm_run_done(&run);
}

static void a_handshake_without_an_answer_is_a_call_with_an_error(void **state)
{
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    exchange.method = "GET";
    exchange.status = 0;
    exchange.reason = BYTES_LITERAL("reset");
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &LLM_RUN_WHOLE);
    assert_run(&run, "call openai-responses h1 handshake session=of-the-connection status=0\n"
                     "error no response: reset\n"
                     "usage\n"
                     "end first=-1 request=0/0 response=0/0\n");
    llm_run_done(&run);
}

static void extensions_that_are_not_known_are_said(void **state)
{
    static const struct llm_field unknown[] = {
        {BYTES_LITERAL("sec-websocket-extensions"), BYTES_LITERAL("x-secret")}};
    static const char *const lines[] = {">{\"type\":\"response.create\"}", NULL};
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    exchange.response_fields = unknown;
    exchange.response_field_count = 1;
    llm_run_init(&run);
    run_lines(&run, &exchange, lines, &LLM_RUN_WHOLE);
    assert_run(&run, "call openai-responses ws session=of-the-connection status=0\n"
                     "usage\n"
                     "end first=-1 request=0/0 response=0/0 truncated: the extensions of the "
                     "WebSocket are not known\n");
    llm_run_done(&run);
}

static void credentials_that_messages_carry_are_not_shown(void **state)
{
    static const char *const lines[] = {
        ">{\"type\":\"response.create\",\"model\":\"m\",\"input\":\"my access_token\",\"tools\":[{"
        "\"type\":\"mcp\",\"server_label\":\"x\",\"authorization\":\"s3cret\"}]}",
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}",
        "<{\"type\":\"response.odd\",\"refresh_token\":\"s3cret\",\"n\":1}", NULL};
    assert_dialogue(lines,
                    "call openai-responses ws create model=m session=of-the-connection id=r "
                    "status=101\n"
                    "> tools 0  tool name=mcp json={\"type\":\"mcp\",\"server_label\":\"x\","
                    "\"authorization\":\"[redacted]\"}\n"
                    "> messages 0 user text \"my access_token\"\n"
                    "usage\n"
                    "{\"side\":\"response\",\"name\":\"response.odd\",\"json\":{\"type\":"
                    "\"response.odd\",\"refresh_token\":\"[redacted]\",\"n\":1}}\n"
                    "end first=10 request=133/141 response=103/107 truncated: the connection ended "
                    "before the response did\n");
}

static void credentials_that_bodies_carry_are_not_shown(void **state)
{
    static const struct llm_field json[] = {
        {BYTES_LITERAL("content-type"), BYTES_LITERAL("application/json")}};
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_ANTHROPIC_MESSAGES);
    const struct llm_run_cut cut = {1, 0, SIZE_MAX, SIZE_MAX};
    exchange.method = "POST";
    exchange.fields = NULL;
    exchange.field_count = 0;
    exchange.status = 200;
    exchange.response_fields = json;
    exchange.response_field_count = 1;
    exchange.request = BYTES_LITERAL(
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"mcp_servers\":"
        "[{\"type\":\"url\",\"name\":\"x\",\"authorization_token\":\"s3cret\"}]}");
    exchange.response = BYTES_LITERAL("{\"type\":\"odd\",\"access_token\":\"s3cret\"}");
    llm_run_init(&run);
    llm_run_http(&run, &exchange, &cut);
    assert_run(&run, "call anthropic-messages h1 create model=m status=200\n"
                     "parameters {\"mcp_servers\":[{\"type\":\"url\",\"name\":\"x\","
                     "\"authorization_token\":\"[redacted]\"}]}\n"
                     "> messages 0 user text \"hi\"\n"
                     "usage\n"
                     "{\"side\":\"response\",\"name\":\"message\",\"json\":{\"access_token\":"
                     "\"[redacted]\"}}\n"
                     "end first=210 request=130/130 response=38/38\n");
    assert_bytes(llm_text_bytes(&run.calls[0]->response_body),
                 "{\"type\":\"odd\",\"access_token\":\"[redacted]\"}");
    llm_run_done(&run);
}

static void what_breaks_off_is_truncated_and_broken_frames_are_said(void **state)
{
    static const char *const lines[] = {
        ">{\"type\":\"response.create\",\"model\":\"m\",\"input\":\"hi\"}",
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r\"}}",
        "<{\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,"
        "\"delta\":\"half\"}",
        NULL};
    assert_dialogue(lines, "call openai-responses ws create model=m session=of-the-connection id=r "
                           "status=101\n"
                           "> messages 0 user text \"hi\"\n"
                           "< messages 0 assistant text \"half\"\n"
                           "usage\n"
                           "end first=10 request=51/57 response=136/140 truncated: the connection "
                           "ended before the response did\n");
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    const struct llm_run_said said[] = {{LLM_SIDE_RESPONSE, BYTES_LITERAL("\x83\x01q")}};
    llm_run_init(&run);
    llm_run_socket(&run, &exchange, said, 1, &LLM_RUN_WHOLE);
    assert_int_equal(run.count, 1);
    assert_true(run.calls[0]->is_truncated);
    llm_run_done(&run);
}

static void the_server_may_close_with_an_error(void **state)
{
    static const char *const lines[] = {">{\"type\":\"response.create\",\"model\":\"m\"}",
                                        "x\x03\xf3"
                                        "overloaded",
                                        NULL};
    assert_dialogue(lines, "call openai-responses ws create model=m session=of-the-connection "
                           "status=0\n"
                           "error close 1011: overloaded\n"
                           "usage\n"
                           "end first=-1 request=38/44 response=0/0\n");
    static const char *const fine[] = {"x\x03\xe8", NULL};
    assert_dialogue(fine, "");
}

static void errors_and_other_words_between_calls_are_calls_of_their_own(void **state)
{
    static const char *const lines[] = {
        "<{\"type\":\"error\",\"status\":400,\"error\":{\"type\":\"invalid_request_error\","
        "\"code\":\"websocket_connection_limit_reached\",\"message\":\"60 minutes\"}}",
        "<{\"type\":\"codex.rate_limits\",\"plan\":\"x\",\"obfuscation\":\"abc\"}",
        ">{\"type\":\"session.update\"}", "<no JSON", NULL};
    assert_dialogue(
        lines, "call openai-responses ws error session=of-the-connection status=101\n"
               "error invalid_request_error: 60 minutes\n"
               "usage\n"
               "end first=-1 request=0/0 response=137/141\n"
               "call openai-responses ws codex.rate_limits session=of-the-connection status=101\n"
               "usage\n"
               "{\"side\":\"response\",\"name\":\"codex.rate_limits\",\"json\":{\"type\":"
               "\"codex.rate_limits\",\"plan\":\"x\"}}\n"
               "end first=-1 request=0/0 response=59/61\n"
               "call openai-responses ws session.update session=of-the-connection status=0\n"
               "usage\n"
               "{\"side\":\"request\",\"name\":\"session.update\",\"json\":{\"type\":"
               "\"session.update\"}}\n"
               "end first=-1 request=0/0 response=0/0\n"
               "call openai-responses ws message session=of-the-connection status=101\n"
               "usage\n"
               "{\"side\":\"response\",\"name\":\"message\",\"text\":\"no JSON\"}\n"
               "end first=-1 request=0/0 response=7/9\n");
}

static void an_error_ends_the_call_that_waits(void **state)
{
    static const char *const lines[] = {
        ">{\"type\":\"response.create\",\"model\":\"m\",\"previous_response_id\":\"gone\"}",
        "<{\"type\":\"error\",\"code\":\"previous_response_not_found\",\"message\":\"no\"}",
        ">{\"type\":\"response.create\",\"model\":\"m\"}",
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"n\"}}",
        "<{\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\","
        "\"error\":{\"code\":\"server_error\",\"message\":\"broke\"}}}",
        NULL};
    assert_dialogue(
        lines,
        "call openai-responses ws create model=m session=of-the-connection parent=gone "
        "status=101\n"
        "parameters {\"previous_response_id\":\"gone\"}\n"
        "error previous_response_not_found: no\n"
        "usage\n"
        "end first=10 request=68/74 response=68/70\n"
        "call openai-responses ws create model=m answered_by=n session=of-the-connection id=r "
        "status=101\n"
        "error server_error: broke\n"
        "usage\n"
        "stop failed\n"
        "end first=10 request=38/44 response=177/181\n");
}

static void conversations_on_one_socket_are_told_apart_by_their_stream(void **state)
{
    static const char *const lines[] = {
        ">{\"type\":\"response.create\",\"stream_id\":\"a\",\"model\":\"m\",\"input\":\"A\","
        "\"client_metadata\":{\"session_id\":\"one\"}}",
        ">{\"type\":\"response.create\",\"stream_id\":\"b\",\"model\":\"m\",\"input\":\"B\","
        "\"client_metadata\":{\"thread_id\":\"two\"}}",
        "<{\"type\":\"response.created\",\"stream_id\":\"b\",\"response\":{\"id\":\"rb\"}}",
        "<{\"type\":\"response.created\",\"stream_id\":\"a\",\"response\":{\"id\":\"ra\"}}",
        "<{\"type\":\"response.output_text.delta\",\"stream_id\":\"a\",\"output_index\":0,"
        "\"content_index\":0,\"delta\":\"to A\"}",
        "<{\"type\":\"response.output_text.delta\",\"stream_id\":\"b\",\"output_index\":0,"
        "\"content_index\":0,\"delta\":\"to B\"}",
        "<{\"type\":\"response.completed\",\"response\":{\"id\":\"ra\",\"status\":\"completed\"}}",
        "<{\"type\":\"response.completed\",\"stream_id\":\"b\",\"response\":{\"id\":\"rb\","
        "\"status\":\"completed\"}}",
        NULL};
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    llm_run_init(&run);
    run_lines(&run, &exchange, lines, &LLM_RUN_WHOLE);
    assert_int_equal(run.count, 2);
    static const char *const expected[][3] = {{"one", "A", "to A"}, {"two", "B", "to B"}};
    for (size_t i = 0; i < 2; i++) {
        const struct llm_call *call = run.calls[i];
        assert_bytes(llm_text_bytes(&call->session), expected[i][0]);
        assert_bytes(llm_text_bytes(&call->request.items[0].text), expected[i][1]);
        assert_int_equal(call->response.count, 1);
        assert_bytes(llm_text_bytes(&call->response.items[0].text), expected[i][2]);
        assert_true(call->is_over && !call->is_truncated);
    }
    llm_run_done(&run);
}

static void steering_is_a_call_that_the_server_answers_by_itself(void **state)
{
    static const char *const lines[] = {
        ">{\"type\":\"response.create\",\"model\":\"m\",\"input\":\"go\"}",
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r1\"}}",
        ">{\"type\":\"response.steer\",\"previous_response_id\":\"r1\",\"input\":\"left\"}",
        "<{\"type\":\"response.steer.accepted\",\"steer\":{\"id\":\"s\"}}",
        ">{\"type\":\"response.steer\",\"previous_response_id\":\"r1\",\"input\":\"no, right\"}",
        "<{\"type\":\"response.incomplete\",\"response\":{\"id\":\"r1\",\"status\":\"incomplete\","
        "\"incomplete_details\":{\"reason\":\"steered\"}}}",
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r2\"}}",
        "<{\"type\":\"response.completed\",\"response\":{\"id\":\"r2\",\"status\":\"completed\"}}",
        ">{\"type\":\"response.steer\",\"previous_response_id\":\"r2\",\"input\":\"late\"}",
        "<{\"type\":\"response.steer.failed\",\"error\":{\"type\":\"too_late\",\"message\":\"x\"}}",
        NULL};
    assert_dialogue(
        lines, "call openai-responses ws create model=m session=of-the-connection id=r1 "
               "status=101\n"
               "> messages 0 user text \"go\"\n"
               "usage\n"
               "stop steered\n"
               "end first=10 request=51/57 response=167/171\n"
               "call openai-responses ws steer session=of-the-connection parent=r1 id=r2 "
               "status=101\n"
               "parameters {\"previous_response_id\":\"r1\"}\n"
               "> messages 0 user text \"left\"\n"
               "> messages 0 user text \"no, right\"\n"
               "usage\n"
               "stop completed\n"
               "{\"side\":\"response\",\"name\":\"response.steer.accepted\",\"json\":{\"type\":"
               "\"response.steer.accepted\",\"steer\":{\"id\":\"s\"}}}\n"
               "end first=40 request=68/74 response=176/182\n"
               "call openai-responses ws steer session=of-the-connection parent=r2 status=0\n"
               "parameters {\"previous_response_id\":\"r2\"}\n"
               "> messages 0 user text \"late\"\n"
               "error too_late: x\n"
               "usage\n"
               "{\"side\":\"response\",\"name\":\"response.steer.failed\",\"json\":{\"type\":"
               "\"response.steer.failed\",\"error\":{\"type\":\"too_late\",\"message\":\"x\"}}}\n"
               "end first=-1 request=68/74 response=74/76\n");
}

static void a_response_that_nobody_asked_for_is_a_call(void **state)
{
    static const char *const lines[] = {
        "<{\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}",
        "<{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"status\":\"completed\"}}",
        NULL};
    assert_dialogue(lines, "call openai-responses ws answered_by=m session=of-the-connection id=r "
                           "status=101\n"
                           "usage\n"
                           "stop completed\n"
                           "end first=0 request=0/0 response=133/137\n");
}

static void too_many_calls_at_a_time_end_the_oldest(void **state)
{
    const char *lines[SAID_MAX];
    size_t count = 0;
    while (count < 66)
        lines[count++] = ">{\"type\":\"response.create\",\"model\":\"m\"}";
    lines[count] = NULL;
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    llm_run_init(&run);
    run_lines(&run, &exchange, lines, &LLM_RUN_WHOLE);
    assert_int_equal(run.count, 66);
    assert_bytes(llm_text_bytes(&run.calls[0]->truncation), "too many calls at a time");
    assert_bytes(llm_text_bytes(&run.calls[1]->truncation), "too many calls at a time");
    assert_bytes(llm_text_bytes(&run.calls[2]->truncation),
                 "the connection ended before the response did");
    llm_run_done(&run);
}

static void a_socket_of_another_interface_is_shown_as_it_is(void **state)
{
    static const char *const lines[] = {">hello", NULL};
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OTHER);
    llm_run_init(&run);
    run_lines(&run, &exchange, lines, &LLM_RUN_WHOLE);
    assert_int_equal(run.count, 1);
    assert_bytes(llm_text_bytes(&run.calls[0]->request_body), "hello");
    llm_run_done(&run);
}

/* Operation, answer and parent of each call, of all that real clients said over WebSockets. */
static const struct {
    const char *name;
    const char *operations[3], *texts[3];
} captured[] = {
    {"codex-apikey", {"prewarm", "stream"}, {NULL, "Hello from the mock."}},
    {"codex-apikey-deflate",
     {"prewarm", "stream", "stream"},
     {NULL, "const r = await tools.exec_command({cmd:\"echo hello\"}); text(JSON.stringify(r));",
      "The command printed hello."}},
    {"codex-chatgpt",
     {"prewarm", "stream", "stream"},
     {NULL, "const r = await tools.exec_command({cmd:\"echo hello\"}); text(JSON.stringify(r));",
      "The command printed hello."}},
    {"pi-chatgpt",
     {"stream", "stream"},
     {"{\"command\":\"echo hello\"}", "The command printed hello."}},
};

static void assert_captured(size_t index, struct bytes client, struct bytes server,
                            const struct llm_run_cut *cut)
{
    bool is_deflate = strstr(captured[index].name, "deflate") != NULL;
    struct llm_run run;
    struct llm_run_exchange exchange = handshake(LLM_API_OPENAI_RESPONSES);
    exchange.response_fields = deflate;
    exchange.response_field_count = is_deflate;
    const struct llm_run_said said[] = {{LLM_SIDE_REQUEST, client}, {LLM_SIDE_RESPONSE, server}};
    llm_run_init(&run);
    llm_run_socket(&run, &exchange, said, 2, cut);
    for (size_t i = 0; i < 3 && captured[index].operations[i]; i++) {
        const struct llm_call *call = run.calls[i];
        assert_non_null(call);
        assert_bytes(llm_text_bytes(&call->operation), captured[index].operations[i]);
        assert_false(call->is_truncated);
        assert_int_equal(call->status, 101);
        assert_int_equal(call->usage.input, captured[index].texts[i] ? 1500 : 0);
        if (i > 0)
            assert_true(
                bytes_equal(llm_text_bytes(&call->parent), llm_text_bytes(&run.calls[i - 1]->id)));
        if (captured[index].texts[i] == NULL)
            continue;
        assert_int_equal(call->response.count, 3);
        assert_bytes(llm_text_bytes(&call->response.items[0].text),
                     "**Greeting**\n\nThe user wants hello.");
        assert_int_equal(call->response.items[1].kind, LLM_BLOCK_REDACTED);
        assert_bytes(llm_text_bytes(&call->response.items[2].text), captured[index].texts[i]);
    }
    llm_run_done(&run);
}

static void what_real_clients_said_over_sockets_is_told_by_value_however_it_is_cut(void **state)
{
    for (size_t i = 0; i < sizeof(captured) / sizeof(captured[0]); i++) {
        CLEANUP_FREE char *client = memory_format("websocket/%s.client.bin", captured[i].name);
        CLEANUP_FREE char *server = memory_format("websocket/%s.server.bin", captured[i].name);
        struct buffer from = capture_read(client), to = capture_read(server);
        static const size_t pieces[] = {0, 1, 2, 7, 97, 1024};
        for (size_t piece = 0; piece < sizeof(pieces) / sizeof(pieces[0]); piece++) {
            const struct llm_run_cut cut = {pieces[piece], 0, SIZE_MAX, SIZE_MAX};
            assert_captured(i, buffer_bytes(&from), buffer_bytes(&to), &cut);
        }
        for (size_t first = 1; first < buffer_length(&to); first += 211) {
            const struct llm_run_cut cut = {0, first, SIZE_MAX, SIZE_MAX};
            assert_captured(i, buffer_bytes(&from), buffer_bytes(&to), &cut);
        }
        buffer_done(&from);
        buffer_done(&to);
    }
}

RUN_TESTS(cmocka_unit_test(a_handshake_that_is_refused_is_a_call_with_an_error),
          cmocka_unit_test(a_handshake_without_an_answer_is_a_call_with_an_error),
          cmocka_unit_test(extensions_that_are_not_known_are_said),
          cmocka_unit_test(credentials_that_messages_carry_are_not_shown),
          cmocka_unit_test(credentials_that_bodies_carry_are_not_shown),
          cmocka_unit_test(what_breaks_off_is_truncated_and_broken_frames_are_said),
          cmocka_unit_test(the_server_may_close_with_an_error),
          cmocka_unit_test(errors_and_other_words_between_calls_are_calls_of_their_own),
          cmocka_unit_test(an_error_ends_the_call_that_waits),
          cmocka_unit_test(conversations_on_one_socket_are_told_apart_by_their_stream),
          cmocka_unit_test(steering_is_a_call_that_the_server_answers_by_itself),
          cmocka_unit_test(a_response_that_nobody_asked_for_is_a_call),
          cmocka_unit_test(too_many_calls_at_a_time_end_the_oldest),
          cmocka_unit_test(a_socket_of_another_interface_is_shown_as_it_is),
          cmocka_unit_test(what_real_clients_said_over_sockets_is_told_by_value_however_it_is_cut))
