#include "test.h"

#include "base/buffer.h"
#include "llm/llm_secret.h"

/* What is shown of a body that comes in pieces of so many bytes. */
static void assert_shown(const char *body, size_t piece, const char *shown)
{
    struct llm_secret secret = {0};
    struct buffer out;
    buffer_init(&out, 4096);
    for (struct bytes rest = bytes_from_text(body); rest.length; rest = bytes_from(rest, piece)) {
        struct bytes part = bytes_first(rest, piece), told;
        while ((told = llm_secret_next(&secret, &part)).length)
            assert_true(buffer_append(&out, told));
    }
    assert_bytes(buffer_bytes(&out), shown);
    buffer_done(&out);
}

static void assert_body(const char *body, const char *shown)
{
    for (size_t piece = 1; piece <= strlen(body); piece++)
        assert_shown(body, piece, shown);
}

static void shows_no_token_of_a_body_however_it_is_cut(void **state)
{
    assert_body("{\"access_token\":\"abc\",\"n\":1}", "{\"access_token\":\"[redacted]\",\"n\":1}");
    assert_body("{\"Refresh_Token\" :\n \"a\\\"b\\\\\",\"n\":\"x\"}",
                "{\"Refresh_Token\" :\n \"[redacted]\",\"n\":\"x\"}");
    assert_body("{\"mcp_servers\":[{\"name\":\"x\",\"authorization_token\":\"abc\"}]}",
                "{\"mcp_servers\":[{\"name\":\"x\",\"authorization_token\":\"[redacted]\"}]}");
    assert_body("{\"headers\":{\"Authorization\":\"Bearer abc\",\"X-Api-Key\":\"k\"}}",
                "{\"headers\":{\"Authorization\":\"[redacted]\",\"X-Api-Key\":\"[redacted]\"}}");
    assert_body("{\"id_token\":\"a\",\"client_secret\":\"b\"}",
                "{\"id_token\":\"[redacted]\",\"client_secret\":\"[redacted]\"}");
    assert_body(
        "data: {\"access_token\":\"abc\n\ndata: {\"access_token\":\"d\"}\n",
        "data: {\"access_token\":\"[redacted]\n\ndata: {\"access_token\":\"[redacted]\"}\n");
    assert_body("event: it\"s\ndata: {\"access_token\":\"d\"}\n",
                "event: it\"s\ndata: {\"access_token\":\"[redacted]\"}\n");
}

static void keeps_all_else_to_the_byte(void **state)
{
    static const char *const bodies[] = {
        "{\"access_token\":null,\"a\":\"b\"}",
        "{\"access_token\":{\"type\":\"string\"}}",
        "{\"required\":[\"access_token\",\"refresh_token\"]}",
        "{\"text\":\"access_token\",\"a\":\"b\"}",
        "{\"text\":\"{\\\"access_token\\\":\\\"abc\\\"}\"}",
        "{\"access_token_of_a_length_that_is_none\":\"abc\"}",
        "{\"my_access_token\":\"abc\",\"tokens\":\"12\"}",
        "\"access_token\" : : \"abc\"",
        "\xff\x00\"\\",
        "event: x\ndata: {\"type\":\"ping\"}\n\n",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_body(bodies[i], bodies[i]);
}

RUN_TESTS(cmocka_unit_test(shows_no_token_of_a_body_however_it_is_cut),
          cmocka_unit_test(keeps_all_else_to_the_byte))
