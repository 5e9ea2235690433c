#include "test.h"

#include "decode/llm_fixture.h"

#include <stdlib.h>

#define SIGNED(signature) " json={\"signature\":\"" signature "\"}\n"
#define THINKING "< messages 0 assistant thinking \"The user wants a greeting.\""
#define SUMMARY                                                                                    \
    "< messages 0 assistant thinking \"**Greeting**\\n\\nThe user wants hello.\"\n"                \
    "< messages 0 assistant redacted bytes=6\n"
#define RAN "< messages 0 assistant text \"I will run echo.\"\n"
#define PRINTED "< messages 0 assistant text \"The command printed hello.\"\n"
#define ECHO "\"{\\\"command\\\":\\\"echo hello\\\"}\"\n"
#define BASH "\"{\\\"command\\\":\\\"echo hello\\\",\\\"description\\\":\\\"Print hello\\\"}\"\n"

/* What was answered to real clients, by value. */
static const struct {
    const char *name;
    enum llm_api api;
    const char *about;  /* the first line */
    const char *answer; /* all of the response */
} fixtures[] = {
    {"claude-529-003", LLM_API_ANTHROPIC_MESSAGES,
     "call anthropic-messages h1 stream model=claude-opus-5-5 "
     "session=2e6261a2-f2e9-4364-9b21-345fd553d992 status=529\n",
     "error overloaded_error: mock failure\n"
     "usage\n"},
    {"claude-529-006", LLM_API_ANTHROPIC_MESSAGES,
     "call anthropic-messages h1 stream model=claude-opus-5-5 answered_by=claude-opus-5-5 "
     "session=2e6261a2-f2e9-4364-9b21-345fd553d992 parent=msg_01b7f6522c885041739b0d2386 "
     "id=msg_01ed681753f7c30fd49354b99d status=200\n",
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxZWQ2ODE3NTNmN2MzMGZkNDkzNTRiOTlk") PRINTED
     "usage in=1564 read=1500 write=60 out=42\n"
     "stop end_turn\n"},
    {"claude-platform-001", LLM_API_ANTHROPIC_MESSAGES,
     "call anthropic-messages h1 stream model=claude-opus-5-5 answered_by=claude-opus-5-5 "
     "session=34d520ff-ea7d-46f8-99d6-a3fe7a3faae4 id=msg_0161f45013bbd6f69aa56aa204 status=200\n",
     NULL},
    {"claude-mantle-001", LLM_API_ANTHROPIC_MESSAGES,
     "call anthropic-messages h1 probe model=anthropic.claude-opus-5-5 "
     "answered_by=anthropic.claude-opus-5-5 session=dc3e1ad0-ac4f-44ea-8358-b70b45b8b456 "
     "id=msg_014207205c0c2e47f127c1c253 status=200\n",
     "< messages 0 assistant text \"Hello from the mock.\"\n"
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop end_turn\n"},
    {"claude-mantle-003", LLM_API_ANTHROPIC_MESSAGES, NULL, NULL},
    {"claude-bedrock-002", LLM_API_BEDROCK_INVOKE,
     "call bedrock-invoke h1 probe model=us.anthropic.claude-haiku-4-5-20251001-v1:0 "
     "answered_by=us.anthropic.claude-haiku-4-5-20251001-v1:0 "
     "session=155243fe-dff6-4c38-9e95-841ee0894a4f id=msg_01648a5310353026fdd89111b8 status=200\n",
     "< messages 0 assistant text \"Hello from the mock.\"\n"
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop end_turn\n"},
    {"claude-bedrock-005", LLM_API_BEDROCK_INVOKE_STREAM,
     "call bedrock-invoke-stream h1 stream model=us.anthropic.claude-opus-5-5 "
     "answered_by=us.anthropic.claude-opus-5-5 session=155243fe-dff6-4c38-9e95-841ee0894a4f "
     "id=msg_0160ed489c13fbb2d8caf5e7ab status=200\n",
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxNjBlZDQ4OWMxM2ZiYjJkOGNhZjVlN2Fi") RAN
     "< messages 0 assistant tool_call id=toolu_01cbd17c1cec8aba151cc23f91 name=Bash " BASH
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop tool_use\n"},
    {"claude-bedrock-006", LLM_API_BEDROCK_INVOKE_STREAM, NULL, NULL},
    {"claude-enc-br-003", LLM_API_ANTHROPIC_MESSAGES, NULL,
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxMzk2NTBhN2Q0NmEyNjExY2VmNmNlNmEz") RAN
     "< messages 0 assistant tool_call id=toolu_01a5cb595584930a2fcbc2dfc7 name=Bash " BASH
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop tool_use\n"},
    {"claude-enc-gzip-004", LLM_API_ANTHROPIC_MESSAGES, NULL,
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxOTAzMzk2ODRmNDA5MWZkZDdmYTRlNDVj") PRINTED
     "usage in=1564 read=1500 write=60 out=42\n"
     "stop end_turn\n"},
    {"claude-enc-zstd-003", LLM_API_ANTHROPIC_MESSAGES, NULL,
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxNDM2ZmY3NDM2ODA5MWI3N2NkYTVkNTQ2") RAN
     "< messages 0 assistant tool_call id=toolu_01c13b15826acefd62ddc39223 name=Bash " BASH
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop tool_use\n"},
    {"claude-overloaded-stream-003", LLM_API_ANTHROPIC_MESSAGES, NULL,
     "< messages 0 assistant thinking \"The user \"\n"
     "error overloaded_error: Overloaded\n"
     "usage in=1504 read=0 write=1500 out=1\n"},
    {"codex-bedrock-002", LLM_API_OPENAI_RESPONSES,
     "call openai-responses h1 stream model=openai.gpt-6.1-sol answered_by=openai.gpt-6.1-sol "
     "session=01a209de-ca24-73a1-b990-b7be7b47139d id=resp_6a0d058c49b9c7720e493dbe status=200\n",
     SUMMARY PRINTED "usage in=1500 read=1408 out=42 reasoning=10\n"
                     "stop completed\n"},
    {"codex-chatgpt-http-016", LLM_API_OPENAI_RESPONSES,
     "call openai-responses h1 stream model=gpt-6.1-sol answered_by=gpt-6.1-sol "
     "session=01a209c5-e9f4-79b1-b77d-c969df815d20 id=resp_7cde8bc0e06cefd3ca0b9ef6 status=200\n",
     SUMMARY "< messages 0 assistant tool_call id=call_a0adbabe65be15fe8ca70e0d "
             "name=functions.exec \"const r = await tools.exec_command({cmd:\\\"echo hello\\\"}); "
             "text(JSON.stringify(r));\"\n"
             "usage in=1500 read=0 out=42 reasoning=10\n"
             "stop completed\n"},
    {"codex-chatgpt-http-018", LLM_API_OPENAI_RESPONSES, NULL,
     SUMMARY PRINTED "usage in=1500 read=1408 out=42 reasoning=10\n"
                     "stop completed\n"},
    {"pi-anthropic-001", LLM_API_ANTHROPIC_MESSAGES, NULL, NULL},
    {"pi-anthropic-002", LLM_API_ANTHROPIC_MESSAGES,
     "call anthropic-messages h1 stream model=claude-sonnet-4-5 answered_by=claude-sonnet-4-5 "
     "parent=msg_01106b08f155dd58ff96e73ba1 id=msg_01987394564f6afe1ddc71ea18 status=200\n",
     THINKING SIGNED("bW9jay1zaWduYXR1cmUtbXNnXzAxOTg3Mzk0NTY0ZjZhZmUxZGRjNzFlYTE4") PRINTED
     "usage in=1564 read=1500 write=60 out=42\n"
     "stop end_turn\n"},
    {"pi-bedrock-429-001", LLM_API_BEDROCK_CONVERSE_STREAM,
     "call bedrock-converse-stream h1 stream "
     "model=us.anthropic.claude-sonnet-4-5-20250929-v1:0 status=429\n",
     "error ThrottlingException: Too many requests, please wait before trying again.\n"
     "usage\n"},
    {"pi-bedrock-001", LLM_API_BEDROCK_CONVERSE_STREAM,
     "call bedrock-converse-stream h1 stream model=us.anthropic.claude-sonnet-4-5-20250929-v1:0 "
     "id=83e16e5c-8898-4121-bf38-9811e2bdf9e3 status=200\n",
     THINKING SIGNED("bW9jaw==") RAN
     "< messages 0 assistant tool_call id=tooluse_a60ce501282d3df460bb1c58 name=bash " ECHO
     "usage in=1504 read=0 write=1500 out=42\n"
     "stop tool_use\n"},
    {"pi-bedrock-002", LLM_API_BEDROCK_CONVERSE_STREAM, NULL,
     THINKING SIGNED("bW9jaw==") PRINTED "usage in=1564 read=1500 write=60 out=42\n"
                                         "stop end_turn\n"},
    {"pi-bedrock-exception-001", LLM_API_BEDROCK_CONVERSE_STREAM, NULL,
     "error throttlingException: Too many tokens, please wait before trying again.\n"
     "usage\n"},
    {"pi-chatcompletions-001", LLM_API_OPENAI_CHAT,
     "call openai-chat h1 stream model=gpt-4o-mini answered_by=gpt-4o-mini "
     "session=01a209de-5b85-730f-b1c6-475f426d5858 id=chatcmpl-506e4e02223be03cc63dbcac "
     "status=200\n",
     "< messages 0 assistant tool_call id=call_44d02e63866f8ef9d4c0c6a2 name=bash " ECHO
     "usage in=1500 read=0 out=42 reasoning=0\n"
     "stop tool_calls\n"},
    {"pi-chatcompletions-002", LLM_API_OPENAI_CHAT, NULL,
     PRINTED "usage in=1500 read=1408 out=42 reasoning=0\n"
             "stop stop\n"},
    {"pi-openai-001", LLM_API_OPENAI_RESPONSES, NULL,
     SUMMARY "< messages 0 assistant tool_call id=call_be9ce31924a86aae6db6a986 name=bash " ECHO
             "usage in=1500 read=0 out=42 reasoning=10\n"
             "stop completed\n"},
    {"pi-openai-002", LLM_API_OPENAI_RESPONSES, NULL,
     SUMMARY PRINTED "usage in=1500 read=1408 out=42 reasoning=10\n"
                     "stop completed\n"},
};
enum { FIXTURES = sizeof(fixtures) / sizeof(fixtures[0]) };

/* Every offset of short bodies; of long ones, whose events are of the same forms, some. */
static size_t step_of(size_t length)
{
    return length > 3000 ? 47 : length > 1100 ? 11 : 1;
}

/* All that came of the exchange, as text. */
static struct buffer outcome(const struct llm_run_exchange *exchange, const struct llm_run_cut *cut)
{
    struct llm_run run;
    struct buffer out;
    buffer_init(&out, 4 * 1024 * 1024);
    llm_run_init(&run);
    llm_run_http(&run, exchange, cut);
    llm_run_write(&run, &out);
    llm_run_done(&run);
    return out;
}

static void assert_outcome(const struct llm_run_exchange *exchange, const struct llm_run_cut *cut,
                           struct bytes expected, const char *name, size_t offset)
{
    struct buffer out = outcome(exchange, cut);
    if (!bytes_equal(buffer_bytes(&out), expected))
        fail_msg("%s at %zu:\n%.*s\nexpected:\n%.*s", name, offset, (int)buffer_length(&out),
                 (const char *)buffer_bytes(&out).data, (int)expected.length,
                 (const char *)expected.data);
    buffer_done(&out);
}

static bool contains(struct bytes whole, const char *part)
{
    return memmem(whole.data, whole.length, part, strlen(part)) != NULL;
}

static void a_response_cut_anywhere_is_called_truncated_and_keeps_what_came(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct llm_fixture *fixture = llm_fixture_new(fixtures[i].name, fixtures[i].api);
        struct llm_run_exchange exchange = fixture->exchange;
        exchange.request = BYTES_LITERAL("{}");
        for (size_t length = 0; length < exchange.response.length;
             length += step_of(exchange.response.length)) {
            struct llm_run_cut cut = {0, 0, length, SIZE_MAX};
            struct llm_run run;
            llm_run_init(&run);
            llm_run_http(&run, &exchange, &cut);
            const struct llm_call *call = run.calls[0];
            assert_true(call->is_over);
            bool is_said = call->is_truncated || call->error_count || call->stop.length;
            if (!is_said)
                fail_msg("%s cut at %zu is said to be whole", fixtures[i].name, length);
            for (size_t block = 0; block < call->response.count; block++)
                assert_false(call->response.items[block].is_open);
            llm_run_done(&run);
        }
        llm_fixture_free(fixture);
    }
}

static void a_request_cut_anywhere_keeps_what_came_and_is_called_truncated(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct llm_fixture *fixture = llm_fixture_new(fixtures[i].name, fixtures[i].api);
        size_t whole = fixture->exchange.request.length;
        for (size_t length = 0; length<whole; length += whole> 4000 ? 61 : 1) {
            struct llm_run_cut cut = {0, 0, SIZE_MAX, length};
            struct llm_run run;
            llm_run_init(&run);
            llm_run_http(&run, &fixture->exchange, &cut);
            assert_int_equal(run.count, 1);
            assert_true(run.calls[0]->is_truncated);
            assert_int_equal(run.calls[0]->error_count, 1);
            assert_bytes(llm_text_bytes(&run.calls[0]->errors[0].type), "no response");
            llm_run_done(&run);
        }
        llm_fixture_free(fixture);
    }
}

static void what_real_clients_were_answered_is_told_by_value(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct llm_fixture *fixture = llm_fixture_new(fixtures[i].name, fixtures[i].api);
        struct buffer out = outcome(&fixture->exchange, &LLM_RUN_WHOLE);
        struct bytes told = buffer_bytes(&out);
        const char *about = fixtures[i].about, *answer = fixtures[i].answer;
        if ((about && !bytes_start_with(told, bytes_from_text(about))) ||
            (answer && !contains(told, answer)) || contains(told, "truncated"))
            fail_msg("%s is told as:\n%.*s", fixtures[i].name, (int)told.length,
                     (const char *)told.data);
        buffer_done(&out);
        llm_fixture_free(fixture);
    }
}

static void a_response_split_anywhere_gives_the_same_call(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct llm_fixture *fixture = llm_fixture_new(fixtures[i].name, fixtures[i].api);
        struct llm_run_exchange exchange = fixture->exchange;
        exchange.request = BYTES_LITERAL("{}");
        struct buffer whole = outcome(&exchange, &LLM_RUN_WHOLE);
        for (size_t offset = 1; offset < exchange.response.length;
             offset += step_of(exchange.response.length)) {
            struct llm_run_cut cut = {0, offset, SIZE_MAX, SIZE_MAX};
            assert_outcome(&exchange, &cut, buffer_bytes(&whole), fixtures[i].name, offset);
        }
        buffer_done(&whole);
        llm_fixture_free(fixture);
    }
}

static void an_exchange_in_pieces_of_one_byte_gives_the_same_call(void **state)
{
    for (size_t i = 0; i < FIXTURES; i++) {
        struct llm_fixture *fixture = llm_fixture_new(fixtures[i].name, fixtures[i].api);
        struct buffer whole = outcome(&fixture->exchange, &LLM_RUN_WHOLE);
        for (size_t piece = 1; piece <= 7; piece += 6) {
            struct llm_run_cut cut = {piece, 0, SIZE_MAX, SIZE_MAX};
            assert_outcome(&fixture->exchange, &cut, buffer_bytes(&whole), fixtures[i].name, piece);
        }
        buffer_done(&whole);
        llm_fixture_free(fixture);
    }
}

RUN_TESTS(cmocka_unit_test(a_response_cut_anywhere_is_called_truncated_and_keeps_what_came),
          cmocka_unit_test(a_request_cut_anywhere_keeps_what_came_and_is_called_truncated),
          cmocka_unit_test(what_real_clients_were_answered_is_told_by_value),
          cmocka_unit_test(a_response_split_anywhere_gives_the_same_call),
          cmocka_unit_test(an_exchange_in_pieces_of_one_byte_gives_the_same_call))
