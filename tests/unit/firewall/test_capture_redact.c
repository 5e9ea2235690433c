#include "test.h"

#include <stdio.h>

#include "firewall/capture_redact.h"

enum { ROOM = 4096 };

static void assert_value(const char *name, const char *value, const char *shown)
{
    struct buffer out;
    buffer_init(&out, ROOM);
    assert_true(capture_redact_value(bytes_from_text(name), bytes_from_text(value), &out));
    assert_bytes(buffer_bytes(&out), shown);
    buffer_done(&out);
}

static void assert_target(const char *target, const char *shown)
{
    struct buffer out;
    buffer_init(&out, ROOM);
    assert_true(capture_redact_target(bytes_from_text(target), &out));
    assert_bytes(buffer_bytes(&out), shown);
    buffer_done(&out);
}

static void shows_nothing_of_a_field_that_holds_a_secret(void **state)
{
    static const char *const names[] = {
        "authorization",
        "proxy-authorization",
        "x-amz-security-token",
        "x-amz-credential",
        "x-amz-signature",
        "x-api-key",
        "api-key",
        "cookie",
        "set-cookie",
        "set-cookie2",
        "anthropic-organization-id",
        "chatgpt-account-id",
        "openai-organization",
        "openai-project",
        "x-goog-api-key",
        "x-auth-token",
        "x-csrf-token",
        "private-token",
        "x-client-secret",
        "x-forwarded-authorization",
        "cf-access-jwt-assertion-jwt",
        "ocp-apim-subscription-key",
        "token",
        "x-authtoken",
        "bearer",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_value(names[i], "s3cret", "[redacted]");
    assert_value("authorization", "", "[redacted]");
}

static void shows_no_credential_in_the_value_of_any_field(void **state)
{
    assert_value("x-note", "Bearer abc.def", "Bearer [redacted]");
    assert_value("x-note", "bearer  abc=/+x== y", "bearer  [redacted] y");
    assert_value("x-note", "BEARER\tabc", "BEARER\t[redacted]");
    assert_value("x-note", "Basic dXNlcjpw", "Basic [redacted]");
    assert_value("x-note", "AWS4-HMAC-SHA256 Credential=AKIA/2/us, Signature=ab", "[redacted]");
    assert_value("location", "https://a.example/?X-Amz-Signature=ab12", "[redacted]");
    assert_value("location", "https://a.example/cb?access_token=ab/12=&x=1",
                 "https://a.example/cb?access_token=[redacted]&x=1");
    assert_value("x-meta", "{\"access_token\": \"abc:def\", \"turn\":\"t1\"}",
                 "{\"access_token\": \"[redacted]\", \"turn\":\"t1\"}");
    assert_value("x-note", "token=a=b c", "token=[redacted] c");
}

static void shows_no_word_that_has_the_form_of_a_key(void **state)
{
    assert_value("x-note", "key sk-ant-api03-AAAABBBBCCCC;", "key [redacted];");
    assert_value("user-agent", "x/1 (sk-proj-0123456789abcdef)", "x/1 ([redacted]");
    assert_value("x-note", "AKIAIOSFODNN7EXAMPLE", "[redacted]");
    assert_value("x-note", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "[redacted]");
    assert_value("x-note", "ghp_0123456789abcdef0123", "[redacted]");
}

static void shows_no_secret_of_a_query_however_its_key_is_written(void **state)
{
    assert_target("/v1/x?X-Amz-Signature=ab12&y=1", "/v1/x?X-Amz-Signature=[redacted]&y=1");
    assert_target("/v1/x?x-amz-security-token=a/b=c&y", "/v1/x?x-amz-security-token=[redacted]&y");
    assert_target("/v1/x?X-Amz-%53ignature=ab", "/v1/x?X-Amz-%53ignature=[redacted]");
    assert_target("/v1/x?%41%50%49_KEY=ab", "/v1/x?%41%50%49_KEY=[redacted]");
    assert_target("/v1/x?AWSAccessKeyId=ab&Signature=c&Expires=1",
                  "/v1/x?AWSAccessKeyId=[redacted]&Signature=[redacted]&Expires=1");
    assert_target("/cb?code=ab&state=cd", "/cb?code=[redacted]&state=[redacted]");
    assert_target("/v1/x?key=AIzaSy", "/v1/x?key=[redacted]");
    assert_target("/v1/keys/sk-ant-api03-AAAABBBBCCCC=x/usage", "/v1/keys/[redacted]/usage");
}

static void shows_no_key_that_stands_behind_other_letters(void **state)
{
    /* How browsers give a key to a WebSocket, which lets them set no other field. */
    assert_value("sec-websocket-protocol",
                 "realtime, openai-insecure-api-key.sk-proj-0123456789abcdef, openai-beta.v1",
                 "realtime, openai-insecure-api-key.[redacted], openai-beta.v1");
    assert_value("sec-websocket-protocol", "realtime, openai-insecure-api-key.ek_68af296e8e40",
                 "realtime, openai-insecure-api-key.[redacted]");
    assert_value("sec-websocket-protocol", "x, base64url.bearer.authorization.k8s.io.c2VjcmV0, v2",
                 "x, base64url.bearer.authorization.k8s.io.[redacted], v2");
    assert_value("x-note", "mine_sk-ant-api03-AAAABBBBCCCC;", "mine_[redacted];");
    assert_value("x-note", "a.eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln b", "a.[redacted] b");
    assert_target("/v1/x?a=my.AKIAIOSFODNN7EXAMPLE&b=c", "/v1/x?a=my.[redacted]&b=c");
    assert_target("/v1/x?a=sk%2Dant%2Dapi03%2DAAAABBBBCCCC&b=c", "/v1/x?a=[redacted]&b=c");
    assert_target("/v1/x?a=%73k-ant-api03-AAAABBBBCCCC&b=c", "/v1/x?a=[redacted]&b=c");
}

static void shows_no_secret_that_begins_with_a_separator(void **state)
{
    assert_target("/v1/x?X-Amz-Security-Token=/ab/cd&b=c",
                  "/v1/x?X-Amz-Security-Token=/[redacted]&b=c");
    assert_target("/v1/x?token=(a)b&c=d", "/v1/x?token=([redacted]&c=d");
    assert_target("/v1/x?token=&b=c", "/v1/x?token=&b=c");
    assert_target("/v1/x?token=#b=c", "/v1/x?token=#b=c");
    assert_value("x-note", "token={abc}, b=c", "token={[redacted], b=c");
    assert_value("x-note", "token=, b=c", "token=, b=c");
}

static void knows_the_key_of_a_secret_by_its_end(void **state)
{
    static const char *const keys[] = {
        "auth_token",        "authToken",     "api_token",  "oauth_token",      "refreshToken",
        "id-token",          "idToken",       "csrf_token", "x-goog-api-key",   "apiKey",
        "sessionToken",      "private_key",   "secretKey",  "clientSecret",     "client-secret",
        "secret_access_key", "user_password", "passwd",     "X-Goog-Signature", "accessKeyId",
        "subscription-key",  "%61uth_token",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        char target[128], shown[128];
        snprintf(target, sizeof(target), "/v1/x?a=1&%s=s3c/ret&b=2", keys[i]);
        snprintf(shown, sizeof(shown), "/v1/x?a=1&%s=[redacted]&b=2", keys[i]);
        assert_target(target, shown);
    }
    assert_target("/v1/x?auth[token]=s3cret&b=2", "/v1/x?auth[token]=[redacted]&b=2");
    assert_target("/v1/x?auth%5Btoken%5D=s3cret&b=2", "/v1/x?auth%5Btoken%5D=[redacted]&b=2");
    assert_target("/v1/x?a.token=s3cret", "/v1/x?a.token=[redacted]");
    assert_target("/v1/x?"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                  "aaaa_token=s",
                  "/v1/x?"
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                  "aaaa_token="
                  "[redacted]");
    assert_value("x-note", "Bearer: abc", "Bearer: [redacted]");
    assert_value("x-meta", "{\"authToken\":\"abc\",\"max_tokens\":12}",
                 "{\"authToken\":\"[redacted]\",\"max_tokens\":12}");
}

static void keeps_what_is_no_secret(void **state)
{
    static const char *const values[][2] = {
        {"content-type", "application/json; charset=utf-8"},
        {"anthropic-ratelimit-tokens-remaining", "79000"},
        {"x-ratelimit-limit-tokens", "150000"},
        {"anthropic-beta", "interleaved-thinking-2025-05-14,message-threads-2026-08-12"},
        {"x-codex-turn-metadata", "{\"turn_id\":\"0198\",\"tokens\":12}"},
        {"user-agent", "claude-cli/2.1 (external, cli)"},
        {"x-claude-code-session-id", "6a1f0a2b-9a3c"},
        {"x-amz-content-sha256",
         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"x-request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"},
        {"x-empty", ""},
        {"x-note", "a task-force-of-many-words, disk-space-and-more-words, 12:30:01"},
        {"location", "https://api.example/v1/files?limit=20&tokens=4"},
        {"sec-websocket-protocol", "realtime, openai-beta.realtime-v1"},
        {"link", "<mailto:someone@api.example>; rel=\"x\""},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_value(values[i][0], values[i][1], values[i][1]);
    assert_target("/v1/messages?beta=true", "/v1/messages?beta=true");
    assert_target("/model/us.anthropic.claude-v1%3A0/converse-stream",
                  "/model/us.anthropic.claude-v1%3A0/converse-stream");
    assert_target("/v1/messages/count_tokens", "/v1/messages/count_tokens");
    assert_target("/v1/x?max_tokens=12&monkey=1&after=file-abc",
                  "/v1/x?max_tokens=12&monkey=1&after=file-abc");
}

static void says_when_there_is_no_room(void **state)
{
    struct buffer out;
    buffer_init(&out, 9);
    assert_false(capture_redact_value(BYTES_LITERAL("cookie"), BYTES_LITERAL("a"), &out));
    buffer_clear(&out);
    assert_false(capture_redact_target(BYTES_LITERAL("/v1/messages"), &out));
    buffer_clear(&out);
    assert_false(capture_redact_target(BYTES_LITERAL("/?key=a"), &out));
    buffer_done(&out);
}

RUN_TESTS(cmocka_unit_test(shows_nothing_of_a_field_that_holds_a_secret),
          cmocka_unit_test(shows_no_credential_in_the_value_of_any_field),
          cmocka_unit_test(shows_no_word_that_has_the_form_of_a_key),
          cmocka_unit_test(shows_no_secret_of_a_query_however_its_key_is_written),
          cmocka_unit_test(shows_no_key_that_stands_behind_other_letters),
          cmocka_unit_test(shows_no_secret_that_begins_with_a_separator),
          cmocka_unit_test(knows_the_key_of_a_secret_by_its_end),
          cmocka_unit_test(keeps_what_is_no_secret), cmocka_unit_test(says_when_there_is_no_room))
